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

// TestSubscribeGoesToEveryPublisher: all who announced the namespace of a track
// or a prefix of it are subscribed to, field by field (moqt-18 §9.5).
func TestSubscribeGoesToEveryPublisher(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		exact := newPeer(t, r, camera.Namespace)
		prefix := newPeer(t, r, wire.Namespace{})
		other := newPeer(t, r, wire.Namespace{"cam1"})
		deeper := newPeer(t, r, wire.Namespace{"cam1.loc", "x"})
		for _, p := range []*peer{exact, prefix} {
			put(t, p.track, 1, 0, 1)
		}
		v := view(t, r, moq.SubscribeOptions{})
		time.Sleep(time.Second)
		for name, p := range map[string]*peer{"exact": exact, "prefix": prefix} {
			if asked, _ := p.requests(); len(asked) != 1 {
				t.Errorf("%s: %d SUBSCRIBEs, want 1", name, len(asked))
			}
		}
		for name, p := range map[string]*peer{"other": other, "deeper": deeper} {
			if asked, _ := p.requests(); len(asked) != 0 {
				t.Errorf("%s: %d SUBSCRIBEs, want none", name, len(asked))
			}
		}
		for g := uint64(2); g < 6; g++ { // each object comes twice, and goes on once
			put(t, exact.track, g, 0, 1, 2)
			put(t, prefix.track, g, 0, 1, 2)
			v.gets(locations(g, 0, 1, 2)...)
		}
		v.none()
		if s := r.Stats(); s.ObjectsIn < 20 || s.ObjectsOut != 12 {
			t.Errorf("%d objects in, %d out, want both copies in and 12 out", s.ObjectsIn, s.ObjectsOut)
		}
	})
}

// TestNewNamespaceIsAskedForExistingTracks: who announces the namespace of a
// track that others provide is subscribed to as well (moqt-18 §9.5).
func TestNewNamespaceIsAskedForExistingTracks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		first := newPeer(t, r, camera.Namespace)
		put(t, first.track, 1, 0)
		v := view(t, r, moq.SubscribeOptions{})
		second := newPeer(t, r)
		put(t, second.track, 1, 0)
		second.announce(camera.Namespace)
		time.Sleep(time.Second)
		if asked, _ := second.requests(); len(asked) != 1 {
			t.Fatalf("%d SUBSCRIBEs, want 1", len(asked))
		}
		put(t, second.track, 2, 0, 1)
		v.gets(locations(2, 0, 1)...)
		v.sub.Close()
		time.Sleep(time.Minute)
		third := newPeer(t, r, camera.Namespace)
		if asked, _ := third.requests(); len(asked) != 0 {
			t.Error("subscribed to a track that nobody wants")
		}
	})
}

// TestPublishOfPublishedTrack: a second PUBLISH of a track is accepted, and
// what it brings is sent once (moqt-18 §9.3, §9.5).
func TestPublishOfPublishedTrack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		first, second := newPeer(t, r), newPeer(t, r)
		for _, p := range []*peer{first, second} {
			if _, err := p.session.Publish(t.Context(), p.track, moq.PublishOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		v := view(t, r, moq.SubscribeOptions{})
		for g := uint64(0); g < 3; g++ {
			put(t, first.track, g, 0, 1)
			put(t, second.track, g, 0, 1)
			v.gets(locations(g, 0, 1)...)
		}
		closeSession(first.session)
		put(t, second.track, 3, 0)
		v.gets(locations(3, 0)...)
		v.none()
		v.goesOn()
	})
}

// TestPublishAndNamespaceTogether: a track that came by PUBLISH is asked for
// where its namespace was announced too (moqt-18 §9.5).
func TestPublishAndNamespaceTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		announcing := newPeer(t, r, camera.Namespace)
		publishing := newPeer(t, r)
		if _, err := publishing.session.Publish(t.Context(), publishing.track, moq.PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		v := view(t, r, moq.SubscribeOptions{})
		time.Sleep(time.Second)
		if asked, _ := announcing.requests(); len(asked) != 1 {
			t.Errorf("%d SUBSCRIBEs, want 1", len(asked))
		}
		put(t, announcing.track, 0, 0)
		put(t, publishing.track, 0, 0)
		v.gets(wire.Location{})
		put(t, publishing.track, 1, 0)
		put(t, announcing.track, 1, 0)
		v.gets(wire.Location{Group: 1})
		v.none()
	})
}

