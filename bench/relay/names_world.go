package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// namesWorld is a relay with all its sessions, in this process.
type namesWorld struct {
	command *namesCommand
	relay   *relay.Relay
	cancel  context.CancelFunc
	serving sync.WaitGroup

	mu       sync.Mutex
	sessions []*moq.Session

	publisher *moq.Session // of what is announced while it is measured
	asker     *moq.Session // of subscriptions that are measured
	answered  chan time.Duration
	waiting   atomic.Int64 // nanoseconds that the relay waited for publishers in its last subscription
	events    *arrivals
}

// streamsEach is how many namespaces, or tracks, a session has: streams are limited.
const streamsEach = 900

// build announces and subscribes. The world has to be closed, whatever is returned.
func (c *namesCommand) build(ctx context.Context, out *output) (*namesWorld, error) {
	w := &namesWorld{command: c, answered: make(chan time.Duration, 1), events: newArrivals()}
	w.relay = relay.New(relay.Config{Logger: slog.New(slog.DiscardHandler), MaxMatches: 2 * c.namespaces})
	ctx, w.cancel = context.WithCancel(ctx)
	var err error
	// What is measured last has its own sessions.
	if w.publisher, err = w.connect(ctx, moq.NewOrigin(), nil); err != nil {
		return w, err
	}
	if w.asker, err = w.connect(ctx, nil, func(c transport.Conn) transport.Conn { return &answerClock{c, w.answered} }); err != nil {
		return w, err
	}
	out.progress("announcing %d namespaces", c.namespaces)
	if err := w.each(c.namespaces, func(from, to int) error { return w.publish(ctx, from, to) }); err != nil {
		return w, err
	}
	out.progress("subscribing to %d tracks", c.tracks)
	return w, w.each(c.tracks, func(from, to int) error { return w.follow(ctx, from, to) })
}

// each calls f for parts of n, some at a time.
func (w *namesWorld) each(n int, f func(from, to int) error) error {
	room := make(chan struct{}, dialing)
	errs := make(chan error, n/streamsEach+1)
	parts := 0
	for from := 0; from < n; from += streamsEach {
		parts++
		room <- struct{}{}
		go func() {
			errs <- f(from, min(from+streamsEach, n))
			<-room
		}()
	}
	var err error
	for range parts {
		err = errors.Join(err, <-errs)
	}
	return err
}

// connect makes a session with the relay, which sees the connection through wrap
// when that is not nil.
func (w *namesWorld) connect(ctx context.Context, h moq.Handler, wrap func(transport.Conn) transport.Conn) (*moq.Session, error) {
	limits := transport.MemoryConfig{Protocol: version.String()}
	if w.command.dense { // one session publishes all tracks
		limits.MaxStreams = int64(2 * (streamsEach + w.command.tracks + w.command.samples))
	}
	client, server := limits.Pair()
	if wrap != nil {
		server = wrap(server)
	}
	w.serving.Go(func() { w.relay.ServeConn(server) })
	s, err := moq.NewSession(ctx, client, moq.Config{Handler: h, Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		w.mu.Lock()
		w.sessions = append(w.sessions, s)
		w.mu.Unlock()
	}
	return s, err
}

// publish announces namespaces by one session, with the tracks that are in them.
func (w *namesWorld) publish(ctx context.Context, from, to int) error {
	origin := moq.NewOrigin()
	c := w.command
	for i := from; i < to && i < c.tracks+c.samples && !c.dense; i++ {
		origin.AddTrack(live.NewTrack(c.track(i), live.Options{}))
	}
	for i := 0; c.dense && from == 0 && i < c.tracks+c.samples; i++ {
		origin.AddTrack(live.NewTrack(c.track(i), live.Options{}))
	}
	s, err := w.connect(ctx, origin, func(c transport.Conn) transport.Conn { return &publisherClock{c, &w.waiting} })
	if err != nil {
		return err
	}
	for i := from; i < to; i++ {
		if _, err := s.PublishNamespace(ctx, c.namespace(i)); err != nil {
			return fmt.Errorf("namespace %d: %w", i, err)
		}
	}
	return nil
}

// follow subscribes to tracks by one session.
func (w *namesWorld) follow(ctx context.Context, from, to int) error {
	s, err := w.connect(ctx, nil, nil)
	if err != nil {
		return err
	}
	for i := from; i < to; i++ {
		if _, err := s.Subscribe(ctx, w.command.track(i), moq.SubscribeOptions{}); err != nil {
			return fmt.Errorf("track %d: %w", i, err)
		}
	}
	return nil
}

// subscribe measures one subscription, which ends afterwards.
func (w *namesWorld) subscribe(ctx context.Context, name wire.FullTrackName) (time.Duration, error) {
	w.waiting.Store(0)
	sub, err := w.asker.Subscribe(ctx, name, moq.SubscribeOptions{})
	if err != nil {
		return 0, err
	}
	sub.Close()
	return <-w.answered - time.Duration(w.waiting.Load()), nil
}

// watch has sessions subscribe to the first block of namespaces, one after the
// other, and measures how long it takes until each knows all.
func (w *namesWorld) watch(ctx context.Context, n int) (latency, error) {
	var all []time.Duration
	prefix := w.command.namespace(0)[:2]
	for range n {
		s, err := w.connect(ctx, nil, nil)
		if err != nil {
			return latency{}, err
		}
		began := time.Now()
		done := w.events.expect(namesBelow)
		if _, err := s.SubscribeNamespace(ctx, prefix, w.events); err != nil {
			return latency{}, err
		}
		if err := wait(ctx, done); err != nil {
			return latency{}, err
		}
		all = append(all, time.Since(began))
	}
	return latencyOf(all), nil
}

// announce measures how long it takes until all who watch know a new namespace.
func (w *namesWorld) announce(ctx context.Context, i int) (time.Duration, error) {
	done := w.events.expect(w.command.watchers)
	began := time.Now()
	p, err := w.publisher.PublishNamespace(ctx, w.command.namespace(i))
	if err != nil {
		return 0, err
	}
	if err := wait(ctx, done); err != nil {
		return 0, err
	}
	took := time.Since(began)
	p.Close()
	return took, nil
}

func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-time.After(30 * time.Second):
		return errors.New("not all were told within 30 s")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *namesWorld) close() {
	if w == nil {
		return
	}
	w.cancel()
	var closing sync.WaitGroup
	for _, s := range w.sessions {
		closing.Go(func() {
			s.Close(wire.SessionNoError, "")
			s.Wait()
		})
	}
	closing.Wait()
	w.relay.Close()
	w.serving.Wait()
}

// arrivals counts namespaces that any of the watchers is told of.
type arrivals struct {
	mu   sync.Mutex
	left int
	done chan struct{}
}

func newArrivals() *arrivals { return &arrivals{done: make(chan struct{})} }

// expect returns a channel that is closed when n more have come.
func (a *arrivals) expect(n int) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left, a.done = n, make(chan struct{})
	return a.done
}

// NamespaceAdded implements moq.NamespaceEvents.
func (a *arrivals) NamespaceAdded(wire.Namespace) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.left--; a.left == 0 {
		close(a.done)
	}
}

// NamespaceRemoved implements moq.NamespaceEvents.
func (a *arrivals) NamespaceRemoved(wire.Namespace) {}
