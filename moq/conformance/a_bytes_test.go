package conformance_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"moqedge/moq/conformance/peer"
	"moqedge/moq/wire"
)

// TestUnknownStreamTypes: a unidirectional stream of an unknown type closes the
// session (rules 10, 160).
func TestUnknownStreamTypes(t *testing.T) {
	tests := []struct {
		name  string
		typ   uint64
		since wire.Version // from here on it is known
	}{
		{"0x00", 0x00, 0},
		{"0x04", 0x04, 0},
		{"0x06", 0x06, 0},
		{"0x0F", 0x0f, 0},
		{"both subgroup modes", 0x16, 0},
		{"both subgroup modes and all else", 0x3f, 0},
		{"beyond the subgroups", 0x90, 0},
		{"0x2F01", 0x2f01, 0},
		{"padding of datagrams", wire.DatagramPadding, 0},
		{"first object", 0x50, 18},
		{"SETUP", uint64(wire.StreamSetup), 18},
		{"padding", uint64(wire.StreamPadding), 18},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				if x.since != 0 && v >= x.since {
					return
				}
				p := alone(t, v)
				p.SendUni(p.Varint(nil, x.typ))
				p.ExpectClose(wire.SessionProtocolViolation)
			})
		})
	}
}

// TestPadding: it is read and thrown away, also more of it than flow control
// allows at a time (rule 11).
func TestPadding(t *testing.T) {
	forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
		p := alone(t, v)
		p.SendDatagram(p.Varint(nil, wire.DatagramPadding))
		p.SendDatagram(append(p.Varint(nil, wire.DatagramPadding), "anything"...))
		s := p.SendUni(p.Varint(nil, uint64(wire.StreamPadding)))
		chunk := make([]byte, 1<<20)
		for range 40 {
			if _, err := s.Write(chunk); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		p.Quiet()
	})
}

// TestUnknownDatagrams close the session, and so do those of a bad form (rules
// 11, 162).
func TestUnknownDatagrams(t *testing.T) {
	tests := []struct {
		name string
		b    []byte
	}{
		{"empty", nil},
		{"type 0x10", []byte{0x10, 1, 1, 1, 1}},
		{"type 0x80", []byte{0x80, 0x80, 1, 1, 1, 1}},
		{"status and end of group", []byte{0x22, 1, 1, 1, 1, 3}},
		{"cut short", []byte{0x00, 1}},
		{"empty properties", []byte{0x01, 1, 1, 1, 1, 0}},
		{"unknown status", []byte{0x20, 1, 1, 1, 1, 9}},
		{"bytes after the status", []byte{0x20, 1, 1, 1, 1, 3, 1}},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				p := alone(t, v)
				p.SendDatagram(x.b)
				p.ExpectClose(wire.SessionProtocolViolation)
			})
		})
	}
}

// unknownMessage is the frame of a message that no draft has.
func unknownMessage(p *peer.Peer) []byte { return append(p.Varint(nil, 0x3e), 0, 0) }

// TestControlMessages: unknown ones and ones of another length than told close
// the session (rule 12).
func TestControlMessages(t *testing.T) {
	tests := []struct {
		name  string
		bytes func(p *peer.Peer) []byte
	}{
		{"unknown", unknownMessage},
		{"too short", func(p *peer.Peer) []byte {
			return p.Bytes(&wire.Goaway{RequestID: goawayID(p.Version)}, nil)
		}},
		{"too long", func(p *peer.Peer) []byte {
			m := &wire.Goaway{RequestID: goawayID(p.Version)}
			return p.Bytes(m, append(p.Payload(m), 0, 0))
		}},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				p := alone(t, v)
				p.WriteControl(x.bytes(p))
				p.ExpectClose(wire.SessionProtocolViolation)
			})
		})
	}
	// On a request they count as well.
	requests := []struct {
		name   string
		mangle func(payload []byte) []byte
	}{
		{"request too short", func(b []byte) []byte { return b[:len(b)-1] }},
		{"request too long", func(b []byte) []byte { return append(b, 0) }},
		{"empty request", func([]byte) []byte { return nil }},
	}
	for _, x := range requests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				p := alone(t, v)
				m := &wire.Subscribe{RequestID: p.ID(), Track: video}
				p.RequestRaw(p.Bytes(m, x.mangle(p.Payload(m))))
				p.ExpectClose(wire.SessionProtocolViolation)
			})
		})
	}
}

