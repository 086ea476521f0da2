package relay_test

import (
	"context"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// history has a viewer fetch groups 1 to 3, and returns what it got and how
// long that took.
func history(t *testing.T, s *moq.Session, p wire.Parameters) (*live.Track, time.Duration) {
	t.Helper()
	into := live.NewTrack(camera, live.Options{RetainGroups: 20})
	started := time.Now()
	f := s.Fetch(moq.FetchOptions{Into: into, First: wire.Location{Group: 1}, Last: wire.Location{Group: 3, Object: 1}, Params: p})
	if err := f.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return into, time.Since(started)
}

var wholeHistory = live.Range{From: wire.Location{Group: 1}, To: wire.Location{Group: 3, Object: 2}}

// TestFetchFromAnotherPublisher: what one publisher refuses is fetched from
// another (moqt-18 §9.5); while it is, the response waits (moqt-18 §10.12.3).
func TestFetchFromAnotherPublisher(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		refusing, good := newPeer(t, r), newPeer(t, r)
		for _, p := range []*peer{refusing, good} {
			for g := uint64(1); g < 6; g++ {
				put(t, p.track, g, 0, 1)
			}
		}
		refusing.answers(func(_ context.Context, r moq.Request) bool {
			f, ok := r.(*moq.FetchRequest)
			if ok && f.Joined() == nil {
				time.Sleep(time.Second)
				f.Reject(wire.RequestNotSupported, "no history", moq.NoRetry())
			}
			return ok && f.Joined() == nil
		})
		good.answers(func(_ context.Context, r moq.Request) bool {
			if f, ok := r.(*moq.FetchRequest); ok && f.Joined() == nil {
				time.Sleep(time.Second)
			}
			return false
		})
		refusing.announce(camera.Namespace)
		good.announce(camera.Namespace)
		v := view(t, r, moq.SubscribeOptions{})
		time.Sleep(time.Second)
		got, took := history(t, v.session, wire.Parameters{})
		if u := got.Unknown(wholeHistory); len(u) > 0 {
			t.Errorf("unknown: %v", u)
		}
		if took < time.Second || took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		reader := got.NewReader(wire.Location{})
		defer reader.Close()
		for g := uint64(1); g < 4; g++ {
			for id := range uint64(2) {
				if o, err := reader.Next(t.Context()); err != nil || o.Location() != (wire.Location{Group: g, Object: id}) {
					t.Fatalf("got %v %v, want %d/%d", o, err, g, id)
				}
			}
		}
	})
}

// TestFillTimeout bounds how long a FETCH waits for what the relay has to ask
// for; 0 asks for nothing. What is not there by then is told as unknown
// (moqt-18 §10.2.5).
func TestFillTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		p := newPeer(t, r)
		for g := uint64(1); g < 6; g++ {
			put(t, p.track, g, 0, 1)
		}
		p.answers(func(ctx context.Context, r moq.Request) bool {
			if f, ok := r.(*moq.FetchRequest); ok && f.Joined() == nil {
				select {
				case <-time.After(5 * time.Second):
				case <-ctx.Done():
				}
			}
			return false
		})
		p.announce(camera.Namespace)
		v := view(t, r, moq.SubscribeOptions{})
		timeout := func(d time.Duration) wire.Parameters { return wire.Parameters{FillTimeout: wire.Some(d)} }

		got, took := history(t, v.session, timeout(0))
		if took != 0 || len(got.Unknown(wholeHistory)) == 0 || p.fetches > 1 {
			t.Errorf("0: took %v, unknown %v, %d FETCHes", took, got.Unknown(wholeHistory), p.fetches)
		}
		got, took = history(t, v.session, timeout(2*time.Second))
		if took != 2*time.Second || len(got.Unknown(wholeHistory)) == 0 {
			t.Errorf("2 s: took %v, unknown %v", took, got.Unknown(wholeHistory))
		}
		got, took = history(t, v.session, wire.Parameters{}) // the same upstream FETCH serves it
		if took != 3*time.Second || len(got.Unknown(wholeHistory)) > 0 {
			t.Errorf("none: took %v, unknown %v", took, got.Unknown(wholeHistory))
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.fetches > 2 { // the join's and one
			t.Errorf("%d FETCHes upstream", p.fetches)
		}
	})
}

// TestFetchOKWaitsForTheEnd: a FETCH for a track that nobody is subscribed to
// is answered when its publisher has said how far it goes (moqt-18 §9.4), and
// asks for no objects but those of the range.
func TestFetchOKWaitsForTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		p := newPeer(t, r)
		for g := uint64(1); g < 6; g++ {
			put(t, p.track, g, 0, 1)
		}
		p.answers(func(_ context.Context, r moq.Request) bool {
			if _, ok := r.(*moq.SubscribeRequest); ok {
				time.Sleep(time.Second)
			}
			return false
		})
		p.announce(camera.Namespace)
		s := connect(t, r, wire.Draft18, moq.Config{})
		got, took := history(t, s, wire.Parameters{})
		if took < time.Second || len(got.Unknown(wholeHistory)) > 0 {
			t.Errorf("took %v, unknown: %v", took, got.Unknown(wholeHistory))
		}
		put(t, p.track, 6, 0) // the relay is not sent this
		time.Sleep(time.Second)
		into := live.NewTrack(camera, live.Options{})
		last := wire.Location{Group: 9}
		if err := s.Fetch(moq.FetchOptions{Into: into, First: wire.Location{Group: 5}, Last: last}).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		reader := into.NewReader(wire.Location{})
		defer reader.Close()
		for _, want := range append(locations(5, 0, 1), locations(6, 0)...) {
			if o, err := reader.Next(t.Context()); err != nil || o.Location() != want {
				t.Fatalf("got %v %v, want %v", o, err, want)
			}
		}
		if got := p.forwards(); len(got) != 1 || got[0] {
			t.Errorf("forward states asked for: %v, want false", got)
		}
	})
}
