package relay_test

import (
	"context"
	"fmt"
	"slices"
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

// refuses has a peer refuse SUBSCRIBE, FETCH and TRACK_STATUS.
func (p *peer) refuses(err error) {
	p.answers(func(_ context.Context, r moq.Request) bool {
		switch r := r.(type) {
		case *moq.SubscribeRequest:
			r.RejectWith(err)
		case *moq.FetchRequest:
			r.RejectWith(err)
		case *moq.TrackStatusRequest:
			r.RejectWith(err)
		default:
			return false
		}
		return true
	})
}

// TestRedirectIsHandedOnAndRemembered: a publisher's REDIRECT is told to the
// subscriber, and to others without asking again, as long as its Retry Interval
// allows and no publisher appears (moqt-18 §10.6.2).
func TestRedirectIsHandedOnAndRemembered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		p := newPeer(t, r)
		to := wire.Redirect{Track: wire.FullTrackName{Namespace: wire.Namespace{"other"}, Name: "name"}}
		p.refuses(&moq.RequestError{Code: wire.RequestRedirect, Reason: "moved", Retry: wire.Some(10 * time.Second), Redirect: &to})
		p.announce(camera.Namespace)
		s := connect(t, r, wire.Draft18, moq.Config{})
		redirected := func(asked int, retry time.Duration) {
			t.Helper()
			_, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
			refused, ok := err.(*moq.RequestError)
			if !ok || refused.Code != wire.RequestRedirect || refused.Redirect == nil || refused.Redirect.URI != to.URI || !refused.Redirect.Track.Equal(to.Track) {
				t.Fatalf("SUBSCRIBE: %v, want a redirect to %+v", err, to)
			}
			if refused.Retry.Value != retry {
				t.Errorf("to be retried after %v, want %v", refused.Retry.Value, retry)
			}
			if a, _ := p.requests(); len(a) != asked {
				t.Errorf("%d SUBSCRIBEs upstream, want %d", len(a), asked)
			}
		}
		redirected(1, 10*time.Second)
		time.Sleep(4 * time.Second)
		redirected(1, 6*time.Second)
		time.Sleep(6 * time.Second)
		redirected(2, 10*time.Second)
		good := newPeer(t, r, camera.Namespace)
		put(t, good.track, 0, 0)
		if _, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{}); err != nil {
			t.Errorf("with a publisher: %v", err)
		}
	})
}

// TestRefusedPublisherIsAskedAgain: one of two publishers refuses. It is asked
// again when its Retry Interval is over, or, without one, when it announces the
// namespace again (moqt-18 §10.6.2).
func TestRefusedPublisherIsAskedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		good, busy, never := newPeer(t, r, camera.Namespace), newPeer(t, r), newPeer(t, r)
		busy.refuses(&moq.RequestError{Code: wire.RequestExcessiveLoad, Retry: wire.Some(20 * time.Second)})
		never.refuses(&moq.RequestError{Code: wire.RequestDoesNotExist})
		busy.announce(camera.Namespace)
		announced, err := never.session.PublishNamespace(t.Context(), camera.Namespace)
		if err != nil {
			t.Fatal(err)
		}
		v := view(t, r, moq.SubscribeOptions{})
		time.Sleep(15 * time.Second)
		asked := func(p *peer) int {
			a, _ := p.requests()
			return len(a)
		}
		if a, b := asked(busy), asked(never); a != 1 || b != 1 {
			t.Errorf("asked %d and %d times, want once each", a, b)
		}
		busy.answers(nil)
		time.Sleep(10 * time.Second)
		if n := asked(busy); n != 2 {
			t.Errorf("asked %d times after the Retry Interval, want 2", n)
		}
		time.Sleep(time.Minute)
		if n := asked(never); n != 1 {
			t.Errorf("asked %d times although it said not to, want once", n)
		}
		announced.Close()
		time.Sleep(time.Second)
		never.announce(camera.Namespace)
		time.Sleep(time.Second)
		if n := asked(never); n != 2 {
			t.Errorf("asked %d times after it announced the namespace again, want 2", n)
		}
		put(t, good.track, 0, 0)
		v.gets(wire.Location{})
		v.goesOn()
	})
}

