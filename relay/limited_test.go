package relay_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/limit"
)

func udp(address string) net.Addr { return &net.UDPAddr{IP: net.ParseIP(address), Port: 1} }

// from joins a session of an address to a relay, of the subject when it has one.
func from(t *testing.T, r *relay.Relay, address, subject string, c moq.Config) (*moq.Session, error) {
	t.Helper()
	near, far := transport.MemoryConfig{
		Protocol: wire.Draft18.String(), Client: udp(address),
	}.Pair()
	served := make(chan struct{})
	go func() {
		r.ServeConn(far)
		close(served)
	}()
	c.Logger = quiet()
	if subject != "" {
		c.Tokens = permits(subject)
	}
	s, err := moq.NewSession(t.Context(), near, c)
	t.Cleanup(func() {
		if s != nil {
			closeSession(s)
		}
		<-served
	})
	return s, err
}

func mustFrom(t *testing.T, r *relay.Relay, address, subject string, c moq.Config) *moq.Session {
	t.Helper()
	s, err := from(t, r, address, subject, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// subjects permits everything, to whom the last token names.
func subjects(_ context.Context, a relay.Action) (v relay.Verdict, _ error) {
	for _, t := range a.Tokens {
		v.Subject = string(t.Value)
	}
	return v, nil
}

// overloaded wants a refusal with a time to come back.
func overloaded(t *testing.T, what string, err error) {
	t.Helper()
	var refused *moq.RequestError
	if !errors.As(err, &refused) || refused.Code != wire.RequestExcessiveLoad || !refused.Retry.Set || refused.Retry.Value < time.Second {
		t.Errorf("%s: %v, want EXCESSIVE_LOAD with a Retry Interval", what, err)
	}
}

const (
	here  = "192.0.2.1"
	there = "198.51.100.1"
)

// limitsOf is what limits a scope to something.
func limitsOf(s limit.Scope, l limit.Limits) (c limit.Config) {
	*map[limit.Scope]*limit.Limits{limit.Global: &c.Global, limit.Address: &c.Address, limit.Token: &c.Token, limit.PerSession: &c.Session}[s] = l
	return c
}

// client is who tries, in each scope another session that counts for the same, and one
// that does not.
type client struct {
	scope       limit.Scope
	same, other [2]string // address and subject
}

func clients() []client {
	return []client{
		{limit.Global, [2]string{there, "b"}, [2]string{}},
		{limit.Address, [2]string{here, "b"}, [2]string{there, "a"}},
		{limit.Token, [2]string{there, "a"}, [2]string{here, "b"}},
		{limit.PerSession, [2]string{}, [2]string{here, "a"}},
	}
}

// TestLimitedRequests: what lasts is counted for the session, its token, its address and
// for all; beyond a limit it is refused until something has ended.
func TestLimitedRequests(t *testing.T) {
	subscribe := func(s *moq.Session, i int) (func(), error) {
		sub, err := s.Subscribe(context.Background(), wire.FullTrackName{Namespace: camera.Namespace, Name: fmt.Sprint(i)}, moq.SubscribeOptions{})
		if err != nil {
			return nil, err
		}
		return func() { sub.Close() }, nil
	}
	announce := func(s *moq.Session, i int) (func(), error) {
		p, err := s.PublishNamespace(context.Background(), wire.Namespace{"mine", fmt.Sprint(i)})
		if err != nil {
			return nil, err
		}
		return p.Close, nil
	}
	for kind, ask := range map[limit.Kind]func(*moq.Session, int) (func(), error){limit.Subscriptions: subscribe, limit.Namespaces: announce} {
		for _, c := range clients() {
			t.Run(kind.String()+" of "+c.scope.String(), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					l := limit.New(limit.Config{})
					r := newRelay(t, relay.Config{Limits: l, Authorize: subjects})
					origin := moq.NewOrigin()
					for i := range 10 {
						origin.AddTrack(live.NewTrack(wire.FullTrackName{Namespace: camera.Namespace, Name: fmt.Sprint(i)}, live.Options{}))
					}
					publisher := mustFrom(t, r, "203.0.113.1", "", moq.Config{Handler: origin})
					if _, err := publisher.PublishNamespace(t.Context(), camera.Namespace); err != nil {
						t.Fatal(err)
					}
					most := 3
					if c.scope == limit.Global && kind == limit.Namespaces {
						most++ // the publisher's
					}
					l.Set(limitsOf(c.scope, limit.Limits{Subscriptions: most, Namespaces: most}))
					s := mustFrom(t, r, here, "a", moq.Config{})
					var end func()
					for i := range 3 {
						var err error
						if end, err = ask(s, i); err != nil {
							t.Fatal(err)
						}
					}
					_, err := ask(s, 3)
					overloaded(t, "one more", err)
					if c.same[0] != "" {
						_, err := ask(mustFrom(t, r, c.same[0], c.same[1], moq.Config{}), 4)
						overloaded(t, "one more by another session", err)
					}
					if c.other[0] != "" {
						if _, err := ask(mustFrom(t, r, c.other[0], c.other[1], moq.Config{}), 5); err != nil {
							t.Errorf("of somebody else: %v", err)
						}
					}
					end()
					time.Sleep(time.Second)
					if _, err := ask(s, 6); err != nil {
						t.Errorf("with room again: %v", err)
					}
					if l.Count(c.scope, kind) == 0 {
						t.Error("no refusal is counted")
					}
					l.Set(limitsOf(c.scope, limit.Limits{Subscriptions: limit.Unlimited, Namespaces: limit.Unlimited}))
					if _, err := ask(s, 7); err != nil {
						t.Errorf("without the limit: %v", err)
					}
				})
			})
		}
	}
}

