package relay_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

func paused() moq.SubscribeOptions {
	return moq.SubscribeOptions{Params: wire.Parameters{Forward: wire.Some(false)}}
}

// forwards are the forward states that a publisher was asked for, the
// parameters' default being 1.
func (p *peer) forwards() []bool {
	asked, updates := p.requests()
	var out []bool
	for _, a := range asked {
		out = append(out, a.Forward.Or(true))
	}
	for _, u := range updates {
		if u.Forward.Set {
			out = append(out, u.Forward.Value)
		}
	}
	return out
}

func (p *peer) wantForwards(want ...bool) {
	p.t.Helper()
	time.Sleep(time.Second)
	got := p.forwards()
	if len(got) != len(want) {
		p.t.Fatalf("forward states asked for: %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			p.t.Fatalf("forward states asked for: %v, want %v", got, want)
		}
	}
}

// TestForwardFollowsSubscribers: publishers send objects as long as a
// subscriber wants them (moqt-18 §9.5, moqt-19 §9.2), all of them.
func TestForwardFollowsSubscribers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		first, second := newPeer(t, r, camera.Namespace), newPeer(t, r, camera.Namespace)
		put(t, first.track, 0, 0)
		v := view(t, r, paused())
		first.wantForwards(false)
		second.wantForwards(false)
		for g := uint64(1); g < 4; g++ {
			put(t, first.track, g, 0)
			put(t, second.track, g, 0)
		}
		v.none()
		if s := r.Stats(); s.ObjectsIn != 0 {
			t.Errorf("%d objects came although nobody wants them", s.ObjectsIn)
		}

		w := view(t, r, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
		w.gets(locations(3, 0)...) // it gets the current group, and no stale location
		first.wantForwards(false, true)
		second.wantForwards(false, true)
		put(t, first.track, 4, 0)
		w.gets(locations(4, 0)...)
		v.none()
		if err := v.sub.Update(t.Context(), wire.Parameters{Forward: wire.Some(true)}); err != nil {
			t.Fatal(err)
		}
		w.sub.Close()
		first.wantForwards(false, true)
		put(t, first.track, 5, 0)
		v.gets(locations(5, 0)...)

		if err := v.sub.Update(t.Context(), wire.Parameters{Forward: wire.Some(false)}); err != nil {
			t.Fatal(err)
		}
		first.wantForwards(false, true, false)
		second.wantForwards(false, true, false)
		v.goesOn()
		if err := v.sub.Update(t.Context(), wire.Parameters{Forward: wire.Some(true)}); err != nil {
			t.Fatal(err)
		}
		first.wantForwards(false, true, false, true)
		put(t, first.track, 6, 0)
		v.gets(locations(6, 0)...)
		v.sub.Close()
		first.wantForwards(false, true, false, true, false) // while the track lingers
		if n := first.track.Listeners(); n != 1 {
			t.Errorf("%d subscriptions within the linger, want 1", n)
		}
	})
}

