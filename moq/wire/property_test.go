package wire

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestProperties(t *testing.T) {
	each(propertyTables, func(v Version, c propertiesCase) {
		t.Run(v.String()+"/"+c.name, func(t *testing.T) {
			p, err := readProperties(v, c.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Collect(p.All()); !reflect.DeepEqual(got, c.pairs) {
				t.Fatalf("read %+v, want %+v", got, c.pairs)
			}
			if b := writeProperties(v, c.pairs); !c.decodeOnly && !bytes.Equal(b, c.in) {
				t.Fatalf("wrote %x, want %x", b, c.in)
			}
			info, err := readTrackInfo(v, c.in)
			if c.infoCode != 0 {
				wantError(t, err, c.infoCode)
			} else if err != nil || info != c.info {
				t.Fatalf("track info %+v (%v), want %+v", info, err, c.info)
			}
			for i := range c.in {
				cut := c.in[:i]
				p, err := readProperties(v, cut)
				if err != nil {
					wantError(t, err, SessionKeyValueFormattingError)
					continue
				}
				pairs := slices.Collect(p.All())
				if len(pairs) > len(c.pairs) || len(pairs) > 0 && !reflect.DeepEqual(pairs, c.pairs[:len(pairs)]) {
					t.Fatalf("cut at %d: read %+v", i, pairs)
				}
				if got := writeProperties(v, pairs); !c.decodeOnly && !bytes.Equal(got, cut) {
					t.Fatalf("cut at %d: %x taken for %x", i, cut, got)
				}
			}
		})
	})
}

func TestBadProperties(t *testing.T) {
	each(badPropertyTables, func(v Version, c badCase) {
		t.Run(v.String()+"/"+c.name, func(t *testing.T) {
			_, err := readProperties(v, c.in)
			wantError(t, err, c.code)
			_, err = readTrackInfo(v, c.in)
			wantError(t, err, c.code)
		})
	})
}

func TestPropertyLookup(t *testing.T) {
	inside := AppendProperties(nil, KeyValue{Type: 2, Value: 20}, KeyValue{Type: 4, Value: 40}, KeyValue{Type: 0x0D, Bytes: []byte("in")})
	p := AppendProperties(nil,
		KeyValue{Type: PropImmutable, Bytes: inside},
		KeyValue{Type: 0x38, Value: 1}, KeyValue{Type: 2, Value: 10}, KeyValue{Type: 0x38, Value: 2},
		KeyValue{Type: 0x39, Bytes: []byte("out")})
	for _, c := range []struct {
		typ  uint64
		want uint64
		ok   bool
	}{
		{2, 10, true},    // outside first
		{4, 40, true},    // inside
		{0x38, 1, true},  // the first of two
		{6, 0, false},    // absent
		{0x39, 0, false}, // odd
	} {
		if v, ok := p.Uint(c.typ); v != c.want || ok != c.ok {
			t.Errorf("%#x: %d, %v, want %d, %v", c.typ, v, ok, c.want, c.ok)
		}
	}
	for _, c := range []struct {
		typ  uint64
		want string
		ok   bool
	}{
		{0x39, "out", true}, {0x0D, "in", true}, {PropImmutable, string(inside), true}, {0x3B, "", false}, {2, "", false},
	} {
		if v, ok := p.Bytes(c.typ); string(v) != c.want || ok != c.ok {
			t.Errorf("%#x: %q, %v, want %q, %v", c.typ, v, ok, c.want, c.ok)
		}
	}
	// Immutable Properties inside themselves make a malformed Track; they are
	// not searched.
	nested := AppendProperties(nil, KeyValue{Type: PropImmutable, Bytes: p})
	if _, ok := nested.Uint(4); ok {
		t.Error("found what is inside nested Immutable Properties")
	}
}

func TestAppendPropertiesLeavesItsArguments(t *testing.T) {
	kvs := []KeyValue{{Type: 4, Value: 1}, {Type: 2, Value: 2}}
	b := AppendProperties([]byte("x"), kvs...)
	if want := unhex("78 02 02 02 01"); !bytes.Equal(b, want) {
		t.Errorf("wrote %x, want %x", b, want)
	}
	if kvs[0].Type != 4 {
		t.Error("the caller's slice was sorted")
	}
}

func TestLongestPropertyValue(t *testing.T) {
	value := []byte(strings.Repeat("a", MaxKeyValueLen))
	p := AppendProperties(nil, KeyValue{Type: 7, Bytes: value})
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
	wantError(t, AppendProperties(nil, KeyValue{Type: 7, Bytes: append(value, 'a')}).Validate(), SessionProtocolViolation)
}

func TestPropertiesAllStopsEarly(t *testing.T) {
	for kv := range AppendProperties(nil, KeyValue{Type: 2}, KeyValue{Type: 4}).All() {
		if kv.Type != 2 {
			t.Fatalf("went on to %#x", kv.Type)
		}
		break
	}
}