// TestLimitedSessions: a session beyond a limit ends with words that say so, and another
// one is taken once there is room.
func TestLimitedSessions(t *testing.T) {
	for _, c := range clients()[:3] {
		t.Run(c.scope.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				l := limit.New(limitsOf(c.scope, limit.Limits{Sessions: 2}))
				r := newRelay(t, relay.Config{Limits: l, Authorize: subjects})
				first := mustFrom(t, r, here, "a", moq.Config{})
				mustFrom(t, r, here, "a", moq.Config{})
				synctest.Wait() // a token is judged after SETUP
				refused := func(address, subject string) bool {
					s, err := from(t, r, address, subject, moq.Config{})
					if err == nil {
						synctest.Wait()
						err = context.Cause(s.Context())
					}
					var closed *transport.CloseError
					if errors.As(err, &closed) {
						if closed.Code != uint64(wire.SessionInternalError) || !strings.Contains(closed.Reason, "too many sessions of") || !strings.Contains(closed.Reason, "try again in") {
							t.Errorf("refused with %v", closed)
						}
						return true
					}
					if err != nil {
						t.Errorf("not refused, but %v", err)
					}
					return false
				}
				if !refused(here, "a") || !refused(c.same[0], c.same[1]) {
					t.Error("a session beyond the limit is served")
				}
				if c.other[0] != "" && refused(c.other[0], c.other[1]) {
					t.Error("a session of somebody else is refused")
				}
				first.Close(wire.SessionNoError, "")
				time.Sleep(time.Second)
				if refused(here, "a") {
					t.Error("refused although there is room")
				}
				if n := l.Count(c.scope, limit.Sessions); n != 2 {
					t.Errorf("%d refusals counted", n)
				}
				l.Set(limit.Config{})
				if refused(here, "a") {
					t.Error("refused without the limit")
				}
			})
		})
	}
}

