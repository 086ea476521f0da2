package moq_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// bad is a peer that scripts an offence, and the session that has to bear it.
type bad struct {
	*peer.Peer
	t       *testing.T
	handler *accepting
	control transport.ReceiveStream // of the session, from draft 18 on; set by hello

	made    chan *moq.Session // nil when the session was not made
	session *moq.Session
}

// accepting is a handler that accepts all that it is asked for, and has one track.
type accepting struct {
	*moq.Origin
	track *live.Track
	slow  atomic.Bool   // SUBSCRIBE, FETCH and TRACK_STATUS are answered when they are over
	keeps atomic.Uint64 // live.Options.MaxBytes of tracks that it is offered; 0 is the default
}

func newAccepting() *accepting {
	a := &accepting{Origin: moq.NewOrigin(), track: live.NewTrack(clock, live.Options{})}
	a.AddTrack(a.track)
	return a
}

func (a *accepting) Serve(ctx context.Context, r moq.Request) {
	switch r := r.(type) {
	case *moq.PublishRequest:
		if sub, err := r.Accept(live.NewTrack(r.Track, live.Options{MaxBytes: a.keeps.Load()}), wire.Parameters{}, nil); err == nil {
			<-sub.Done()
		}
		return
	case *moq.PublishNamespaceRequest:
		r.Accept()
		return
	case *moq.SubscribeTracksRequest:
		r.Accept()
		return
	}
	if a.slow.Load() {
		<-ctx.Done()
	}
	a.Origin.Serve(ctx, r)
}

// offend connects a peer, which has said nothing yet, to a session. It must be
// called in a bubble; the session is over when the test is.
func offend(t *testing.T, v wire.Version, o offence) *bad {
	t.Helper()
	b := &bad{t: t, handler: newAccepting(), made: make(chan *moq.Session, 1)}
	c := moq.Config{Handler: b.handler, Logger: slog.New(slog.DiscardHandler)}
	if o.config != nil {
		o.config(&c)
	}
	limits := o.limits
	limits.Protocol = v.String()
	theirs, mine := limits.Pair()
	if o.fromServer {
		theirs, mine = mine, theirs
	}
	if o.kind != 0 {
		mine = asKind{mine, o.kind}
	}
	if o.wrap != nil {
		mine = o.wrap(mine)
	}
	go func() {
		s, err := moq.NewSession(context.Background(), mine, c)
		if err == nil {
			defer s.Wait()
		}
		b.made <- s
	}()
	b.Peer = peer.New(t, &firstUni{Conn: theirs, seen: func(s transport.ReceiveStream) { b.control = s }})
	return b
}

// hello exchanges SETUP and returns the session.
func (b *bad) hello() *moq.Session {
	b.t.Helper()
	b.Hello()
	return b.theirs()
}

// theirs is the session, once the peer's SETUP was sent.
func (b *bad) theirs() *moq.Session {
	b.t.Helper()
	if b.session == nil {
		if b.session = <-b.made; b.session == nil {
			b.t.Fatal("there is no session")
		}
	}
	return b.session
}

// firstUni is a connection that tells which unidirectional stream came first.
type firstUni struct {
	transport.Conn
	once sync.Once
	seen func(transport.ReceiveStream)
}

func (c *firstUni) AcceptUniStream(ctx context.Context) (transport.ReceiveStream, error) {
	s, err := c.Conn.AcceptUniStream(ctx)
	if err == nil {
		c.once.Do(func() { c.seen(s) })
	}
	return s, err
}

// asKind is a connection that says it runs over something else.
type asKind struct {
	transport.Conn
	kind transport.Kind
}

func (c asKind) Info() transport.Info {
	i := c.Conn.Info()
	i.Kind = c.kind
	return i
}

// eachVersion runs a test in a bubble on every draft that is spoken.
func eachVersion(t *testing.T, test func(t *testing.T, v wire.Version)) {
	for _, v := range wire.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, v) })
		})
	}
}

// name is a track that is not there.
func name(s string) wire.FullTrackName {
	return wire.FullTrackName{Namespace: wire.Namespace{"bad"}, Name: s}
}

// subscribed has the session subscribe to tracks, one after the other, and hands
// each request to the peer.
func (b *bad) subscribed(names ...string) []*peer.Request {
	b.t.Helper()
	s := b.theirs()
	var all []*peer.Request
	for _, n := range names {
		go func() { _, _ = s.Subscribe(context.Background(), name(n), moq.SubscribeOptions{}) }()
		r, _ := peer.Accept[*wire.Subscribe](b.Peer)
		all = append(all, r)
	}
	return all
}

// published offers a track and wants it taken.
func (b *bad) published(n string, alias uint64) *peer.Request {
	b.t.Helper()
	r := b.Publish(name(n), alias, wire.Parameters{}, nil)
	r.ExpectPublishOK()
	return r
}

// slowWriter is a connection whose streams return from Write a while after the
// peer has the bytes.
type slowWriter struct{ transport.Conn }

type slowStream struct {
	transport.Stream
	over <-chan struct{}
}

func (c slowWriter) AcceptStream(ctx context.Context) (transport.Stream, error) {
	s, err := c.Conn.AcceptStream(ctx)
	if err != nil {
		return nil, err
	}
	return slowStream{s, c.Context().Done()}, nil
}

func (s slowStream) Write(b []byte) (int, error) {
	n, err := s.Stream.Write(b)
	select {
	case <-time.After(time.Second):
	case <-s.over:
	}
	return n, err
}

// TestUpdatesAtTheLimit: a peer that has as many REQUEST_UPDATEs unanswered as it
// may, and sends the next one as soon as it has an answer, is at no fault.
func TestUpdatesAtTheLimit(t *testing.T) {
	eachVersion(t, func(t *testing.T, v wire.Version) {
		b := offend(t, v, offence{
			config: func(c *moq.Config) { c.MaxRequestUpdates = 1 },
			wrap:   func(c transport.Conn) transport.Conn { return slowWriter{c} },
		})
		b.hello()
		r := b.Subscribe(clock, wire.Parameters{})
		peer.Expect[*wire.SubscribeOK](r)
		for i := range 5 {
			r.Update(wire.Parameters{SubscriberPriority: wire.Some(uint8(i))})
			peer.Expect[*wire.RequestOK](r)
		}
		b.ExpectOpen()
	})
}

// TestStalledSubscription: a subscription of which the peer takes nothing ends; the
// session goes on.
func TestStalledSubscription(t *testing.T) {
	eachVersion(t, func(t *testing.T, v wire.Version) {
		b := offend(t, v, offence{limits: transport.MemoryConfig{StreamBuffer: 2000, MaxUniStreams: 3}})
		b.hello()
		b.Pause()
		r := b.Subscribe(clock, wire.Parameters{})
		peer.Expect[*wire.SubscribeOK](r)
		started := time.Now()
		for group := range uint64(5) {
			b.handler.produce(t, group)
			time.Sleep(time.Second)
		}
		r.ExpectDone(wire.DoneTooFarBehind)
		if took := time.Since(started); took < 30*time.Second || took > 45*time.Second {
			t.Errorf("it ended after %v", took)
		}
		b.ExpectOpen()
	})
}