// TestLossOfOnePublisher: of two publishers one is lost within an object of an
// old group, of which the other's stream began later. The viewer gets all
// objects in order, on the same streams.
func TestLossOfOnePublisher(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		first := newPeer(t, r, camera.Namespace)
		put(t, first.track, 1, 0)
		v := view(t, r, moq.SubscribeOptions{})
		old := begin(t, first.track, 2)
		write(t, old, 2, 0, 1)
		v.gets(locations(2, 0, 1)...)
		newest := begin(t, first.track, 3)
		write(t, newest, 3, 0)
		v.gets(locations(3, 0)...)
		if err := old.Begin(live.ObjectHeader{ID: 2, Size: 3}); err != nil {
			t.Fatal(err)
		}
		old.Commit(copy(old.Buffer(), "2"))
		synctest.Wait()

		second := newPeer(t, r)
		put(t, second.track, 2, 0, 1, 2, 3)
		rest := begin(t, second.track, 3)
		write(t, rest, 3, 0)
		second.announce(camera.Namespace)
		time.Sleep(time.Second)
		closeSession(first.session)
		v.gets(locations(2, 2, 3)...)
		write(t, rest, 3, 1, 2)
		v.gets(locations(3, 1, 2)...)
		if err := rest.Close(); err != nil {
			t.Fatal(err)
		}
		put(t, second.track, 4, 0)
		v.gets(locations(4, 0)...)
		v.goesOn()
		if s := r.Stats(); s.StreamsOut != 3 {
			t.Errorf("%d streams for 3 groups: one was interrupted", s.StreamsOut)
		}
	})
}

// TestSilentPublisher: one of two publishers stops within an object and says
// nothing; the other's copy completes it.
func TestSilentPublisher(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		first, second := newPeer(t, r, camera.Namespace), newPeer(t, r, camera.Namespace)
		v := view(t, r, moq.SubscribeOptions{})
		time.Sleep(time.Second)
		stuck := begin(t, first.track, 0)
		write(t, stuck, 0, 0)
		if err := stuck.Begin(live.ObjectHeader{ID: 1, Size: 3}); err != nil {
			t.Fatal(err)
		}
		stuck.Commit(copy(stuck.Buffer(), "0"))
		v.gets(locations(0, 0)...)
		put(t, second.track, 0, 0, 1, 2)
		v.gets(locations(0, 1, 2)...)
	})
}

// TestTrackEndsWithItsLastPublisher: that one of several publishers ends the
// track says only that it is no publisher any more; downstream it ends when the
// last one has ended it.
func TestTrackEndsWithItsLastPublisher(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		first, second := newPeer(t, r, camera.Namespace), newPeer(t, r, camera.Namespace)
		v := view(t, r, moq.SubscribeOptions{})
		time.Sleep(time.Second)
		put(t, first.track, 0, 0)
		first.track.Close(wire.DoneTrackEnded, "over here")
		v.gets(locations(0, 0)...)
		put(t, second.track, 1, 0)
		v.gets(locations(1, 0)...)
		time.Sleep(time.Minute)
		v.goesOn()
		if asked, _ := first.requests(); len(asked) != 1 {
			t.Errorf("%d SUBSCRIBEs to who ended the track, want 1", len(asked))
		}
		second.track.Close(wire.DoneTrackEnded, "over everywhere")
		v.ends(wire.DoneTrackEnded)
		if s := r.Stats(); s.Tracks != 0 {
			t.Errorf("%d tracks are left", s.Tracks)
		}
	})
}

