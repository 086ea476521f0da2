package relay

import (
	"time"

	"moqedge/moq/wire"
	"moqedge/relay/route"
)

// LinkStatus is how a link to another relay stands. ID and Error come from
// there: they are quoted in logs.
type LinkStatus struct {
	Name   string `json:"name"`
	URL    string `json:"url,omitempty"`    // "" for a relay that connected to this one
	ID     string `json:"id,omitempty"`     // "" when it is of another make, or was never connected
	Region string `json:"region,omitempty"` // as Traffic has it
	Dialed bool   `json:"dialed"`           // this side connects
	// Peer stands beside this relay, or below it: it is asked for what it announced alone.
	Peer bool `json:"peer"`
	// Configured says that it is one of Config.Upstreams.
	Configured bool `json:"configured"`
	// State is "connected", "connecting" (also between two attempts) or, of one
	// that is connected on demand, "idle".
	State    string        `json:"state"`
	Since    time.Time     `json:"since"` // it has been so
	RTT      time.Duration `json:"rtt"`   // in nanoseconds
	Draft    string        `json:"draft,omitempty"`
	Priority int           `json:"priority"`
	Cost     uint32        `json:"cost"`
	// BytesIn and BytesOut are those of the present connection over UDP.
	BytesIn  uint64 `json:"bytesIn"`
	BytesOut uint64 `json:"bytesOut"`
	// Namespaces is how many it tells of, lost ones that are still shown included.
	Namespaces int    `json:"namespaces"`
	Error      string `json:"error,omitempty"` // of the last attempt, until there is a session
}

func (l *link) status() LinkStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := LinkStatus{
		Name: l.name(), URL: l.upstream.URL, ID: l.told, Region: l.region, Dialed: l.dialed, Configured: l.dialed && !l.made && !l.leaving, Peer: l.upstream.Peer, State: "connecting", Since: l.since,
		Priority: l.upstream.Priority, Cost: l.upstream.Cost, Namespaces: len(l.known),
	}
	switch {
	case l.current != nil:
		s.State, s.Draft = "connected", l.current.Version().String()
		stats := l.current.Conn().Stats()
		s.RTT, s.BytesIn, s.BytesOut = stats.SmoothedRTT, stats.BytesReceived, stats.BytesSent
	case len(l.active) == 0:
		s.State = "idle"
	}
	if l.failure != nil {
		s.Error = l.failure.Error()
	}
	return s
}

// RouteStatus is a way to a namespace.
type RouteStatus struct {
	Namespace string `json:"namespace"`
	// Via is the name of the link, "publisher" for one that is connected here, or
	// "tracks" when tracks in the namespace are published here and nobody announced it.
	Via  string   `json:"via"`
	Hops []string `json:"hops,omitempty"` // IDs of relays, the nearest first
	Cost uint64   `json:"cost"`
	// Held: the way is broken and may be back soon. Hidden: nobody announced the
	// namespace. Listed: the directory says so.
	Held   bool `json:"held,omitempty"`
	Hidden bool `json:"hidden,omitempty"`
	Listed bool `json:"listed,omitempty"`
}

// Links tells how the links stand: upstreams in the order of the configuration,
// then relays that connected to this one.
func (r *Relay) Links() []LinkStatus {
	var out []LinkStatus
	for _, l := range r.links.list() {
		out = append(out, l.status())
	}
	return out
}

// ID returns what the relay is called in hop lists.
func (r *Relay) ID() string { return r.id }

// Routes tells the ways to the namespaces below a prefix, in order, those of
// each best first, up to limit of them; 0: all.
func (r *Relay) Routes(prefix wire.Namespace, limit int) []RouteStatus {
	var out []RouteStatus
	r.routes.Each(prefix, func(ns wire.Namespace, routes []route.Route[source]) bool {
		if isWays(ns) { // a track
			return true
		}
		for _, x := range routes {
			s := RouteStatus{Namespace: ns.String(), Hops: x.Hops, Cost: x.Cost, Held: x.Held, Hidden: x.Hidden, Listed: x.Via.listed}
			switch {
			case x.Via.link != nil:
				s.Via = x.Via.link.name()
			case x.Via.tracks:
				s.Via = "tracks"
			default:
				s.Via = "publisher"
			}
			out = append(out, s)
		}
		return limit == 0 || len(out) < limit
	})
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	return out
}
