package relay_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// listing notes what a session is told of namespaces.
type listing struct {
	mu  sync.Mutex
	all []string
}

func (l *listing) NamespaceAdded(ns wire.Namespace)   { l.note("+" + ns.String()) }
func (l *listing) NamespaceRemoved(ns wire.Namespace) { l.note("-" + ns.String()) }

func (l *listing) note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, text)
}

// takes wants to have been told this since the last time.
func (l *listing) takes(t *testing.T, want ...string) {
	t.Helper()
	time.Sleep(5 * time.Second)
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.all)
	if !slices.Equal(l.all, want) {
		t.Errorf("told %q, want %q", l.all, want)
	}
	l.all = nil
}

// open permits who shows a token everything, others to read what is below "open", and
// to ask what there is.
func open(_ context.Context, a relay.Action) (relay.Verdict, error) {
	ns := a.Track.Namespace
	switch {
	case len(a.Tokens) > 0, a.Verb == relay.VerbConnect, len(ns) > 0 && ns[0] == "open":
	case len(ns) == 0 && (a.Verb == relay.VerbSubscribeNamespace || a.Verb == relay.VerbSubscribeTracks):
	default:
		return relay.Verdict{}, errors.New("closed")
	}
	return relay.Verdict{}, nil
}

// TestShowsOnlyWhatMayBeRead: who asks for all namespaces and tracks is told of those
// that it may read, at once and later, here and of a relay above.
func TestShowsOnlyWhatMayBeRead(t *testing.T) {
	for _, v := range wire.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				m := newMesh(t, 2, []*edge{{from: 1, to: 0}}, func(i int, c *relay.Config) {
					if i == 1 {
						c.Authorize = open
					}
				})
				publishers := []*moq.Session{}
				for _, n := range m.nodes {
					publishers = append(publishers, connect(t, n.Relay, v, moq.Config{Tokens: permits("all")}))
				}
				tell := func(p *moq.Session, name string) *moq.NamespacePublication {
					t.Helper()
					n, err := p.PublishNamespace(t.Context(), wire.Namespace{name, "x"})
					if err != nil {
						t.Fatal(err)
					}
					return n
				}
				tell(publishers[0], "open")
				tell(publishers[0], "closed")
				track := func(name string) *live.Track {
					return live.NewTrack(wire.FullTrackName{Namespace: wire.Namespace{name, "y"}, Name: name}, live.Options{})
				}
				time.Sleep(time.Second)
				var told, all listing
				offered, every := newAsks(), newAsks()
				for _, w := range []struct {
					config  moq.Config
					listing *listing
				}{{moq.Config{Handler: offered}, &told}, {moq.Config{Handler: every, Tokens: permits("all")}, &all}} {
					s := connect(t, m.nodes[1].Relay, v, w.config)
					if _, err := s.SubscribeNamespace(t.Context(), nil, w.listing); err != nil {
						t.Fatal(err)
					}
					if !v.Has(wire.FeatureSubscribeTracks) {
						s = connect(t, m.nodes[1].Relay, v, w.config) // their prefixes overlap
					}
					if _, err := s.SubscribeTracks(t.Context(), nil, wire.Parameters{}, nil); err != nil {
						t.Fatal(err)
					}
				}
				told.takes(t, "+open-x")
				all.takes(t, "+closed-x", "+open-x")
				for i, p := range publishers {
					for _, name := range []string{"open", "closed"} {
						t := track(name)
						if i == 1 {
							t = track(name + " here")
						}
						_, _ = p.Publish(context.Background(), t, moq.PublishOptions{})
					}
				}
				later, hidden := tell(publishers[1], "open here"), tell(publishers[1], "closed here")
				if got := offered.offered(); !slices.Equal(got, []string{"open"}) {
					t.Errorf("offered %q", got)
				}
				if got := every.offered(); !slices.Equal(got, []string{"closed", "closed here", "open", "open here"}) {
					t.Errorf("who may have all is offered %q", got)
				}
				told.takes(t)
				all.takes(t, "+closed.20here-x", "+open.20here-x")
				later.Close()
				hidden.Close()
				told.takes(t)
				all.takes(t, "-closed.20here-x", "-open.20here-x")
			})
		})
	}
}

