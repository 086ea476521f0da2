package relay_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// offerTracks publishes tracks of a namespace by PUBLISH.
func offerTracks(t *testing.T, s *moq.Session, ns wire.Namespace, names ...string) (tracks []*live.Track) {
	t.Helper()
	for _, name := range names {
		x := live.NewTrack(wire.FullTrackName{Namespace: ns, Name: name}, live.Options{})
		if _, err := s.Publish(t.Context(), x, moq.PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		tracks = append(tracks, x)
	}
	return tracks
}

// wantTracks asks a relay for the tracks below a prefix.
func wantTracks(t *testing.T, s *moq.Session, prefix wire.Namespace) *moq.TracksSubscription {
	t.Helper()
	x, err := s.SubscribeTracks(t.Context(), prefix, wire.Parameters{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func expectTracks(t *testing.T, who string, a *asks, names ...string) {
	t.Helper()
	if got := a.offered(); !slices.Equal(got, names) {
		t.Errorf("%s was offered %v, want %v", who, got, names)
	}
}

// TestTracksOfOtherRelays: who asks one of three relays for the tracks below a
// prefix is offered those that are published at any of them, once, with what is
// published, and hears of their ends. It is so in a line and in a ring.
func TestTracksOfOtherRelays(t *testing.T) {
	for name, edges := range map[string][]*edge{
		"line": {{from: 1, to: 0}, {from: 2, to: 1}},
		"ring": {{from: 1, to: 0}, {from: 2, to: 1}, {from: 0, to: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMesh(t, 3, edges, nil)
				room := wire.Namespace{"room", "one"}
				publisher := m.client(m.nodes[0], nil)
				defer closeSession(publisher)
				tracks := offerTracks(t, publisher, room, "first", "")
				offerTracks(t, publisher, wire.Namespace{"hall"}, "elsewhere")
				var viewers []*asks
				for i := range 3 {
					a := newAsks()
					s := m.client(m.nodes[i], a)
					defer closeSession(s)
					wantTracks(t, s, room[:1])
					viewers = append(viewers, a)
					expectTracks(t, "who asks relay "+nameOf(i), a, "", "first")
				}
				w, err := tracks[0].OpenSubgroup(live.SubgroupInfo{Group: 3, FirstObject: true})
				if err != nil {
					t.Fatal(err)
				}
				if err := w.Append(live.WholeObject{Payload: []byte("x")}); err != nil {
					t.Fatal(err)
				}
				w.Close()
				second := m.client(m.nodes[2], nil)
				defer closeSession(second)
				offerTracks(t, second, room, "second") // at another relay, and later
				var subscriptions []*moq.Subscription
				for i, a := range viewers {
					expectTracks(t, "who asked relay "+nameOf(i), a, "", "first", "second")
					if len(a.subs) != 3 {
						t.Errorf("%d offers at relay %s", len(a.subs), nameOf(i))
					}
					for range len(a.subs) {
						if sub := <-a.subs; sub.Track().Name().Name == "first" {
							subscriptions = append(subscriptions, sub)
						}
					}
				}
				for _, sub := range subscriptions {
					r := sub.Track().NewReader(wire.Location{})
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					if o, err := r.Next(ctx); err != nil || o.Group != 3 {
						t.Errorf("got %v, %v", o, err)
					}
					cancel()
					r.Close()
				}
				tracks[0].Close(wire.DoneTrackEnded, "over")
				for _, sub := range subscriptions {
					<-sub.Done()
					if d := sub.Result(); d.Code != wire.DoneTrackEnded {
						t.Errorf("ended with %+v", d)
					}
				}
				// It is gone for those, too, who ask from now on; the others are not.
				for i := range 3 {
					a := newAsks()
					s := m.client(m.nodes[i], a)
					wantTracks(t, s, nil)
					expectTracks(t, "who asks late", a, "", "elsewhere", "second")
					closeSession(s)
				}
				closeSession(publisher) // nothing of it goes around
				time.Sleep(time.Minute)
				for i := range 3 {
					a := newAsks()
					s := m.client(m.nodes[i], a)
					wantTracks(t, s, nil)
					expectTracks(t, "who asks last", a, "second")
					closeSession(s)
				}
			})
		})
	}
}

// TestTracksSurviveTheWay: tracks of which the way breaks and comes back are
// offered again to nobody who has them, and to those who ask meanwhile when it is
// back.
func TestTracksSurviveTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t, 2, []*edge{{from: 1, to: 0}}, nil)
		publisher := m.client(m.nodes[0], nil)
		defer closeSession(publisher)
		offerTracks(t, publisher, camera.Namespace, "video")
		early, late := newAsks(), newAsks()
		s := m.client(m.nodes[1], early)
		defer closeSession(s)
		wantTracks(t, s, nil)
		expectTracks(t, "who was there", early, "video")
		m.router.setCut(m.nodes[0].socket.LocalAddr(), true)
		time.Sleep(12 * time.Second)
		other := m.client(m.nodes[1], late)
		defer closeSession(other)
		wantTracks(t, other, nil)
		expectTracks(t, "who came while the way was broken", late)
		m.router.setCut(m.nodes[0].socket.LocalAddr(), false)
		time.Sleep(10 * time.Second)
		if len(m.nodes[0].Routes(nil, 0)) > 0 { // the publisher's session is over, too, after 20 s
			expectTracks(t, "who came while the way was broken, afterwards", late, "video")
		}
		if n := len(early.subs); n != 1 {
			t.Errorf("who had it got %d offers", n)
		}
	})
}

