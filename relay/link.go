package relay

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
	"moqedge/relay/route"
)

// link is what a relay has with another one: an upstream, which it connects to,
// or a relay that connected to it. A session of the latter has a link of its own.
type link struct {
	relay    *Relay
	upstream Upstream
	dialed   bool         // this side connects
	made     bool         // for a relay of the directory; set before the link is used
	order    atomic.Int64 // among the links

	mu        sync.Mutex
	current   *moq.Session
	peer      string        // ID of the relay there; "" when it is of another make, or not known
	told      string        // what the relay there last said its ID was
	region    string        // that it was in then
	connected chan struct{} // closed while there is a session
	active    map[*connection]struct{}
	leaving   bool                  // it is no upstream any more (SetUpstreams), and used until another one takes its place
	retired   bool                  // with leaving: nothing is asked for on it any more
	abandoned bool                  // its relay is gone: the link is forgotten when it is idle
	failure   error                 // of the last attempt, until there is a session
	tried     time.Time             // when that failed
	failed    chan struct{}         // closed and replaced when an attempt failed
	since     time.Time             // of the present state
	sequence  int                   // of the sessions
	known     map[string]*knownName // what is told on it
}

// knownName is a namespace that was told of on a link.
type knownName struct {
	namespace wire.Namespace
	by        []toldWay // one, unless the link is moving
	held      *hearing  // that told of it last, when all have ended
}

// toldWay is what one session tells of a namespace.
type toldWay struct {
	hearing *hearing
	route   route.Route[source]
}

// drop removes what a session told.
func (k *knownName) drop(h *hearing) (r route.Route[source], told bool) {
	for i, x := range k.by {
		if x.hearing == h {
			k.by = append(k.by[:i:i], k.by[i+1:]...)
			return x.route, true
		}
	}
	return r, false
}

func newLink(r *Relay, u Upstream, dialed bool, order int) *link {
	if dialed {
		u.Refresh = lively(u.Refresh)
	}
	l := &link{
		relay: r, upstream: u, dialed: dialed, since: time.Now(), active: map[*connection]struct{}{},
		connected: make(chan struct{}), failed: make(chan struct{}), known: map[string]*knownName{},
	}
	l.order.Store(int64(order))
	return l
}

// keep begins to keep a session on the link, unless it has one on demand.
func (l *link) keep() {
	if l.upstream.OnDemand {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.start("", nil)
}

// name is what logs call the link.
func (l *link) name() string {
	if l.upstream.Name != "" {
		return l.upstream.Name
	}
	return l.upstream.URL
}

// cost of the hop, for the routes heard on the link: a priority weighs more than
// any sum of costs.
func (l *link) cost() uint64 {
	return uint64(min(max(l.upstream.Priority, 0), maxPriority))<<32 + uint64(l.upstream.Cost)
}

// maxPriority is the number from which on priorities make no difference to routes.
const maxPriority = 1<<29 - 1

// silent reports whether no namespaces are told on the link in either direction:
// it comes and goes as it is used.
func (l *link) silent() bool { return l.upstream.OnDemand }

// session returns the session of the link, nil when there is none.
func (l *link) session() *moq.Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.lives() {
		return nil
	}
	return l.current
}

// lives reports whether there is a session that is not over. The caller holds mu.
func (l *link) lives() bool { return l.current != nil && l.current.Context().Err() == nil }

// peerID returns the ID of the relay there, "" when it is not known.
func (l *link) peerID() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peer
}

// isReachable reports whether there is a session, or one can be expected to be
// there soon.
func (l *link) isReachable() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lives() || l.upstream.OnDemand && (l.failure == nil || time.Since(l.tried) > retryAfter)
}

// isExpected reports whether the link is connected on demand, and nothing speaks
// against it.
func (l *link) isExpected() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.upstream.OnDemand && l.failure == nil
}

// retryAfter is how long a relay that was found unreachable counts as that, when
// it is connected on demand: nobody tries it meanwhile.
const retryAfter = 3 * time.Second

// forgive has a relay count as reachable, of which somebody else says that it is.
func (l *link) forgive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failure, l.abandoned = nil, false
}

// leadsTo reports whether the link is, or would be, with a relay of the directory.
func (l *link) leadsTo(n Node) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.upstream.Name == n.ID && l.upstream.URL == n.URL || l.peer == n.ID && !l.abandoned
}

// abandon notes that the relay is gone, until forgive. It reports whether nothing
// is made of the link.
func (l *link) abandon() (idle bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.abandoned = true
	return len(l.active) == 0
}

