package conformance_test

import (
	"testing"
	"time"

	"moqedge/moq/conformance/peer"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// TestUpstreamFirst: a subscriber is answered when the publisher has answered,
// with the publisher's words if it refuses (rules 75, 77).
func TestUpstreamFirst(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		p := n.connect(v)
		p.PublishNamespace("room")
		viewer := n.connect(v)
		r := viewer.Subscribe(video, wire.Parameters{})
		up, _ := peer.Accept[*wire.Subscribe](p)
		time.Sleep(time.Second)
		r.Quiet()
		up.AcceptSubscribe(1, none, nil)
		peer.Expect[*wire.SubscribeOK](r)
		r = viewer.Subscribe(audio, wire.Parameters{})
		up, _ = peer.Accept[*wire.Subscribe](p)
		up.Send(&wire.RequestErr{Code: wire.RequestUnauthorized, Reason: "not for you"})
		up.Finish()
		if m := r.ExpectError(wire.RequestUnauthorized); m.Reason != "not for you" {
			t.Errorf("refused with %q", m.Reason)
		}
	})
}

// TestAllPublishersAreAsked: those of the namespace and of its prefixes, field by
// field, now and later (rules 78, 79, 80).
func TestAllPublishersAreAsked(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		name := wire.FullTrackName{Namespace: wire.Namespace{"room", "x"}, Name: "video"}
		connect := func(ns ...string) *peer.Peer {
			p := n.connect(v)
			p.PublishNamespace(ns...)
			return p
		}
		matching := []*peer.Peer{connect("room"), connect("room", "x")}
		others := []*peer.Peer{connect("roo"), connect("room", "xy"), connect("x"), connect("room", "x", "video")}
		r := n.connect(v).Subscribe(name, wire.Parameters{})
		for _, p := range matching {
			upstream(p, t, 1, none)
		}
		peer.Expect[*wire.SubscribeOK](r)
		late := connect("room", "x")
		upstream(late, t, 1, none)
		for _, p := range others {
			p.Quiet()
		}
	})
}

// TestRendezvous: a SUBSCRIBE waits for its publisher as long as it says (rules
// 83, 84).
func TestRendezvous(t *testing.T) {
	wait := func(d time.Duration) wire.Parameters { return wire.Parameters{RendezvousTimeout: wire.Some(d)} }
	t.Run("not", func(t *testing.T) {
		forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
			p := alone(t, v)
			started := time.Now()
			p.Subscribe(video, wire.Parameters{}).ExpectError(wire.RequestDoesNotExist)
			p.Subscribe(video, wait(0)).ExpectError(wire.RequestDoesNotExist)
			if took := time.Since(started); took > 0 {
				t.Errorf("refused after %s, want at once", took)
			}
		})
	})
	t.Run("in vain", func(t *testing.T) {
		forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
			started := time.Now()
			alone(t, v).Subscribe(video, wait(3*time.Second)).ExpectError(wire.RequestTimeout)
			if took := time.Since(started); took != 3*time.Second {
				t.Errorf("refused after %s, want 3s", took)
			}
		})
	})
	t.Run("for PUBLISH", func(t *testing.T) {
		forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			viewer := n.connect(v)
			peer.Expect[*wire.RequestOK](viewer.Tracks(wire.Parameters{}, "room"))
			r := viewer.Subscribe(video, wait(10*time.Second))
			time.Sleep(time.Second)
			r.Quiet()
			source := offer(n.connect(v), t)
			peer.Expect[*wire.SubscribeOK](r)
			viewer.Quiet() // no PUBLISH as well
			source.group(1, 1)
			viewer.Stream().Rest()
			viewer.Quiet()
		})
	})
	t.Run("for PUBLISH_NAMESPACE", func(t *testing.T) {
		forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			r := n.connect(v).Subscribe(video, wait(10*time.Second))
			time.Sleep(time.Second)
			p := n.connect(v)
			p.PublishNamespace("room")
			upstream(p, t, 1, none)
			peer.Expect[*wire.SubscribeOK](r)
		})
	})
}

