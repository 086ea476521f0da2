package conformance_test

import (
	"testing"

	"moqedge/moq/conformance/peer"
	"moqedge/moq/wire"
)

// TestCache: what was forwarded is kept, for any number of requests, with all that
// an object is, and nobody is asked for it again (rules 138, 139, 145).
func TestCache(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		properties := wire.AppendProperties(nil, wire.KeyValue{Type: 0x3802, Value: 3})
		s := source.open(wire.SubgroupHeader{Group: 4, Mode: wire.SubgroupExplicit, Subgroup: 6, Priority: wire.Some(uint8(33)), HasProperties: true})
		s.Send(wire.Object{ID: 0, Properties: properties, PayloadLen: 3}, "abc")
		s.Close()
		d := wire.Datagram{TrackAlias: source.alias, Group: 4, ID: 1, Priority: wire.Some(uint8(44)), Payload: []byte("def"), EndOfGroup: true}
		source.SendDatagram(wire.AppendDatagram(nil, v, &d))
		source.ExpectOpen()
		for range 2 {
			stream, _ := fetched(n.connect(v), at(4, 0), at(4, 1), wire.Parameters{})
			all := stream.Rest()
			if got := peer.Locations(all); got != "4/0 4/1" {
				t.Fatalf("got %s", got)
			}
			a, b := all[0], all[1]
			if a.Subgroup != 6 || a.Datagram || a.Priority.Value != 33 || string(a.Payload) != "abc" || string(a.Properties) != string(properties) {
				t.Errorf("got %+v", a)
			}
			if !b.Datagram || b.Priority.Value != 44 || string(b.Payload) != "def" || len(b.Properties) > 0 {
				t.Errorf("got %+v", b)
			}
		}
		source.NoRequest(wire.MsgFetch)
	})
}

// TestSecondCopy: it is ignored, and what is kept stays as it was (rule 140).
func TestSecondCopy(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		a, b := offer(n.connect(v), t), offer(n.connect(v), t)
		viewer := n.connect(v)
		watch(viewer)
		a.group(1, 2)
		b.group(1, 2)
		if got := streams(viewer, 1); got != "1/0 1/1" {
			t.Errorf("got %s", got)
		}
		stream, _ := fetched(viewer, at(1, 0), at(1, 1), wire.Parameters{})
		for _, o := range stream.Rest() {
			if string(o.Payload) != o.Location.String() {
				t.Errorf("object %s has the payload %q", o.Location, o.Payload)
			}
		}
		viewer.Quiet()
	})
}

// TestEndOfGroupIsKept: the marker says what does not exist, also later (rule 146).
func TestEndOfGroupIsKept(t *testing.T) {
	ends := []struct {
		name string
		end  func(s *peer.Subgroup)
	}{
		{"as an object", func(s *peer.Subgroup) { s.Send(wire.Object{ID: 1, Status: wire.ObjectEndOfGroup}, "") }},
		{"as a bit", func(*peer.Subgroup) {}},
	}
	for _, x := range ends {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				n := plainRelay(t)
				source := offer(n.connect(v), t)
				s := source.open(wire.SubgroupHeader{Group: 3, FirstObject: true, EndOfGroup: x.name == "as a bit"})
				s.Object(0, "x")
				x.end(s)
				s.Close()
				source.group(4, 1)
				viewer := n.connect(v)
				stream, _ := fetched(viewer, at(3, 0), at(4, 0), wire.Parameters{})
				if got := peer.Locations(stream.Rest()); got != "3/0 4/0" {
					t.Errorf("got %s, want 3/0 4/0", got)
				}
				source.NoRequest(wire.MsgFetch)
			})
		})
	}
}