// TestRendezvous: a SUBSCRIBE waits for its publisher as long as it says, and
// is then served, not offered the track by PUBLISH as well (moqt-18 §9.5, §10.2.6).
func TestRendezvous(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		offered := make(takeAll, 4)
		s := connect(t, r, wire.Draft18, moq.Config{Handler: offered})
		if _, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{}); !isRequestError(err, &moq.RequestError{Code: wire.RequestDoesNotExist}) {
			t.Errorf("without a rendezvous: %v, want DOES_NOT_EXIST at once", err)
		}
		started := time.Now()
		wait := moq.SubscribeOptions{Params: wire.Parameters{RendezvousTimeout: wire.Some(5 * time.Second)}}
		if _, err := s.Subscribe(t.Context(), camera, wait); !isRequestError(err, &moq.RequestError{Code: wire.RequestTimeout}) {
			t.Errorf("with nobody coming: %v, want TIMEOUT", err)
		}
		if waited := time.Since(started); waited != 5*time.Second {
			t.Errorf("waited %v, want 5 s", waited)
		}
		if _, err := s.SubscribeTracks(t.Context(), nil, wire.Parameters{}, nil); err != nil {
			t.Fatal(err)
		}
		type result struct {
			sub *moq.Subscription
			err error
		}
		subscribed := make(chan result, 1)
		go func() {
			sub, err := s.Subscribe(t.Context(), camera, wait)
			subscribed <- result{sub, err}
		}()
		time.Sleep(2 * time.Second)
		p := newPeer(t, r)
		if _, err := p.session.Publish(t.Context(), p.track, moq.PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		if x := <-subscribed; x.err != nil {
			t.Fatal(x.err)
		}
		time.Sleep(5 * time.Second)
		if len(offered) != 0 {
			t.Error("the track is offered to who had asked for it")
		}
		other := live.NewTrack(wire.FullTrackName{Namespace: camera.Namespace, Name: "other"}, live.Options{})
		if _, err := p.session.Publish(t.Context(), other, moq.PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		if sub := <-offered; sub.Track().Name().Name != "other" {
			t.Errorf("offered %v", sub.Track().Name())
		}
	})
}

// TestOwnNamespacesAndTracks: SUBSCRIBE_NAMESPACE tells a session of what it
// announced itself, SUBSCRIBE_TRACKS does not offer it what it publishes, and
// it may subscribe to that (moqt-18 §5.1, §6.1).
func TestOwnNamespacesAndTracks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		p := newPeer(t, r, camera.Namespace)
		offers := 0
		p.answers(func(_ context.Context, r moq.Request) bool {
			if x, ok := r.(*moq.PublishRequest); ok {
				offers++
				x.Reject(wire.RequestUninterested, "", moq.NoRetry())
			}
			return false
		})
		told := make(seen, 4)
		if _, err := p.session.SubscribeNamespace(t.Context(), nil, told); err != nil {
			t.Fatal(err)
		}
		if got := <-told; got != "+"+camera.Namespace.String() {
			t.Errorf("told of %s", got)
		}
		published := live.NewTrack(wire.FullTrackName{Namespace: camera.Namespace, Name: "published"}, live.Options{})
		if _, err := p.session.SubscribeTracks(t.Context(), nil, wire.Parameters{}, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := p.session.Publish(t.Context(), published, moq.PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if offers != 0 {
			t.Error("offered its own track")
		}
		put(t, p.track, 0, 0)
		v := &viewer{t: t, session: p.session}
		v.subscribe(moq.SubscribeOptions{})
		put(t, p.track, 1, 0)
		v.gets(locations(1, 0)...)
	})
}

// TestReservedNamespaces never reach another session (moqt-18 §3.2.1, §3.2.2).
func TestReservedNamespaces(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		p := newPeer(t, r, wire.Namespace{})
		missing := &moq.RequestError{Code: wire.RequestDoesNotExist}
		s := connect(t, r, wire.Draft18, moq.Config{})
		for _, first := range []string{".", ".session"} {
			name := wire.FullTrackName{Namespace: wire.Namespace{first, "x"}, Name: "y"}
			if _, err := s.Subscribe(t.Context(), name, moq.SubscribeOptions{}); !isRequestError(err, missing) {
				t.Errorf("SUBSCRIBE %v: %v", name, err)
			}
			if _, err := s.TrackStatus(t.Context(), name); !isRequestError(err, missing) {
				t.Errorf("TRACK_STATUS %v: %v", name, err)
			}
			if _, err := p.session.PublishNamespace(t.Context(), name.Namespace); !isRequestError(err, missing) {
				t.Errorf("PUBLISH_NAMESPACE %v: %v", name, err)
			}
		}
		if asked, _ := p.requests(); len(asked) != 0 || p.statuses != 0 {
			t.Error("a publisher was asked for a session's own track")
		}
		other := live.NewTrack(wire.FullTrackName{Namespace: wire.Namespace{".x"}, Name: "y"}, live.Options{})
		p.origin.AddTrack(other) // a reserved one that nobody here knows is the application's business
		if _, err := s.Subscribe(t.Context(), other.Name(), moq.SubscribeOptions{}); err != nil {
			t.Errorf("SUBSCRIBE %v: %v", other.Name(), err)
		}
	})
}

