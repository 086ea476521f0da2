package relay

import (
	"context"
	"slices"
	"sync"

	"moqedge/moq"
	"moqedge/moq/wire"
	"moqedge/relay/route"
)

// changedNames are namespaces whose routes changed since somebody looked.
type changedNames struct {
	wake chan struct{}
	mu   sync.Mutex
	all  map[string]wire.Namespace
}

func newChangedNames() *changedNames {
	return &changedNames{wake: make(chan struct{}, 1), all: map[string]wire.Namespace{}}
}

// note implements what route.Table.WatchRoutes calls.
func (c *changedNames) note(ns wire.Namespace) {
	c.mu.Lock()
	c.all[ns.Key()] = ns
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run calls f for namespaces that changed, one after the other, until ctx is
// done. What changed twice before f came to it is one change.
func (c *changedNames) run(ctx context.Context, f func(key string, ns wire.Namespace)) {
	for {
		c.mu.Lock()
		changed := c.all
		c.all = map[string]wire.Namespace{}
		c.mu.Unlock()
		for key, ns := range changed {
			if ctx.Err() != nil {
				return
			}
			f(key, ns)
		}
		if len(changed) > 0 {
			continue
		}
		select {
		case <-c.wake:
		case <-ctx.Done():
			return
		}
	}
}

// best returns the route to a namespace that others may be told of on a link:
// the best one, unless it leads back there.
func (r *Relay) best(ns wire.Namespace, to *link) (route.Route[source], bool) {
	routes := r.routes.Routes(ns)
	if len(routes) == 0 {
		return route.Route[source]{}, false
	}
	way := routes[0]
	peer := to.peerID()
	return way, way.Via.link != to && (peer == "" || !way.Passes(peer))
}

// tell tells another relay the routes to the namespaces below the prefix that
// it asked for, until ctx is done.
func (r *Relay) tell(ctx context.Context, to *link, req *moq.SubscribeNamespaceRequest, p *permission) {
	if to.silent() {
		req.Reject(wire.RequestNotSupported, "this link is for requests alone", moq.NoRetry())
		return
	}
	if !req.Accept() {
		return
	}
	changed, told := newChangedNames(), map[string]wire.Route{}
	defer r.routes.WatchRoutes(req.Prefix, changed.note)()
	p.whenAgain(func() {
		r.routes.Each(req.Prefix, func(ns wire.Namespace, _ []route.Route[source]) bool {
			changed.note(ns)
			return true
		})
	})
	changed.run(ctx, func(key string, ns wire.Namespace) {
		before, known := told[key]
		way, ok := r.best(ns, to)
		if ok && way.Hidden {
			ok = r.mayHear(p, ns)
		} else if ok {
			ok = r.shows(p, ns)
		}
		switch {
		case ok:
			m := wire.Route{
				Cost: way.Cost, Hops: append([]string{r.id}, way.Hops...),
				Held: way.Held, Hidden: way.Hidden, Foreign: way.Foreign,
			}
			if !known || !sameRoute(m, before) {
				told[key] = m
				req.AddRoute(ns, m)
			}
		case known:
			delete(told, key)
			req.Remove(ns)
		}
	})
}

func sameRoute(a, b wire.Route) bool {
	return a.Cost == b.Cost && a.Held == b.Held && a.Hidden == b.Hidden && a.Foreign == b.Foreign && slices.Equal(a.Hops, b.Hops)
}

// announceTo tells a relay of another make, which knows no routes, of the
// namespaces that can be had from here, until ctx is done. Those that come from
// such a relay are not told of to another: nothing would end a circle of them.
func (r *Relay) announceTo(ctx context.Context, to *link, s *moq.Session) {
	changed, told := newChangedNames(), map[string]*moq.NamespacePublication{}
	defer r.routes.WatchRoutes(nil, changed.note)()
	changed.run(ctx, func(key string, ns wire.Namespace) {
		way, ok := r.best(ns, to)
		ok = ok && !way.Foreign && !way.Hidden
		p, known := told[key]
		switch {
		case ok && !known:
			p, err := s.PublishNamespace(ctx, ns)
			if err == nil {
				told[key] = p
			} else if ctx.Err() == nil {
				r.log.Warn("namespace not announced", "link", to.name(), "namespace", ns.String(), "error", err)
			}
		case !ok && known:
			delete(told, key)
			p.Close()
		}
	})
}
