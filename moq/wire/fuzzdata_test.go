package wire

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
)

// Fuzz targets of the data plane. The draft is the first argument of each: its
// place in everyDraft.

func fuzzDraft(i uint8) Version { return everyDraft[int(i)%len(everyDraft)] }

// seed adds every case of the tables for its drafts.
func seed[C any](f *testing.F, tables []table[C], add func(draft uint8, c C)) {
	each(tables, func(v Version, c C) { add(uint8(slices.Index(everyDraft, v)), c) })
}

func FuzzStreamType(f *testing.F) {
	for i := range everyDraft {
		for _, s := range []string{"05", "af00", "f0132b3e28", "14", "7d", "8014", "ffffffffffffffffff", "6f00", "932b3e28", "4014"} {
			f.Add(uint8(i), unhex(s))
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, in []byte) {
		v := fuzzDraft(i)
		typ, n, err := ParseStreamType(v, in)
		if err != nil {
			wantFault(t, err, "stream type")
			return
		}
		if u, err := readVarint(v, in[:n]); uint64(typ) != u || err != nil {
			t.Fatalf("read %#x, %d", uint64(typ), n)
		}
	})
}

func FuzzSubgroup(f *testing.F) {
	seed(f, subgroupTables, func(i uint8, c subgroupCase) { f.Add(i, c.in) })
	seed(f, badSubgroupTables, func(i uint8, c badCase) { f.Add(i, c.in) })
	f.Fuzz(func(t *testing.T, i uint8, in []byte) {
		v := fuzzDraft(i)
		s, err := readSubgroup(v, in)
		if err != nil {
			wantFault(t, err, "subgroup")
		}
		if len(s.Objects) == 0 {
			return
		}
		// Bytes of properties that are no pairs are handed on by drafts with vi64;
		// sessions refuse them, draft 16 has no way to write them.
		for _, o := range s.Objects {
			if o.Properties.Validate() != nil {
				return
			}
		}
		for _, w := range everyDraft {
			again, err := readSubgroup(w, writeSubgroup(w, &s))
			if want, fits := inDraft(s, w); fits && (err != nil || !reflect.DeepEqual(again, want)) {
				t.Fatalf("%v to %v: %+v became %+v, %v", v, w, want, again, err)
			}
		}
	})
}

// inDraft returns what is left of s in draft w; fits is false if w cannot express
// something that is not left out.
func inDraft(s subgroupStream, w Version) (left subgroupStream, fits bool) {
	h, most := s.Header, w.MaxInteger()
	if h.TrackAlias > most || h.Group > most || h.Subgroup > most {
		return s, false
	}
	s.Header.FirstObject = h.FirstObject && w.Has(FeatureFirstObject)
	s.Objects = slices.Clone(s.Objects)
	for i := range s.Objects {
		o := &s.Objects[i]
		if o.ID > most {
			return s, false
		}
		o.Properties = propertiesIn(o.Properties, w)
	}
	return s, true
}

// propertiesIn returns what is left of p in draft w.
func propertiesIn(p Properties, w Version) Properties {
	if w.FramingClass() != 0 || sameInBothForms(p) {
		return p
	}
	var kept []KeyValue
	prev := uint64(0)
	for kv := range p.All() {
		if kv.Type-prev > MaxQUICVarint || kv.Value > MaxQUICVarint {
			continue
		}
		kept = append(kept, kv)
		prev = kv.Type
	}
	return AppendProperties(nil, kept...)
}

func FuzzFetch(f *testing.F) {
	seed(f, fetchTables, func(i uint8, c fetchCase) { f.Add(i, c.in, c.descending) })
	seed(f, badFetchTables, func(i uint8, c badCase) { f.Add(i, c.in, false) })
	seed(f, descendingBadTable, func(i uint8, c badCase) { f.Add(i, c.in, true) })
	f.Fuzz(func(t *testing.T, i uint8, in []byte, descending bool) {
		v := fuzzDraft(i)
		s, err := readFetch(v, in, descending)
		if err != nil {
			wantFault(t, err, "fetch")
		}
		// Markers may go anywhere, and in draft 16 Objects too; the writer takes
		// items in order alone.
		if len(s.Items) == 0 || !inOrder(s.Items, descending) {
			return
		}
		for _, o := range s.Items {
			if o.Properties.Validate() != nil {
				return
			}
		}
		for _, w := range everyDraft {
			again, err := readFetch(w, writeFetch(w, &s, descending), descending)
			if want, fits := fetchInDraft(s, w); fits && (err != nil || !reflect.DeepEqual(again, want)) {
				t.Fatalf("%v to %v: %+v became %+v, %v", v, w, want, again, err)
			}
		}
	})
}