// TestFetchPermission: a FETCH needs a permission of its own, or that of the
// subscription that it joins, and ends with it.
func TestFetchPermission(t *testing.T) {
	bubble(t, func(t *testing.T) {
		began := time.Now()
		r := newRelay(t, relay.Config{Authorize: hours()})
		p := newPeerOf(t, r, wire.Draft18, live.NewTrack(camera, live.Options{RetainGroups: 20}))
		p.session = connect(t, r, wire.Draft18, moq.Config{Handler: p, Tokens: permits("3600")})
		p.announce(camera.Namespace)
		put(t, p.track, 0, 0, 1)
		s := connect(t, r, wire.Draft18, moq.Config{})
		o := with("60")
		o.JoinGroups = wire.Some[uint64](0)
		sub, err := s.Subscribe(t.Context(), camera, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := sub.Join().Wait(t.Context()); err != nil {
			t.Errorf("a FETCH that joins a subscription with a token: %v", err)
		}
		fetch := func(o moq.SubscribeOptions) error {
			into := live.NewTrack(camera, live.Options{})
			return s.Fetch(moq.FetchOptions{Into: into, Params: o.Params}).Wait(t.Context())
		}
		if err := fetch(moq.SubscribeOptions{}); !isRequestError(err, &moq.RequestError{Code: wire.RequestUnauthorized}) {
			t.Errorf("without a token: %v", err)
		}
		if err := fetch(with("60")); err != nil {
			t.Errorf("with one: %v", err)
		}
		other := wire.FullTrackName{Namespace: camera.Namespace, Name: "slow"}
		slow := live.NewTrack(other, live.Options{})
		p.origin.AddTrack(slow)
		put(t, slow, 0, 0)
		p.answers(func(ctx context.Context, q moq.Request) bool { // nothing is said to what is asked for
			<-ctx.Done()
			return true
		})
		err = s.Fetch(moq.FetchOptions{Into: live.NewTrack(other, live.Options{}), Params: with("5").Params}).Wait(t.Context())
		if took := time.Since(began); !isRequestError(err, &moq.RequestError{Code: wire.RequestExpiredAuthToken}) || took != 5*time.Second {
			t.Errorf("one that waits for its publisher: %v after %v", err, took)
		}
	})
}

// TestPublisherPermissionEnds: what a publisher offered ends with its permission, and
// goes on when it comes back with another token; viewers keep their subscriptions.
func TestPublisherPermissionEnds(t *testing.T) {
	for _, byNamespace := range []bool{true, false} {
		t.Run(map[bool]string{true: "PUBLISH_NAMESPACE", false: "PUBLISH"}[byNamespace], func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRelay(t, relay.Config{Authorize: hours()})
				track := live.NewTrack(camera, live.Options{RetainGroups: 20})
				origin := moq.NewOrigin()
				origin.AddTrack(track)
				p := connect(t, r, wire.Draft18, moq.Config{Handler: origin})
				offer := func(token string) (done <-chan struct{}) {
					t.Helper()
					params := with(token).Params
					if byNamespace {
						n, err := p.PublishNamespaceBy(t.Context(), camera.Namespace, params)
						if err != nil {
							t.Fatal(err)
						}
						return n.Done()
					}
					n, err := p.Publish(t.Context(), track, moq.PublishOptions{Params: params})
					if err != nil {
						t.Fatal(err)
					}
					return n.Done()
				}
				over := offer("10")
				put(t, track, 0, 0)
				v := &viewer{t: t, session: connect(t, r, wire.Draft18, moq.Config{Tokens: permits("3600")})}
				v.subscribe(moq.SubscribeOptions{})
				put(t, track, 1, 0)
				v.gets(wire.Location{Group: 1})
				began := time.Now()
				<-over
				if took := time.Since(began); took > 10*time.Second || took < 9*time.Second {
					t.Errorf("it ended after %v", took)
				}
				put(t, track, 2, 0)
				v.none()
				v.goesOn()
				if p.Context().Err() != nil {
					t.Fatal("the publisher's session ended")
				}
				offer("3600")
				time.Sleep(time.Second)
				put(t, track, 3, 0)
				var got []uint64
				for {
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
					o, err := v.reader.Next(ctx)
					cancel()
					if err != nil {
						break
					}
					got = append(got, o.Location().Group)
				}
				if !slices.Contains(got, 3) {
					t.Errorf("after it came back: groups %d", got)
				}
				v.goesOn()
			})
		})
	}
}
