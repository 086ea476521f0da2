package relay

import (
	"slices"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
)

// retireAfter is how long an upstream that was removed may still be needed: what nobody
// else has by then is lost with it.
const retireAfter = 10 * time.Second

// succession is how long an upstream stays that another one with the same URL takes the
// place of, until there is a session with that.
const succession = 5 * time.Second

// SetUpstreams has the relay have tracks and namespaces from these upstreams, in place of
// those of Config.Upstreams or of the last call. Links to those that are the same, by all
// that can be compared and by Revision, stay as they are. Tracks that come from one that
// is not there any more are subscribed to elsewhere before the old subscriptions end, if
// they can be had within 10 s, and that relay is told to do the same (GOAWAY). It does
// not wait for any of this.
func (r *Relay) SetUpstreams(upstreams []Upstream) {
	s := &r.links
	s.changing.Lock()
	defer s.changing.Unlock()
	if r.ctx.Err() != nil {
		return
	}
	old := slices.DeleteFunc(s.list(), func(l *link) bool { return !l.isUpstream() })
	var now, added []*link
	for i, u := range upstreams {
		u = u.withDefaults()
		at := slices.IndexFunc(old, func(l *link) bool { return l.upstream.isLike(u) })
		if at < 0 {
			l := newLink(r, u, true, i)
			now, added = append(now, l), append(added, l)
			continue
		}
		old[at].reorder(i)
		now = append(now, old[at])
		old = slices.Delete(old, at, at+1)
	}
	for _, l := range old {
		l.mu.Lock()
		l.leaving = true
		l.mu.Unlock()
	}
	s.mu.Lock()
	others := slices.DeleteFunc(slices.Clone(s.all), func(l *link) bool { return slices.Contains(now, l) })
	s.all = slices.Concat(now, others)
	s.mu.Unlock()
	for _, l := range added {
		l.keep()
	}
	for _, l := range old {
		heir := slices.IndexFunc(added, func(x *link) bool { return x.upstream.URL == l.upstream.URL })
		r.log.Info("an upstream is removed", "link", l.name(), "url", l.upstream.URL, "replaced", heir >= 0)
		if heir < 0 {
			s.remove(l)
		}
		r.tasks.Go(func() {
			if heir >= 0 {
				added[heir].comesUp(succession)
				s.remove(l)
			}
			l.retire()
		})
	}
}

// isLike reports whether two upstreams are the same, by all that can be compared.
func (u Upstream) isLike(v Upstream) bool {
	return u.Name == v.Name && u.URL == v.URL && u.Priority == v.Priority && u.Cost == v.Cost && u.Peer == v.Peer &&
		u.OnDemand == v.OnDemand && u.Revision == v.Revision &&
		slices.EqualFunc(u.Prefixes, v.Prefixes, func(a, b wire.Namespace) bool { return a.Key() == b.Key() })
}

// isUpstream reports whether the link is with one of the upstreams that were set last.
func (l *link) isUpstream() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dialed && !l.made && !l.leaving
}

// isRetired reports whether nothing is asked for on the link any more.
func (l *link) isRetired() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.retired
}

// reorder gives the link another place among the upstreams.
func (l *link) reorder(order int) {
	if l.order.Swap(int64(order)) == int64(order) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range l.known {
		for i := range k.by {
			k.by[i].route.Rank = order
		}
		if len(k.by) > 0 {
			l.show(k)
		}
	}
}

// comesUp waits until the link has a session, or is found to get none, or for a time.
func (l *link) comesUp(most time.Duration) {
	l.mu.Lock()
	connected, failed := l.connected, l.failed
	l.mu.Unlock()
	if l.upstream.OnDemand {
		return // it has one when it is asked
	}
	select {
	case <-connected:
	case <-failed:
	case <-time.After(most):
	case <-l.relay.ctx.Done():
	}
}

// retire ends the link, which is not among the links any more, when others have taken
// over what comes by it, or after retireAfter.
func (l *link) retire() {
	r := l.relay
	l.mu.Lock()
	l.retired = true
	var sessions []*moq.Session
	for c := range l.active {
		if c.session != nil && c.session.Context().Err() == nil {
			sessions = append(sessions, c.session)
		}
	}
	var told []func()
	for _, k := range l.known {
		for _, w := range k.by {
			told = append(told, func() { l.unlearn(w.hearing, k.namespace, true) }) // still shown for a while
		}
	}
	l.mu.Unlock()
	for _, forget := range told {
		forget()
	}
	if len(sessions) > 0 {
		for _, s := range sessions {
			_ = s.Goaway("", 0) // its session is over when it fails
		}
		r.leave(l)
		late := time.Now().Add(retireAfter)
		for slices.ContainsFunc(sessions, r.fedBy) && time.Now().Before(late) && pause(r.ctx, moveCheck) {
		}
		pause(r.ctx, handover) // the other relay moves what it has from here
	} else {
		r.leave(l)
	}
	l.mu.Lock()
	for c := range l.active {
		c.cancel()
	}
	l.mu.Unlock()
}

// leave has the tracks that come by a link, or are asked for on it, asked for elsewhere.
func (r *Relay) leave(l *link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.tracks {
		e.mu.Lock()
		for _, f := range e.feeds {
			switch {
			case f.link != l:
			case f.session == nil:
				f.cancel()
			default:
				f.leaving = true
			}
		}
		e.mu.Unlock()
		e.poke()
	}
}
