package relay

import (
	"context"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// connection keeps a session to one URL of a link. There is another one while
// the link moves because of a GOAWAY.
type connection struct {
	link   *link
	client moq.Client
	cancel context.CancelFunc

	away     bool // the URL is one that a GOAWAY named; used by the client, as failures
	failures int

	session *moq.Session // guarded by the link's mu, as what follows
	from    *connection  // that it takes the place of, until that is done
	moving  bool         // another connection takes its place
}

// start begins a connection to a URL, or to the configured one when that is
// empty, in place of another.
func (l *link) start(url string, from *connection) {
	r, u := l.relay, l.upstream
	c := &connection{link: l, from: from}
	config := r.sessionConfig(l)
	config.OnGoaway = c.goaway
	c.client = moq.Client{
		URL: u.URL, Dial: u.Dial, Refresh: u.Refresh, Config: config, MaxBackoff: 2 * time.Second,
		Connected: c.use, Failed: c.failed,
	}
	if url != "" && url != u.URL { // the configured address is that of the configured server
		c.away = true
		c.client.URL, c.client.Dial.RemoteAddr = url, nil
		if u.Refresh != nil {
			c.client.Refresh = func(ctx context.Context, d *transport.DialConfig) error {
				err := u.Refresh(ctx, d)
				d.RemoteAddr = nil
				return err
			}
		}
	}
	ctx, cancel := context.WithCancel(r.ctx)
	c.cancel = cancel
	l.tasks.Go(func() {
		c.client.Run(ctx)
		l.drop(c)
	})
}

// maxAway is how often a server that a GOAWAY named is tried in vain before the
// configured one is again.
const maxAway = 3

// failed is called when a session was not made, or ended, before the next attempt.
func (c *connection) failed(err error) {
	c.link.relay.log.Warn("no session with the relay", "link", c.link.name(), "url", c.client.URL, "error", err)
	if c.failures++; c.away && c.failures >= maxAway {
		u := c.link.upstream
		c.away, c.client.URL, c.client.Dial, c.client.Refresh = false, u.URL, u.Dial, u.Refresh
	}
}

// use works with a session until ctx is done.
func (c *connection) use(ctx context.Context, s *moq.Session) {
	l := c.link
	r := l.relay
	r.log.Info("connected to the relay", "link", l.name(), "url", c.client.URL, "draft", s.Version().String())
	r.links.adopt(s, l)
	l.mu.Lock()
	c.session = s
	if l.current == nil {
		close(l.connected)
	}
	l.current = s
	from := c.from
	l.mu.Unlock()
	r.publishes.announce()
	r.announced(nil, source{link: l})
	var tasks sync.WaitGroup
	tasks.Go(func() { c.announce(ctx, s) })
	tasks.Go(func() { r.watchPulse(ctx, s) })
	if from != nil {
		tasks.Go(func() { c.follow(ctx, from) })
	}
	n, err := s.SubscribeNamespace(ctx, nil, c)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Warn("the relay does not tell its namespaces", "link", l.name(), "error", err)
		}
	} else {
		defer func() { <-n.Done() }() // the last of its events
	}
	<-ctx.Done()
	l.mu.Lock()
	if l.current == s {
		l.current = nil
		l.connected = make(chan struct{})
	}
	moving := c.moving
	l.mu.Unlock()
	if moving {
		c.cancel()
	}
	s.Close(wire.SessionNoError, "")
	tasks.Wait()
}

// announce tells the other relay of the namespaces announced here.
func (c *connection) announce(ctx context.Context, s *moq.Session) {
	queue := moq.NewNamespaceQueue(nil)
	defer c.link.relay.local.Watch(queue)()
	queue.Announce(ctx, s)
}

// NamespaceAdded implements moq.NamespaceEvents.
func (c *connection) NamespaceAdded(ns wire.Namespace) {
	l := c.link
	if l.show(c, ns) {
		l.relay.publishes.announce()
		l.relay.announced(ns, source{link: l})
	}
}

// NamespaceRemoved implements moq.NamespaceEvents. It is also called for every
// namespace when the session is lost: those are kept for a while.
func (c *connection) NamespaceRemoved(ns wire.Namespace) {
	l := c.link
	l.mu.Lock()
	lost := c.session == nil || c.session.Context().Err() != nil
	l.mu.Unlock()
	l.hide(c, ns, lost)
}

// goaway moves to another session with the relay, which asked for it: tracks
// are subscribed to there before the old subscriptions end (moqt-18 §9.4.1).
func (c *connection) goaway(g moq.Goaway) {
	l := c.link
	l.mu.Lock()
	moving := c.moving
	c.moving = true
	l.mu.Unlock()
	if moving || l.relay.ctx.Err() != nil {
		return
	}
	l.relay.log.Info("the relay is going away", "link", l.name(), "uri", g.URI)
	l.start(g.URI, c)
}

// follow hands the tracks that an old connection has over to the session of
// this one, and ends the old one when that is done.
func (c *connection) follow(ctx context.Context, old *connection) {
	l := c.link
	l.mu.Lock()
	s := old.session
	l.mu.Unlock()
	if s != nil {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.Context(), cancel)()
		l.relay.move(s)
		for l.relay.fedBy(s) && pause(ctx, moveCheck) {
		}
		pause(ctx, handover) // the other relay moves what it has from here
		if ctx.Err() != nil && s.Context().Err() == nil {
			return // the next session follows
		}
		s.Close(wire.SessionNoError, "")
	}
	old.cancel()
	l.mu.Lock()
	c.from = nil
	l.mu.Unlock()
}
