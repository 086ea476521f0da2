package relay

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"moqedge/moq"
	"moqedge/relay/limit"
)

// counters count requests.
type counters struct {
	requests, refused, fetches atomic.Uint64
	hits, misses, upstream     atomic.Uint64        // of the cache
	subscriptions              atomic.Int64         // being served
	verbs                      [verbs]atomic.Uint64 // requests, by what they ask for
	crowded                    atomic.Uint64        // requests that were refused for Config.MaxMatches
	panics                     atomic.Uint64
}

// ask counts a request.
func (c *counters) ask(r moq.Request) {
	a, _ := actionOf(r)
	c.requests.Add(1)
	c.verbs[a.Verb].Add(1)
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
	s := r.stats(r.accounts.traffic())
	s.PerTrack = map[string]int{}
	for _, e := range r.entries() {
		if n := e.subscribers(); n > 0 {
			s.PerTrack[e.name.String()] = n
		}
	}
	return s
}

// stats is Stats without what there is for each track.
func (r *Relay) stats(traffic []Traffic) Stats {
	s := Stats{
		Sessions: r.session.Load(), Subscriptions: r.served.subscriptions.Load(), Fetches: r.served.fetches.Load(),
		Requests: r.served.requests.Load(), Refused: r.served.refused.Load(),
		Namespaces: r.routes.Count(nil), Cache: r.cacheStats(), Limits: r.limits.Stats(), Panics: r.served.panics.Load(),
	}
	for _, t := range traffic {
		s.BytesIn += t.BytesIn
		s.ObjectsIn += t.ObjectsIn
		s.BytesOut += t.BytesOut
		s.ObjectsOut += t.ObjectsOut
		s.StreamsOut += t.StreamsOut
		s.DatagramsOut += t.DatagramsOut
		s.GroupsSkipped += t.Skipped()
		s.Timeouts += t.Timeouts
		s.UnwantedInputs += t.Unwanted
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
	return s
}

// Figures are what metrics tell of a relay: nothing in them grows with sessions or
// tracks.
type Figures struct {
	Stats         // without PerTrack
	Region        string
	Traffic       []Traffic
	PerSession    []SessionCount
	CachedObjects int
	PerVerb       map[string]uint64        // requests
	Rejected      map[RequestErrors]uint64 // requests that were refused
	Ended         map[string]uint64        // sessions that are over, by the code that they ended with; LOST without one
	Crowded       uint64                   // requests that were refused for Config.MaxMatches; Stats.Limits has other limits
}

// Figures reads them. It looks at each session, and at each group that is kept.
func (r *Relay) Figures() Figures {
	f := Figures{
		Region:  r.config.Region,
		Traffic: r.accounts.traffic(), PerSession: r.accounts.count(), CachedObjects: r.cache.Objects(),
		PerVerb: map[string]uint64{},
		Crowded: r.served.crowded.Load(),
	}
	f.Stats = r.stats(f.Traffic)
	for _, v := range []Verb{VerbSubscribe, VerbFetch, VerbTrackStatus, VerbPublish, VerbPublishNamespace, VerbSubscribeNamespace, VerbSubscribeTracks} {
		f.PerVerb[strings.ReplaceAll(v.String(), " ", "_")] = r.served.verbs[v].Load()
	}
	r.accounts.mu.Lock()
	defer r.accounts.mu.Unlock()
	f.Rejected, f.Ended = maps.Clone(r.accounts.refused), maps.Clone(r.accounts.ends)
	return f
}

// Traffic tells what was moved since the start, by role and region of the peer.
func (r *Relay) Traffic() []Traffic { return r.accounts.traffic() }

// RTTs returns the smoothed round-trip times of sessions, those of links included, at
// most limit of them as it comes. Those that are not known are left out.
func (r *Relay) RTTs(limit int) []time.Duration {
	var out []time.Duration
	for _, s := range r.accounts.some(limit) {
		if rtt := s.Conn().Stats().SmoothedRTT; rtt > 0 {
			out = append(out, rtt)
		}
	}
	return out
}
