package relay

import (
	"cmp"
	"slices"
	"strconv"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
)

// SessionStatus is how a session stands. Remote, Path, Implementation and Relay come
// from the peer: they are quoted in logs.
type SessionStatus struct {
	ID        string    `json:"id"` // decimal, ascending, never given twice by one relay
	Remote    string    `json:"remote"`
	Transport string    `json:"transport"`
	Draft     string    `json:"draft"`
	Since     time.Time `json:"since"`
	// Role is "relay above" (this one connected to it), "relay below", "resident"
	// (Config.Resident), or what the peer does now: "publisher", "subscriber", "both"
	// or "idle".
	Role           string `json:"role"`
	Relay          string `json:"relay,omitempty"` // name of the link
	Path           string `json:"path,omitempty"`  // without its query, which may hold a token
	Implementation string `json:"implementation,omitempty"`
	// RTT is smoothed, in nanoseconds; 0 before the first sample.
	RTT time.Duration `json:"rtt"`
	// Subscriptions are those that this relay serves on it, Publications the tracks
	// that it gets on it.
	Subscriptions int `json:"subscriptions"`
	Publications  int `json:"publications"`
	// BytesIn and BytesOut are those of the connection over UDP.
	BytesIn  uint64 `json:"bytesIn"`
	BytesOut uint64 `json:"bytesOut"`
}

// census has all sessions of a relay, in the order in which they began.
type census struct {
	mu   sync.Mutex // no other lock is taken while it is held
	last uint64
	all  []*member
}

// member is a session of the census; it is not changed.
type member struct {
	id      uint64
	session *moq.Session
	since   time.Time
}

// add notes a session, until gone is called.
func (c *census) add(s *moq.Session) (gone func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	x := &member{c.last, s, time.Now()}
	c.all = append(c.all, x)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if i, found := c.find(x.id); found {
			c.all = slices.Delete(c.all, i, i+1)
		}
	}
}

// find returns where the session with an ID is, or would be. The caller holds mu.
func (c *census) find(id uint64) (at int, found bool) {
	return slices.BinarySearchFunc(c.all, id, func(x *member, id uint64) int { return cmp.Compare(x.id, id) })
}

// page returns up to limit sessions with IDs above one, and whether there are more.
func (c *census) page(after uint64, limit int) (page []*member, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	from, found := c.find(after)
	if found {
		from++
	}
	rest := c.all[from:]
	return slices.Clone(rest[:min(limit, len(rest))]), len(rest) > limit
}

// SessionPage tells how sessions stand, upstream ones included, those that began first
// before others: up to limit of those whose ID is above after, and whether there are
// more.
func (r *Relay) SessionPage(after uint64, limit int) (page []SessionStatus, more bool) {
	some, more := r.census.page(after, limit)
	page = make([]SessionStatus, 0, len(some))
	for _, x := range some {
		page = append(page, r.sessionStatus(x))
	}
	return page, more
}

func (r *Relay) sessionStatus(x *member) SessionStatus {
	info, stats, load := x.session.Conn().Info(), x.session.Conn().Stats(), x.session.Load()
	s := SessionStatus{
		ID: strconv.FormatUint(x.id, 10), Remote: info.RemoteAddr.String(), Transport: info.Kind.String(), Draft: x.session.Version().String(),
		Since: x.since, Path: r.shownPath(x.session), Implementation: x.session.PeerImplementation(),
		RTT: stats.SmoothedRTT, Subscriptions: load.Serving, Publications: load.Subscribed, BytesIn: stats.BytesReceived, BytesOut: stats.BytesSent,
	}
	l := r.links.of(x.session)
	if l != nil {
		s.Relay = l.name()
	}
	switch {
	case l != nil && l.dialed:
		s.Role = "relay above"
	case l != nil:
		s.Role = "relay below"
	case r.config.Resident != nil && r.config.Resident(x.session):
		s.Role, s.Path = "resident", "" // who knows the path is one
	case load.Subscribed+load.Fetching > 0 && load.Serving > 0:
		s.Role = "both"
	case load.Subscribed+load.Fetching > 0:
		s.Role = "publisher"
	case load.Serving > 0:
		s.Role = "subscriber"
	default:
		s.Role = "idle"
	}
	return s
}

// CloseSession closes a session with NO_ERROR and reports whether there was one. One
// with an upstream is made anew.
func (r *Relay) CloseSession(id uint64) bool {
	r.census.mu.Lock()
	i, found := r.census.find(id)
	var s *moq.Session
	if found {
		s = r.census.all[i].session
	}
	r.census.mu.Unlock()
	if !found {
		return false
	}
	r.log.Info("session closed by the operator", "id", id, "remote", s.Conn().Info().RemoteAddr.String())
	s.Close(wire.SessionNoError, "closed by the operator")
	return true
}
