package relay_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// readers permit to ask for everything, to publish, and to read what is below the
// namespaces that tokens name, or that everybody may.
type readers struct {
	mu    sync.Mutex
	open  []string
	asked int // about what to show
}

func (r *readers) authorize(_ context.Context, a relay.Action) (relay.Verdict, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch a.Verb {
	case relay.VerbShow:
		r.asked++
	case relay.VerbSubscribe, relay.VerbFetch:
	default:
		return relay.Verdict{}, nil
	}
	for _, t := range a.Tokens {
		if string(t.Value) == a.Track.Namespace[0] {
			return relay.Verdict{}, nil
		}
	}
	if slices.Contains(r.open, a.Track.Namespace[0]) {
		return relay.Verdict{}, nil
	}
	return relay.Verdict{}, errors.New("not for you")
}

func (r *readers) setOpen(open ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = open
}

// TestOtherTokenShowsOthers: who shows another token for its SUBSCRIBE_NAMESPACE is told
// of what that lets it read and was there, and that what it may not any more is gone; so
// it is when what everybody may read changes. What comes and goes later is told by the
// token that was shown last.
func TestOtherTokenShowsOthers(t *testing.T) {
	for _, v := range wire.Versions() {
		if !v.Has(wire.FeatureSubscribeTracks) { // it has no REQUEST_UPDATE for these
			continue
		}
		t.Run(v.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var may readers
				r := newRelay(t, relay.Config{Authorize: may.authorize})
				p := connect(t, r, v, moq.Config{})
				tell := func(name string) *moq.NamespacePublication {
					t.Helper()
					n, err := p.PublishNamespace(t.Context(), wire.Namespace{name, "x"})
					if err != nil {
						t.Fatal(err)
					}
					return n
				}
				tell("red")
				green := tell("green")
				tell("blue")
				s := connect(t, r, v, moq.Config{})
				var told listing
				n, err := s.SubscribeNamespaceBy(t.Context(), nil, wire.Parameters{AuthTokens: permits("red")}, &told)
				if err != nil {
					t.Fatal(err)
				}
				told.takes(t, "+red-x")
				authorize := func(tokens ...string) {
					t.Helper()
					if err := n.Authorize(t.Context(), permits(tokens...)...); err != nil {
						t.Fatal(err)
					}
				}
				authorize("red", "green") // wider
				told.takes(t, "+green-x")
				authorize("red", "green") // the same
				told.takes(t)
				authorize("green", "blue") // another
				told.takes(t, "+blue-x", "-red-x")
				authorize("blue") // narrower
				told.takes(t, "-green-x")
				green.Close()
				told.takes(t)
				authorize("green", "blue", "red")
				told.takes(t, "+red-x")
				tell("green")
				told.takes(t, "+green-x")
				authorize("blue")
				told.takes(t, "-green-x", "-red-x")
				may.setOpen("red")
				r.Reconsider()
				told.takes(t, "+red-x")
				may.setOpen()
				r.Reconsider()
				told.takes(t, "-red-x")
			})
		})
	}
}

// TestOtherTokenOffersOthers: the same for SUBSCRIBE_TRACKS: tracks that another token
// lets it have are offered, and those end that it may not have any more.
func TestOtherTokenOffersOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var may readers
		r := newRelay(t, relay.Config{Authorize: may.authorize})
		p := connect(t, r, wire.Draft18, moq.Config{})
		for _, name := range []string{"red", "green"} {
			track := live.NewTrack(wire.FullTrackName{Namespace: wire.Namespace{name, "y"}, Name: name}, live.Options{})
			if _, err := p.Publish(t.Context(), track, moq.PublishOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		offered := newAsks()
		s := connect(t, r, wire.Draft18, moq.Config{Handler: offered})
		n, err := s.SubscribeTracks(t.Context(), nil, wire.Parameters{AuthTokens: permits("red")}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := offered.offered(); !slices.Equal(got, []string{"red"}) {
			t.Errorf("offered %q", got)
		}
		if err := n.Authorize(t.Context(), permits("green")...); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if got := offered.offered(); !slices.Contains(got, "green") {
			t.Errorf("offered %q after another token was shown", got)
		}
		for range 2 {
			sub := <-offered.subs
			ended := sub.Track().Done() != nil
			if name := sub.Track().Name().Name; ended != (name == "red") {
				t.Errorf("%s has ended: %v", name, ended)
			}
		}
	})
}

// TestTooLargeCountsWhatIsReadable: namespaces and tracks that who asks may not read do
// not count for NAMESPACE_TOO_LARGE, and no more is asked about than has to be.
func TestTooLargeCountsWhatIsReadable(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const most = 10
		var may readers
		r := newRelay(t, relay.Config{Authorize: may.authorize, MaxMatches: most})
		p := connect(t, r, wire.Draft18, moq.Config{})
		published := 0
		publish := func(first string, n int) {
			t.Helper()
			for range n {
				published++
				ns := wire.Namespace{first, strconv.Itoa(published)}
				if _, err := p.PublishNamespace(t.Context(), ns); err != nil {
					t.Fatal(err)
				}
				if _, err := p.Publish(t.Context(), live.NewTrack(wire.FullTrackName{Namespace: ns, Name: "t"}, live.Options{}), moq.PublishOptions{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		publish("red", 8)
		publish("green", 5)
		synctest.Wait()
		tooLarge := &moq.RequestError{Code: wire.RequestNamespaceTooLarge}
		ask := func(large bool, tokens ...string) {
			t.Helper()
			s := connect(t, r, wire.Draft18, moq.Config{Tokens: permits(tokens...)})
			defer s.Close(wire.SessionNoError, "")
			_, err := s.SubscribeNamespace(t.Context(), nil, make(seen, 64))
			if isRequestError(err, tooLarge) != large || !large && err != nil {
				t.Errorf("SUBSCRIBE_NAMESPACE with %q: %v", tokens, err)
			}
			_, err = s.SubscribeTracks(t.Context(), nil, wire.Parameters{}, nil)
			if isRequestError(err, tooLarge) != large || !large && err != nil {
				t.Errorf("SUBSCRIBE_TRACKS with %q: %v", tokens, err)
			}
		}
		ask(false)
		ask(false, "red")
		ask(false, "green")
		ask(true, "red", "green")
		publish("green", 7)
		ask(false, "red")
		ask(true, "green", "red")
		publish("blue", 10*most)
		may.asked = 0
		ask(true) // nearly all would have to be asked about
		if may.asked > 0 {
			t.Errorf("asked about %d namespaces", may.asked)
		}
	})
}
