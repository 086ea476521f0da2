package relay_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// publisher is a source that connects to a relay again and again.
type publisher struct {
	track *live.Track
	stop  func()
}

// publish is one of 30 objects/s and a megabit/s, in groups of a second.
func (n *network) publish(to *node) *publisher { return n.publishAs(to, 30, 4_000) }

// publishAs is one of so many objects/s, of a size, in groups of a second.
func (n *network) publishAs(to *node, objects, size int) *publisher {
	n.t.Helper()
	source := moq.NewOrigin()
	track := live.NewTrack(camera, live.Options{RetainFor: 10 * time.Second})
	source.AddTrack(track)
	source.AddNamespace(camera.Namespace)
	ctx, cancel := context.WithCancel(context.Background())
	client := moq.Client{
		URL: to.url(), Config: moq.Config{Handler: source, Logger: quiet()}, MaxBackoff: time.Second,
		Refresh: func(_ context.Context, d *transport.DialConfig) error {
			*d = *n.dial(to)
			return nil
		},
		Connected: source.Announce,
		Failed:    func(error) {},
	}
	var tasks sync.WaitGroup
	tasks.Go(func() { client.Run(ctx) })
	tasks.Go(func() { produce(ctx, n.t, track, objects, time.Second/time.Duration(objects), size) })
	p := &publisher{track: track, stop: sync.OnceFunc(func() { cancel(); tasks.Wait() })}
	n.t.Cleanup(p.stop)
	return p
}

// TestParentRestart: the relay above is replaced by a fresh one. The viewer's
// session stays, and every group of its track arrives whole.
func TestParentRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, 10*time.Millisecond, 0)
		origin, edge := n.pair()
		n.publish(origin)
		time.Sleep(1500 * time.Millisecond)

		s := n.client(edge, nil)
		sub, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
		if err != nil {
			t.Fatal(err)
		}
		r := sub.Track().NewReader(wire.Location{})
		defer r.Close()
		next := map[uint64]uint64{}
		restarted := false
		for len(next) < 9 {
			o, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if o.ID != next[o.Group] {
				t.Errorf("got object %s, want object %d of the group", o.Location(), next[o.Group])
			}
			next[o.Group] = o.ID + 1
			if len(next) == 3 && o.ID == 10 && !restarted {
				restarted = true
				origin = origin.restart()
			}
		}
		newest := uint64(0)
		for g := range next {
			newest = max(newest, g)
		}
		for g := newest - 8; g < newest; g++ {
			if next[g] != 30 {
				t.Errorf("group %d has %d objects, want 30", g, next[g])
			}
		}
		if sub.Result() != nil {
			t.Errorf("the subscription ended: %v", sub.Result())
		}
	})
}

// TestUnused: a track that nobody watches is given up after the linger.
func TestUnused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, time.Millisecond, 0)
		origin, edge := n.pair()
		n.publish(origin)
		time.Sleep(time.Second)

		s := n.client(edge, nil)
		sub, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := origin.Stats().Subscriptions; got != 1 {
			t.Fatalf("the origin serves %d subscriptions, want 1", got)
		}
		sub.Close()
		time.Sleep(4 * time.Second)
		if got := edge.Stats().Tracks; got != 1 {
			t.Errorf("the edge has %d tracks within the linger, want 1", got)
		}
		time.Sleep(2 * time.Second)
		if got := edge.Stats().Tracks; got != 0 {
			t.Errorf("the edge has %d tracks after the linger, want 0", got)
		}
		if got := origin.Stats().Subscriptions; got != 0 {
			t.Errorf("the origin serves %d subscriptions after the linger, want 0", got)
		}
	})
}

// TestUnknownTrack is refused, and works once somebody publishes it.
func TestUnknownTrack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, time.Millisecond, 0)
		origin, edge := n.pair()
		s := n.client(edge, nil)
		_, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
		if want := (&moq.RequestError{Code: wire.RequestDoesNotExist}); !isRequestError(err, want) {
			t.Fatalf("got %v, want DOES_NOT_EXIST", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		subscribed := make(chan error, 1)
		go func() {
			p := wire.Parameters{RendezvousTimeout: wire.Some(30 * time.Second)}
			_, err := s.Subscribe(ctx, camera, moq.SubscribeOptions{Params: p})
			subscribed <- err
		}()
		time.Sleep(5 * time.Second)
		n.publish(origin)
		if err := <-subscribed; err != nil {
			t.Fatal(err)
		}
	})
}