// TestTrackStatusWithoutSubscribing: publishers are asked the same; nobody is
// subscribed to (moqt-18 §10.14). Of several answers the largest counts.
func TestTrackStatusWithoutSubscribing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		s := connect(t, r, wire.Draft18, moq.Config{})
		if _, err := s.TrackStatus(t.Context(), camera); !isRequestError(err, &moq.RequestError{Code: wire.RequestDoesNotExist}) {
			t.Errorf("nobody has it: %v, want DOES_NOT_EXIST", err)
		}
		first, second := newPeer(t, r, camera.Namespace), newPeer(t, r, camera.Namespace)
		put(t, first.track, 3, 0)
		put(t, second.track, 5, 0, 1)
		status, err := s.TrackStatus(t.Context(), camera)
		if want := wire.Some(wire.Location{Group: 5, Object: 1}); err != nil || status.Largest != want {
			t.Errorf("%+v, %v, want %v", status, err, want)
		}
		if first.track.Listeners()+second.track.Listeners() != 0 || r.Stats().Tracks != 0 {
			t.Error("the track was subscribed to")
		}
		if a, _ := first.requests(); len(a) != 0 {
			t.Errorf("%d SUBSCRIBEs", len(a))
		}
	})
}

// asks collects what a SUBSCRIBE_TRACKS is offered, by name.
type asks struct {
	mu    sync.Mutex
	names map[string]wire.Parameters
	subs  chan *moq.Subscription
}

func newAsks() *asks {
	return &asks{names: map[string]wire.Parameters{}, subs: make(chan *moq.Subscription, 16)}
}

func (a *asks) Serve(_ context.Context, r moq.Request) {
	p, ok := r.(*moq.PublishRequest)
	if !ok {
		return
	}
	a.mu.Lock()
	a.names[p.Track.Name] = p.Params
	a.mu.Unlock()
	if sub, err := p.Accept(nil, wire.Parameters{Forward: p.Params.Forward}, nil); err == nil {
		a.subs <- sub
	}
}

