package relay

import (
	"context"
	"slices"
	"sync"

	"moqedge/moq"
)

// links are the links of a relay. The zero value has none.
type links struct {
	changing sync.Mutex // held by SetUpstreams; taken before mu
	mu       sync.Mutex
	all      []*link // upstreams in the order of the configuration, then relays that connected
	sessions map[*moq.Session]*link
	made     int // relays that connected, or were reached
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
	defer s.mu.Unlock()
	s.adoptLocked(session, l)
}

func (s *links) adoptLocked(session *moq.Session, l *link) {
	if s.sessions[session] != nil {
		return
	}
	if s.sessions == nil {
		s.sessions = map[*moq.Session]*link{}
	}
	s.sessions[session] = l
	context.AfterFunc(session.Context(), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.sessions, session)
	})
}

// inbound returns the link of a session that another relay made. It is never an
// upstream: nothing proves who the other one is.
func (s *links) inbound(r *Relay, session *moq.Session) *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.sessions[session]; l != nil {
		return l
	}
	peer, _ := session.PeerRelay()
	u := Upstream{Name: peer.ID, Cost: uint32(min(max(peer.Cost, 1), maxCost)), Peer: true}
	l := newLink(r, u, false, firstMade+s.made)
	s.made++
	s.all = append(s.all, l)
	s.adoptLocked(session, l)
	context.AfterFunc(session.Context(), func() { s.remove(l) }) // a request may come here after the end
	return l
}

// firstMade is the order of the first link that is not of an upstream.
const firstMade = 1 << 30

// maxCost of a hop that another relay may name.
const maxCost = 1<<32 - 1

// remove forgets a link that is over.
func (s *links) remove(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = slices.DeleteFunc(s.all, func(x *link) bool { return x == l })
}

// reach returns the link to a relay that was found by its ID and not configured:
// it is connected on demand and asked for nothing but what it is said to have.
// The same ID and URL give the same link.
func (r *Relay) reach(id string, u Upstream) *link {
	u.OnDemand, u.Peer = true, true
	if u.Name == "" {
		u.Name = id
	}
	u = u.withDefaults()
	s := &r.links
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.all {
		if l.dialed && l.upstream.Name == u.Name && l.upstream.URL == u.URL && l.upstream.Peer && l.upstream.OnDemand {
			return l
		}
	}
	l := newLink(r, u, true, firstMade+s.made)
	l.made = true
	s.made++
	s.all = append(s.all, l)
	return l
}