func fetchInDraft(s fetchStream, w Version) (left fetchStream, fits bool) {
	most := w.MaxInteger()
	if s.Header.RequestID > most {
		return s, false
	}
	s.Items = slices.Clone(s.Items)
	for i := range s.Items {
		o := &s.Items[i]
		if o.Group > most || o.ID > most || o.Subgroup > most {
			return s, false
		}
		o.Properties = propertiesIn(o.Properties, w)
		if o.Kind == FetchItemEndTimedOut && !w.Has(FeatureTimedOutRange) {
			o.Kind = FetchItemEndUnknown
		}
	}
	return s, true
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
	seed(f, datagramTables, func(i uint8, c datagramCase) { f.Add(i, c.in) })
	seed(f, badDatagramTables, func(i uint8, c badCase) { f.Add(i, c.in) })
	for _, in := range paddingDatagrams {
		f.Add(uint8(1), in)
	}
	f.Fuzz(func(t *testing.T, i uint8, in []byte) {
		v := fuzzDraft(i)
		d, padding, err := ParseDatagram(v, in)
		if err != nil {
			if err == ErrShort {
				t.Fatal("a datagram is never short")
			}
			wantFault(t, err, "datagram")
			return
		}
		if padding || d.Properties.Validate() != nil {
			return
		}
		for _, w := range everyDraft {
			if most := w.MaxInteger(); max(d.TrackAlias, d.Group, d.ID) > most {
				if b := AppendDatagram(nil, w, &d); len(b) != 0 {
					t.Fatalf("%v: %x written for %+v", w, b, d)
				}
				continue
			}
			want := d
			if want.Properties = propertiesIn(d.Properties, w); len(want.Properties) == 0 {
				want.Properties = nil
			}
			again, _, err := ParseDatagram(w, AppendDatagram(nil, w, &d))
			if err != nil || !reflect.DeepEqual(again, want) {
				t.Fatalf("%v to %v: %+v became %+v, %v", v, w, want, again, err)
			}
		}
	})
}

func FuzzProperties(f *testing.F) {
	seed(f, propertyTables, func(i uint8, c propertiesCase) { f.Add(i, []byte(c.in), uint64(2)) })
	seed(f, badPropertyTables, func(i uint8, c badCase) { f.Add(i, c.in, uint64(11)) })
	f.Fuzz(func(t *testing.T, i uint8, in []byte, typ uint64) {
		v := fuzzDraft(i)
		if _, err := readTrackInfo(v, in); err != nil {
			wantFault(t, err, "track info")
		}
		p, err := readProperties(v, in)
		if err != nil {
			if err == ErrShort {
				t.Fatal("properties are never short")
			}
			wantFault(t, err, "properties")
			return
		}
		if len(p) > len(in)+len(in)/4 {
			t.Fatalf("%d bytes became %d", len(in), len(p))
		}
		p.Uint(typ)
		p.Bytes(typ)
		p.ObjectTimeouts()
		p.Gaps()
		pairs := slices.Collect(p.All())
		if again := slices.Collect(AppendProperties(nil, pairs...).All()); !reflect.DeepEqual(again, pairs) {
			t.Fatalf("%+v became %+v", pairs, again)
		}
		// Every pair survives the way to another draft and back that it can express.
		for _, w := range everyDraft {
			want := propertiesIn(p, w)
			e := encoder{draft: w.draft()}
			e.objectProperties(p)
			d := decoder{draft: w.draft(), b: e.b}
			got := d.objectProperties()
			if len(want) > MaxPropertiesLen {
				wantError(t, d.err, SessionProtocolViolation)
			} else if d.err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%v to %v: %x became %x, %v", v, w, want, got, d.err)
			}
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