// TestTracksAuthorised: a relay that nobody vouches for hears of the tracks, and of
// the namespaces that nobody announced, that it may ask for, and is believed those
// that it may publish.
func TestTracksAuthorised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t, 2, []*edge{{from: 1, to: 0}}, func(i int, c *relay.Config) {
			if i > 0 {
				return
			}
			c.Authorize = func(_ context.Context, a relay.Action) (relay.Verdict, error) {
				_, isRelay := a.Session.PeerRelay()
				if isRelay && len(a.Track.Namespace) > 0 && a.Track.Namespace[0] == "closed" {
					return relay.Verdict{}, errors.New("not for that relay")
				}
				return relay.Verdict{}, nil
			}
		})
		for i, n := range m.nodes { // at both ends
			publisher := m.client(n, nil)
			defer closeSession(publisher)
			offerTracks(t, publisher, wire.Namespace{"open"}, "open "+nameOf(i))
			offerTracks(t, publisher, wire.Namespace{"closed"}, "closed "+nameOf(i))
		}
		for i, names := range [][]string{{"closed a", "open a", "open b"}, {"closed b", "open a", "open b"}} {
			a := newAsks()
			s := m.client(m.nodes[i], a)
			defer closeSession(s)
			wantTracks(t, s, nil)
			expectTracks(t, "who asks relay "+nameOf(i), a, names...)
			for _, way := range m.nodes[i].Routes(wire.Namespace{"closed"}, 0) {
				if way.Via != "tracks" {
					t.Errorf("relay %s knows %+v", nameOf(i), way)
				}
			}
		}
	})
}

// TestTracksAreNoNamespaces: what stands for tracks between relays can be had by
// nobody else, and is not shown.
func TestTracksAreNoNamespaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t, 2, []*edge{{from: 1, to: 0}}, nil)
		publisher := m.client(m.nodes[0], nil)
		defer closeSession(publisher)
		offerTracks(t, publisher, camera.Namespace, "video")
		forged := wire.Namespace{".tracks", "cam1.loc", "=forged"}
		if _, err := publisher.PublishNamespace(t.Context(), forged); !isRequestError(err, &moq.RequestError{Code: wire.RequestDoesNotExist}) {
			t.Errorf("PUBLISH_NAMESPACE: %v", err)
		}
		x := live.NewTrack(wire.FullTrackName{Namespace: forged, Name: "x"}, live.Options{})
		if _, err := publisher.Publish(t.Context(), x, moq.PublishOptions{}); !isRequestError(err, &moq.RequestError{Code: wire.RequestDoesNotExist}) {
			t.Errorf("PUBLISH: %v", err)
		}
		time.Sleep(time.Second)
		viewer := m.client(m.nodes[1], nil)
		defer closeSession(viewer)
		names := make(seen, 8)
		if _, err := viewer.SubscribeNamespace(t.Context(), nil, names); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if len(names) > 0 {
			t.Errorf("shown: %s", <-names)
		}
		if all := m.nodes[1].Routes(nil, 0); len(all) != 1 {
			t.Errorf("routes %+v", all)
		}
	})
}
