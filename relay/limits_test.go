package relay_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/limit"
)

// TestSessionLimits: a session has a bounded number of namespaces and of other
// requests; beyond, it is told to come back later. Others do not notice, and
// what is given up makes room (moqt-18 §13.1, §13.7.1).
func TestSessionLimits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{Limits: limit.New(limit.Config{Session: limit.Limits{Namespaces: 3, Subscriptions: 4}})})
		overloaded := func(err error) {
			t.Helper()
			refused, ok := err.(*moq.RequestError)
			if !ok || refused.Code != wire.RequestExcessiveLoad || !refused.Retry.Set || refused.Retry.Value < time.Second {
				t.Errorf("got %v, want EXCESSIVE_LOAD with a Retry Interval", err)
			}
		}
		p := newPeer(t, r)
		var last *moq.NamespacePublication
		for i := range 3 {
			var err error
			if last, err = p.session.PublishNamespace(t.Context(), wire.Namespace{"n", fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := p.session.PublishNamespace(t.Context(), camera.Namespace)
		overloaded(err)
		last.Close()
		time.Sleep(time.Second)
		p.announce(camera.Namespace)

		s := connect(t, r, wire.Draft18, moq.Config{})
		var subs []*moq.Subscription
		for i := range 5 {
			track := live.NewTrack(wire.FullTrackName{Namespace: camera.Namespace, Name: fmt.Sprint(i)}, live.Options{})
			p.origin.AddTrack(track)
			sub, err := s.Subscribe(t.Context(), track.Name(), moq.SubscribeOptions{})
			if i == 4 {
				overloaded(err)
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			subs = append(subs, sub)
		}
		other := connect(t, r, wire.Draft18, moq.Config{})
		if _, err := other.Subscribe(t.Context(), camera, moq.SubscribeOptions{}); err != nil {
			t.Errorf("another session: %v", err)
		}
		subs[0].Close()
		time.Sleep(time.Second)
		if _, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{}); err != nil {
			t.Errorf("with room again: %v", err)
		}
	})
}

// TestNamespaceTooLarge: a short prefix that stands for more than the relay is
// willing to tell of is refused, a longer one is not (moqt-18 §13.7.2).
func TestNamespaceTooLarge(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{MaxMatches: 3})
		tooLarge := &moq.RequestError{Code: wire.RequestNamespaceTooLarge}
		s := connect(t, r, wire.Draft18, moq.Config{})
		p := newPeer(t, r)
		for i := range 4 {
			p.announce(wire.Namespace{"conference", fmt.Sprint(i)})
			track := live.NewTrack(wire.FullTrackName{Namespace: wire.Namespace{"conference", "room"}, Name: fmt.Sprint(i)}, live.Options{})
			if _, err := p.session.Publish(t.Context(), track, moq.PublishOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for _, prefix := range []wire.Namespace{nil, {"conference"}} {
			if _, err := s.SubscribeNamespace(t.Context(), prefix, make(seen, 8)); !isRequestError(err, tooLarge) {
				t.Errorf("SUBSCRIBE_NAMESPACE %v: %v, want NAMESPACE_TOO_LARGE", prefix, err)
			}
			if _, err := s.SubscribeTracks(t.Context(), prefix, wire.Parameters{}, nil); !isRequestError(err, tooLarge) {
				t.Errorf("SUBSCRIBE_TRACKS %v: %v, want NAMESPACE_TOO_LARGE", prefix, err)
			}
		}
		room := wire.Namespace{"conference", "room"}
		if _, err := s.SubscribeNamespace(t.Context(), room, make(seen, 8)); err != nil {
			t.Errorf("SUBSCRIBE_NAMESPACE %v: %v", room, err)
		}
		if _, err := s.SubscribeTracks(t.Context(), room, wire.Parameters{}, nil); err != nil {
			t.Errorf("SUBSCRIBE_TRACKS %v: %v", room, err)
		}
	})
}