// TestOneUpstream: any number of subscribers, one subscription upstream (rule 85).
func TestOneUpstream(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		p := n.connect(v)
		p.PublishNamespace("room")
		viewers := []*peer.Peer{n.connect(v), n.connect(v), n.connect(v)}
		first := viewers[0].Subscribe(video, wire.Parameters{})
		source := upstream(p, t, 1, none)
		peer.Expect[*wire.SubscribeOK](first)
		for _, viewer := range viewers[1:] {
			watch(viewer)
		}
		source.group(1, 2)
		for _, viewer := range viewers {
			if got := streams(viewer, 1); got != "1/0 1/1" {
				t.Errorf("got %s", got)
			}
		}
		p.ExpectOpen()
		p.NoRequest(wire.MsgSubscribe)
	})
}

// TestTwoPublishers: both are accepted, and each object goes on once (rules 86, 207).
func TestTwoPublishers(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		a, b := offer(n.connect(v), t), offer(n.connect(v), t)
		viewer := n.connect(v)
		r := watch(viewer)
		a.group(1, 3)
		b.group(1, 3)
		b.group(2, 2)
		a.group(3, 1)
		if got := streams(viewer, 3); got != "1/0 1/1 1/2 2/0 2/1 3/0" {
			t.Errorf("got %s", got)
		}
		viewer.Quiet()
		a.request.Send(&wire.PublishDone{Code: wire.DoneGoingAway, StreamCount: 2})
		b.group(4, 1) // one is left
		if got := streams(viewer, 1); got != "4/0" {
			t.Errorf("got %s", got)
		}
		r.Quiet()
	})
}

// TestSubscribeTwice: refused up to draft 18; later each gets every object (rule 87).
func TestSubscribeTwice(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		forDrafts(t, 0, 18, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			offer(n.connect(v), t)
			viewer := n.connect(v)
			r := watch(viewer)
			viewer.Subscribe(video, wire.Parameters{}).ExpectError(wire.RequestDuplicateSubscription)
			r.Cancel(wire.ResetCancelled)
			viewer.ExpectOpen()
			watch(viewer) // in turn it may be
		})
	})
	t.Run("allowed", func(t *testing.T) {
		forDrafts(t, 19, 0, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			source := offer(n.connect(v), t)
			viewer := n.connect(v)
			a, b := watch(viewer), watch(viewer)
			source.group(1, 2)
			for range 2 {
				if got := streams(viewer, 1); got != "1/0 1/1" {
					t.Errorf("got %s", got)
				}
			}
			a.Cancel(wire.ResetCancelled)
			viewer.ExpectOpen()
			source.group(2, 1)
			if got := streams(viewer, 1); got != "2/0" {
				t.Errorf("got %s", got)
			}
			viewer.Quiet()
			b.Quiet()
		})
	})
}

// TestOwnTrack: a session may subscribe to what it publishes (rule 89).
func TestOwnTrack(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		source := offer(plainRelay(t).connect(v), t)
		watch(source.Peer)
		source.group(1, 2)
		if got := streams(source.Peer, 1); got != "1/0 1/1" {
			t.Errorf("got %s", got)
		}
	})
}

// TestForwardLater: a relay may hold a PUBLISH back until there are subscribers
// (rule 90).
func TestForwardLater(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := startRelay(t, relay.Config{ForwardIdle: relay.ForwardNone})
		source := offer(n.connect(v), t)
		if source.forward {
			t.Error("objects are wanted of a track without subscribers")
		}
		watch(n.connect(v))
		source.settle()
		if !source.forward {
			t.Error("objects are not wanted of a track with a subscriber")
		}
	})
}

// TestObjectsBeforeOK: a publisher may send before it is accepted (rule 91).
func TestObjectsBeforeOK(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		taker, p := n.connect(v), n.connect(v)
		peer.Expect[*wire.RequestOK](taker.Tracks(wire.Parameters{}, "room"))
		p.SendGroup(wire.SubgroupHeader{TrackAlias: 7, Group: 1}, "a", "b") // even before PUBLISH
		r := p.Publish(video, 7, wire.Parameters{}, nil)
		p.SendGroup(wire.SubgroupHeader{TrackAlias: 7, Group: 2}, "c")
		r.ExpectPublishOK()
		p.ExpectOpen()
		viewer := n.connect(v)
		peer.Expect[*wire.RequestOK](viewer.Status(video))
		f := viewer.FetchRange(video, wire.Location{Group: 1}, wire.Location{Group: 2}, wire.Parameters{})
		peer.Expect[*wire.FetchOK](f)
		if got := peer.Locations(viewer.Stream().Rest()); got != "1/0 1/1 2/0" {
			t.Errorf("got %s", got)
		}
	})
}