// TestPublisherThatBeganAnew: of two publishers one comes back with smaller
// groups than are kept. It is left alone; the other goes on.
func TestPublisherThatBeganAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{RetainFor: time.Millisecond})
		first := newPeer(t, r, camera.Namespace)
		put(t, first.track, 100, 0)
		v := view(t, r, moq.SubscribeOptions{})
		for g := uint64(101); g < 110; g++ {
			put(t, first.track, g, 0)
			v.gets(locations(g, 0)...)
			time.Sleep(time.Second)
		}
		second := newPeer(t, r)
		put(t, second.track, 7, 0)
		second.announce(camera.Namespace)
		time.Sleep(time.Second)
		if n := second.track.Listeners(); n != 0 {
			t.Errorf("the relay still has %d subscriptions of the publisher that began anew", n)
		}
		publishing := newPeer(t, r)
		put(t, publishing.track, 8, 0)
		_, err := publishing.session.Publish(t.Context(), publishing.track, moq.PublishOptions{})
		if !isRequestError(err, &moq.RequestError{Code: wire.RequestUninterested}) {
			t.Errorf("PUBLISH of another track by that name: %v, want UNINTERESTED", err)
		}
		put(t, second.track, 8, 0)
		put(t, first.track, 110, 0)
		v.gets(locations(110, 0)...)
		v.none()
		v.goesOn()

		closeSession(first.session) // now there is no other
		v.ends(wire.DoneTrackEnded)
		v.subscribe(moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
		v.gets(locations(8, 0)...)
	})
}

// TestPublisherSwitchover: a publisher moves to another session, on which it
// publishes the same before it leaves the first (moqt-18 §9.5.1).
func TestPublisherSwitchover(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		for _, announces := range [][]wire.Namespace{{camera.Namespace}, nil} { // by PUBLISH_NAMESPACE, by PUBLISH
			track := live.NewTrack(camera, live.Options{RetainGroups: 20})
			publish := func() *peer {
				p := newPeerOf(t, r, wire.Draft18, track, announces...)
				if announces == nil {
					if _, err := p.session.Publish(t.Context(), track, moq.PublishOptions{}); err != nil {
						t.Fatal(err)
					}
				}
				return p
			}
			before := publish()
			put(t, track, 0, 0)
			synctest.Wait()
			v := view(t, r, moq.SubscribeOptions{})
			w := begin(t, track, 1)
			write(t, w, 1, 0, 1)
			v.gets(locations(1, 0, 1)...)
			after := publish()
			time.Sleep(time.Second)
			write(t, w, 1, 2)
			v.gets(locations(1, 2)...)
			closeSession(before.session)
			write(t, w, 1, 3)
			v.gets(locations(1, 3)...)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			v.none()
			v.goesOn()
			track.Close(wire.DoneTrackEnded, "")
			v.ends(wire.DoneTrackEnded)
			closeSession(after.session)
		}
	})
}

// TestPublishWhileAsked: a PUBLISH crosses the relay's SUBSCRIBE for the same
// track. The relay gives its own up before it takes the PUBLISH (moqt-18 §5.1).
func TestPublishWhileAsked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork(t, 25*time.Millisecond, 0)
		node := n.relay("relay", nil)
		p := &peer{t: t, origin: moq.NewOrigin(), track: live.NewTrack(camera, live.Options{})}
		p.session = n.client(node, p)
		p.announce(camera.Namespace)
		s := n.client(node, nil)
		subscribed := make(chan *moq.Subscription, 1)
		go func() {
			sub, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
			if err != nil {
				t.Error(err)
			}
			subscribed <- sub
		}()
		time.Sleep(35 * time.Millisecond) // the relay's SUBSCRIBE is on its way
		publication, err := p.session.Publish(t.Context(), p.track, moq.PublishOptions{})
		if err != nil {
			t.Fatal(err)
		}
		sub := <-subscribed
		r := sub.Track().NewReader(wire.Location{})
		defer r.Close()
		put(t, p.track, 0, 0)
		if o, err := r.Next(t.Context()); err != nil || o.Location() != (wire.Location{}) {
			t.Errorf("got %v, %v", o, err)
		}
		publication.Close(wire.DoneTrackEnded, "")
		<-sub.Done()
		if d := sub.Result(); d.Code != wire.DoneTrackEnded {
			t.Errorf("ended with %+v", d)
		}
	})
}