// TestSubscribeNeedsAPublisher: while the publisher of a track is lost, nobody
// is told that a new subscription works (moqt-18 §9.4): it waits for a while,
// and is then to be made again.
func TestSubscribeNeedsAPublisher(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		p := newPeer(t, r, camera.Namespace)
		v := view(t, r, moq.SubscribeOptions{})
		closeSession(p.session)
		time.Sleep(time.Second)
		s := connect(t, r, wire.Draft18, moq.Config{})
		_, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
		refused, ok := err.(*moq.RequestError)
		if !ok || refused.Code != wire.RequestTimeout || !refused.Retry.Set {
			t.Errorf("without a publisher: %v, want TIMEOUT with a Retry Interval", err)
		}
		subscribed := make(chan error, 1)
		go func() {
			_, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
			subscribed <- err
		}()
		time.Sleep(time.Second)
		p = newPeerOf(t, r, wire.Draft18, p.track, camera.Namespace)
		if err := <-subscribed; err != nil {
			t.Errorf("with the publisher back: %v", err)
		}
		put(t, p.track, 1, 0)
		v.gets(locations(1, 0)...)
	})
}

// TestPublisherMovesToAnotherEdge: the publisher at one edge is lost and comes
// back at another. Its viewers at the first edge get the track from the parent,
// which had it from that edge before.
func TestPublisherMovesToAnotherEdge(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork(t, 10*time.Millisecond, 0)
		origin := n.relay("origin", nil)
		here, there := n.relay("here", origin), n.relay("there", origin)
		time.Sleep(time.Second)
		source := moq.NewOrigin()
		track := live.NewTrack(camera, live.Options{RetainFor: 10 * time.Second})
		source.AddTrack(track)
		publish := func(at *node) *moq.Session {
			s := n.client(at, source)
			if _, err := s.PublishNamespace(t.Context(), camera.Namespace); err != nil {
				t.Fatal(err)
			}
			return s
		}
		p := publish(here)
		var viewers []*viewer
		for _, at := range []*node{here, origin} {
			v := &viewer{t: t, session: n.client(at, nil)}
			defer closeSession(v.session)
			v.subscribe(moq.SubscribeOptions{})
			viewers = append(viewers, v)
		}
		put(t, track, 0, 0)
		for _, v := range viewers {
			v.gets(locations(0, 0)...)
		}
		closeSession(p)
		put(t, track, 1, 0)
		p = publish(there)
		defer closeSession(p)
		put(t, track, 2, 0)
		for _, v := range viewers {
			got := map[uint64]bool{} // in either order: groups do not wait for each other
			for range 2 {
				o, err := v.reader.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				got[o.Group] = true
			}
			if !got[1] || !got[2] {
				t.Errorf("got groups %v, want 1 and 2", got)
			}
			v.goesOn()
		}
		time.Sleep(5 * time.Second)
		put(t, track, 3, 0)
		for _, v := range viewers {
			v.gets(locations(3, 0)...)
			v.goesOn()
		}
	})
}

// reluctant refuses the first subscriptions.
type reluctant struct {
	refuse int
	moq.Handler
}

func (h *reluctant) Serve(ctx context.Context, r moq.Request) {
	if q, ok := r.(*moq.SubscribeRequest); ok && h.refuse > 0 {
		h.refuse--
		q.Reject(wire.RequestDoesNotExist, "not yet", moq.NoRetry())
		return
	}
	h.Handler.Serve(ctx, r)
}

// TestLostTrackOfManyViewers: a lost track is asked for again, however often
// viewers come and go meanwhile.
func TestLostTrackOfManyViewers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := newMesh(t, 1, nil, nil)
		source := moq.NewOrigin()
		track := live.NewTrack(camera, live.Options{})
		source.AddTrack(track)
		ctx, cancel := context.WithCancel(t.Context())
		produced := make(chan struct{})
		go func() { defer close(produced); produce(ctx, t, track, 30, time.Second/30, 100) }()
		defer func() { cancel(); <-produced }()
		first := m.client(m.nodes[0], source)
		if _, err := first.PublishNamespace(t.Context(), camera.Namespace); err != nil {
			t.Fatal(err)
		}
		s := m.client(m.nodes[0], nil)
		defer closeSession(s)
		sub, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		come := make(chan struct{})
		go func() { // viewers
			defer close(come)
			for ctx.Err() == nil {
				v := m.client(m.nodes[0], nil)
				brief, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
				_, _ = v.Subscribe(brief, camera, moq.SubscribeOptions{})
				cancel()
				closeSession(v)
			}
		}()
		defer func() { cancel(); <-come }()
		time.Sleep(time.Second)
		second := m.client(m.nodes[0], &reluctant{2, source})
		defer closeSession(second)
		closeSession(first)
		time.Sleep(time.Second)
		lost, _ := sub.Track().Largest()
		if _, err := second.PublishNamespace(t.Context(), camera.Namespace); err != nil {
			t.Fatal(err)
		}
		time.Sleep(4 * time.Second)
		if l, _ := sub.Track().Largest(); l.Group <= lost.Group {
			t.Errorf("four seconds after its publisher is back the track is still at %s", l)
		}
	})
}
