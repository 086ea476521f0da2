package relay

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// connection keeps a session to one URL of a link. There is another one while
// the link moves because of a GOAWAY.
type connection struct {
	link    *link
	client  moq.Client
	account *account
	cancel  context.CancelFunc

	away     bool // the URL is one that a GOAWAY named; used by the client, as failures
	failures int

	session *moq.Session // guarded by the link's mu, as what follows
	from    *connection  // that it takes the place of, until that is done
	moving  bool         // another connection takes its place
	astray  bool         // with moving: where to was not said
	turns   int          // how many before it were told to go, soon
	since   time.Time    // when the session was made
}

// start begins a connection to a URL, or to the configured one when that is
// empty, in place of another. The caller holds mu.
func (l *link) start(url string, from *connection) {
	r, u := l.relay, l.upstream
	c := &connection{link: l, from: from, account: r.accounts.begin()}
	if from != nil {
		if c.turns = 1; from.since.IsZero() || time.Since(from.since) < lasting { // zero: told before it began
			c.turns += from.turns
		}
	}
	config := r.sessionConfig(l, c.account)
	config.OnGoaway = c.goaway
	c.client = moq.Client{URL: u.URL, Dial: u.Dial, Refresh: u.Refresh, Config: config, Connected: c.use, Failed: c.fail}
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
	l.active[c] = struct{}{}
	r.tasks.Go(func() {
		if pause(ctx, c.respite()) {
			c.client.Run(ctx)
		}
		cancel()
		r.accounts.end(c.account)
		l.mu.Lock()
		delete(l.active, c)
		over := l.abandoned && len(l.active) == 0
		l.mu.Unlock()
		if over {
			r.links.remove(l)
		}
	})
}

// maxAway is how often a server that a GOAWAY named is tried in vain before the
// configured one is again.
const maxAway = 3

// maxIdleAttempts is how often an upstream that is connected on demand is tried
// in vain: who still wants something asks again.
const maxIdleAttempts = 3

// fail is called when a session was not made, or ended, before the next attempt.
func (c *connection) fail(err error) {
	l := c.link
	l.relay.log.Warn("no session with the relay", "link", l.name(), "url", c.client.URL, "error", err)
	c.failures++
	if c.away && c.failures >= maxAway {
		u := l.upstream
		c.away, c.client.URL, c.client.Dial, c.client.Refresh = false, u.URL, u.Dial, u.Refresh
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.abandoned || l.retired || l.upstream.OnDemand && c.failures >= maxIdleAttempts {
		c.cancel()
	}
	if l.current != nil {
		return
	}
	if l.failure == nil {
		l.since = time.Now()
	}
	l.failure, l.tried = err, time.Now()
	close(l.failed)
	l.failed = make(chan struct{})
}

// use works with a session until ctx is done.
func (c *connection) use(ctx context.Context, s *moq.Session) {
	l := c.link
	r := l.relay
	h, began := l.opened(s), time.Now()
	defer r.census.add(s)()
	r.accounts.hold(c.account, s, r.regionOf(s))
	r.log.Info("connected to the relay", "link", l.name(), "url", c.client.URL, "draft", s.Version().String(), "id", h.peer)
	c.failures = 0
	l.mu.Lock()
	c.session, c.since = s, time.Now()
	from, astray := c.from, c.astray
	l.mu.Unlock()
	r.publishes.announce()
	r.announced(nil, source{link: l})
	var tasks sync.WaitGroup
	tasks.Go(r.part(s, func() { r.watchPulse(ctx, s) }))
	if from != nil {
		tasks.Go(r.part(s, func() { c.follow(ctx, from) }))
	}
	if astray { // it was told before it began
		tasks.Go(r.part(s, func() { c.leave(ctx, s) }))
	}
	switch {
	case !l.silent():
		if h.peer == "" {
			tasks.Go(r.part(s, func() { r.announceTo(ctx, l, s) }))
		}
		tasks.Go(r.part(s, func() { h.listen(ctx) }))
	default:
		tasks.Go(r.part(s, func() { c.rest(ctx, s) }))
	}
	<-ctx.Done()
	l.closed(s)
	l.mu.Lock()
	moving := c.moving
	l.mu.Unlock()
	if moving {
		c.cancel()
	}
	s.Close(wire.SessionNoError, "")
	tasks.Wait()
	s.Wait()
	r.recordSession(s, began, r.accounts.leave(c.account))
	r.accounts.forget(c.account, s)
}

// rest ends a connection that is made on demand when it was not used for
// Config.Linger.
func (c *connection) rest(ctx context.Context, s *moq.Session) {
	linger := c.link.relay.tuned().Linger
	for unused := time.Duration(0); unused < linger; {
		step := min(linger/4, time.Second)
		if !pause(ctx, step) {
			return
		}
		if unused += step; s.Busy() {
			unused = 0
		}
	}
	c.link.relay.log.Info("the relay is not needed for now", "link", c.link.name())
	c.cancel()
}

// goaway moves to another session with the relay, which asked for it: tracks
// are subscribed to there before the old subscriptions end (moqt-18 §9.4.1).
func (c *connection) goaway(g moq.Goaway) {
	l := c.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.moving || l.retired || l.relay.ctx.Err() != nil {
		return
	}
	c.moving, c.astray = true, g.URI == ""
	l.relay.log.Info("the relay is going away", "link", l.name(), "uri", g.URI)
	l.start(g.URI, c)
	if s := c.session; s != nil && c.astray {
		l.relay.tasks.Go(func() { c.leave(s.Context(), s) })
	}
}

// lasting is how long a session holds that is worth a new one at once.
const lasting = 10 * time.Second

// respite is how long to wait before a session is made in place of one that was
// told to go. Behind the address of a relay that goes away, or that it named, there
// may be another one; when there is not, each new session is told the same.
func (c *connection) respite() time.Duration {
	if c.turns < 2 {
		return 0
	}
	longest := min(500*time.Millisecond<<min(c.turns-2, 10), maxRespite)
	return longest/2 + rand.N(longest/2)
}

// maxRespite bounds a respite.
const maxRespite = 10 * time.Second

// leave moves what comes by a session that was told to go, and not where to, to
// other links, and ends the session when nothing comes by it any more.
func (c *connection) leave(ctx context.Context, s *moq.Session) {
	r := c.link.relay
	r.move(s)
	for r.fedBy(s) && pause(ctx, moveCheck) {
	}
	if pause(ctx, handover) { // the other relay moves what it has from here
		s.Close(wire.SessionNoError, "")
	}
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
