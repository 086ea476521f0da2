package loc

import (
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"moqedge/moq/wire"
)

type headerCase struct {
	name   string
	header Header
	hex    string
}

// headers is the case table for encoding, decoding and fuzz seeds. Types are
// deltas of the one before (moqt-18 §1.4.2).
func headers() []headerCase {
	return []headerCase{
		{"audio", Header{Timestamp: 100}, "0664" + "0a64"},
		{"audio with configuration", Header{Timestamp: 5, AudioConfig: []byte{0x11, 0x90}}, "0605" + "09021190" + "0105"},
		{"key frame", Header{Timestamp: 1, Marking: MarkFrame(true, false), VideoConfig: []byte{1, 2, 3}}, "0601" + "0301e0" + "0403010203" + "0301"},
		{"discardable frame", Header{Timestamp: 1, Marking: MarkFrame(false, true)}, "0601" + "0301d0" + "0701"},
		{"media time", Header{Timestamp: 9, Timescale: 48}, "0830" + "0809"},
		{"wall clock", Header{Timestamp: 1_790_000_000_000_000}, "06fe065bfeda25e0000afe065bfeda25e000"},
	}
}

func TestProperties(t *testing.T) {
	for _, c := range headers() {
		t.Run(c.name, func(t *testing.T) {
			p := AppendProperties(nil, c.header)
			if got := hex.EncodeToString(p); got != c.hex {
				t.Errorf("encoded %s, want %s", got, c.hex)
			}
			got, err := ParseProperties(p)
			if err != nil || !reflect.DeepEqual(got, c.header) {
				t.Errorf("parsed %+v, %v", got, err)
			}
			for i := range p {
				if h, err := ParseProperties(p[:i]); err == nil && h.Timestamp != c.header.Timestamp {
					t.Errorf("cut after %d bytes: %+v", i, h)
				}
			}
		})
	}
}

func TestParseProperties(t *testing.T) {
	both := wire.AppendProperties(nil, wire.KeyValue{Type: PropTimestampOld, Value: 1}, wire.KeyValue{Type: PropTimestamp, Value: 2}, wire.KeyValue{Type: 0x3FF1, Bytes: []byte("x")})
	if h, err := ParseProperties(both); err != nil || h.Timestamp != 2 {
		t.Errorf("0x10 does not win: %+v, %v", h, err)
	}
	for name, p := range map[string]wire.Properties{
		"none":                  nil,
		"no timestamp":          wire.AppendProperties(nil, wire.KeyValue{Type: PropTimescale, Value: 1}),
		"timescale 0":           wire.AppendProperties(nil, wire.KeyValue{Type: PropTimestamp, Value: 1}, wire.KeyValue{Type: PropTimescale, Value: 0}),
		"empty frame marking":   wire.AppendProperties(nil, wire.KeyValue{Type: PropTimestamp, Value: 1}, wire.KeyValue{Type: PropFrameMarking, Bytes: []byte{}}),
		"long frame marking":    wire.AppendProperties(nil, wire.KeyValue{Type: PropTimestamp, Value: 1}, wire.KeyValue{Type: PropFrameMarking, Bytes: make([]byte, 5)}),
		"framing that is wrong": {0x06},
	} {
		if h, err := ParseProperties(p); !errors.Is(err, ErrProperties) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
}

func TestMarking(t *testing.T) {
	if m := MarkFrame(true, false); !m.Independent() || m.Discardable() || m != 0xe0 {
		t.Errorf("%x", uint8(m))
	}
	if m := MarkFrame(false, true); m.Independent() || !m.Discardable() || m != 0xd0 {
		t.Errorf("%x", uint8(m))
	}
}

func TestNALUs(t *testing.T) {
	nalus := [][]byte{{0x67, 1}, {0x65, 2, 3}}
	p := AppendNALUs([]byte{}, nalus...)
	if got := hex.EncodeToString(p); got != "00000002670100000003650203" {
		t.Fatalf("encoded %s", got)
	}
	if got, err := SplitNALUs(p); err != nil || !reflect.DeepEqual(got, nalus) {
		t.Errorf("%x, %v", got, err)
	}
	for i := 1; i < len(p); i++ {
		if got, err := SplitNALUs(p[:i]); err == nil && i != 6 {
			t.Errorf("cut after %d bytes: %x", i, got)
		}
	}
	if _, err := SplitNALUs(make([]byte, 4)); !errors.Is(err, ErrPayload) {
		t.Errorf("empty NAL unit: %v", err)
	}
}

func FuzzParseProperties(f *testing.F) {
	for _, c := range headers() {
		b, err := hex.DecodeString(c.hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseProperties(b)
		if err != nil {
			return
		}
		again, err := ParseProperties(AppendProperties(nil, h))
		if err != nil || again.Timestamp != h.Timestamp || again.Marking != h.Marking {
			t.Fatalf("%+v became %+v: %v", h, again, err)
		}
	})
}

func FuzzSplitNALUs(f *testing.F) {
	f.Add(AppendNALUs(nil, []byte{0x67, 1}, []byte{0x65, 2, 3}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if nalus, err := SplitNALUs(b); err == nil && string(AppendNALUs(nil, nalus...)) != string(b) {
			t.Fatalf("%x split into %x", b, nalus)
		}
	})
}
