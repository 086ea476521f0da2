package conformance_test

import (
	"testing"
	"testing/synctest"

	"moqedge/moq/conformance/peer"
	"moqedge/moq/wire"
)

// upstream is a subscription that the relay made at a peer.
func upstream(p *peer.Peer, t *testing.T, alias uint64, largest wire.Option[wire.Location]) *source {
	t.Helper()
	r, m := peer.Accept[*wire.Subscribe](p)
	s := &source{Peer: p, request: r, alias: alias, forward: m.Params.Forward.Or(true)}
	r.AcceptSubscribe(alias, largest, nil)
	return s
}

var (
	held = wire.Parameters{Forward: wire.Some(false)}
	none wire.Option[wire.Location]
)

// TestForwardGoesUpstream: whoever wants objects has all publishers send them
// (rules 100, 102).
func TestForwardGoesUpstream(t *testing.T) {
	t.Run("from the start", func(t *testing.T) {
		everyDraft(t, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			p := n.connect(v)
			p.PublishNamespace("room")
			n.connect(v).Subscribe(video, wire.Parameters{})
			if s := upstream(p, t, 1, none); !s.forward {
				t.Error("the relay asked with FORWARD 0 for a subscriber that wants objects")
			}
		})
	})
	t.Run("later", func(t *testing.T) {
		everyDraft(t, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			a, b := n.connect(v), n.connect(v)
			a.PublishNamespace("room")
			b.PublishNamespace("room")
			viewer := n.connect(v)
			r := viewer.Subscribe(video, held)
			sources := []*source{upstream(a, t, 1, none), upstream(b, t, 1, none)}
			peer.Expect[*wire.SubscribeOK](r)
			for _, s := range sources {
				s.settle()
			}
			r.Update(wire.Parameters{Forward: wire.Some(true)})
			synctest.Wait()
			for i, s := range sources {
				s.settle()
				if !s.forward {
					t.Errorf("publisher %d is held back", i)
				}
			}
			peer.Expect[*wire.RequestOK](r)
		})
	})
}

// TestPublishIsWanted: with a subscriber that wants objects, a PUBLISH is
// accepted with FORWARD 1 (rules 81, 101).
func TestPublishIsWanted(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		first := n.connect(v)
		first.PublishNamespace("room")
		viewer := n.connect(v)
		r := viewer.Subscribe(video, wire.Parameters{})
		upstream(first, t, 1, none)
		peer.Expect[*wire.SubscribeOK](r)
		if s := offer(n.connect(v), t); !s.forward {
			t.Error("PUBLISH was answered with FORWARD 0")
		}
	})
}

// TestLargestObject: the largest that was named or that came in a subscription
// (rules 105, 106).
func TestLargestObject(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		p := n.connect(v)
		p.PublishNamespace("room")
		viewer := n.connect(v)
		r := viewer.Subscribe(video, wire.Parameters{})
		source := upstream(p, t, 1, wire.Some(wire.Location{Group: 9, Object: 3}))
		largest := func(want wire.Location, got wire.Option[wire.Location], where string) {
			t.Helper()
			if got != wire.Some(want) {
				t.Errorf("%s: largest object %+v, want %s", where, got, want)
			}
		}
		named := wire.Location{Group: 9, Object: 3}
		largest(named, peer.Expect[*wire.SubscribeOK](r).Params.LargestObject, "SUBSCRIBE_OK")
		source.group(10, 2)
		viewer.Stream().Rest()
		came := wire.Location{Group: 10, Object: 1}
		_, ok := subscribe(n.connect(v), video, wire.Parameters{})
		largest(came, ok.Params.LargestObject, "SUBSCRIBE_OK of another")
		largest(came, peer.Expect[*wire.RequestOK](viewer.Status(video)).Params.LargestObject, "the answer to TRACK_STATUS")
		r.Update(wire.Parameters{SubscriberPriority: wire.Some(uint8(1))})
		largest(came, peer.Expect[*wire.RequestOK](r).Params.LargestObject, "the answer to REQUEST_UPDATE")
	})
	t.Run("PUBLISH", func(t *testing.T) {
		everyDraft(t, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			offer(n.connect(v), t).group(4, 3)
			taker := n.connect(v)
			taker.Tracks(wire.Parameters{}, "room")
			if _, m := peer.Accept[*wire.Publish](taker); m.Params.LargestObject != wire.Some(wire.Location{Group: 4, Object: 2}) {
				t.Errorf("largest object %+v, want 4/2", m.Params.LargestObject)
			}
		})
	})
	t.Run("none", func(t *testing.T) {
		everyDraft(t, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			offer(n.connect(v), t)
			if _, ok := subscribe(n.connect(v), video, wire.Parameters{}); ok.Params.LargestObject.Set {
				t.Errorf("largest object %+v of an empty track", ok.Params.LargestObject)
			}
		})
	})
}

// TestHeldBack: with FORWARD 0 objects do not come, control messages do (rule 103).
func TestHeldBack(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		r, _ := subscribe(viewer, video, held)
		source.group(1, 2)
		d := wire.Datagram{TrackAlias: source.alias, Group: 2}
		source.SendDatagram(wire.AppendDatagram(nil, v, &d))
		viewer.Quiet()
		source.request.Send(&wire.PublishDone{Code: wire.DoneTrackEnded, StreamCount: 1})
		r.ExpectDone(wire.DoneTrackEnded)
		viewer.Quiet()
	})
}
