package relay

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
	"moqedge/relay/route"
)

// hearing is what is heard of namespaces on one session of a link.
type hearing struct {
	link     *link
	session  *moq.Session
	peer     string // ID of the relay there; "" when it tells no routes
	sequence int
	expiry   *time.Timer // of what it told of, once it was lost; guarded by the link's mu

	mu sync.Mutex // taken before all others, and held while a way comes or goes
	// allowed are the permissions for the ways that it told of, by namespace; none of
	// who may do everything.
	allowed map[string]*permission
}

// maxRoutes bounds what a trusted relay may tell of.
const maxRoutes = 1 << 20

// listen asks for the namespaces of the relay there, below the prefixes of the
// link, and hears of them until ctx is done.
func (h *hearing) listen(ctx context.Context) {
	var tasks sync.WaitGroup
	prefixes := disjoint(h.link.upstream.Prefixes)
	if h.peer != "" { // relays tell of tracks, too
		for _, prefix := range disjoint(h.link.upstream.Prefixes) {
			if len(prefix) > 0 {
				prefixes = append(prefixes, waysBelow(prefix))
			}
		}
	}
	for _, prefix := range prefixes {
		var n *moq.NamespaceSubscription
		var err error
		if h.peer == "" {
			n, err = h.session.SubscribeNamespace(ctx, prefix, h)
		} else {
			n, err = h.session.SubscribeRoutes(ctx, prefix, h.limit(), h)
		}
		switch {
		case err == nil:
			tasks.Go(func() {
				<-n.Done() // the last of its events; it ends with the session
				if ctx.Err() == nil && h.session.Context().Err() == nil {
					h.link.relay.log.Warn("no more is heard of the namespaces of the relay", "link", h.link.name(), "prefix", prefix.String(), "limit", h.limit())
				}
			})
		case ctx.Err() != nil, errors.Is(err, &moq.RequestError{Code: wire.RequestNotSupported}): // it is silent
		default:
			h.link.relay.log.Warn("the relay does not tell its namespaces", "link", h.link.name(), "prefix", prefix.String(), "error", err)
		}
	}
	tasks.Wait()
	<-ctx.Done()
}

// disjoint leaves out prefixes that others cover (moqt-18 §10.18); none stand for all.
func disjoint(prefixes []wire.Namespace) []wire.Namespace {
	if len(prefixes) == 0 {
		return []wire.Namespace{nil}
	}
	var out []wire.Namespace
	for _, p := range prefixes {
		if slices.ContainsFunc(out, p.HasPrefix) {
			continue
		}
		out = append(slices.DeleteFunc(out, func(x wire.Namespace) bool { return x.HasPrefix(p) }), p)
	}
	return out
}

func (h *hearing) limit() int {
	if isTrusted(h.session) {
		return maxRoutes
	}
	return h.link.relay.limits.MaxNamespaces()
}

// RouteChanged implements moq.RouteEvents: it notes the route, with this hop,
// unless it leads through this relay.
func (h *hearing) RouteChanged(ns wire.Namespace, m *wire.Route) {
	r, l := h.link.relay, h.link
	if slices.Contains(m.Hops, r.id) || len(m.Hops) >= wire.MaxHops {
		h.RouteRemoved(ns)
		return
	}
	way := route.Route[source]{
		Via: source{link: l}, Cost: sum(m.Cost, l.cost()), Hops: m.Hops,
		Held: m.Held, Hidden: m.Hidden, Foreign: m.Foreign, Rank: int(l.order.Load()),
	}
	if r.isFree(h.session) {
		h.heard(ns, way)
		return
	}
	a := announcing(h.session, ns)
	verdict, err := r.authorize(h.session.Context(), a, nil)
	if err != nil {
		h.refused(ns, err.(*moq.RequestError))
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.allowed[ns.Key()]; p != nil {
		r.permissions.extend(p, nil, verdict.Until)
	} else {
		p = &permission{relay: r, ctx: h.session.Context(), action: a, subject: verdict.Subject, until: verdict.Until}
		p.end = func(why *moq.RequestError) { h.refused(ns, why) }
		if h.allowed == nil {
			h.allowed = map[string]*permission{}
		}
		h.allowed[ns.Key()] = p
		r.permissions.add(p)
	}
	h.heard(ns, way)
}

// announcing is what the word of a relay needs permission for that it has a namespace,
// or a track.
func announcing(s *moq.Session, ns wire.Namespace) Action {
	if track, ok := trackOf(ns); ok {
		return Action{Verb: VerbPublish, Session: s, Track: track}
	}
	return Action{Verb: VerbPublishNamespace, Session: s, Track: wire.FullTrackName{Namespace: ns}}
}

// refused is RouteRemoved for what is not permitted, or not any more: nothing comes from
// there then.
func (h *hearing) refused(ns wire.Namespace, why *moq.RequestError) {
	if h.forget(ns) {
		h.link.relay.disown(h.session, announcing(h.session, ns).Track.Namespace, resetFor(why))
	}
}

// forget is RouteRemoved; it reports whether there was a permission.
func (h *hearing) forget(ns wire.Namespace) (known bool) {
	r := h.link.relay
	h.mu.Lock()
	defer h.mu.Unlock()
	p, known := h.allowed[ns.Key()]
	if known {
		delete(h.allowed, ns.Key())
		r.permissions.remove(p)
	}
	h.link.unlearn(h, ns, h.session.Context().Err() != nil && r.ctx.Err() == nil)
	return known
}

// NamespaceAdded implements moq.NamespaceEvents, for relays of other makes.
func (h *hearing) NamespaceAdded(ns wire.Namespace) {
	if isWays(ns) { // they tell of no tracks
		return
	}
	l := h.link
	h.heard(ns, route.Route[source]{Via: source{link: l}, Cost: l.cost(), Foreign: true, Rank: int(l.order.Load())})
}

func (h *hearing) heard(ns wire.Namespace, way route.Route[source]) {
	r := h.link.relay
	h.link.learn(h, ns, way)
	if !way.Held && !isWays(ns) {
		r.publishes.announce()
		r.announced(ns, source{link: h.link})
	}
}

// RouteRemoved implements moq.RouteEvents. It is also called for every namespace
// when the session is lost: those are shown for a while.
func (h *hearing) RouteRemoved(ns wire.Namespace) { h.forget(ns) }

// NamespaceRemoved implements moq.NamespaceEvents.
func (h *hearing) NamespaceRemoved(ns wire.Namespace) { h.RouteRemoved(ns) }

// serveRelay works with a session that another relay made, until it is over.
func (r *Relay) serveRelay(s *moq.Session) {
	l := r.links.inbound(r, s)
	peer, _ := s.PeerRelay()
	if peer.ID == r.id {
		r.log.Warn("another relay has the ID of this one", "id", r.id, "remote", s.Conn().Info().RemoteAddr.String())
	}
	h := l.opened(s)
	r.log.Info("a relay connected", "id", peer.ID, "remote", s.Conn().Info().RemoteAddr.String())
	var tasks sync.WaitGroup
	tasks.Go(r.part(s, func() { h.listen(s.Context()) }))
	tasks.Go(r.part(s, func() { r.watchPulse(s.Context(), s) }))
	<-s.Context().Done()
	l.closed(s)
	tasks.Wait()
}
