package relay

import (
	"context"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
)

// namespaceGrace is how long namespaces of a lost link are still shown, so
// that a relay that returns soon is not noticed.
const namespaceGrace = 5 * time.Second

// link is what a relay has with another one. Namespaces announced there are
// shown here, those announced here are announced there.
type link struct {
	relay    *Relay
	upstream Upstream
	order    int // among the links
	tasks    sync.WaitGroup

	mu         sync.Mutex
	current    *moq.Session
	connected  chan struct{} // closed while there is a session
	namespaces map[string]*shown
}

// shown is a namespace of a link.
type shown struct {
	namespace wire.Namespace
	by        map[*connection]struct{}
	expiry    *time.Timer // running while the link is lost
}

func newLink(r *Relay, u Upstream, order int) *link {
	u.Refresh = lively(u.Refresh)
	return &link{relay: r, upstream: u, order: order, connected: make(chan struct{}), namespaces: map[string]*shown{}}
}

// run keeps the link until the relay is closed.
func (l *link) run() {
	l.start("", nil)
	<-l.relay.ctx.Done()
	l.tasks.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.namespaces {
		s.expiry.Stop()
	}
}

// name is what logs call the link.
func (l *link) name() string {
	if l.upstream.Name != "" {
		return l.upstream.Name
	}
	return l.upstream.URL
}

// session returns the session of the link, nil when there is none.
func (l *link) session() *moq.Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// wait returns the session of the link, connecting it if need be, as long as
// ctx: its error is the cause of that.
func (l *link) wait(ctx context.Context) (*moq.Session, error) {
	for {
		l.mu.Lock()
		s, connected := l.current, l.connected
		l.mu.Unlock()
		if s != nil {
			return s, nil
		}
		select {
		case <-connected:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-l.relay.ctx.Done():
			return nil, errStopped
		}
	}
}

// covers reports whether the link is asked for what lies in a namespace.
func (l *link) covers(ns wire.Namespace) bool {
	for _, p := range l.upstream.Prefixes {
		if ns.HasPrefix(p) {
			return true
		}
	}
	return len(l.upstream.Prefixes) == 0
}

// show notes a namespace of the link; false means that it was known.
func (l *link) show(c *connection, ns wire.Namespace) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.namespaces[ns.Key()]; s != nil {
		s.by[c] = struct{}{}
		s.expiry.Stop()
		return false
	}
	s := &shown{namespace: ns, by: map[*connection]struct{}{c: {}}}
	s.expiry = time.AfterFunc(time.Hour, func() { l.expire(s) })
	s.expiry.Stop()
	l.namespaces[ns.Key()] = s
	l.relay.all.Add(ns, source{link: l})
	return true
}

// shows reports whether a namespace or a prefix of it was announced by the link.
func (l *link) shows(ns wire.Namespace) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := len(ns); n >= 0; n-- {
		if l.namespaces[ns[:n].Key()] != nil {
			return true
		}
	}
	return false
}

// hide notes that a connection no longer shows a namespace: it withdrew it, or was lost.
func (l *link) hide(c *connection, ns wire.Namespace, lost bool) {
	l.mu.Lock()
	s := l.namespaces[ns.Key()]
	if s != nil {
		delete(s.by, c)
		switch {
		case len(s.by) > 0:
			s = nil
		case lost && l.relay.ctx.Err() == nil:
			s.expiry.Reset(namespaceGrace)
			s = nil
		}
	}
	l.mu.Unlock()
	if s != nil {
		l.expire(s)
	}
}

// drop forgets what a connection that ended has shown.
func (l *link) drop(c *connection) {
	l.mu.Lock()
	var left []wire.Namespace
	for _, s := range l.namespaces {
		if _, ok := s.by[c]; ok {
			left = append(left, s.namespace)
		}
	}
	l.mu.Unlock()
	for _, ns := range left {
		l.hide(c, ns, true)
	}
}

func (l *link) expire(s *shown) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.namespaces[s.namespace.Key()] == s && len(s.by) == 0 {
		delete(l.namespaces, s.namespace.Key())
		l.relay.all.Remove(s.namespace, source{link: l})
	}
}
