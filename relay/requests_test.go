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
		asked, _ := p.requests()
		if _, statuses := p.counts(); len(asked) != 0 || statuses != 0 {
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
