package relay

import (
	"cmp"
	"context"
	"slices"

	"moqedge/moq"
	"moqedge/moq/wire"
)

// candidate is where a track can be had.
type candidate struct {
	session *moq.Session // of a publisher here, or of a link that is connected; nil: the link has to connect first
	link    *link        // nil for a publisher that is connected to this relay
}

// source is what a candidate is known by: the session of a publisher here, or
// a link, whatever its session.
type source struct {
	session *moq.Session
	link    *link
	listed  bool // the directory says so, not the link itself
	tracks  bool // nobody announced the namespace: tracks in it are published here
}

func (c candidate) source() source {
	if c.link != nil {
		return source{link: c.link}
	}
	return source{session: c.session}
}

// wait returns the session of the candidate, as link.wait does.
func (c candidate) wait(ctx context.Context) (*moq.Session, error) {
	if c.session != nil {
		return c.session, nil
	}
	return c.link.wait(ctx)
}

// candidates returns where a track can be had, best first: all publishers here
// (moqt-18 §9.5), the one with the longest prefix first; then the relays that the
// directory has one ask and the links that routes lead to, to the track before to
// its namespace, those that work before those that are broken; then upstreams that
// cover the namespace, those that can be reached before the others, by priority,
// cost and their order in the configuration.
func (r *Relay) candidates(name wire.FullTrackName) []candidate {
	ns := name.Namespace
	var local, working, broken, upstreams []candidate
	known := map[*link]bool{}
	if r.listed != nil {
		for _, n := range r.listed.next(ns) {
			l := r.linkTo(n)
			known[l] = true
			if c := (candidate{session: l.session(), link: l}); l.isReachable() {
				working = append(working, c)
			} else {
				broken = append(broken, c)
			}
		}
	}
	ways := r.routes.Match(ns)
	if own, ok := wayOf(name); ok { // another relay may have others of the namespace
		ways = slices.Concat(r.routes.Routes(own), ways)
	}
	for _, way := range ways {
		l := way.Via.link
		switch {
		case way.Via.session != nil:
			local = append(local, candidate{session: way.Via.session})
		case l == nil || known[l] || l.isRetired():
		case way.Held || !l.isReachable():
			if l.dialed {
				known[l] = true
				broken = append(broken, candidate{session: l.session(), link: l})
			}
		default:
			known[l] = true
			working = append(working, candidate{session: l.session(), link: l})
		}
	}
	for _, l := range r.links.list() {
		if !known[l] && !l.upstream.Peer && l.covers(ns) {
			upstreams = append(upstreams, candidate{session: l.session(), link: l})
		}
	}
	slices.SortStableFunc(upstreams, func(a, b candidate) int {
		return cmp.Or(
			compareReachable(a.link, b.link),
			cmp.Compare(a.link.upstream.Priority, b.link.upstream.Priority),
			cmp.Compare(a.link.upstream.Cost, b.link.upstream.Cost),
			cmp.Compare(a.link.order.Load(), b.link.order.Load()))
	})
	// What can be reached and may know goes before what is known to be broken.
	reachable := slices.IndexFunc(upstreams, func(c candidate) bool { return !c.link.isReachable() })
	if reachable < 0 {
		reachable = len(upstreams)
	}
	return slices.Concat(local, working, upstreams[:reachable], broken, upstreams[reachable:])
}

func compareReachable(a, b *link) int {
	x, y := a.isReachable(), b.isReachable()
	switch {
	case x == y:
		return 0
	case x:
		return -1
	}
	return 1
}