// TestKeyValuePairs: what cannot be (rule 13).
func TestKeyValuePairs(t *testing.T) {
	const most = 1<<64 - 1
	tests := []struct {
		name  string
		bytes func(p *peer.Peer) []byte
		want  wire.SessionError
	}{
		{"type beyond 64 bits", func(p *peer.Peer) []byte {
			return setupBytes(p, p.Varint(p.Varint(nil, most-1), 1), []byte{3, 0})
		}, wire.SessionProtocolViolation},
		{"value of 65536 bytes", func(p *peer.Peer) []byte {
			return setupBytes(p, p.Varint([]byte{0x3f}, 65536))
		}, wire.SessionProtocolViolation},
		{"token of an unknown form", func(p *peer.Peer) []byte {
			return setupBytes(p, []byte{3, 2, 9, 9})
		}, wire.SessionKeyValueFormattingError},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				if v.Has(wire.FeatureControlStream) && strings.Contains(x.name, "64 bits") {
					return // its integers do not reach that far
				}
				p := fresh(t, v)
				p.WriteControl(x.bytes(p))
				p.ExpectClose(x.want)
			})
		})
	}
}

// TestLongIntegers: integers in more bytes than needed are accepted (rule 14).
func TestLongIntegers(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p := alone(t, v)
		long := func(n byte) []byte {
			if v.Has(wire.FeatureControlStream) {
				return []byte{0x80, 0, 0, n}
			}
			return []byte{0xff, 0, 0, 0, 0, 0, 0, 0, n}
		}
		m := &wire.TrackStatus{RequestID: p.ID(), Track: video}
		payload := slices.Concat(long(0), long(1), long(4), []byte("room"), long(5), []byte("video"), long(0))
		frame := slices.Concat(long(byte(wire.MsgTrackStatus)), []byte{0, byte(len(payload))}, payload)
		if bytes.Equal(frame, p.Encode(m)) {
			t.Fatal("the integers are not long")
		}
		p.RequestAs(m, frame).ExpectError(wire.RequestDoesNotExist)
	})
}

// TestNameLimits: 32 fields, none of them empty, 4096 bytes together (rule 15).
func TestNameLimits(t *testing.T) {
	field := strings.Repeat("x", 64)
	many := func(n int) wire.Namespace { return slices.Repeat(wire.Namespace{field}, n) }
	tests := []struct {
		name  string
		track wire.FullTrackName
		bad   bool
	}{
		{"largest", wire.FullTrackName{Namespace: many(32), Name: strings.Repeat("n", 4096-32*64)}, false},
		{"one byte too many", wire.FullTrackName{Namespace: many(32), Name: strings.Repeat("n", 4096-32*64+1)}, true},
		{"33 fields", wire.FullTrackName{Namespace: many(33), Name: "n"}, true},
		{"empty field", wire.FullTrackName{Namespace: wire.Namespace{"a", "", "b"}, Name: "n"}, true},
		{"empty name", wire.FullTrackName{Namespace: room}, false},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				p := alone(t, v)
				m := &wire.TrackStatus{RequestID: p.ID(), Track: video}
				payload := p.Varint(p.Varint(nil, m.RequestID), uint64(len(x.track.Namespace)))
				for _, f := range x.track.Namespace {
					payload = append(p.Varint(payload, uint64(len(f))), f...)
				}
				payload = append(p.Varint(payload, uint64(len(x.track.Name))), x.track.Name...)
				r := p.RequestAs(m, p.Bytes(m, append(payload, 0)))
				if x.bad {
					p.ExpectClose(wire.SessionProtocolViolation)
				} else {
					r.ExpectError(wire.RequestDoesNotExist)
				}
			})
		})
	}
	t.Run("compared by bytes", func(t *testing.T) {
		everyDraft(t, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			offer(n.connect(v), t)
			p := n.connect(v)
			for _, other := range []wire.FullTrackName{
				{Namespace: wire.Namespace{"Room"}, Name: "video"}, {Namespace: room, Name: "vidéo"},
				{Namespace: wire.Namespace{"room", "video"}}, {Namespace: wire.Namespace{"roo"}, Name: "mvideo"},
			} {
				p.Status(other).ExpectError(wire.RequestDoesNotExist)
			}
			peer.Expect[*wire.RequestOK](p.Status(video))
		})
	})
}
