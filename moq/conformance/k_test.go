package conformance_test

import (
	"testing"

	"moqedge/moq/conformance/peer"
	"moqedge/moq/wire"
)

// TestMalformedTrack: what shows it, and what comes of it: the relay cancels what
// it had of the publisher for this track, and ends it downstream. Sessions and
// other tracks go on (rules 141, 147, 171 to 175).
func TestMalformedTrack(t *testing.T) {
	immutable := func(inside ...wire.KeyValue) wire.KeyValue {
		return wire.KeyValue{Type: wire.PropImmutable, Bytes: wire.AppendProperties(nil, inside...)}
	}
	with := func(s *source, id uint64, kvs ...wire.KeyValue) {
		s.open(wire.SubgroupHeader{Group: 5, Mode: wire.SubgroupExplicit, Subgroup: 1, HasProperties: true}).
			Send(wire.Object{ID: id, PayloadLen: 1, Properties: wire.AppendProperties(nil, kvs...)}, "x")
	}
	tests := []struct {
		name  string
		since wire.Version
		// The group 5 has the object 2 already, in the subgroup 0, which is open.
		offend func(s *source, open *peer.Subgroup)
	}{
		{"object beyond the end of its group", 0, func(s *source, open *peer.Subgroup) {
			open.Send(wire.Object{ID: 3, Status: wire.ObjectEndOfGroup}, "")
			s.ExpectOpen()
			s.open(wire.SubgroupHeader{Group: 5, Mode: wire.SubgroupExplicit, Subgroup: 1}).Object(4, "x")
		}},
		{"object beyond the end of the track", 0, func(s *source, open *peer.Subgroup) {
			open.Send(wire.Object{ID: 3, Status: wire.ObjectEndOfTrack}, "")
			s.ExpectOpen()
			s.open(wire.SubgroupHeader{Group: 6}).Object(0, "x")
		}},
		{"another payload", 0, func(s *source, open *peer.Subgroup) {
			s.open(wire.SubgroupHeader{Group: 5, Mode: wire.SubgroupExplicit, Subgroup: 0}).Object(2, "another")
		}},
		{"another subgroup", 0, func(s *source, open *peer.Subgroup) {
			s.open(wire.SubgroupHeader{Group: 5, Mode: wire.SubgroupExplicit, Subgroup: 1}).Object(2, "two")
		}},
		{"another priority", 0, func(s *source, open *peer.Subgroup) {
			s.open(wire.SubgroupHeader{Group: 5, Mode: wire.SubgroupExplicit, Subgroup: 0, Priority: wire.Some(uint8(9))}).Object(3, "x")
		}},
		{"datagram instead of a subgroup", 0, func(s *source, open *peer.Subgroup) {
			d := wire.Datagram{TrackAlias: s.alias, Group: 5, ID: 2, Payload: []byte("two")}
			s.SendDatagram(wire.AppendDatagram(nil, s.Version, &d))
		}},
		{"object gap beyond the ID", 0, func(s *source, open *peer.Subgroup) {
			with(s, 3, wire.KeyValue{Type: wire.PropPriorObjectGap, Value: 4})
		}},
		{"object gap over an object", 0, func(s *source, open *peer.Subgroup) {
			with(s, 4, wire.KeyValue{Type: wire.PropPriorObjectGap, Value: 2})
		}},
		{"group gap beyond the group", 0, func(s *source, open *peer.Subgroup) {
			with(s, 3, wire.KeyValue{Type: wire.PropPriorGroupGap, Value: 6})
		}},
		{"immutable in immutable properties", 0, func(s *source, open *peer.Subgroup) { with(s, 3, immutable(immutable())) }},
		{"mandatory property of an object", 18, func(s *source, open *peer.Subgroup) {
			with(s, 3, wire.KeyValue{Type: 0x4002, Value: 1})
		}},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			forDrafts(t, x.since, 0, func(t *testing.T, v wire.Version) {
				n := plainRelay(t)
				s := offer(n.connect(v), t)
				good := publish(s.Peer, t, audio, 8, wire.Parameters{}, nil)
				viewer := n.connect(v)
				r := watch(viewer)
				other, ok := subscribe(viewer, audio, wire.Parameters{})
				open := s.open(wire.SubgroupHeader{Group: 5, Mode: wire.SubgroupExplicit, Subgroup: 0})
				open.Object(2, "two")
				stream := viewer.Stream()
				stream.Next()
				x.offend(s, open)
				r.ExpectDone(wire.DoneMalformedTrack)
				if got, err := stream.Drain(); !peer.IsReset(err) {
					t.Errorf("the stream ended with %v after %s", err, peer.Locations(got))
				}
				for s.request.Changed() != nil {
				}
				s.request.ExpectCancel()
				viewer.Status(video).ExpectError(wire.RequestDoesNotExist) // nothing is kept
				good.group(1, 1)
				if got := viewer.Stream(); got.Subgroup == nil || got.Subgroup.TrackAlias != ok.TrackAlias {
					t.Errorf("got %v, want the other track", got)
				}
				other.Quiet()
				viewer.Quiet()
				s.ExpectOpen()
			})
		})
	}
}

// TestMalformedFetch: a fetch stream of a track that turns out to be malformed is
// reset with that code (rule 174).
func TestMalformedFetch(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		s := publish(n.connect(v), t, video, 7, wire.Parameters{LargestObject: wire.Some(at(5, 2))}, nil)
		s.group(6, 1)
		viewer := n.connect(v)
		r := viewer.FetchRange(video, at(5, 0), at(5, 2), wire.Parameters{})
		peer.Accept[*wire.Fetch](s.Peer) // which is not answered
		peer.Expect[*wire.FetchOK](r)
		stream := viewer.Stream()
		s.open(wire.SubgroupHeader{Group: 6, Priority: wire.Some(uint8(128))}).Object(0, "another")
		stream.Until(wire.ResetMalformedTrack)
		viewer.ExpectOpen()
	})
}
