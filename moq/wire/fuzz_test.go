package wire

import (
	"reflect"
	"testing"
)

// Every target checks the same things: no panic, every failure is ErrShort or an
// *Error, and what was read can be written and read again with the same result.

func FuzzMessage(f *testing.F) {
	for _, c := range messageCases {
		f.Add(c.in)
	}
	for _, c := range badMessages {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		m, n, err := DecodeMessage(Draft18, in)
		if err != nil {
			wantFault(t, err, "decode")
			return
		}
		if n > len(in) {
			t.Fatalf("took %d of %d bytes", n, len(in))
		}
		b, err := AppendMessage(nil, Draft18, m)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", m, err)
		}
		again, _, err := DecodeMessage(Draft18, b)
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%+v became %+v, %v", m, again, err)
		}
	})
}

func FuzzNames(f *testing.F) {
	for _, c := range nameCases {
		f.Add(c.in)
	}
	for _, c := range badNames {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d := decoder{b: in}
		name := d.fullTrackName()
		if d.err != nil {
			wantFault(t, d.err, "name")
			return
		}
		if again, err := readName(writeName(name)); err != nil || !reflect.DeepEqual(again, name) {
			t.Fatalf("%+v became %+v, %v", name, again, err)
		}
		if again, err := ParseFullTrackName(name.String()); err != nil || !again.Equal(name) {
			t.Fatalf("%v became %v, %v", name, again, err)
		}
	})
}

// The printable form is bijective: what parses prints as it was.
func FuzzNameText(f *testing.F) {
	for _, c := range nameCases {
		f.Add(c.text)
	}
	for _, s := range badNameTexts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if name, err := ParseFullTrackName(s); err == nil && name.String() != s {
			t.Fatalf("%q became %q", s, name.String())
		}
		if n, err := ParseNamespace(s); err == nil && n.String() != s {
			t.Fatalf("%q became %q", s, n.String())
		}
	})
}
