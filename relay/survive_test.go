package relay_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// mined permits everything, but a token of one word is a bomb.
func mined(_ context.Context, a relay.Action) (relay.Verdict, error) {
	for _, t := range a.Tokens {
		if string(t.Value) == "bomb" {
			panic("a bomb")
		}
	}
	return relay.Verdict{}, nil
}

// guarded is a buffer for a log.
type guarded struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (g *guarded) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.text.Write(b)
}

func (g *guarded) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.text.String()
}

// TestPanic: a panic in a session, or while one begins, ends that one, with a stack in the
// log, and is counted. Others do not notice.
func TestPanic(t *testing.T) {
	bubble(t, func(t *testing.T) {
		log := &guarded{}
		r := newRelay(t, relay.Config{Authorize: mined, Logger: slog.New(slog.NewTextHandler(log, nil))})
		origin, track := moq.NewOrigin(), live.NewTrack(camera, live.Options{})
		origin.AddTrack(track)
		publisher := connect(t, r, wire.Draft18, moq.Config{Handler: origin})
		if _, err := publisher.PublishNamespace(t.Context(), camera.Namespace); err != nil {
			t.Fatal(err)
		}
		viewer := connect(t, r, wire.Draft18, moq.Config{})
		sub, err := viewer.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		reader := sub.Track().NewReader(wire.Location{})
		defer reader.Close()
		for n := range 3 {
			bomber := connect(t, r, wire.Draft18, moq.Config{})
			_, err := bomber.Subscribe(t.Context(), camera, moq.SubscribeOptions{Params: wire.Parameters{AuthTokens: permits("bomb")}})
			if err == nil {
				t.Fatal("subscribed with a bomb")
			}
			closes(t, bomber, wire.SessionInternalError, time.Now())
			notLetIn(t, r, permits("bomb"), wire.SessionInternalError)
			put(t, track, uint64(n), 0)
			if _, err := reader.Next(t.Context()); err != nil {
				t.Fatalf("the viewer after %d panics: %v", 2*n+2, err)
			}
			if got := r.Stats().Panics; got != uint64(2*n+2) {
				t.Errorf("%d panics counted, want %d", got, 2*n+2)
			}
		}
		until(t, "there are two sessions", func() bool { return r.Sessions() == 2 })
		if text := log.String(); strings.Count(text, "a bomb") != 6 || !strings.Contains(text, "relay_test.mined") {
			t.Errorf("the log does not tell of six panics with their stacks:\n%s", text)
		}
	})
}

// TestPanicOfHandler: a session without a relay does the same for its handler.
func TestPanicOfHandler(t *testing.T) {
	near, far := transport.MemoryPair(wire.Draft18.String())
	defer far.CloseWithError(0, "")
	told := make(chan any, 1)
	go func() {
		_, _ = moq.NewSession(t.Context(), far, moq.Config{Logger: quiet(), Panicked: func(v any) { told <- v }, Handler: exploding{}})
	}()
	s, err := moq.NewSession(t.Context(), near, moq.Config{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer closeSession(s)
	_, err = s.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
	var e *transport.CloseError
	if !errors.As(err, &e) || e.Code != uint64(wire.SessionInternalError) {
		t.Errorf("%v, want a session that ended with INTERNAL_ERROR", err)
	}
	if v := <-told; v != "boom" {
		t.Errorf("told of %v", v)
	}
}

type exploding struct{}

func (exploding) Serve(context.Context, moq.Request) { panic("boom") }

// TestPanicBesideTheSession: the same for what the relay does for a session in goroutines
// of its own: offering tracks to it, and asking again whether it may have what it has.
func TestPanicBesideTheSession(t *testing.T) {
	for name, c := range map[string]struct {
		armed relay.Verb // what is asked when the token explodes
		until time.Duration
	}{
		"offers":      {armed: relay.VerbSubscribe},
		"permissions": {armed: relay.VerbSubscribeTracks, until: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				asked := 0
				log := &guarded{}
				r := newRelay(t, relay.Config{Logger: slog.New(slog.NewTextHandler(log, nil)), Authorize: func(_ context.Context, a relay.Action) (relay.Verdict, error) {
					for _, token := range a.Tokens {
						if string(token.Value) != "bomb" || a.Verb != c.armed {
							continue
						}
						if asked++; c.until == 0 || asked > 1 {
							panic("a bomb")
						}
						return relay.Verdict{Until: time.Now().Add(c.until)}, nil
					}
					return relay.Verdict{}, nil
				}})
				publisher := connect(t, r, wire.Draft18, moq.Config{})
				other := connect(t, r, wire.Draft18, moq.Config{})
				bomber := connect(t, r, wire.Draft18, moq.Config{})
				if _, err := bomber.SubscribeTracks(t.Context(), camera.Namespace, wire.Parameters{AuthTokens: permits("bomb")}, nil); err != nil {
					t.Fatal(err)
				}
				if _, err := publisher.Publish(t.Context(), live.NewTrack(camera, live.Options{}), moq.PublishOptions{}); err != nil {
					t.Fatal(err)
				}
				closes(t, bomber, wire.SessionInternalError, time.Now().Add(c.until))
				if n := r.Stats().Panics; n != 1 || strings.Count(log.String(), "a bomb") != 1 {
					t.Errorf("%d panics counted:\n%s", n, log)
				}
				until(t, "the others are left", func() bool { return r.Sessions() == 2 })
				for _, s := range []*moq.Session{publisher, other} {
					if err := s.Context().Err(); err != nil {
						t.Errorf("another session ended: %v", context.Cause(s.Context()))
					}
				}
			})
		})
	}
}
