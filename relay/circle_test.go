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

// defaults makes all upstreams of a mesh such that are asked for everything.
func defaults(_ int, c *relay.Config) {
	for i := range c.Upstreams {
		c.Upstreams[i].Peer = false
	}
}

func ringOf(n int) []*edge {
	var edges []*edge
	for i := range n {
		edges = append(edges, &edge{from: i, to: (i + 1) % n, cost: 1, draft: []string{"moqt-18", "moqt-16", "moqt-22"}[i%3]})
	}
	return edges
}

// TestCircleOfUpstreams: where every relay has the next one as its upstream, a
// track that nobody has is refused as soon as the question has come around, also
// when all are asked at once and wait for each other.
func TestCircleOfUpstreams(t *testing.T) {
	for relays := 2; relays <= 5; relays++ {
		for _, all := range []bool{false, true} {
			bubble(t, func(t *testing.T) {
				m := newMesh(t, relays, ringOf(relays), defaults)
				time.Sleep(2 * time.Second)
				asked := 1
				if all {
					asked = relays
				}
				took := make(chan time.Duration, asked)
				var sessions []*moq.Session
				for i := range asked {
					s := m.client(m.nodes[i], nil)
					defer closeSession(s)
					sessions = append(sessions, s)
				}
				for _, s := range sessions {
					go func() {
						begun := time.Now()
						_, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
						if !isRequestError(err, &moq.RequestError{Code: wire.RequestDoesNotExist}) {
							t.Errorf("%d relays: %v", relays, err)
						}
						took <- time.Since(begun)
					}()
				}
				// Every relay is passed twice at most, 10 ms of round trip each, and each
				// viewer's request and answer.
				limit := time.Duration(2*relays+2) * 10 * time.Millisecond
				for range asked {
					if d := <-took; d > limit {
						t.Errorf("%d relays, all asked: %v: refused after %v, want %v at most", relays, all, d, limit)
					}
				}
				s := m.client(m.nodes[0], nil)
				defer closeSession(s)
				if _, err := s.TrackStatus(t.Context(), camera); !isRequestError(err, &moq.RequestError{Code: wire.RequestDoesNotExist}) {
					t.Errorf("status: %v", err)
				}
			})
		}
	}
}

// TestCircleHasAPublisher: in the same ring a track is had from any relay, by
// viewers that ask all at once, and when its publisher has left nothing goes on
// being handed around: all subscriptions end.
func TestCircleHasAPublisher(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const relays = 4
		m := newMesh(t, relays, ringOf(relays), func(i int, c *relay.Config) {
			defaults(i, c)
			c.RecoverFor = 5 * time.Second
		})
		time.Sleep(2 * time.Second)
		source := moq.NewOrigin()
		track := live.NewTrack(camera, live.Options{})
		source.AddTrack(track)
		publisher := m.client(m.nodes[2], source)
		defer closeSession(publisher)
		if _, err := publisher.PublishNamespace(t.Context(), camera.Namespace); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		produced := make(chan struct{})
		go func() { defer close(produced); produce(ctx, t, track, 30, time.Second/30, 100) }()
		defer func() { cancel(); <-produced }()
		time.Sleep(time.Second)
		var subs []*moq.Subscription
		var sessions []*moq.Session
		answers := make(chan *moq.Subscription, relays)
		for i := range relays {
			s := m.client(m.nodes[i], nil)
			defer closeSession(s)
			sessions = append(sessions, s)
		}
		for i, s := range sessions {
			go func() {
				sub, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
				if err != nil {
					t.Errorf("at %s: %v", nameOf(i), err)
				}
				answers <- sub
			}()
		}
		for range relays {
			if sub := <-answers; sub != nil {
				subs = append(subs, sub)
			}
		}
		for _, sub := range subs {
			r := sub.Track().NewReader(wire.Location{})
			for range 40 {
				if _, err := r.Next(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			r.Close()
		}
		closeSession(publisher)
		time.Sleep(20 * time.Second)
		for i, sub := range subs {
			if sub.Result() == nil {
				t.Errorf("subscription %d goes on without a publisher", i)
			}
		}
		for i, x := range m.nodes {
			if s := x.Stats(); s.Subscriptions > 0 || s.Namespaces > 0 {
				t.Errorf("relay %s serves %d subscriptions, shows %d namespaces", nameOf(i), s.Subscriptions, s.Namespaces)
			}
		}
	})
}

// TestPublisherMoves: a publisher that leaves one relay and comes to another is
// found there by those who watch, whichever relay they are at: the relays that had
// the track from each other turn around, and every object comes, once.
func TestPublisherMoves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		edges := []*edge{{from: 1, to: 0, cost: 1}, {from: 2, to: 0, cost: 1}, {from: 3, to: 1, cost: 1}}
		m := newMesh(t, 4, edges, defaults)
		time.Sleep(2 * time.Second)
		source := moq.NewOrigin()
		track := live.NewTrack(camera, live.Options{RetainFor: 10 * time.Second, RetainGroups: 20})
		source.AddTrack(track)
		begin := func(at int) *moq.Session {
			s := m.client(m.nodes[at], source)
			if _, err := s.PublishNamespace(t.Context(), camera.Namespace); err != nil {
				t.Fatal(err)
			}
			return s
		}
		publisher := begin(2)
		ctx, cancel := context.WithCancel(t.Context())
		produced := make(chan struct{})
		go func() { defer close(produced); produce(ctx, t, track, 30, time.Second/30, 100) }()
		defer func() { cancel(); <-produced }()
		time.Sleep(time.Second)
		var readers []*live.Reader
		for i := range m.nodes {
			s := m.client(m.nodes[i], nil)
			defer closeSession(s)
			into := live.NewTrack(camera, live.Options{RetainGroups: 20})
			if _, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{Into: into, JoinGroups: wire.Some(uint64(0))}); err != nil {
				t.Fatal(err)
			}
			r := into.NewReader(wire.Location{})
			defer r.Close()
			readers = append(readers, r)
		}
		time.Sleep(2 * time.Second)
		closeSession(publisher)
		time.Sleep(500 * time.Millisecond)
		defer closeSession(begin(3))
		complete := make(chan struct{}, len(readers))
		for i, r := range readers {
			go func() {
				defer func() { complete <- struct{}{} }()
				readAll(t, nameOf(i), r, 2, 12)
			}()
		}
		for range readers {
			<-complete
		}
	})
}

// readAll wants every object of the groups from first up to end, each once, in
// whatever order: what was missed comes when it does.
func readAll(t *testing.T, name string, r *live.Reader, first, end uint64) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got := map[wire.Location]bool{}
	for last := uint64(0); last < end+4 && uint64(len(got)) < 30*(end-first); {
		o, err := r.Next(ctx)
		if err != nil {
			t.Errorf("at %s: %v after %d objects", name, err, len(got))
			return
		}
		if got[o.Location()] {
			t.Errorf("at %s: object %s comes twice", name, o.Location())
		}
		if last = o.Group; last >= first && last < end {
			got[o.Location()] = true
		}
	}
	for group := first; group < end; group++ {
		for id := range uint64(30) {
			if at := (wire.Location{Group: group, Object: id}); !got[at] {
				t.Errorf("at %s: object %s is missing", name, at)
			}
		}
	}
}
