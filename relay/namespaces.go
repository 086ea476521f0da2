package relay

import (
	"context"
	"slices"

	"moqedge/moq"
	"moqedge/moq/wire"
	"moqedge/relay/route"
)

// publishNamespace has a namespace in the table until ctx is done.
func (h handler) publishNamespace(ctx context.Context, r *moq.PublishNamespaceRequest) {
	relay, s := h.relay, r.Session()
	if isWays(r.Namespace) {
		r.Reject(wire.RequestDoesNotExist, "reserved namespace", moq.NoRetry())
		return
	}
	if h.link != nil { // what it has is told by SUBSCRIBE_NAMESPACE; this adds to it
		a := &hearing{link: h.link, session: s}
		a.NamespaceAdded(r.Namespace)
		r.Accept()
		relay.after(ctx, func() { a.NamespaceRemoved(r.Namespace) })
		return
	}
	relay.log.Info("namespace announced", "namespace", r.Namespace.String(), "remote", s.Conn().Info().RemoteAddr.String())
	relay.routes.Set(r.Namespace, route.Route[source]{Via: source{session: s}})
	r.Accept() // who hears of the answer finds the namespace
	relay.announced(r.Namespace, source{session: s})
	relay.publishes.announce()
	relay.after(ctx, func() {
		relay.routes.Remove(r.Namespace, source{session: s})
		relay.log.Info("namespace withdrawn", "namespace", r.Namespace.String())
	})
}

// disown has nothing come any more from a session that is not permitted to publish a
// namespace: neither what it announced nor tracks that were asked for there. Those that
// it offered by PUBLISH, and those of another namespace that it announced, have
// permissions of their own.
func (r *Relay) disown(s *moq.Session, ns wire.Namespace, code wire.ResetCode) {
	r.routes.Remove(ns, source{session: s})
	var feeds []*feed
	r.mu.Lock()
	for _, e := range r.tracks {
		if !e.name.Namespace.HasPrefix(ns) || slices.ContainsFunc(r.routes.Match(e.name.Namespace), func(way route.Route[source]) bool { return way.Via.session == s }) {
			continue
		}
		e.mu.Lock()
		for _, f := range e.feeds {
			if f.session == s && !f.pushed {
				feeds = append(feeds, f)
			}
		}
		e.mu.Unlock()
	}
	r.mu.Unlock()
	for _, f := range feeds {
		f.cancel()
		if sub := f.subscription(); sub != nil {
			sub.Revoke(code)
		}
	}
}

// subscribeNamespace tells of all namespaces below a prefix, the subscriber's
// own included (moqt-18 §6.1).
func (h handler) subscribeNamespace(ctx context.Context, r *moq.SubscribeNamespaceRequest, p *permission) {
	if h.link != nil && r.Routes() {
		h.relay.tell(ctx, h.link, r, p)
		return
	}
	if h.relay.tooLarge(r.Prefix, p, false) {
		r.Reject(wire.RequestNamespaceTooLarge, "more namespaces than this relay tells of", moq.NoRetry())
		return
	}
	if p != nil {
		r.Shows = func(ns wire.Namespace) bool { return h.relay.shows(p, ns) }
		p.whenAgain(r.Reconsider)
	}
	r.Follow(ctx, func(prefix wire.Namespace, w moq.NamespaceEvents) func() { return h.relay.routes.Watch(prefix, w) })
}

// hasPublisher reports whether a publisher here announced a namespace or a prefix of it.
func (r *Relay) hasPublisher(ns wire.Namespace) bool {
	return slices.ContainsFunc(r.routes.Match(ns), func(way route.Route[source]) bool { return way.Via.session != nil })
}

// expose notes that a track is offered: relays are told of it, and of its
// namespace, which nobody has to have announced. conceal is the counterpart. The caller holds mu.
func (r *Relay) expose(e *trackEntry) {
	if _, known := r.offered[e]; known {
		return
	}
	r.offered[e] = struct{}{}
	if way, ok := wayOf(e.name); ok {
		r.routes.Set(way, route.Route[source]{Via: source{tracks: true}, Hidden: true})
	}
	key := e.name.Namespace.Key()
	if r.exposed[key]++; r.exposed[key] == 1 {
		r.routes.Set(e.name.Namespace, route.Route[source]{Via: source{tracks: true}, Hidden: true})
	}
}

func (r *Relay) conceal(e *trackEntry) {
	if _, known := r.offered[e]; !known {
		return
	}
	delete(r.offered, e)
	if way, ok := wayOf(e.name); ok {
		r.routes.Remove(way, source{tracks: true})
	}
	key := e.name.Namespace.Key()
	if r.exposed[key]--; r.exposed[key] == 0 {
		delete(r.exposed, key)
		r.routes.Remove(e.name.Namespace, source{tracks: true})
	}
}
