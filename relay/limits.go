package relay

import (
	"context"
	"slices"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay/limit"
	"moqedge/relay/route"
)

// isUnlimited reports whether a session is one of a relay that is trusted, which asks for
// all of its own subscribers, or of this process.
func (r *Relay) isUnlimited(s *moq.Session) bool {
	return isTrusted(s) || r.config.Resident != nil && r.config.Resident(s)
}

// limitsOf is what a session has of what is limited; nil: it is not limited.
func limitsOf(s *moq.Session) *limit.Session {
	l, _ := s.Intake().(*limit.Session)
	return l
}

// admit counts a request while it is served; false means that it is refused for what the
// session, or others it counts with, has already (moqt-18 §13.1, §13.7.1).
func (r *Relay) admit(ctx context.Context, req moq.Request) bool {
	l := limitsOf(req.Session())
	if r.isUnlimited(req.Session()) {
		l.Exempt()
	}
	release, refused := l.Request(ctx, kindOf(req))
	if refused != nil {
		r.refuse(req, refused)
		return false
	}
	r.after(ctx, release)
	return true
}

// admitAs counts a request that was permitted for whose token it was permitted with.
func (r *Relay) admitAs(ctx context.Context, req moq.Request, subject string) bool {
	l := limitsOf(req.Session())
	release, refused := l.RequestAs(ctx, subject, kindOf(req))
	if refused == nil {
		if refused = l.Bind(subject); refused == nil {
			r.after(ctx, release)
			return true
		}
		release()
	}
	r.refuse(req, refused)
	return false
}

func kindOf(req moq.Request) limit.Kind {
	if _, announces := req.(*moq.PublishNamespaceRequest); announces {
		return limit.Namespaces
	}
	return limit.Subscriptions
}

// refuse refuses a request for a limit. When to ask again is told (moqt-18 §10.6.2).
func (r *Relay) refuse(req moq.Request, why *limit.Refusal) {
	r.served.refused.Add(1)
	req.Reject(wire.RequestExcessiveLoad, why.Error(), wire.Some(why.Retry))
}

// open counts the session that a connection is to have. A peer for which there is no
// room, and that could not be told before (transport.Door), is told by how the connection
// ends: sessions have no code for it (moqt-18 §3.5).
func (r *Relay) open(conn transport.Conn) (*limit.Session, error) {
	l, refused := r.limits.Open(conn.Info().RemoteAddr)
	if refused == nil {
		return l, nil
	}
	_ = conn.CloseWithError(uint64(wire.SessionInternalError), refused.Error())
	return nil, refused
}

// bind counts a session for whose token it was permitted with; false means that there are
// too many, and that it is closed.
func (r *Relay) bind(s *moq.Session, subject string) bool {
	refused := limitsOf(s).Bind(subject)
	if refused == nil {
		return true
	}
	s.Close(wire.SessionInternalError, refused.Error())
	return false
}

// Limits are what bounds the sessions of the relay, and may be changed (limit.Limiter.Set).
func (r *Relay) Limits() *limit.Limiter { return r.limits }

// tooLarge reports whether a prefix stands for more namespaces, or for more tracks, than
// the relay is willing to tell of (moqt-18 §13.7.2), of those that the permission of the
// request lets through.
func (r *Relay) tooLarge(prefix wire.Namespace, p *permission, tracks bool) bool {
	if len(prefix) >= r.config.LongPrefix || !r.exceeds(prefix, p, tracks) {
		return false
	}
	r.served.crowded.Add(1)
	return true
}

// exceeds asks about no more than it has to: as many as it can leave out without being
// sure. It gives up on those of whom nearly all would have to be left out, as asking
// costs more than the answer is worth.
func (r *Relay) exceeds(prefix wire.Namespace, p *permission, tracks bool) bool {
	most := r.config.MaxMatches
	if !tracks && r.routes.Count(prefix) <= most { // as nearly always
		return false
	}
	if p == nil {
		return len(r.matches(prefix, tracks, most+1)) > most
	}
	all := r.matches(prefix, tracks, mostAsked*most+1)
	if len(all) > mostAsked*most {
		return true
	}
	left := len(all)
	for _, name := range all {
		if left <= most || p.ctx.Err() != nil {
			break
		}
		if !r.lets(p, name, tracks) {
			left--
		}
	}
	return left > most
}

// mostAsked is how many times Config.MaxMatches may match for that to be asked about.
const mostAsked = 10

// lets reports whether the session of a permission would be told of a namespace, or
// offered a track.
func (r *Relay) lets(p *permission, name wire.FullTrackName, track bool) bool {
	if !track {
		return r.shows(p, name.Namespace)
	}
	_, err := r.ask(p.ctx, Action{Verb: VerbSubscribe, Session: p.action.Session, Track: name}, p.tokens())
	return err == nil
}

// matches are the namespaces below a prefix that are told of, without the names of
// tracks, or the tracks there, up to limit of them.
func (r *Relay) matches(prefix wire.Namespace, tracks bool, limit int) (all []wire.FullTrackName) {
	if !tracks {
		r.routes.Each(prefix, func(ns wire.Namespace, routes []route.Route[source]) bool {
			if slices.ContainsFunc(routes, func(way route.Route[source]) bool { return !way.Hidden }) {
				all = append(all, wire.FullTrackName{Namespace: ns})
			}
			return len(all) < limit
		})
		return all
	}
	r.mu.Lock()
	for e := range r.offered {
		if e.name.Namespace.HasPrefix(prefix) && len(all) < limit {
			all = append(all, e.name)
		}
	}
	r.mu.Unlock()
	r.routes.Each(waysBelow(prefix), func(ns wire.Namespace, routes []route.Route[source]) bool {
		if name, ok := trackOf(ns); ok && !routes[0].Via.tracks && len(all) < limit {
			all = append(all, name)
		}
		return len(all) < limit
	})
	return all
}
