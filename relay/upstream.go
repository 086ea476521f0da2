package relay

import (
	"context"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// namespaceGrace is how long namespaces of a lost parent are still shown, so
// that a parent that returns soon is not noticed.
const namespaceGrace = 5 * time.Second

// parent is what a relay has from its parent. Namespaces announced there are
// shown here, those announced here are announced there.
type parent struct {
	relay    *Relay
	upstream *Upstream
	links    sync.WaitGroup

	mu         sync.Mutex
	current    *moq.Session
	connected  chan struct{} // closed while there is a session
	namespaces map[string]*shown
}

// link keeps a session to one URL of the parent. There is another one while
// the relay moves because of a GOAWAY.
type link struct {
	parent *parent
	client moq.Client
	cancel context.CancelFunc

	away     bool // the URL is one that a GOAWAY named; used by the client, as failures
	failures int

	session *moq.Session // guarded by the parent's mu, as what follows
	from    *link        // that it takes the place of, until that is done
	moving  bool         // another link takes its place
}

// shown is a namespace of the parent.
type shown struct {
	namespace wire.Namespace
	by        map[*link]struct{}
	expiry    *time.Timer // running while the parent is lost
}

func newParent(r *Relay, u *Upstream) *parent {
	return &parent{relay: r, upstream: u, connected: make(chan struct{}), namespaces: map[string]*shown{}}
}

func (p *parent) run() {
	p.start("", nil)
	<-p.relay.ctx.Done()
	p.links.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.namespaces {
		s.expiry.Stop()
	}
}

// start begins a link to a URL, or to the configured one when that is empty, in
// place of another.
func (p *parent) start(url string, from *link) {
	r, u := p.relay, p.upstream
	l := &link{parent: p, from: from}
	config := r.sessionConfig()
	config.OnGoaway = l.goaway
	l.client = moq.Client{
		URL: u.URL, Dial: u.Dial, Refresh: u.Refresh, Config: config, MaxBackoff: 2 * time.Second,
		Connected: l.use, Failed: l.failed,
	}
	if url != "" && url != u.URL { // the configured address is that of the configured server
		l.away = true
		l.client.URL, l.client.Dial.RemoteAddr = url, nil
		if u.Refresh != nil {
			l.client.Refresh = func(ctx context.Context, d *transport.DialConfig) error {
				err := u.Refresh(ctx, d)
				d.RemoteAddr = nil
				return err
			}
		}
	}
	ctx, cancel := context.WithCancel(r.ctx)
	l.cancel = cancel
	p.links.Go(func() {
		l.client.Run(ctx)
		p.drop(l)
	})
}

// maxAway is how often a server that a GOAWAY named is tried in vain before the
// configured one is again.
const maxAway = 3

// failed is called when a session was not made, or ended, before the next attempt.
func (l *link) failed(err error) {
	l.parent.relay.log.Warn("no session with the parent", "parent", l.client.URL, "error", err)
	if l.failures++; l.away && l.failures >= maxAway {
		u := l.parent.upstream
		l.away, l.client.URL, l.client.Dial, l.client.Refresh = false, u.URL, u.Dial, u.Refresh
	}
}

// session returns the parent's session, waiting for one up to patience; nil when there is none.
func (p *parent) session(patience time.Duration) *moq.Session {
	p.mu.Lock()
	s, connected := p.current, p.connected
	p.mu.Unlock()
	if s != nil || patience == 0 {
		return s
	}
	select {
	case <-connected:
	case <-time.After(patience):
	case <-p.relay.ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

// use works with a session until ctx is done.
func (l *link) use(ctx context.Context, s *moq.Session) {
	p := l.parent
	r := p.relay
	r.log.Info("connected to the parent", "parent", l.client.URL, "draft", s.Version().String())
	p.mu.Lock()
	l.session = s
	if p.current == nil {
		close(p.connected)
	}
	p.current = s
	from := l.from
	p.mu.Unlock()
	r.publishes.announce()
	r.announced(nil, nil)
	var tasks sync.WaitGroup
	tasks.Go(func() { l.announce(ctx, s) })
	if from != nil {
		tasks.Go(func() { l.follow(ctx, from) })
	}
	n, err := s.SubscribeNamespace(ctx, nil, l)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Warn("the parent does not tell its namespaces", "error", err)
		}
	} else {
		defer func() { <-n.Done() }() // the last of its events
	}
	<-ctx.Done()
	p.mu.Lock()
	if p.current == s {
		p.current = nil
		p.connected = make(chan struct{})
	}
	moving := l.moving
	p.mu.Unlock()
	if moving {
		l.cancel()
	}
	s.Close(wire.SessionNoError, "")
	tasks.Wait()
}

// announce tells the parent of the namespaces announced here.
func (l *link) announce(ctx context.Context, s *moq.Session) {
	queue := moq.NewNamespaceQueue(nil)
	defer l.parent.relay.local.Watch(queue)()
	queue.Announce(ctx, s)
}

// NamespaceAdded implements moq.NamespaceEvents.
func (l *link) NamespaceAdded(ns wire.Namespace) {
	p := l.parent
	if p.show(l, ns) {
		p.relay.publishes.announce()
		p.relay.announced(ns, p.session(0))
	}
}

// show notes a namespace of the parent; false means that it was known.
func (p *parent) show(l *link, ns wire.Namespace) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.namespaces[ns.Key()]; s != nil {
		s.by[l] = struct{}{}
		s.expiry.Stop()
		return false
	}
	s := &shown{namespace: ns, by: map[*link]struct{}{l: {}}}
	s.expiry = time.AfterFunc(time.Hour, func() { p.expire(s) })
	s.expiry.Stop()
	p.namespaces[ns.Key()] = s
	p.relay.all.Add(ns, source{parent: true})
	return true
}

// shows reports whether the parent has announced a namespace or a prefix of it.
func (p *parent) shows(ns wire.Namespace) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := len(ns); n >= 0; n-- {
		if p.namespaces[ns[:n].Key()] != nil {
			return true
		}
	}
	return false
}

// NamespaceRemoved implements moq.NamespaceEvents. It is also called for every
// namespace when the session is lost: those are kept for a while.
func (l *link) NamespaceRemoved(ns wire.Namespace) {
	p := l.parent
	p.mu.Lock()
	lost := l.session == nil || l.session.Context().Err() != nil
	p.mu.Unlock()
	p.hide(l, ns, lost)
}

func (p *parent) hide(l *link, ns wire.Namespace, lost bool) {
	p.mu.Lock()
	s := p.namespaces[ns.Key()]
	if s != nil {
		delete(s.by, l)
		switch {
		case len(s.by) > 0:
			s = nil
		case lost && p.relay.ctx.Err() == nil:
			s.expiry.Reset(namespaceGrace)
			s = nil
		}
	}
	p.mu.Unlock()
	if s != nil {
		p.expire(s)
	}
}

// drop forgets what a link that ended has shown.
func (p *parent) drop(l *link) {
	p.mu.Lock()
	var left []wire.Namespace
	for _, s := range p.namespaces {
		if _, ok := s.by[l]; ok {
			left = append(left, s.namespace)
		}
	}
	p.mu.Unlock()
	for _, ns := range left {
		p.hide(l, ns, true)
	}
}

func (p *parent) expire(s *shown) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.namespaces[s.namespace.Key()] == s && len(s.by) == 0 {
		delete(p.namespaces, s.namespace.Key())
		p.relay.all.Remove(s.namespace, source{parent: true})
	}
}
