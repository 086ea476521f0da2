package moq_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// traceLog serves a track, and hands on the trace contexts of requests and when objects
// begin to be sent.
type traceLog struct {
	track *live.Track
	seen  chan string
}

func (l traceLog) Serve(_ context.Context, r moq.Request) {
	note := func(what string, c *wire.TraceContext) {
		if c == nil {
			l.seen <- what
			return
		}
		l.seen <- fmt.Sprintf("%s %x %x %d %s", what, c.TraceID[0], c.SpanID[0], c.Flags, c.State)
	}
	switch r := r.(type) {
	case *moq.SubscribeRequest:
		note("subscribe", r.Params.TraceContext)
		r.Begun = func() { l.seen <- "begun" }
		r.Accept(l.track)
	case *moq.TrackStatusRequest:
		note("status", r.Params.TraceContext)
		r.Accept(l.track)
	case *moq.FetchRequest:
		note("fetch", r.Params.TraceContext)
		r.Accept(l.track)
	}
}

func (l traceLog) expect(t *testing.T, all ...string) {
	t.Helper()
	seen := map[string]int{}
	for range all {
		select {
		case s := <-l.seen:
			seen[s]++
		case <-time.After(5 * time.Second):
			t.Fatalf("saw %v, want %q", seen, all)
		}
	}
	for _, want := range all {
		if seen[want]--; seen[want] < 0 {
			t.Fatalf("did not see %q of %q", want, all)
		}
	}
}

// TestTraceContext: peers that both say that they understand it carry the trace context
// of requests, also of the FETCH that goes with a SUBSCRIBE, whether they are relays or
// not; when one of them does not say so nothing is carried.
func TestTraceContext(t *testing.T) { eachDraft(t, testTraceContext) }

func testTraceContext(t *testing.T) {
	one := wire.RelayOption{ID: "one"}
	for _, c := range []struct {
		client, server moq.Config
		carried        bool
	}{
		{moq.Config{TraceContext: true}, moq.Config{TraceContext: true}, true},
		{moq.Config{TraceContext: true, Relay: one}, moq.Config{TraceContext: true}, true},
		{moq.Config{TraceContext: true, Relay: one}, moq.Config{TraceContext: true, Relay: wire.RelayOption{ID: "two"}}, true},
		{moq.Config{TraceContext: true}, moq.Config{}, false},
		{moq.Config{}, moq.Config{TraceContext: true}, false},
		{moq.Config{}, moq.Config{}, false},
	} {
		l := traceLog{track: live.NewTrack(clock, live.Options{}), seen: make(chan string, 8)}
		group(t, l.track, 0, 2)
		c.server.Handler = l
		client, server := pair(t, c.client, c.server)
		if client.PeerTraces() != c.carried || server.PeerTraces() != c.carried {
			t.Errorf("traces are understood: %v, %v, want %v", client.PeerTraces(), server.PeerTraces(), c.carried)
		}
		p := wire.Parameters{TraceContext: &wire.TraceContext{TraceID: [16]byte{0xA1}, SpanID: [8]byte{0xB2}, Flags: 1, State: "x=y"}}
		context := ""
		if c.carried {
			context = " a1 b2 1 x=y"
		}
		came := make(chan struct{}, 8)
		if _, err := client.Subscribe(t.Context(), clock, moq.SubscribeOptions{Params: p, JoinGroups: wire.Some(uint64(0)), Begun: func() { came <- struct{}{} }}); err != nil {
			t.Fatal(err)
		}
		if client.Version().Has(wire.FeatureFill) {
			l.expect(t, "subscribe"+context)
		} else {
			l.expect(t, "subscribe"+context, "fetch"+context)
		}
		if len(came) > 0 {
			t.Error("what was fetched counts as the first object of the subscription")
		}
		group(t, l.track, 1, 2)
		<-came
		l.expect(t, "begun")
		group(t, l.track, 2, 2)
		if _, err := client.TrackStatusBy(t.Context(), clock, p); err != nil {
			t.Fatal(err)
		}
		l.expect(t, "status"+context) // nothing began again
		if len(came) > 0 {
			t.Error("objects began to come twice")
		}
	}
}

// TestTraceContextOfOthers: what a peer gets that does not say that it understands the
// trace context is, byte for byte, what it would get without one.
func TestTraceContextOfOthers(t *testing.T) {
	p := wire.Parameters{TraceContext: &wire.TraceContext{TraceID: [16]byte{1}}, Filter: wire.Some(wire.Filter{Type: wire.FilterLargestObject})}
	for _, understood := range []bool{false, true} {
		peer, conn := transport.MemoryPair(wire.Draft18.String())
		var said wire.Setup
		if understood {
			said.Unknown = append(said.Unknown, wire.TraceOption())
		}
		setup, err := wire.AppendMessage(nil, wire.Draft18, &said)
		if err != nil {
			t.Fatal(err)
		}
		control, err := peer.OpenUniStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		write(t, control, string(setup))
		s, err := moq.NewSession(t.Context(), conn, moq.Config{TraceContext: true})
		if err != nil {
			t.Fatal(err)
		}
		over := make(chan struct{})
		go func() {
			defer close(over)
			_, _ = s.Subscribe(t.Context(), clock, moq.SubscribeOptions{Params: p})
		}()
		stream, err := peer.AcceptStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		plain, err := wire.AppendMessage(nil, wire.Draft18, &wire.Subscribe{RequestID: 1, Track: clock, Params: wire.Parameters{Filter: p.Filter}})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(plain))
		if _, err := io.ReadFull(stream, got); err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(got, plain) == understood {
			t.Errorf("understood %v: sent %x, without a context it is %x", understood, got, plain)
		}
		s.Close(wire.SessionNoError, "")
		s.Wait()
		<-over
	}
}
