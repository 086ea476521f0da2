package relay

import (
	"cmp"
	"context"
	"slices"
	"sync"

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
}

func (c candidate) source() source {
	if c.link != nil {
		return source{link: c.link}
	}
	return source{session: c.session}
}

// candidates returns where the tracks of a namespace can be had, best first:
// all publishers here (moqt-18 §9.5), the one with the longest prefix first,
// then the links that are asked for it, those that are connected before the
// others, by priority, cost and their order in the configuration.
func (r *Relay) candidates(ns wire.Namespace) []candidate {
	var out []candidate
	for _, s := range r.local.Match(ns) {
		out = append(out, candidate{session: s})
	}
	local := len(out)
	for _, l := range r.links.list() {
		if l.covers(ns) {
			out = append(out, candidate{session: l.session(), link: l})
		}
	}
	slices.SortStableFunc(out[local:], func(a, b candidate) int {
		if (a.session == nil) != (b.session == nil) {
			if b.session == nil {
				return -1
			}
			return 1
		}
		return cmp.Or(
			cmp.Compare(a.link.upstream.Priority, b.link.upstream.Priority),
			cmp.Compare(a.link.upstream.Cost, b.link.upstream.Cost),
			cmp.Compare(a.link.order, b.link.order))
	})
	return out
}

// wait returns the session of the candidate, as link.wait does.
func (c candidate) wait(ctx context.Context) (*moq.Session, error) {
	if c.session != nil {
		return c.session, nil
	}
	return c.link.wait(ctx)
}

// links are the links of a relay. The zero value has none.
type links struct {
	mu       sync.Mutex
	all      []*link // in the order of the configuration
	sessions map[*moq.Session]*link
}

func (s *links) list() []*link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// of returns the link that a session belongs to, nil for one with a publisher
// or a subscriber.
func (s *links) of(session *moq.Session) *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[session]
}

// adopt notes that a session belongs to a link, as long as it lasts.
func (s *links) adopt(session *moq.Session, l *link) {
	s.mu.Lock()
	_, known := s.sessions[session]
	if !known {
		if s.sessions == nil {
			s.sessions = map[*moq.Session]*link{}
		}
		s.sessions[session] = l
	}
	s.mu.Unlock()
	if !known {
		context.AfterFunc(session.Context(), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.sessions, session)
		})
	}
}
