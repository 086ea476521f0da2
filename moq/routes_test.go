package moq_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// routeLog hands on what it is told of routes.
type routeLog chan string

func (l routeLog) RouteChanged(ns wire.Namespace, r *wire.Route) {
	l <- fmt.Sprintf("%s %d %v %v%v%v", ns, r.Cost, r.Hops, r.Held, r.Hidden, r.Foreign)
}

func (l routeLog) RouteRemoved(ns wire.Namespace) { l <- "no " + ns.String() }

func (l routeLog) next(t *testing.T) string {
	t.Helper()
	select {
	case s := <-l:
		return s
	case <-time.After(5 * time.Second):
		t.Fatal("nothing is told")
		return ""
	}
}

// pathLog is a handler that tells routes and hands on the paths of requests.
type pathLog struct {
	paths chan string
}

func (p pathLog) Serve(ctx context.Context, r moq.Request) {
	switch r := r.(type) {
	case *moq.SubscribeNamespaceRequest:
		if !r.Accept() {
			return
		}
		if !r.Routes() {
			r.Add(wire.Namespace{"a", "plain"})
			break
		}
		ns := wire.Namespace{"a", "x"}
		r.AddRoute(ns, wire.Route{Cost: 3, Hops: []string{"two", "three"}})
		r.AddRoute(ns, wire.Route{Cost: 1, Hops: []string{"two"}, Held: true, Hidden: true})
		r.Remove(ns)
		r.AddRoute(wire.Namespace{"a", "y"}, wire.Route{Hops: []string{"two"}, Foreign: true})
	case *moq.TrackStatusRequest:
		p.paths <- fmt.Sprint("status ", r.Params.RelayPath.Value)
		r.Accept(live.NewTrack(r.Track, live.Options{}))
	case *moq.SubscribeRequest:
		p.paths <- fmt.Sprint("subscribe ", r.Params.RelayPath.Value)
		r.Reject(wire.RequestDoesNotExist, "", moq.NoRetry())
	}
	<-ctx.Done()
}

// TestRoutes: two relays tell each other routes and paths.
func TestRoutes(t *testing.T) { eachDraft(t, testRoutes) }

func testRoutes(t *testing.T) {
	h := pathLog{paths: make(chan string, 4)}
	one, two := pair(t, moq.Config{Relay: wire.RelayOption{ID: "one", Cost: 7}}, moq.Config{Relay: wire.RelayOption{ID: "two"}, Handler: h})
	if o, ok := two.PeerRelay(); !ok || o.ID != "one" || o.Cost != 7 {
		t.Errorf("the client is %+v, %v", o, ok)
	}
	if o, ok := one.PeerRelay(); !ok || o.ID != "two" {
		t.Errorf("the server is %+v, %v", o, ok)
	}
	told := make(routeLog, 8)
	n, err := one.SubscribeRoutes(t.Context(), wire.Namespace{"a"}, 10, told)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a-x 3 [two three] falsefalsefalse", "a-x 1 [two] truetruefalse", "no a-x", "a-y 0 [two] falsefalsetrue"} {
		if got := told.next(t); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	path := wire.Parameters{RelayPath: wire.Some([]string{"one", "zero"})}
	if _, err := one.TrackStatusBy(t.Context(), clock, path); err != nil {
		t.Error(err)
	}
	_, _ = one.Subscribe(t.Context(), clock, moq.SubscribeOptions{Params: path})
	for _, want := range []string{"status [one zero]", "subscribe [one zero]"} {
		if got := <-h.paths; got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
	}
	two.Close(wire.SessionNoError, "")
	<-n.Done()
	if got := told.next(t); got != "no a-y" {
		t.Errorf("told %q at the end of the session", got)
	}
}

// TestRoutesOfOthers: where one side is no relay, neither sees routes or paths.
func TestRoutesOfOthers(t *testing.T) { eachDraft(t, testRoutesOfOthers) }

func testRoutesOfOthers(t *testing.T) {
	for _, relay := range []string{"client", "server"} {
		h := pathLog{paths: make(chan string, 4)}
		var client, server moq.Config
		server.Handler = h
		if relay == "client" {
			client.Relay.ID = "one"
		} else {
			server.Relay.ID = "two"
		}
		one, two := pair(t, client, server)
		for _, s := range []*moq.Session{one, two} {
			if _, ok := s.PeerRelay(); ok {
				t.Errorf("relay on the %s: the other one is taken for a relay", relay)
			}
		}
		if _, err := one.SubscribeRoutes(t.Context(), nil, 10, make(routeLog)); err == nil {
			t.Error("routes are told")
		}
		told := make(chan string, 1)
		if _, err := one.SubscribeNamespace(t.Context(), wire.Namespace{"a"}, names(told)); err != nil {
			t.Fatal(err)
		}
		if got := <-told; got != "a-plain" {
			t.Errorf("told %q", got)
		}
		path := wire.Parameters{RelayPath: wire.Some([]string{"one"})}
		if _, err := one.TrackStatusBy(t.Context(), clock, path); err != nil {
			t.Error(err)
		}
		if got := <-h.paths; got != "status []" {
			t.Errorf("asked %q", got)
		}
	}
}

// TestTooManyRoutes: a relay that tells of more than was asked for is cancelled.
func TestTooManyRoutes(t *testing.T) { eachDraft(t, testTooManyRoutes) }

func testTooManyRoutes(t *testing.T) {
	one, _ := pair(t, moq.Config{Relay: wire.RelayOption{ID: "one"}}, moq.Config{Relay: wire.RelayOption{ID: "two"}, Handler: teller{}})
	told := make(routeLog, 16)
	n, err := one.SubscribeRoutes(t.Context(), nil, 3, told)
	if err != nil {
		t.Fatal(err)
	}
	<-n.Done()
	if len(told) != 6 { // and their ends
		t.Errorf("told %d times", len(told))
	}
	if one.Context().Err() != nil {
		t.Error("the session ended")
	}
}

// teller tells of namespaces until it is cancelled.
type teller struct{}

func (teller) Serve(ctx context.Context, r moq.Request) {
	if r, ok := r.(*moq.SubscribeNamespaceRequest); ok && r.Accept() {
		for i := 0; ctx.Err() == nil; i++ {
			r.AddRoute(wire.Namespace{fmt.Sprint(i)}, wire.Route{Hops: []string{"two"}})
		}
	}
}

// names hands on the namespaces that are added.
type names chan string

func (n names) NamespaceAdded(ns wire.Namespace) { n <- ns.String() }
func (names) NamespaceRemoved(wire.Namespace)    {}