func (a *asks) offered() []string {
	time.Sleep(5 * time.Second)
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for name := range a.names {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// numbered is a track with a property.
func numbered(name string, value uint64) *live.Track {
	p := wire.AppendProperties(nil, wire.KeyValue{Type: 0x3800, Value: value})
	return live.NewTrack(wire.FullTrackName{Namespace: camera.Namespace, Name: name}, live.Options{Properties: p})
}

// TestSubscribeTracksParameters: FORWARD and, from draft 19 on, GROUP_ORDER go
// into the PUBLISHes; publishers are not asked for objects that are not wanted
// (moqt-18 §10.19).
func TestSubscribeTracksParameters(t *testing.T) {
	for _, v := range []wire.Version{wire.Draft18, wire.Draft19, wire.Draft22} {
		bubble(t, func(t *testing.T) {
			r := newRelay(t, relay.Config{ForwardIdle: relay.ForwardNone})
			a := newAsks()
			s := connect(t, r, v, moq.Config{Handler: a})
			params := wire.Parameters{Forward: wire.Some(false)}
			if v != wire.Draft18 {
				params.GroupOrder = wire.Some(wire.GroupOrderDescending)
			}
			if _, err := s.SubscribeTracks(t.Context(), nil, params, nil); err != nil {
				t.Fatal(err)
			}
			p := newPeer(t, r)
			publication, err := p.session.Publish(t.Context(), numbered("one", 1), moq.PublishOptions{})
			if err != nil {
				t.Fatal(err)
			}
			sub := <-a.subs
			got := a.names["one"]
			if got.Forward.Or(true) || got.GroupOrder != params.GroupOrder {
				t.Errorf("%v: PUBLISH says forward %v, order %v", v, got.Forward, got.GroupOrder)
			}
			time.Sleep(time.Second)
			if publication.Forward() {
				t.Errorf("%v: objects are asked for that the subscriber does not want", v)
			}
			if err := sub.Update(t.Context(), wire.Parameters{Forward: wire.Some(true)}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if !publication.Forward() {
				t.Errorf("%v: objects are not asked for after the subscriber's update", v)
			}
		})
	}
}

// TestTrackPropertyFilter: tracks whose properties do not pass are not offered;
// of those that do, objects are sent as the other filters say (moqt-19 §5.1.3).
func TestTrackPropertyFilter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		a := newAsks()
		s := connect(t, r, wire.Draft19, moq.Config{Handler: a})
		in := func(set uint8, first, last uint64) wire.RangeFilter {
			return wire.RangeFilter{Type: wire.RangeTrackProperty, SetID: set, Property: 0x3800, Ranges: []wire.ValueRange{{First: first, Last: last}}}
		}
		odd := wire.RangeFilter{Type: wire.RangeObjectID, SetID: 2, Ranges: []wire.ValueRange{{First: 1, Last: 1}, {First: 3, Last: 3}}}
		filters := []wire.RangeFilter{in(1, 10, 19), in(2, 30, 39), odd}
		if _, err := s.SubscribeTracks(t.Context(), nil, wire.Parameters{RangeFilters: filters}, nil); err != nil {
			t.Fatal(err)
		}
		p := newPeer(t, r)
		tracks := map[uint64]*live.Track{}
		for _, value := range []uint64{5, 12, 25, 33} {
			tracks[value] = numbered(fmt.Sprint(value), value)
			if _, err := p.session.Publish(t.Context(), tracks[value], moq.PublishOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if got := a.offered(); !slices.Equal(got, []string{"12", "33"}) {
			t.Fatalf("offered %v, want 12 and 33", got)
		}
		for range 2 {
			sub := <-a.subs
			want := []uint64{0, 1, 2, 3, 4}
			value := uint64(12)
			if sub.Track().Name().Name == "33" {
				want, value = []uint64{1, 3}, 33
			}
			put(t, tracks[value], 0, 0, 1, 2, 3, 4)
			reader := sub.Track().NewReader(wire.Location{})
			defer reader.Close()
			for _, id := range want {
				if o, err := reader.Next(t.Context()); err != nil || o.ID != id {
					t.Fatalf("track %d: got %v, %v, want object %d", value, o, err, id)
				}
			}
		}
	})
}

// TestPublishBlocked: a track for which the subscriber leaves no stream is named
// by PUBLISH_BLOCKED, and not offered any more (moqt-18 §6.1).
func TestPublishBlocked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		near, far := transport.MemoryConfig{Protocol: wire.Draft18.String(), MaxStreams: 2}.Pair()
		go r.ServeConn(far)
		a := newAsks()
		s, err := moq.NewSession(t.Context(), near, moq.Config{Handler: a, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		defer closeSession(s)
		blocked := make(chan wire.FullTrackName, 8)
		if _, err := s.SubscribeTracks(t.Context(), camera.Namespace, wire.Parameters{}, func(n wire.FullTrackName) { blocked <- n }); err != nil {
			t.Fatal(err)
		}
		p := newPeer(t, r)
		for i := range 3 { // the subscriber allows two streams
			if _, err := p.session.Publish(t.Context(), numbered(fmt.Sprint(i), 1), moq.PublishOptions{}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if got := a.offered(); len(got) != 2 {
			t.Errorf("offered %v, want two", got)
		}
		select {
		case name := <-blocked:
			if !name.Namespace.Equal(camera.Namespace) || name.Name != "2" {
				t.Errorf("PUBLISH_BLOCKED names %v", name)
			}
		default:
			t.Fatal("no PUBLISH_BLOCKED")
		}
		sub := <-a.subs
		sub.Close() // there is a stream again
		if _, err := p.session.Publish(t.Context(), numbered("3", 1), moq.PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := a.offered(); !slices.Equal(got, []string{"0", "1", "3"}) {
			t.Errorf("offered %v, want 0, 1 and 3: 2 was blocked", got)
		}
	})
}
