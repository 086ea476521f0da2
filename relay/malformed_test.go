package relay_test

import (
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// spoil sends an object of group 1 a second time, with another payload.
func spoil(t *testing.T, p *peer) {
	t.Helper()
	if err := p.track.AppendDatagram(wire.Datagram{Group: 1, ID: 0, Payload: []byte("1/0")}); err != nil {
		t.Fatal(err)
	}
}

// TestMalformedPublisherIsRemoved: a publisher whose objects contradict those
// of another is left; the track goes on with the other (moqt-18 §2.4.2).
func TestMalformedPublisherIsRemoved(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		good, bad := newPeer(t, r, camera.Namespace), newPeer(t, r, camera.Namespace)
		v := view(t, r, moq.SubscribeOptions{})
		time.Sleep(time.Second)
		put(t, good.track, 1, 0, 1)
		v.gets(locations(1, 0, 1)...)
		spoil(t, bad)
		time.Sleep(5 * time.Second)
		if n := bad.track.Listeners(); n != 0 {
			t.Errorf("%d subscriptions at the publisher of the malformed track, want none", n)
		}
		if bad.session.Context().Err() != nil {
			t.Error("its session is over")
		}
		put(t, good.track, 2, 0)
		v.gets(locations(2, 0)...)
		v.none()
		v.goesOn()
	})
}

// TestMalformedTrackEndsDownstream: with no other publisher, a malformed track
// ends for its subscribers, with fetch streams reset; sessions stay (moqt-18
// §2.4.2). What made it malformed was not sent.
func TestMalformedTrackEndsDownstream(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		good, bad := newPeer(t, r), newPeer(t, r)
		for _, p := range []*peer{good, bad} {
			if _, err := p.session.Publish(t.Context(), p.track, moq.PublishOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		v := view(t, r, moq.SubscribeOptions{})
		w := begin(t, good.track, 1)
		write(t, w, 1, 0, 1)
		v.gets(locations(1, 0, 1)...)
		if err := w.Begin(live.ObjectHeader{ID: 2, Size: 9}); err != nil {
			t.Fatal(err)
		}
		w.Commit(copy(w.Buffer(), "1"))
		time.Sleep(10 * time.Millisecond) // parts of objects are gathered on their way
		closeSession(good.session)
		fetched := live.NewTrack(camera, live.Options{})
		fetch := v.session.Fetch(moq.FetchOptions{Into: fetched, First: wire.Location{Group: 1}, Last: wire.Location{Group: 1, Object: 2}})
		synctest.Wait()
		spoil(t, bad)
		v.ends(wire.DoneMalformedTrack)
		v.none()
		if fetch.Wait(t.Context()) == nil { // its streams are reset, in either order
			t.Error("the fetch that waits for more is complete")
		}
		if v.session.Context().Err() != nil || bad.session.Context().Err() != nil {
			t.Error("a session ended with the track")
		}
		if s := r.Stats(); s.Tracks != 0 {
			t.Errorf("%d tracks are left", s.Tracks)
		}
	})
}

// TestUnknownMandatoryProperty: a track with a property that must be understood
// and is not is neither taken nor handed on (moqt-18 §2.5.1).
func TestUnknownMandatoryProperty(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		properties := wire.AppendProperties(nil, wire.KeyValue{Type: wire.MinMandatoryProperty + 2, Value: 1})
		track := live.NewTrack(camera, live.Options{Properties: properties})
		unsupported := &moq.RequestError{Code: wire.RequestUnsupportedExtension}

		publishing := newPeerOf(t, r, wire.Draft18, track)
		if _, err := publishing.session.Publish(t.Context(), track, moq.PublishOptions{}); !isRequestError(err, unsupported) {
			t.Errorf("PUBLISH: %v, want UNSUPPORTED_EXTENSION", err)
		}
		newPeerOf(t, r, wire.Draft18, track, camera.Namespace)
		s := connect(t, r, wire.Draft18, moq.Config{})
		if _, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{}); !isRequestError(err, unsupported) {
			t.Errorf("SUBSCRIBE: %v, want UNSUPPORTED_EXTENSION", err)
		}
		into := live.NewTrack(camera, live.Options{})
		if err := s.Fetch(moq.FetchOptions{Into: into, Last: wire.Location{Group: 1}}).Wait(t.Context()); !isRequestError(err, unsupported) {
			t.Errorf("FETCH: %v, want UNSUPPORTED_EXTENSION", err)
		}
		time.Sleep(time.Second)
		if n := track.Listeners(); n != 0 {
			t.Errorf("%d subscriptions are left at the publisher", n)
		}
		good := newPeer(t, r, camera.Namespace) // of the same name, and understood
		v := view(t, r, moq.SubscribeOptions{})
		put(t, good.track, 0, 0)
		v.gets(wire.Location{})
	})
}
