package wire

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func TestSubgroupStreams(t *testing.T) {
	for _, c := range subgroupCases {
		t.Run(c.name, func(t *testing.T) {
			want := c.value
			if want.Header.Mode == SubgroupFirstObject && len(want.Objects) > 0 {
				want.Header.Subgroup = want.Objects[0].ID
			}
			got, err := readSubgroup(c.in)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("read\n%+v (%v), want\n%+v", got, err, want)
			}
			if b := writeSubgroup(&c.value); !c.decodeOnly && !bytes.Equal(b, c.in) {
				t.Fatalf("wrote\n%x, want\n%x", b, c.in)
			}
			err = truncated(c.in, func(b []byte) ([]byte, error) {
				s, err := readSubgroup(b)
				if c.decodeOnly || err != nil {
					return nil, err
				}
				return writeSubgroup(&s), nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestBadSubgroupStreams(t *testing.T) {
	for _, c := range badSubgroups {
		t.Run(c.name, func(t *testing.T) {
			_, err := readSubgroup(c.in)
			wantError(t, err, c.code)
		})
	}
}

// The cursor of a reader must not move when more bytes are needed, or the object
// read again would be another.
func TestObjectCursorStaysOnError(t *testing.T) {
	var c ObjectCursor
	in := unhex("05 02 3c00 01")
	for i := range in {
		_, n, err := ParseSubgroupObject(Draft18, &c, true, in[:i])
		if !errors.Is(err, ErrShort) || n != 0 || c != (ObjectCursor{}) {
			t.Fatalf("cut at %d: %d, %v, cursor %+v", i, n, err, c)
		}
	}
	if _, _, err := ParseSubgroupObject(Draft18, &c, true, unhex("05 00 00 07")); err == nil || c != (ObjectCursor{}) {
		t.Fatalf("error %v, cursor %+v", err, c)
	}
}

func TestCursorAfter(t *testing.T) {
	var c ObjectCursor
	AppendSubgroupObject(nil, Draft18, &c, false, &Object{ID: 9})
	if got := CursorAfter(9); got != c {
		t.Errorf("%+v, want %+v", got, c)
	}
}

// moqt-18 §11.4.2: 0b0XX1XXXX without mode 0b11.
func TestSubgroupTypes(t *testing.T) {
	for typ := range uint64(1 << 12) {
		in := append(AppendVarint(nil, typ), 1, 2, 3, 4)
		valid := typ < 0x80 && typ&0x10 != 0 && typ&0x06 != 0x06
		h, n, err := ParseSubgroupHeader(Draft18, in)
		if StreamType(typ).IsSubgroup() != valid {
			t.Errorf("IsSubgroup(%#x) = %v", typ, !valid)
		}
		if !valid {
			wantError(t, err, SessionProtocolViolation)
			continue
		}
		if err != nil {
			t.Errorf("type %#x: %v", typ, err)
			continue
		}
		if b := AppendSubgroupHeader(nil, Draft18, &h); !bytes.Equal(b, in[:n]) {
			t.Errorf("type %#x: wrote %x, want %x", typ, b, in[:n])
		}
	}
}

func TestStreamTypes(t *testing.T) {
	for _, c := range []struct {
		in   string
		want StreamType
		n    int
	}{
		{"05 06", StreamFetch, 1}, {"af00", StreamSetup, 2}, {"f0132b3e28 00", StreamPadding, 5},
		{"14 02", 0x14, 1}, {"8014", 0x14, 2},
	} {
		in := unhex(c.in)
		got, n, err := ParseStreamType(Draft18, in)
		if got != c.want || n != c.n || err != nil {
			t.Errorf("%s: %#x, %d, %v", c.in, uint64(got), n, err)
		}
		for i := range c.n {
			if _, _, err := ParseStreamType(Draft18, in[:i]); !errors.Is(err, ErrShort) {
				t.Errorf("%s cut at %d: %v", c.in, i, err)
			}
		}
	}
	for _, in := range []string{"00", "04", "06", "16", "8080", "8090", "f0132b3e29", "ffffffffffffffffff"} {
		_, _, err := ParseStreamType(Draft18, unhex(in))
		wantError(t, err, SessionProtocolViolation)
	}
}

func TestSubgroupDoesNotAllocate(t *testing.T) {
	props := AppendProperties(nil, KeyValue{Type: PropPriorObjectGap, Value: 1})
	buf := make([]byte, 0, 128)
	h := SubgroupHeader{TrackAlias: 1000, Group: 1 << 30, Mode: SubgroupExplicit, HasProperties: true, Priority: Some(uint8(3))}
	allocs := testing.AllocsPerRun(100, func() {
		b := AppendSubgroupHeader(buf[:0], Draft18, &h)
		var w ObjectCursor
		b = AppendSubgroupObject(b, Draft18, &w, true, &Object{ID: 7, Properties: props, PayloadLen: 1200})
		parsed, n, err := ParseSubgroupHeader(Draft18, b)
		if err != nil || parsed != h {
			t.Fatal(parsed, err)
		}
		var r ObjectCursor
		o, _, err := ParseSubgroupObject(Draft18, &r, true, b[n:])
		if err != nil || o.ID != 7 || o.PayloadLen != 1200 || !bytes.Equal(o.Properties, props) {
			t.Fatal(o, err)
		}
		if gap, ok := o.Properties.Uint(PropPriorObjectGap); !ok || gap != 1 {
			t.Fatal(gap, ok)
		}
		if _, _, err := ParseSubgroupObject(Draft18, &r, true, b[n:n+2]); err != ErrShort {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations per object", allocs)
	}
}
