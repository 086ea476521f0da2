package listing

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// connect returns a session with a server that offers the origin.
func connect(t *testing.T, handler moq.Handler) (client, server *moq.Session) {
	t.Helper()
	a, b := transport.MemoryPair("moqt-18")
	accepted := make(chan *moq.Session, 1)
	go func() {
		s, err := moq.NewSession(context.Background(), b, moq.Config{Handler: handler})
		if err != nil {
			t.Error(err)
		}
		accepted <- s
	}()
	client, err := moq.NewSession(t.Context(), a, moq.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server = <-accepted
	t.Cleanup(func() {
		client.Close(wire.SessionNoError, "")
		client.Wait()
		server.Wait()
	})
	return client, server
}

func TestNow(t *testing.T) {
	origin := moq.NewOrigin()
	for _, ns := range []wire.Namespace{{"b"}, {"a", "2"}, {"a", "1"}} {
		origin.AddNamespace(ns)
	}
	for _, c := range []struct {
		prefix wire.Namespace
		want   []wire.Namespace
	}{
		{nil, []wire.Namespace{{"a", "1"}, {"a", "2"}, {"b"}}},
		{wire.Namespace{"a"}, []wire.Namespace{{"a", "1"}, {"a", "2"}}},
		{wire.Namespace{"c"}, nil},
	} {
		client, _ := connect(t, origin) // on one session prefixes must not overlap (moqt-18 §10.18)
		got, err := Now(t.Context(), client, c.prefix, 200*time.Millisecond)
		if err != nil || !slices.EqualFunc(got, c.want, wire.Namespace.Equal) {
			t.Errorf("%q: %q, %v", c.prefix, got, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	client, _ := connect(t, origin)
	if _, err := Now(ctx, client, nil, time.Hour); err == nil {
		t.Error("no error without time")
	}
}

func TestWatch(t *testing.T) {
	origin := moq.NewOrigin()
	client, _ := connect(t, origin)
	origin.AddNamespace(wire.Namespace{"a"})
	ctx, cancel := context.WithCancel(t.Context())
	var seen []string
	err := Watch(ctx, client, nil, func(e Event) {
		sign := "-"
		if e.Added {
			sign = "+"
		}
		seen = append(seen, sign+e.Namespace.String())
		switch len(seen) {
		case 1:
			origin.AddNamespace(wire.Namespace{"b"})
		case 2:
			origin.RemoveNamespace(wire.Namespace{"a"})
		case 3:
			cancel()
		}
	})
	if want := []string{"+a", "+b", "-a"}; err != nil || !slices.Equal(seen[:3], want) {
		t.Errorf("%q, %v", seen, err)
	}
}

// The end of the session is an error; what was live is told to be gone.
func TestWatchEnds(t *testing.T) {
	origin := moq.NewOrigin()
	client, server := connect(t, origin)
	origin.AddNamespace(wire.Namespace{"a"})
	removed := false
	err := Watch(t.Context(), client, nil, func(e Event) {
		if e.Added {
			server.Close(wire.SessionNoError, "")
		}
		removed = !e.Added
	})
	if !errors.Is(err, ErrEnded) || !removed {
		t.Errorf("removed %v, %v", removed, err)
	}
}

// refusing answers nothing, so that requests are refused.
type refusing struct{}

func (refusing) Serve(context.Context, moq.Request) {}

func TestRefused(t *testing.T) {
	client, _ := connect(t, refusing{})
	want := &moq.RequestError{Code: wire.RequestNotSupported}
	if _, err := Now(t.Context(), client, nil, time.Second); !errors.Is(err, want) {
		t.Error(err)
	}
	if err := Watch(t.Context(), client, nil, nil); !errors.Is(err, want) {
		t.Error(err)
	}
}
