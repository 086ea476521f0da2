package relay

import (
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay/cache"
)

// newCache makes what keeps the tracks of a relay.
func newCache(c Config) *cache.Cache {
	return cache.New(cache.Config{
		Bytes: c.CacheBytes, Pin: c.Pin, Share: c.Limits.Share, Overfull: c.Limits.Overfull,
	})
}

// liveTrack returns the live model of a track: what rests of it, or an empty one.
func (r *Relay) liveTrack(name wire.FullTrackName) (t *live.Track, resumed bool) {
	if t := r.cache.Resume(name); t != nil {
		return t, true
	}
	o := r.tuned().retention()
	o.Recover, o.Cache = true, true
	return r.cache.NewTrack(name, o), false
}

// retention is what is kept of a track.
func (c *Config) retention() live.Options {
	return live.Options{RetainGroups: c.RetainGroups, RetainFor: c.RetainFor, MaxBytes: c.MaxTrackBytes}
}

// Tune has the relay go by the CacheBytes, RetainGroups, RetainFor, MaxTrackBytes and
// Linger of a Config at once, and by its MaxLag, MaxLagBytes and Ungoverned in sessions
// to come. What is 0 means what it means there. The other fields are not looked at.
func (r *Relay) Tune(c Config) {
	c = c.withDefaults()
	r.tuning.Store(&c)
	r.cache.Resize(c.CacheBytes)
	r.cache.Retain(c.retention())
}

// CacheBudget is how many bytes what is kept of all tracks may take now.
func (r *Relay) CacheBudget() uint64 { return r.tuned().CacheBytes }

// tuned is the configuration as Tune left it.
func (r *Relay) tuned() *Config { return r.tuning.Load() }

// Purge forgets what is kept of the tracks of a namespace and of those below it,
// and returns how many tracks that were. Subscriptions go on with what comes next;
// what was kept is unknown then, and asked for again when somebody wants it. What
// came within the last second to tracks that are being read goes a second later.
func (r *Relay) Purge(ns wire.Namespace) (tracks int) {
	return r.purge(ns.String(), func(name wire.FullTrackName) bool { return name.Namespace.HasPrefix(ns) })
}

// PurgeTrack is Purge for one track, and reports whether anything was kept of it.
func (r *Relay) PurgeTrack(name wire.FullTrackName) bool {
	key := name.Key()
	return r.purge(name.String(), func(n wire.FullTrackName) bool { return n.Key() == key }) > 0
}

func (r *Relay) purge(what string, match func(wire.FullTrackName) bool) int {
	n := r.cache.Purge(match)
	r.log.Info("purged", "what", what, "tracks", n)
	return n
}

// Pin spares a track when the cache has no room, or no longer; it goes before
// Config.Pin, also for a track that is not there yet.
func (r *Relay) Pin(name wire.FullTrackName, pinned bool) { r.cache.Pin(name, pinned) }

// CacheStats is a reading of the counters of a relay's cache.
type CacheStats struct {
	cache.Stats
	// Hits counts fetches, joining fetches and fills that what is kept was enough
	// for, Misses those for which publishers were asked or would have to be, and
	// Upstream the FETCHes sent for them.
	Hits     uint64 `json:"hits"`
	Misses   uint64 `json:"misses"`
	Upstream uint64 `json:"upstream"`
}

func (r *Relay) cacheStats() CacheStats {
	return CacheStats{
		Stats: r.cache.Stats(), Hits: r.served.hits.Load(), Misses: r.served.misses.Load(), Upstream: r.served.upstream.Load(),
	}
}

// supply has what the track cannot speak for of a range that somebody fetches asked
// for, unless that is not wanted, and counts; span is that of the request, or nil.
// False means that it can not speak for all of it.
func (e *trackEntry) supply(r live.Range, ask bool, span Span) (had bool) {
	e.live.Doubt(r)
	if len(e.live.Unknown(r)) == 0 {
		e.relay.served.hits.Add(1)
		return true
	}
	e.relay.served.misses.Add(1)
	if ask {
		e.backfill(r, span)
	}
	return false
}

// knows reports whether the track can speak for all of a range: nothing of it is
// still to come, or unknown.
func (e *trackEntry) knows(r live.Range) bool {
	l := largest(e.live)
	return l.Set && !l.Value.Next().Less(r.To) && len(e.live.Unknown(r)) == 0
}

// again has parts of the track asked for that the cache had no room for until a
// fetch came to them (moq.FetchRequest.Again).
func (e *trackEntry) again(part live.Range, asked func()) {
	e.relay.tasks.Go(func() {
		e.backfill(part, nil)
		asked()
	})
}

// isStale reports whether the entry ended because what rested of its track is
// from before its publisher began anew: the next entry has nothing of that.
func (e *trackEntry) isStale() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.resumed && e.over && e.beganAnew()
}
