package relay_test

import (
	"context"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// TestDrainMovesTheRelaysBelow: a relay that is drained sends its GOAWAY on;
// the relay below subscribes at the new one before it leaves the old, so that
// its viewer misses nothing and keeps its subscription (moqt-18 §3.6, §9.4.1).
func TestDrainMovesTheRelaysBelow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork(t, 10*time.Millisecond, 0)
		before, after := n.relay("before", nil), n.relay("after", nil)
		edge := n.relay("edge", before)
		source := moq.NewOrigin()
		track := live.NewTrack(camera, live.Options{RetainFor: 10 * time.Second})
		source.AddTrack(track)
		for _, at := range []*node{before, after} { // the publisher is at both
			p := n.client(at, source)
			if _, err := p.PublishNamespace(t.Context(), camera.Namespace); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		produced := make(chan struct{})
		go func() { defer close(produced); produce(ctx, t, track, 30, time.Second/30, 1000) }()
		defer func() { cancel(); <-produced }()
		time.Sleep(time.Second)

		s := n.client(edge, nil)
		sub, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
		if err != nil {
			t.Fatal(err)
		}
		r := sub.Track().NewReader(wire.Location{})
		defer r.Close()
		next := map[uint64]uint64{}
		drained := make(chan error, 1)
		for i := range 300 {
			o, err := r.Next(t.Context())
			if err != nil {
				t.Fatalf("object %d: %v, %+v", i, err, sub.Result())
			}
			if o.ID != next[o.Group] {
				t.Errorf("got object %s, want object %d of the group", o.Location(), next[o.Group])
			}
			next[o.Group] = o.ID + 1
			if i == 70 {
				go func() {
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
					defer cancel()
					drained <- before.Drain(ctx, after.url(), 5*time.Second)
				}()
			}
			if i > 75 && time.Duration(i)*time.Second/30 < 3*time.Second && before.Stats().Subscriptions == 0 {
				t.Fatal("the old subscription ended before the new one took its place")
			}
		}
		if sub.Result() != nil {
			t.Errorf("the subscription ended: %+v", sub.Result())
		}
		if got := after.Stats().Subscriptions; got != 1 {
			t.Errorf("%d subscriptions at the new relay, want 1", got)
		}
		if got := before.Stats().Subscriptions; got != 0 {
			t.Errorf("%d subscriptions at the old relay, want none", got)
		}
		if err := <-drained; err != nil {
			t.Errorf("draining: %v", err) // its publisher stays until it is closed with GOAWAY_TIMEOUT
		}
		if !edge.Stats().Connected {
			t.Error("the relay below has no parent any more")
		}
	})
}

// TestDrainKeepsUpstreamSubscriptions: who goes away tells its subscribers
// before it gives up what it has for them (moqt-18 §3.6); requests that come
// after it are refused.
func TestDrainKeepsUpstreamSubscriptions(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork(t, 10*time.Millisecond, 0)
		origin, edge := n.pair()
		n.publish(origin)
		time.Sleep(time.Second)
		told := make(chan moq.Goaway, 1)
		s := n.clientWith(edge, moq.Config{OnGoaway: func(g moq.Goaway) { told <- g }})
		sub, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		drained := make(chan error, 1)
		go func() { drained <- edge.Drain(t.Context(), "moqt://other.example:4443", time.Minute) }()
		if g := <-told; g.URI != "moqt://other.example:4443" || g.Timeout != time.Minute {
			t.Errorf("told %+v", g)
		}
		r := sub.Track().NewReader(wire.Location{})
		defer r.Close()
		for range 100 {
			if _, err := r.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := origin.Stats().Subscriptions; got != 1 {
			t.Errorf("%d subscriptions upstream, want 1", got)
		}
		late := n.clientWith(edge, moq.Config{})
		if _, err := late.Subscribe(t.Context(), camera, moq.SubscribeOptions{}); err == nil {
			t.Error("a relay that goes away accepts a new subscription")
		}
		closeSession(late)
		closeSession(s)
		if err := <-drained; err != nil {
			t.Error(err)
		}
	})
}
