package relay

import (
	"context"
	"strings"

	"moqedge/moq/wire"
)

// Tracks that are offered by PUBLISH at one relay are offered at all, to who asks
// by SUBSCRIBE_TRACKS. Relays tell each other the names of such tracks by ROUTE, as
// they do those of namespaces: with hops, so that circles die, once per link, and
// with their withdrawal. A track is told of as a hidden namespace below one that
// nobody else can have (moqt-18 §3.2.1): its own and one more field. Who offers a
// track of another relay subscribes to it like any subscriber.

// trackWays is the first field of what stands for tracks.
const trackWays = ".tracks"

// trackMark begins the field that is the name of a track, as fields are not empty
// and names may be.
const trackMark = "="

// wayOf returns what a track is told of as; false means that it does not fit.
func wayOf(name wire.FullTrackName) (wire.Namespace, bool) {
	size := len(trackWays) + len(trackMark) + len(name.Name)
	for _, field := range name.Namespace {
		size += len(field)
	}
	if len(name.Namespace)+2 > wire.MaxNamespaceFields || size > wire.MaxFullTrackName {
		return nil, false
	}
	return append(waysBelow(name.Namespace), trackMark+name.Name), true
}

// waysBelow returns the prefix of what stands for the tracks below a prefix.
func waysBelow(prefix wire.Namespace) wire.Namespace {
	return append(wire.Namespace{trackWays}, prefix...)
}

// isWays reports whether a namespace stands for a track, or is a prefix of those.
func isWays(ns wire.Namespace) bool { return len(ns) > 0 && ns[0] == trackWays }

// trackOf is the counterpart of wayOf; false means that ns stands for no track.
func trackOf(ns wire.Namespace) (name wire.FullTrackName, ok bool) {
	if len(ns) < 2 || !isWays(ns) {
		return name, false
	}
	last, ok := strings.CutPrefix(ns[len(ns)-1], trackMark)
	return wire.FullTrackName{Namespace: ns[1 : len(ns)-1], Name: last}, ok
}

// findElsewhere tells o of the tracks below its prefix that other relays offer,
// until stop.
func (r *Relay) findElsewhere(ctx context.Context, o *offers, prefix wire.Namespace) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	changed, seen := newChangedNames(), map[string]struct{}{}
	unwatch := r.routes.WatchRoutes(waysBelow(prefix), changed.note)
	ended := make(chan struct{})
	go r.part(o.session, func() {
		defer close(ended)
		changed.run(ctx, func(key string, ns wire.Namespace) {
			name, ok := trackOf(ns)
			if !ok {
				return
			}
			routes := r.routes.Routes(ns)
			_, known := seen[key]
			switch {
			case len(routes) == 0:
				delete(seen, key)
			case !known && !routes[0].Held && !routes[0].Via.tracks: // those of this relay are offered without
				seen[key] = struct{}{}
				o.addElsewhere(name)
			}
		})
	})()
	return func() {
		unwatch()
		cancel()
		<-ended
	}
}

// publishElsewhere offers a track that another relay offers.
func (r *Relay) publishElsewhere(ctx context.Context, o *offers, name wire.FullTrackName, params wire.Parameters) {
	if !r.wantsElsewhere(o, name) {
		return
	}
	allowed, ok := r.permitOffer(o, name)
	if !ok {
		return
	}
	u := &use{session: o.session, wants: params.Forward.Or(true)}
	if err := (handler{relay: r}).find(ctx, name, u, wire.Option[uint64]{}, 0); err != nil {
		r.log.Debug("track of another relay not offered", "track", name.String(), "error", err)
		return
	}
	properties, _ := u.entry.live.Properties()
	if u.entry.present(ctx, u) != nil || !offersTrack(params.RangeFilters, properties) {
		u.stay()
		r.release(u)
		return
	}
	r.propose(ctx, o, u, params, allowed)
}

// wantsElsewhere is offers.wants for a track that is not published here.
func (r *Relay) wantsElsewhere(o *offers, name wire.FullTrackName) bool {
	key := name.Key()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held[held{key, o.session}] > 0 {
		return false
	}
	if e := r.tracks[key]; e != nil {
		e.mu.Lock()
		f, has := e.feedOf(o.session), e.has(o.session)
		e.mu.Unlock()
		if has || f != nil && f.accepted {
			return false
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	_, blocked := o.blocked[key]
	return !blocked && name.Namespace.HasPrefix(o.prefix)
}

// mayHear reports whether another relay may hear of what nobody announced: who is
// not trusted hears what it may ask for by SUBSCRIBE_TRACKS.
func (r *Relay) mayHear(p *permission, ns wire.Namespace) bool {
	if p == nil {
		return true
	}
	if name, ok := trackOf(ns); ok {
		ns = name.Namespace
	}
	_, err := r.ask(p.ctx, Action{Verb: VerbSubscribeTracks, Session: p.action.Session, Track: wire.FullTrackName{Namespace: ns}}, p.tokens())
	return err == nil
}
