package wire

import (
	"bytes"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func appendObjectProperties(v Version, p Properties) []byte {
	e := encoder{draft: v.draft()}
	e.objectProperties(p)
	return e.b
}

// What 62 bits do not hold is left out of draft 16, and the pairs after it keep
// their types.
func TestInexpressiblePairsAreLeftOut(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []KeyValue
		want []KeyValue
	}{
		{"large value", []KeyValue{{Type: 2, Value: 1 << 62}, {Type: 4, Value: 70}}, []KeyValue{{Type: 4, Value: 70}}},
		{"largest value", []KeyValue{{Type: 2, Value: math.MaxUint64}}, nil},
		{"large type", []KeyValue{{Type: 2, Value: 100}, {Type: 1 << 63}}, []KeyValue{{Type: 2, Value: 100}}},
		{"large type within reach", []KeyValue{{Type: 1<<62 - 2, Value: 1}, {Type: 1<<63 - 4, Value: 2}}, []KeyValue{{Type: 1<<62 - 2, Value: 1}, {Type: 1<<63 - 4, Value: 2}}},
		{"out of reach without the one between", []KeyValue{{Type: 1<<62 - 2, Value: 1 << 63}, {Type: 1<<63 - 4, Value: 2}}, nil},
		{"bytes are not looked at", []KeyValue{{Type: 2, Value: 1 << 62}, {Type: 0x41, Bytes: []byte{0xff, 0xff}}}, []KeyValue{{Type: 0x41, Bytes: []byte{0xff, 0xff}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := decoder{draft: Draft16.draft(), b: appendObjectProperties(Draft16, AppendProperties(nil, c.in...))}
			if got, want := d.objectProperties(), AppendProperties(nil, c.want...); d.err != nil || !bytes.Equal(got, want) || len(d.b) != 0 {
				t.Fatalf("read %x (%v), want %x", got, d.err, want)
			}
		})
	}
}

// A datagram must not announce properties and have none.
func TestDatagramWithInexpressibleProperties(t *testing.T) {
	d := Datagram{TrackAlias: 1, Group: 2, Properties: AppendProperties(nil, KeyValue{Type: 2, Value: 1 << 62}), Payload: []byte{7}}
	if b := AppendDatagram(nil, Draft16, &d); !bytes.Equal(b, unhex("0c 01 02 07")) {
		t.Errorf("wrote %x", b)
	}
}

// The same pairs may take twice the bytes in draft 16: the longest block we accept
// can be sent in it and is accepted from it, and no longer one.
func TestLongestPropertiesInDraft16(t *testing.T) {
	longest := Properties(strings.Repeat("\x00\x7f", MaxPropertiesLen/2))
	d := decoder{draft: Draft16.draft(), b: appendObjectProperties(Draft16, longest)}
	if p := d.objectProperties(); d.err != nil || !bytes.Equal(p, longest) {
		t.Errorf("%d bytes became %d, %v", len(longest), len(p), d.err)
	}
	d = decoder{draft: Draft16.draft(), b: appendObjectProperties(Draft16, append(longest, 0, 0x7f))}
	d.objectProperties()
	wantError(t, d.err, SessionProtocolViolation)
}

func TestPropertiesWithoutTranscodingAreNotCopied(t *testing.T) {
	in := unhex("04 3c02 0201")
	for _, v := range everyDraft {
		d := decoder{draft: v.draft(), b: in}
		if p := d.objectProperties(); d.err != nil || &p[0] != &in[1] {
			t.Errorf("%v: %x, %v", v, p, d.err)
		}
	}
}

// No timeout is 0 in later drafts and nothing in draft 16 (moqt-16 §11.0.0.1).
func TestTrackWithoutTimeoutInDraft16(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"02 00", ""},
		{"02 00 02 05", "04 05"},
		{"02 01 02 05", "02 01 02 05"},
		{"00 00 02 00 02 8100", "00 00 04 4100"},
	} {
		e := encoder{draft: Draft16.draft()}
		e.trackProperties(unhex(c.in))
		if e.err != nil || !bytes.Equal(e.b, unhex(c.want)) {
			t.Errorf("%s: wrote %x (%v), want %s", c.in, e.b, e.err, c.want)
		}
	}
	e := encoder{draft: Draft16.draft()}
	e.trackProperties(unhex("02"))
	if e.err == nil {
		t.Error("a broken block was written")
	}
}

// Track Properties outlive the message they came in.
func TestTrackPropertiesAreCopied(t *testing.T) {
	for _, v := range everyDraft {
		for _, block := range []string{"02 05", "02 4040"} {
			in := unhex(block)
			d := decoder{draft: v.draft(), b: in}
			p := d.trackProperties()
			if d.err != nil {
				continue // the second is draft 16's
			}
			before := slices.Clone(p)
			in[0], in[1] = 0xff, 0xff
			if !bytes.Equal(p, before) || len(d.b) != 0 {
				t.Errorf("%v: %x became %x", v, before, p)
			}
		}
	}
}

// Immutable Properties of a draft 16 publisher are read as what they are wherever
// they cannot be vi64.
func TestImmutablePropertiesOfDraft16(t *testing.T) {
	p := AppendProperties(nil, KeyValue{Type: PropImmutable, Bytes: unhex("3c 4064 02 05")})
	group, object, fault := p.Gaps()
	if fault != nil || group != Some(uint64(100)) || object != Some(uint64(5)) {
		t.Errorf("gaps %v, %v, %v", group, object, fault)
	}
	if v, ok := p.Uint(PropPriorGroupGap); !ok || v != 100 {
		t.Errorf("found %d, %v", v, ok)
	}
	p = AppendProperties(nil, KeyValue{Type: PropImmutable, Bytes: unhex("80004000 7fff")})
	if info, err := p.TrackInfo(); err != nil || info.UnknownMandatory != 0x4000 {
		t.Errorf("%+v, %v", info, err)
	}
}

// Lengths that lie do not make the decoder allocate.
func TestHostileLengthsDoNotAllocate(t *testing.T) {
	inputs := [][]byte{
		unhex("31 00 00 00 fffffffffffffffff0"), unhex("31 00 00 00 ffffffffffffffff"),
		unhex("31 00 00 00 c0ffff 3d"), unhex("31 00 00 00 8000ffff 3d"),
		unhex("31 00 00 00 04 3d bfff 00"), unhex("31 00 00 00 04 3d 7fff 00"), unhex("31 00 00 00 06 3d 8000ffff 00"),
	}
	for _, v := range everyDraft {
		for _, in := range inputs {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := readSubgroup(v, in)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Errorf("%v: %x was read", v, in)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 1<<14 {
				t.Errorf("%v: %x: %d bytes allocated", v, in, n)
			}
		}
	}
}

func TestObjectTimeouts(t *testing.T) {
	for _, c := range []struct {
		in               string
		object, subgroup any
	}{
		{"", nil, nil},
		{"02 8064", 100 * ms, nil},
		{"06 00", nil, 0 * ms},
		{"02 05 04 07", 5 * ms, 7 * ms},
		{"0b 02 06 09", nil, 9 * ms},
		{"02 ff ffffffffffffffff", time.Duration(maxMillis) * ms, nil},
	} {
		object, subgroup := Properties(unhex(c.in)).ObjectTimeouts()
		if object.Set != (c.object != nil) || object.Set && object.Value != c.object ||
			subgroup.Set != (c.subgroup != nil) || subgroup.Set && subgroup.Value != c.subgroup {
			t.Errorf("%s: %v, %v, want %v, %v", c.in, object, subgroup, c.object, c.subgroup)
		}
	}
}