// TestForwardOfPublishedTracks: the answer to PUBLISH asks for objects when a
// subscriber wants them, and otherwise as Config.ForwardIdle says (moqt-18 §9.5).
func TestForwardOfPublishedTracks(t *testing.T) {
	for _, x := range []struct {
		idle   relay.ForwardIdle
		before bool // without subscribers
	}{{relay.ForwardPublished, true}, {relay.ForwardNone, false}, {relay.ForwardAll, true}} {
		bubble(t, func(t *testing.T) {
			r := newRelay(t, relay.Config{ForwardIdle: x.idle})
			p := newPeer(t, r)
			publication, err := p.session.Publish(t.Context(), p.track, moq.PublishOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if got := publication.Forward(); got != x.before {
				t.Errorf("%v: forward state %v without subscribers, want %v", x.idle, got, x.before)
			}
			put(t, p.track, 0, 0)
			synctest.Wait()
			v := view(t, r, moq.SubscribeOptions{})
			synctest.Wait()
			if !publication.Forward() {
				t.Errorf("%v: objects are not asked for although a subscriber wants them", x.idle)
			}
			put(t, p.track, 1, 0)
			v.gets(locations(1, 0)...)

			late := newPeer(t, r) // another publisher, while there is a subscriber
			if publication, err = late.session.Publish(t.Context(), late.track, moq.PublishOptions{}); err != nil {
				t.Fatal(err)
			}
			if !publication.Forward() {
				t.Errorf("%v: a PUBLISH is answered with FORWARD=0 although a subscriber wants objects", x.idle)
			}
		})
	}
}

// TestReturningViewer: a track that was paused while it lingered is brought up
// to date for who comes back: nothing of the current group is missing, and what
// was not received is not taken for what does not exist.
func TestReturningViewer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		p := newPeer(t, r, camera.Namespace)
		w := begin(t, p.track, 1)
		write(t, w, 1, 0)
		v := view(t, r, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
		v.gets(locations(1, 0)...)
		v.sub.Close()
		p.wantForwards(true, false)
		write(t, w, 1, 1, 2)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		w = begin(t, p.track, 2)
		write(t, w, 2, 0, 1)
		v.subscribe(moq.SubscribeOptions{JoinGroups: wire.Some(uint64(1))})
		v.gets(append(locations(1, 0, 1, 2), locations(2, 0, 1)...)...)
		write(t, w, 2, 2)
		v.gets(locations(2, 2)...)
		if asked, _ := p.requests(); len(asked) != 1 {
			t.Errorf("%d SUBSCRIBEs, want one for both", len(asked))
		}
	})
}

// TestPausedOnItsWay: what was published when a publisher was told to pause, and is cut
// off by that, is not taken for what does not exist although its answer named it.
func TestPausedOnItsWay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		p := newPeer(t, r, camera.Namespace)
		put(t, p.track, 0, 0)
		p.answers(func(_ context.Context, r moq.Request) bool {
			if s, ok := r.(*moq.SubscribeRequest); ok {
				s.Updating = func(u wire.Parameters) {
					if !u.Forward.Or(true) { // it is there, and will not be sent
						p.track.RaiseLargest(wire.Location{Group: 1, Object: 1})
					}
				}
			}
			return false
		})
		v := view(t, r, moq.SubscribeOptions{})
		w := begin(t, p.track, 1)
		write(t, w, 1, 0)
		v.gets(locations(1, 0)...)
		v.sub.Close()
		p.wantForwards(true, false)
		write(t, w, 1, 1)
		v.subscribe(moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
		v.gets(locations(1, 0, 1)...)
		write(t, w, 1, 2)
		v.gets(locations(1, 2)...)
	})
}

// newGroups are the NEW_GROUP_REQUESTs that a publisher got.
func (p *peer) newGroups() (asked, updated []uint64) {
	a, u := p.requests()
	for _, x := range a {
		if x.NewGroupRequest.Set {
			asked = append(asked, x.NewGroupRequest.Value)
		}
	}
	for _, x := range u {
		if x.NewGroupRequest.Set {
			updated = append(updated, x.NewGroupRequest.Value)
		}
	}
	return asked, updated
}

// TestNewGroupRequests: they go upstream with the subscription that is made
// for them, later as updates when they ask for more than what is there or
// outstanding, and only for tracks with dynamic groups (moqt-18 §10.2.13).
func TestNewGroupRequests(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		dynamic := wire.AppendProperties(nil, wire.KeyValue{Type: wire.PropDynamicGroups, Value: 1})
		p := newPeerOf(t, r, wire.Draft18, live.NewTrack(camera, live.Options{Properties: dynamic}), camera.Namespace)
		put(t, p.track, 4, 0)
		asks := func(v uint64) moq.SubscribeOptions {
			return moq.SubscribeOptions{Params: wire.Parameters{NewGroupRequest: wire.Some(v)}}
		}
		wanted := func(asked int, updates ...uint64) {
			t.Helper()
			time.Sleep(time.Second)
			a, u := p.newGroups()
			if len(a) != asked || len(u) != len(updates) {
				t.Fatalf("requests %v, updates %v, want %d and %v", a, u, asked, updates)
			}
			for i := range u {
				if u[i] != updates[i] {
					t.Fatalf("updates %v, want %v", u, updates)
				}
			}
		}
		v := view(t, r, asks(0))
		wanted(1) // with the subscription
		view(t, r, asks(0))
		wanted(1) // there is one outstanding
		view(t, r, asks(4))
		wanted(1) // that group is there
		w := view(t, r, asks(6))
		wanted(1, 6) // more than what is outstanding
		if err := w.sub.Update(t.Context(), wire.Parameters{NewGroupRequest: wire.Some(uint64(6))}); err != nil {
			t.Fatal(err)
		}
		wanted(1, 6)
		put(t, p.track, 5, 0) // the largest group grows: nothing is outstanding any more
		v.gets(locations(5, 0)...)
		if err := w.sub.Update(t.Context(), wire.Parameters{NewGroupRequest: wire.Some(uint64(6))}); err != nil {
			t.Fatal(err)
		}
		wanted(1, 6, 6)
		view(t, r, asks(0))
		wanted(1, 6, 6)
	})
}

