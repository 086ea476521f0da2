package wire

import (
	"bytes"
	"testing"
)

func TestQUICVarints(t *testing.T) {
	for _, c := range quicVarintCases {
		in := unhex(c.in)
		if v, n := ParseQUICVarint(in); v != c.value || n != len(in) {
			t.Errorf("%s: read %d, %d bytes, want %d", c.in, v, n, c.value)
		}
		if v, n := ParseQUICVarint(append(in, 0xff)); v != c.value || n != len(in) {
			t.Errorf("%s and more: read %d, %d bytes, want %d", c.in, v, n, c.value)
		}
		if b := AppendQUICVarint([]byte("x"), c.value); !c.decodeOnly && string(b) != "x"+string(in) {
			t.Errorf("%d: wrote %x, want 78%x", c.value, b, in)
		}
		for i := range in {
			if v, n := ParseQUICVarint(in[:i]); v != 0 || n != 0 {
				t.Errorf("%s cut at %d: read %d, %d bytes", c.in, i, v, n)
			}
		}
	}
}

// What 62 bits do not hold is not written at all, not even in part.
func TestQUICVarintTooLarge(t *testing.T) {
	for _, v := range []uint64{MaxQUICVarint + 1, 1<<64 - 1} {
		if b := AppendQUICVarint([]byte("x"), v); string(b) != "x" {
			t.Errorf("%d: wrote %x", v, b)
		}
	}
}

func FuzzQUICVarint(f *testing.F) {
	for _, c := range quicVarintCases {
		f.Add(unhex(c.in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		v, n := ParseQUICVarint(in)
		if n == 0 {
			return
		}
		b := AppendQUICVarint(nil, v)
		if v > MaxQUICVarint || len(b) > n {
			t.Fatalf("%d written in %d bytes, read from %d", v, len(b), n)
		}
		if again, _ := ParseQUICVarint(b); again != v || len(b) == n && !bytes.Equal(b, in[:n]) {
			t.Fatalf("%x read as %d, written as %x", in[:n], v, b)
		}
	})
}
