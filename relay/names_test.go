package relay_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/limit"
)

// manyRoutes is a relay that tells of as many namespaces.
type manyRoutes int

func (n manyRoutes) Serve(ctx context.Context, r moq.Request) {
	s, ok := r.(*moq.SubscribeNamespaceRequest)
	if !ok || !s.Accept() {
		return
	}
	for i := range int(n) {
		s.AddRoute(wire.Namespace{"full", fmt.Sprintf("customer-%d", i/100), fmt.Sprintf("event-%d", i)}, wire.Route{Cost: 1, Hops: []string{"many"}})
	}
	<-ctx.Done()
}

// over connects a session to a relay over memory.
func over(tb testing.TB, r *relay.Relay, c moq.Config) *moq.Session {
	tb.Helper()
	near, far := transport.MemoryPair(wire.Draft18.String())
	go r.ServeConn(far)
	c.Logger = quiet()
	s, err := moq.NewSession(context.Background(), near, c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { closeSession(s) })
	return s
}

// BenchmarkAnnouncement is the time from an announcement until 100 subscribers of
// namespaces have heard of it, and of its end, in a relay that knows 100,000 others.
func BenchmarkAnnouncement(b *testing.B) {
	const known, subscribers = 100_000, 100
	r := relay.New(relay.Config{Logger: quiet(), Limits: limit.New(limit.Config{Session: limit.Limits{Namespaces: known, Requests: limit.Unlimited}})})
	b.Cleanup(r.Close)
	over(b, r, moq.Config{Relay: wire.RelayOption{ID: "many"}, Handler: manyRoutes(known)})
	for begun := time.Now(); r.Stats().Namespaces < known; time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > time.Minute {
			b.Fatalf("%d namespaces after a minute", r.Stats().Namespaces)
		}
	}
	heard := make(heardOf, subscribers)
	for range subscribers {
		if _, err := over(b, r, moq.Config{}).SubscribeNamespace(context.Background(), wire.Namespace{"live"}, heard); err != nil {
			b.Fatal(err)
		}
	}
	publisher := over(b, r, moq.Config{})
	for b.Loop() {
		p, err := publisher.PublishNamespace(context.Background(), wire.Namespace{"live", "x"})
		if err != nil {
			b.Fatal(err)
		}
		heard.wait(subscribers)
		p.Close()
		heard.wait(subscribers)
	}
}

// heardOf counts what several subscribers hear.
type heardOf chan struct{}

func (c heardOf) NamespaceAdded(wire.Namespace)   { c <- struct{}{} }
func (c heardOf) NamespaceRemoved(wire.Namespace) { c <- struct{}{} }

func (c heardOf) wait(n int) {
	for range n {
		<-c
	}
}