// TestNoNewGroupRequestForStaticGroups: a track without dynamic groups gets no
// update for them.
func TestNoNewGroupRequestForStaticGroups(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		p := newPeer(t, r, camera.Namespace)
		put(t, p.track, 4, 0)
		view(t, r, moq.SubscribeOptions{})
		view(t, r, moq.SubscribeOptions{Params: wire.Parameters{NewGroupRequest: wire.Some(uint64(9))}})
		time.Sleep(time.Second)
		if asked, updates := p.newGroups(); len(asked)+len(updates) != 0 {
			t.Errorf("requests %v, updates %v, want none", asked, updates)
		}
	})
}

// TestLargestObjectIsThatOfThePublishers: what a relay names is the largest
// location that a publisher named or sent on a subscription (moqt-18 §10.2.11).
func TestLargestObjectIsThatOfThePublishers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		ahead, behind := newPeer(t, r, camera.Namespace), newPeer(t, r, camera.Namespace)
		s := connect(t, r, wire.Draft18, moq.Config{})
		named := func(want wire.Option[wire.Location]) {
			t.Helper()
			sub, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer sub.Close()
			if l, any := sub.Largest(); l != want.Value || any != want.Set {
				t.Errorf("SUBSCRIBE_OK names %v %v, want %v", l, any, want)
			}
			status, err := s.TrackStatus(t.Context(), camera)
			if err != nil || status.Largest != want {
				t.Errorf("TRACK_STATUS names %v (%v), want %v", status.Largest, err, want)
			}
		}
		view(t, r, moq.SubscribeOptions{})
		time.Sleep(time.Second)
		named(wire.Option[wire.Location]{})
		put(t, behind.track, 6, 0, 1)
		time.Sleep(time.Second)
		named(wire.Some(wire.Location{Group: 6, Object: 1}))
		put(t, ahead.track, 7, 0)
		time.Sleep(time.Second)
		named(wire.Some(wire.Location{Group: 7}))
		third := newPeer(t, r)
		put(t, third.track, 9, 0, 1, 2)
		third.announce(camera.Namespace)
		time.Sleep(time.Second)
		named(wire.Some(wire.Location{Group: 9, Object: 2}))
	})
}

// TestJoinWhileAsked: who comes while the publisher of a paused track is being asked to go
// on waits for its answer too, and joins where the track is then.
func TestJoinWhileAsked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{ForwardIdle: relay.ForwardNone})
		p := newPeer(t, r)
		_, err := p.session.Publish(t.Context(), p.track, moq.PublishOptions{Updated: func(p wire.Parameters) {
			if p.Forward.Or(false) {
				time.Sleep(100 * time.Millisecond) // before it answers
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		put(t, p.track, 0, 0)
		var viewers [2]*viewer
		var all sync.WaitGroup
		for i := range viewers {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 50 * time.Millisecond)
				viewers[i] = view(t, r, moq.SubscribeOptions{})
			})
		}
		all.Wait()
		put(t, p.track, 1, 0)
		for i, v := range viewers {
			if at, any := v.sub.Largest(); !any || at != (wire.Location{}) {
				t.Errorf("viewer %d was told that the track is at %v, %v", i, at, any)
			}
			v.gets(locations(1, 0)...)
		}
	})
}