// TestLimitedRequestRate: requests that come too fast wait for their turn; those for
// which it would be too long are refused at once.
func TestLimitedRequestRate(t *testing.T) {
	for _, c := range clients() {
		t.Run(c.scope.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				const rate, many = 20, 200
				l := limit.New(limitsOf(c.scope, limit.Limits{Requests: rate}))
				r := newRelay(t, relay.Config{Limits: l, Authorize: subjects})
				s := mustFrom(t, r, here, "a", moq.Config{RequestTimeout: time.Minute})
				began := time.Now()
				type answer struct {
					err  error
					took time.Duration
				}
				answers := make(chan answer)
				for i := range many {
					go func() {
						_, err := s.PublishNamespace(t.Context(), wire.Namespace{"n", fmt.Sprint(i)})
						answers <- answer{err, time.Since(began)}
					}()
				}
				served := 0
				for range many {
					a := <-answers
					switch {
					case a.err == nil:
						served++
					case a.took > 100*time.Millisecond:
						t.Errorf("refused only after %v", a.took)
					default:
						overloaded(t, "too fast", a.err)
					}
				}
				// What may come at once, and the turns of 5 s.
				if want := rate/4 + 5*rate; served < want || served > want+rate/10 {
					t.Errorf("%d served, want %d", served, want)
				}
				if c.other[0] != "" {
					if _, err := mustFrom(t, r, c.other[0], c.other[1], moq.Config{}).PublishNamespace(t.Context(), camera.Namespace); err != nil {
						t.Errorf("of somebody else: %v", err)
					}
				}
				l.Set(limitsOf(c.scope, limit.Limits{Requests: limit.Unlimited}))
				began = time.Now()
				for i := range many {
					if _, err := s.PublishNamespace(t.Context(), wire.Namespace{"m", fmt.Sprint(i)}); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(began); took > 100*time.Millisecond {
					t.Errorf("without the limit they wait for %v", took)
				}
			})
		})
	}
}

// TestResidentIsNotLimited: what the process itself publishes does not count.
func TestResidentIsNotLimited(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := limit.New(limit.Config{Session: limit.Limits{Namespaces: 2}, Global: limit.Limits{Sessions: 1}})
		var resident *moq.Session
		r := newRelay(t, relay.Config{Limits: l, Resident: func(s *moq.Session) bool { return s.PeerImplementation() == "bridge" }})
		resident = mustFrom(t, r, here, "", moq.Config{Implementation: "bridge"})
		for i := range 5 {
			if _, err := resident.PublishNamespace(t.Context(), wire.Namespace{"n", fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
		mustFrom(t, r, here, "", moq.Config{}) // which the one session is left for
		if got := l.Stats(); got.Sessions != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// TestFloodOfNamespaces: 10,000 namespaces at once are taken in turn, a few in each
// moment, and a viewer gets what is published meanwhile as soon as ever.
func TestFloodOfNamespaces(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const many = 10_000
		r := newRelay(t, relay.Config{})
		p := newPeer(t, r, camera.Namespace)
		v := view(t, r, moq.SubscribeOptions{})
		near, far := transport.MemoryConfig{Protocol: wire.Draft18.String(), Client: udp(here), MaxStreams: transport.DefaultMaxStreams}.Pair()
		go r.ServeConn(far)
		s, err := moq.NewSession(t.Context(), near, moq.Config{Logger: quiet(), RequestTimeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closeSession(s) })
		began := time.Now()
		errs := make(chan error, many)
		for i := range many {
			go func() {
				_, err := s.PublishNamespace(t.Context(), wire.Namespace{"n", fmt.Sprint(i)})
				errs <- err
			}()
		}
		known := 0
		for group := uint64(0); len(errs) < many; group++ {
			put(t, p.track, group, 0)
			v.getsAtOnce(locations(group, 0)...)
			time.Sleep(100 * time.Millisecond)
			if n := len(errs); n-known > 700 { // 2,000 per second, and a quarter of that at first
				t.Fatalf("%d taken in a tenth of a second", n-known)
			} else {
				known = n
			}
			if time.Since(began) > time.Minute {
				t.Fatalf("%d answered after a minute", known)
			}
		}
		for range many {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("took %v", took)
		}
	})
}
