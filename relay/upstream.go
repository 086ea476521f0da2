package relay

import (
	"context"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
)

// namespaceGrace is how long namespaces of a lost parent are still shown, so
// that a parent that returns soon is not noticed.
const namespaceGrace = 5 * time.Second

// parent is the session to the parent relay. Namespaces announced there are
// shown here, those announced here are announced there.
type parent struct {
	relay  *Relay
	client moq.Client

	mu         sync.Mutex
	current    *moq.Session
	connected  chan struct{} // closed while there is a session
	namespaces map[string]*shown
}

// shown is a namespace of the parent.
type shown struct {
	namespace wire.Namespace
	expiry    *time.Timer // running while the parent is lost
}

func newParent(r *Relay, u *Upstream) *parent {
	p := &parent{relay: r, connected: make(chan struct{}), namespaces: map[string]*shown{}}
	config := r.sessionConfig()
	config.OnGoaway = p.goaway
	p.client = moq.Client{
		URL: u.URL, Dial: u.Dial, Refresh: u.Refresh, Config: config, MaxBackoff: 2 * time.Second,
		Connected: p.use,
		Failed: func(err error) {
			r.log.Warn("no session with the parent", "parent", u.URL, "error", err)
		},
	}
	return p
}

func (p *parent) run() {
	p.client.Run(p.relay.ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.namespaces {
		s.expiry.Stop()
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
func (p *parent) use(ctx context.Context, s *moq.Session) {
	r := p.relay
	r.log.Info("connected to the parent", "parent", p.client.URL, "draft", s.Version().String())
	p.mu.Lock()
	p.current = s
	close(p.connected)
	p.mu.Unlock()
	r.publishes.announce()
	r.announced(nil, nil)
	var tasks sync.WaitGroup
	tasks.Go(func() { p.announce(ctx, s) })
	n, err := s.SubscribeNamespace(ctx, nil, p)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Warn("the parent does not tell its namespaces", "error", err)
		}
		<-ctx.Done()
	} else {
		select {
		case <-n.Done():
			<-ctx.Done()
		case <-ctx.Done():
		}
	}
	p.mu.Lock()
	p.current = nil
	p.connected = make(chan struct{})
	p.mu.Unlock()
	tasks.Wait()
}

// goaway leaves a parent that asked for it; Client makes another session.
func (p *parent) goaway(g moq.Goaway) {
	p.mu.Lock()
	s := p.current
	p.mu.Unlock()
	p.relay.log.Info("the parent is going away", "uri", g.URI)
	if s != nil {
		s.Close(wire.SessionNoError, "")
	}
}

// announce tells the parent of the namespaces announced here.
func (p *parent) announce(ctx context.Context, s *moq.Session) {
	queue := moq.NewNamespaceQueue(nil)
	defer p.relay.local.Watch(queue)()
	queue.Announce(ctx, s)
}

// NamespaceAdded implements moq.NamespaceEvents.
func (p *parent) NamespaceAdded(ns wire.Namespace) {
	if p.show(ns) {
		p.relay.publishes.announce()
		p.relay.announced(ns, p.session(0))
	}
}

// show notes a namespace of the parent; false means that it was known.
func (p *parent) show(ns wire.Namespace) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.namespaces[ns.Key()]; s != nil {
		s.expiry.Stop()
		return false
	}
	s := &shown{namespace: ns}
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
func (p *parent) NamespaceRemoved(ns wire.Namespace) {
	p.mu.Lock()
	s := p.namespaces[ns.Key()]
	lost := p.current == nil || p.current.Context().Err() != nil
	if s != nil && lost && p.relay.ctx.Err() == nil {
		s.expiry.Reset(namespaceGrace)
		s = nil
	}
	p.mu.Unlock()
	if s != nil {
		p.expire(s)
	}
}

func (p *parent) expire(s *shown) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.namespaces[s.namespace.Key()] == s {
		delete(p.namespaces, s.namespace.Key())
		p.relay.all.Remove(s.namespace, source{parent: true})
	}
}
