package wire

import (
	"bytes"
	"reflect"
	"slices"
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

func FuzzStreamType(f *testing.F) {
	for _, s := range []string{"05", "af00", "f0132b3e28", "14", "7d", "8014", "ffffffffffffffffff"} {
		f.Add(unhex(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		typ, n, err := ParseStreamType(Draft18, in)
		if err != nil {
			wantFault(t, err, "stream type")
			return
		}
		if v, vn := ParseVarint(in); uint64(typ) != v || n != vn {
			t.Fatalf("read %#x, %d", uint64(typ), n)
		}
	})
}

func FuzzSubgroup(f *testing.F) {
	for _, c := range subgroupCases {
		f.Add(c.in)
	}
	for _, c := range badSubgroups {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := readSubgroup(in)
		if err != nil {
			wantFault(t, err, "subgroup")
		}
		again, err := readSubgroup(writeSubgroup(&s))
		if len(s.Objects) > 0 && (err != nil || !reflect.DeepEqual(again, s)) {
			t.Fatalf("%+v became %+v, %v", s, again, err)
		}
	})
}

func FuzzFetch(f *testing.F) {
	for _, c := range fetchStreamCases {
		f.Add(c.in, c.descending)
	}
	for _, c := range badFetchStreams {
		f.Add(c.in, false)
	}
	for _, c := range badDescendingFetches {
		f.Add(c.in, true)
	}
	f.Fuzz(func(t *testing.T, in []byte, descending bool) {
		s, err := readFetch(in, descending)
		if err != nil {
			wantFault(t, err, "fetch")
		}
		// Markers may go anywhere, the writer takes items in order alone.
		if !inOrder(s.Items, descending) {
			return
		}
		again, err := readFetch(writeFetch(&s, descending), descending)
		if len(s.Items) > 0 && (err != nil || !reflect.DeepEqual(again, s)) {
			t.Fatalf("%+v became %+v, %v", s, again, err)
		}
	})
}

func inOrder(items []fetchItem, descending bool) bool {
	return slices.IsSortedFunc(items, func(a, b fetchItem) int {
		if descending {
			return Location{b.Group, a.ID}.Compare(Location{a.Group, b.ID})
		}
		return Location{a.Group, a.ID}.Compare(Location{b.Group, b.ID})
	})
}

func FuzzDatagram(f *testing.F) {
	for _, c := range datagramCases {
		f.Add(c.in)
	}
	for _, c := range badDatagrams {
		f.Add(c.in)
	}
	for _, in := range paddingDatagrams {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d, padding, err := ParseDatagram(Draft18, in)
		if err != nil {
			if err == ErrShort {
				t.Fatal("a datagram is never short")
			}
			wantFault(t, err, "datagram")
			return
		}
		if padding {
			return
		}
		again, _, err := ParseDatagram(Draft18, AppendDatagram(nil, Draft18, &d))
		if err != nil || !reflect.DeepEqual(again, d) {
			t.Fatalf("%+v became %+v, %v", d, again, err)
		}
	})
}

func FuzzProperties(f *testing.F) {
	for _, c := range propertiesCases {
		f.Add([]byte(c.in), uint64(2))
	}
	for _, c := range badProperties {
		f.Add(c.in, uint64(11))
	}
	f.Fuzz(func(t *testing.T, in []byte, typ uint64) {
		p := Properties(in)
		pairs := slices.Collect(p.All())
		p.Uint(typ)
		p.Bytes(typ)
		if _, err := p.TrackInfo(); err != nil {
			wantFault(t, err, "track info")
		}
		if err := p.Validate(); err != nil {
			if err == ErrShort {
				t.Fatal("properties are never short")
			}
			wantFault(t, err, "validate")
			return
		}
		again := slices.Collect(AppendProperties(nil, pairs...).All())
		if !reflect.DeepEqual(again, pairs) {
			t.Fatalf("%+v became %+v", pairs, again)
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

func FuzzVarint(f *testing.F) {
	for _, c := range varintCases {
		f.Add(unhex(c.in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		v, n := ParseVarint(in)
		if n == 0 {
			return
		}
		b := AppendVarint(nil, v)
		if len(b) > n || len(b) != VarintLen(v) {
			t.Fatalf("%d written in %d bytes, read from %d", v, len(b), n)
		}
		if again, _ := ParseVarint(b); again != v || len(b) == n && !bytes.Equal(b, in[:n]) {
			t.Fatalf("%x read as %d, written as %x", in[:n], v, b)
		}
	})
}