// wait returns the session of the link, connecting it if need be, as long as
// ctx: its error is the cause of that. One that connects on demand alone says
// at once that it cannot be connected.
func (l *link) wait(ctx context.Context) (*moq.Session, error) {
	for {
		l.mu.Lock()
		s, connected, failed := l.current, l.connected, l.failed
		switch {
		case l.lives():
			l.mu.Unlock()
			return s, nil
		case s != nil: // it is over, which is about to be noted
			l.mu.Unlock()
			if !pause(ctx, endNoted) {
				return nil, context.Cause(ctx)
			}
			continue
		case !l.dialed || l.retired:
			l.mu.Unlock()
			return nil, errLinkOver
		case len(l.active) == 0:
			l.start("", nil)
		}
		l.mu.Unlock()
		select {
		case <-connected:
		case <-failed:
			if l.upstream.OnDemand {
				l.mu.Lock()
				err := l.failure
				l.mu.Unlock()
				if err != nil {
					return nil, err
				}
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-l.relay.ctx.Done():
			return nil, errStopped
		}
	}
}

// endNoted is how often it is looked whether the end of a session was noted.
const endNoted = 10 * time.Millisecond

// errLinkOver says that a relay that had connected is gone, or is no upstream any more.
var errLinkOver = errors.New("the relay is gone")

// covers reports whether the link is asked for what lies in a namespace.
func (l *link) covers(ns wire.Namespace) bool {
	for _, p := range l.upstream.Prefixes {
		if ns.HasPrefix(p) {
			return true
		}
	}
	return len(l.upstream.Prefixes) == 0
}

// opened notes a session. Its hearing is what it is known by.
func (l *link) opened(s *moq.Session) *hearing {
	peer, _ := s.PeerRelay()
	region := l.relay.regionOf(s)
	l.relay.links.adopt(s, l)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sequence++
	if l.current == nil {
		close(l.connected)
		l.since = time.Now()
	}
	l.current, l.peer, l.told, l.failure = s, peer.ID, peer.ID, nil
	l.region = region
	return &hearing{link: l, session: s, peer: peer.ID, sequence: l.sequence}
}

// closed notes the end of a session.
func (l *link) closed(s *moq.Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current == s {
		l.current, l.peer = nil, ""
		l.connected = make(chan struct{})
		l.since = time.Now()
	}
}

// shows reports whether a way to a namespace or a prefix of it that works is told on
// the link.
func (l *link) shows(ns wire.Namespace) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := len(ns); n >= 0; n-- {
		k := l.known[ns[:n].Key()]
		if k != nil && slices.ContainsFunc(k.by, func(w toldWay) bool { return !w.route.Held }) {
			return true
		}
	}
	return false
}

// learn notes the route to a namespace that was told on one session of the link.
func (l *link) learn(h *hearing, ns wire.Namespace, r route.Route[source]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retired {
		return
	}
	k := l.known[ns.Key()]
	if k == nil {
		k = &knownName{namespace: ns}
		l.known[ns.Key()] = k
	}
	k.drop(h)
	k.by, k.held = append(k.by, toldWay{h, r}), nil
	l.show(k)
}

// unlearn notes that a session no longer tells of a namespace. When the session
// was lost, that is shown for a while.
func (l *link) unlearn(h *hearing, ns wire.Namespace, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.known[ns.Key()]
	if k == nil {
		return
	}
	r, told := k.drop(h)
	if !told {
		return
	}
	if len(k.by) > 0 || !lost {
		l.show(k)
		return
	}
	k.held = h
	r.Held = true
	l.relay.routes.Set(ns, r)
	if h.expiry == nil {
		h.expiry = time.AfterFunc(namespaceGrace, func() { l.expire(h) })
	}
}

// namespaceGrace is how long namespaces of a lost session are still shown, so
// that a relay that returns soon is not noticed.
const namespaceGrace = 5 * time.Second

// expire forgets what a lost session told of and none has told of since.
func (l *link) expire(h *hearing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range l.known {
		if k.held == h {
			l.show(k)
		}
	}
}

// show puts what the newest session tells of a namespace into the relay's table.
// The caller holds mu.
func (l *link) show(k *knownName) {
	if len(k.by) == 0 {
		delete(l.known, k.namespace.Key())
		l.relay.routes.Remove(k.namespace, source{link: l})
		return
	}
	newest := slices.MaxFunc(k.by, func(a, b toldWay) int { return cmp.Compare(a.hearing.sequence, b.hearing.sequence) })
	l.relay.routes.Set(k.namespace, newest.route)
}

// sum adds costs, up to what other relays can be told.
func sum(a, b uint64) uint64 {
	if a > wire.MaxRouteCost || b > wire.MaxRouteCost-a {
		return wire.MaxRouteCost
	}
	return a + b
}
