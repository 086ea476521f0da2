package relay

import (
	"slices"
	"sync/atomic"

	"moqedge/relay/limit"
)

// counters count requests.
type counters struct {
	requests, refused, fetches atomic.Uint64
	hits, misses, upstream     atomic.Uint64 // of the cache
	subscriptions              atomic.Int64  // being served
	panics                     atomic.Uint64
}

// Stats is a reading of a relay's counters. Bytes are MOQT bytes: object
// headers and payloads, not QUIC.
type Stats struct {
	Sessions      int64  `json:"sessions"`
	Tracks        int    `json:"tracks"`
	Namespaces    int    `json:"namespaces"`
	Subscriptions int64  `json:"subscriptions"` // served to subscribers now
	Fetches       uint64 `json:"fetches"`
	Requests      uint64 `json:"requests"`
	Refused       uint64 `json:"refused"`
	Connected     bool   `json:"upstreamConnected"`
	BytesIn       uint64 `json:"bytesIn"`
	ObjectsIn     uint64 `json:"objectsIn"`
	BytesOut      uint64 `json:"bytesOut"`
	ObjectsOut    uint64 `json:"objectsOut"`
	StreamsOut    uint64 `json:"streamsOut"`
	DatagramsOut  uint64 `json:"datagramsOut"`
	GroupsSkipped uint64 `json:"groupsSkipped"`
	Timeouts      uint64 `json:"timeouts"`
	// Cache counts what is kept in the live model.
	Cache          CacheStats `json:"cache"`
	UnwantedInputs uint64     `json:"unwantedInputs"`
	// Limits counts what was refused for them.
	Limits limit.Stats `json:"limits"`
	// Panics counts sessions that were ended because of a fault of this program.
	Panics uint64 `json:"panics"`
	// Directory is nil without one.
	Directory *DirectoryStatus `json:"directory,omitempty"`
	// Links are those to other relays.
	Links []LinkStatus `json:"links"`
	// PerTrack counts, by track, the subscriptions served now.
	PerTrack map[string]int `json:"perTrack"`
}

// Sessions is how many sessions are served now.
func (r *Relay) Sessions() int64 { return r.session.Load() }

// Stats reads the counters.
func (r *Relay) Stats() Stats {
	s := Stats{
		Sessions: r.session.Load(), Subscriptions: r.served.subscriptions.Load(), Fetches: r.served.fetches.Load(),
		Requests: r.served.requests.Load(), Refused: r.served.refused.Load(),
		BytesIn: r.got.Bytes.Load(), ObjectsIn: r.got.Objects.Load(),
		BytesOut: r.sent.Bytes.Load(), ObjectsOut: r.sent.Objects.Load(), StreamsOut: r.sent.Streams.Load(), DatagramsOut: r.sent.Datagrams.Load(),
		GroupsSkipped: r.sent.GroupsSkipped.Load(), Timeouts: r.sent.Timeouts.Load(), UnwantedInputs: r.got.Unwanted.Load(), Panics: r.served.panics.Load(),
		Namespaces: r.routes.Count(nil), PerTrack: map[string]int{}, Cache: r.cacheStats(), Limits: r.limits.Stats(),
	}
	if d := r.config.Directory; d != nil {
		status := d.Status()
		s.Directory = &status
	}
	s.Links = r.Links()
	s.Connected = slices.ContainsFunc(s.Links, func(l LinkStatus) bool { return l.Dialed && l.State == "connected" })
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Tracks = len(r.tracks)
	for _, e := range r.tracks {
		if n := e.live.Listeners(); n > 0 {
			s.PerTrack[e.name.String()] = n
		}
	}
	return s
}
