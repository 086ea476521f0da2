package conformance_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// video is the track of most tests, room its namespace.
var (
	room  = wire.Namespace{"room"}
	video = wire.FullTrackName{Namespace: room, Name: "video"}
	audio = wire.FullTrackName{Namespace: room, Name: "audio"}
)

// forDrafts runs a test in a bubble for each draft that is spoken, from since
// until until; 0 is no bound.
func forDrafts(t *testing.T, since, until wire.Version, f func(t *testing.T, v wire.Version)) {
	t.Helper()
	ran := false
	for _, v := range wire.Versions() {
		if v < since || (until != 0 && v > until) {
			continue
		}
		ran = true
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, v) })
		})
	}
	if !ran {
		t.Fatalf("no draft between %d and %d is spoken", since, until)
	}
}

// everyDraft is forDrafts without bounds.
func everyDraft(t *testing.T, f func(t *testing.T, v wire.Version)) {
	t.Helper()
	forDrafts(t, 0, 0, f)
}

// node is a relay under test.
type node struct {
	*relay.Relay
	t *testing.T
}

// startRelay makes a relay that is closed with the test.
func startRelay(t *testing.T, c relay.Config) *node {
	t.Helper()
	c.Logger = slog.New(slog.DiscardHandler)
	n := &node{relay.New(c), t}
	t.Cleanup(n.Close)
	return n
}

// attach connects a peer, the client, that has said nothing yet.
func (n *node) attach(v wire.Version) *peer.Peer {
	n.t.Helper()
	return n.attachTo(transport.MemoryPair(v.String()))
}

func (n *node) attachTo(client, server transport.Conn) *peer.Peer {
	n.t.Helper()
	done := make(chan struct{})
	go func() {
		n.ServeConn(server)
		close(done)
	}()
	n.t.Cleanup(func() { <-done })
	return peer.New(n.t, client)
}

// connect connects a peer that has exchanged SETUP.
func (n *node) connect(v wire.Version) *peer.Peer {
	n.t.Helper()
	p := n.attach(v)
	p.Hello()
	return p
}

// alone is a relay with one peer.
func alone(t *testing.T, v wire.Version) *peer.Peer {
	t.Helper()
	return startRelay(t, relay.Config{}).connect(v)
}

// client makes a session whose server is a peer; the session waits for SETUP
// until the peer says hello.
func client(t *testing.T, v wire.Version, c moq.Config) (*peer.Peer, func() *moq.Session) {
	t.Helper()
	a, b := transport.MemoryPair(v.String())
	return sessionOn(t, a, b, c)
}

// sessionOn makes a session on one end of a connection, and a peer on the other.
func sessionOn(t *testing.T, mine, theirs transport.Conn, c moq.Config) (*peer.Peer, func() *moq.Session) {
	t.Helper()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	type result struct {
		s   *moq.Session
		err error
	}
	made := make(chan result, 1)
	go func() {
		s, err := moq.NewSession(context.Background(), mine, c)
		made <- result{s, err}
	}()
	var r result
	waited := false
	wait := func() {
		if !waited {
			waited = true
			r = <-made
		}
	}
	t.Cleanup(func() {
		if wait(); r.s != nil {
			r.s.Wait()
		}
	})
	p := peer.New(t, theirs)
	return p, func() *moq.Session {
		t.Helper()
		if wait(); r.err != nil {
			t.Fatal(r.err)
		}
		return r.s
	}
}

// source is a track that a peer publishes.
type source struct {
	*peer.Peer
	request *peer.Request
	alias   uint64
	forward bool // what the relay wants
}

// publish offers a track by PUBLISH.
func publish(p *peer.Peer, t *testing.T, name wire.FullTrackName, alias uint64, params wire.Parameters, properties wire.Properties) *source {
	t.Helper()
	s := &source{Peer: p, alias: alias, request: p.Publish(name, alias, params, properties)}
	s.forward = s.request.ExpectPublishOK().Forward.Or(true)
	return s
}

// offer is publish of the track of most tests.
func offer(p *peer.Peer, t *testing.T) *source {
	t.Helper()
	return publish(p, t, video, 7, wire.Parameters{}, nil)
}

// settle answers what the relay changed of its subscription meanwhile.
func (s *source) settle() {
	for u := s.request.Changed(); u != nil; u = s.request.Changed() {
		s.forward = u.Params.Forward.Or(s.forward)
	}
}

// group sends a whole group of n objects with payloads like "4/1", and returns
// when it has arrived.
func (s *source) group(id uint64, n int) {
	s.settle()
	defer s.ExpectOpen()
	s.SendGroup(wire.SubgroupHeader{TrackAlias: s.alias, Group: id, EndOfGroup: true, FirstObject: true, Priority: wire.Some(uint8(128))}, payloads(id, n)...)
}

// open begins a subgroup of the track.
func (s *source) open(h wire.SubgroupHeader) *peer.Subgroup {
	s.settle()
	h.TrackAlias = s.alias
	return s.OpenSubgroup(h)
}

func payloads(group uint64, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%d/%d", group, i)
	}
	return out
}

// subscribe asks for a track and wants it.
func subscribe(p *peer.Peer, name wire.FullTrackName, params wire.Parameters) (*peer.Request, *wire.SubscribeOK) {
	r := p.Subscribe(name, params)
	return r, peer.Expect[*wire.SubscribeOK](r)
}

// watch is subscribe to the track of most tests, from the next object on.
func watch(p *peer.Peer) *peer.Request {
	r, _ := subscribe(p, video, wire.Parameters{Filter: wire.Some(wire.Filter{Type: wire.FilterLargestObject})})
	return r
}

// plainRelay is startRelay with defaults.
func plainRelay(t *testing.T) *node {
	t.Helper()
	return startRelay(t, relay.Config{})
}

// fresh is a peer of a relay that has said nothing yet.
func fresh(t *testing.T, v wire.Version) *peer.Peer {
	t.Helper()
	return plainRelay(t).attach(v)
}

// served is a peer, the client, of a session.
func served(t *testing.T, v wire.Version, c moq.Config) *peer.Peer {
	t.Helper()
	p, _ := serving(t, v, c)
	p.Hello()
	return p
}

// serving is a session whose client is a peer that has said nothing yet.
func serving(t *testing.T, v wire.Version, c moq.Config) (*peer.Peer, func() *moq.Session) {
	t.Helper()
	a, b := transport.MemoryPair(v.String())
	return sessionOn(t, b, a, c)
}
