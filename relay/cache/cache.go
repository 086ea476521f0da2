package cache

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// Config of a cache. The zero value is that of a relay with the default budget.
type Config struct {
	// Bytes is the budget over all tracks, in bytes of memory; 0 means DefaultBytes.
	Bytes uint64
	// Pin says which tracks are spared when there is no room; it is asked once for
	// each track. nil means none.
	Pin func(wire.FullTrackName) bool
	// Share is which part of the budget the tracks of an owner (Cache.Own) may keep when
	// there is no room, 0 to 1: what they have beyond it goes first. It is called with a
	// lock held, and must not block. nil: all of it. Overfull, when set, is told when an
	// owner lost something of what it had beyond its share, likewise.
	Share    func(owner string) float64
	Overfull func(owner string)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Cache keeps tracks within a budget. Its methods are safe for concurrent use.
type Cache struct {
	config Config
	budget atomic.Int64

	bytes, groups atomic.Int64
	forgotten     [live.Reasons]atomic.Uint64
	shortened     atomic.Uint64
	refused       atomic.Uint64
	exhausted     atomic.Int64  // when there was no room in spite of all, as UnixNano
	wake          chan struct{} // holds one: Run has something to look at

	stirredMu sync.Mutex // guards stirred; no other lock is taken while it is held
	stirred   []*live.Track

	mu      sync.Mutex // guards all below; taken before that of a track
	tracks  map[*live.Track]*record
	resting map[string]*record // by the key of the name
	pinned  map[*record]struct{}
	pins    map[string]bool                 // by Pin, by the key of the name
	queues  [2]queue                        // byAge and byDue
	owned   map[string]map[*record]struct{} // by owner; nil while there is none
	cut     []*live.Track                   // something of them was evicted, which is to be told
}

// record is a track of the cache, guarded by Cache.mu.
type record struct {
	track    *live.Track
	owner    string // "": it is nobody's
	released bool
	resting  bool
	at       [3]time.Time // in the queues: when its eldest group was last added to, no later; when it is to be reaped; as the first, of its share
	index    [3]int       // in the queues; less than 0: in none
}

// New returns a cache, for which Run has to be called.
func New(c Config) *Cache {
	if c.Now == nil {
		c.Now = time.Now
	}
	cache := &Cache{
		config: c, wake: make(chan struct{}, 1),
		tracks: map[*live.Track]*record{}, resting: map[string]*record{}, pinned: map[*record]struct{}{}, pins: map[string]bool{},
		queues: [2]queue{{which: byAge}, {which: byDue}},
	}
	cache.Resize(c.Bytes)
	return cache
}

// Resize changes the budget; 0 means DefaultBytes. What is too much then is evicted soon.
func (c *Cache) Resize(bytes uint64) {
	if bytes == 0 {
		bytes = DefaultBytes()
	}
	c.budget.Store(int64(min(bytes, 1<<60)))
	c.poke()
}

// hard is where Room does itself what is to be done.
func (c *Cache) hard() int64 {
	budget := c.budget.Load()
	return budget + budget/16
}

// Retain changes what is kept of the tracks that there are (live.Track.Retain).
func (c *Cache) Retain(o live.Options) {
	c.mu.Lock()
	tracks := slices.Collect(maps.Keys(c.tracks))
	c.mu.Unlock()
	for _, t := range tracks { // each has the cache look at it again, which takes its lock
		t.Retain(o)
	}
	c.poke()
}

// NewTrack makes a track that the cache keeps, until Release. Options.Keeper and
// Now are the cache's.
func (c *Cache) NewTrack(name wire.FullTrackName, o live.Options) *live.Track {
	r := &record{index: [3]int{-1, -1, -1}}
	o.Keeper, o.Now = c, c.config.Now
	t := live.NewTrack(name, o)
	pinned := c.config.Pin != nil && c.config.Pin(name)
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.pins[name.Key()]; ok {
		pinned = p
	}
	r.track = t
	c.tracks[t] = r
	if pinned {
		c.pinned[r] = struct{}{}
	}
	c.look(r)
	return t
}

// Release gives a track up that has ended. Who still reads it finds it for as long
// as it would have been kept.
func (c *Cache) Release(t *live.Track) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.tracks[t]; r != nil {
		r.released = true
		if t.Listeners() == 0 {
			c.drop(r)
		} else {
			c.look(r)
		}
	}
}

// Rest keeps a track that nobody writes or uses any more, for who asks for it
// again: Resume.
func (c *Cache) Rest(t *live.Track) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.tracks[t]
	if r == nil {
		return
	}
	t.Rest(true)
	key := t.Name().Key()
	if other := c.resting[key]; other != nil {
		c.drop(other)
	}
	r.resting = true
	c.resting[key] = r
	c.look(r)
}

// Resume returns the track of this name that rests, which is then used again; nil
// when there is none.
func (c *Cache) Resume(name wire.FullTrackName) *live.Track {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := name.Key()
	r := c.resting[key]
	if r == nil {
		return nil
	}
	delete(c.resting, key)
	r.resting = false
	r.track.Rest(false)
	c.look(r)
	return r.track
}

// drop forgets a track. The caller holds mu.
func (c *Cache) drop(r *record) {
	for i := range c.queues {
		c.queues[i].remove(r)
	}
	delete(c.tracks, r.track)
	delete(c.pinned, r)
	c.disown(r)
	if key := r.track.Name().Key(); c.resting[key] == r {
		delete(c.resting, key)
	}
	r.track.Drop()
}

// Pin spares a track when there is no room, or no longer; it goes before
// Config.Pin, for the track that is there and for those of this name to come.
func (c *Cache) Pin(name wire.FullTrackName, pinned bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := name.Key()
	c.pins[key] = pinned
	for _, r := range c.tracks {
		if r.track.Name().Key() == key {
			if pinned {
				c.pinned[r] = struct{}{}
			} else {
				delete(c.pinned, r)
			}
			c.look(r)
		}
	}
}

// Purge forgets what is kept of the tracks that match says, which go on (see
// live.Track.Purge), and returns how many there were.
func (c *Cache) Purge(match func(wire.FullTrackName) bool) (tracks int) {
	c.mu.Lock()
	var found []*record
	for _, r := range c.tracks {
		if match(r.track.Name()) {
			found = append(found, r)
		}
	}
	c.mu.Unlock()
	for _, r := range found { // a purge wakes readers, which is not for a lock
		r.track.Purge()
	}
	c.poke()
	return len(found)
}

// Keep counts what a track keeps, as live.Keeper.
func (c *Cache) Keep(bytes, groups int64) {
	if groups != 0 {
		c.groups.Add(groups)
	}
	if c.bytes.Add(bytes) > c.budget.Load() && bytes > 0 {
		c.poke()
	}
}

// Forgot counts what a track forgot, as live.Keeper.
func (c *Cache) Forgot(why live.Reason, groups int) { c.forgotten[why].Add(uint64(groups)) }

// Stirred notes a track that is to be looked at, as live.Keeper.
func (c *Cache) Stirred(t *live.Track) {
	c.stirredMu.Lock()
	c.stirred = append(c.stirred, t)
	c.stirredMu.Unlock()
	c.poke()
}

// poke has Run look.
func (c *Cache) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Stats is a reading of a cache's counters.
type Stats struct {
	Budget  uint64 `json:"budget"`  // bytes
	Bytes   uint64 `json:"bytes"`   // of memory that the kept objects take
	Groups  int64  `json:"groups"`  // kept
	Tracks  int    `json:"tracks"`  // kept, those that rest included
	Resting int    `json:"resting"` // kept although nobody uses them
	Pinned  int    `json:"pinned"`
	// Forgotten counts groups by why they are no longer kept: outlived (number and
	// time), overflown (too much of one track), aged (MAX_CACHE_DURATION), evicted (no room in the budget),
	// purged, dropped (with their track).
	Forgotten map[string]uint64 `json:"forgotten"`
	// Shortened counts how often a newest group lost its first objects for want of
	// room, Refused pieces of data that there was no room for.
	Shortened uint64 `json:"shortened"`
	Refused   uint64 `json:"refused"`
}

// Objects counts the objects that are kept. It looks at each group.
func (c *Cache) Objects() (n int) {
	c.mu.Lock()
	all := make([]*live.Track, 0, len(c.tracks))
	for t := range c.tracks {
		all = append(all, t)
	}
	c.mu.Unlock()
	for _, t := range all {
		n += t.Objects()
	}
	return n
}

// reasons are the names of live.Reason.
func reasons() [live.Reasons]string {
	return [live.Reasons]string{
		live.Retained: "outlived", live.Overflown: "overflown", live.Aged: "aged", live.Evicted: "evicted", live.Purged: "purged", live.Dropped: "dropped",
	}
}

// Stats reads the counters.
func (c *Cache) Stats() Stats {
	s := Stats{
		Budget: uint64(c.budget.Load()), Bytes: uint64(max(0, c.bytes.Load())), Groups: c.groups.Load(), Forgotten: map[string]uint64{},
		Shortened: c.shortened.Load(), Refused: c.refused.Load(),
	}
	for why, name := range reasons() {
		s.Forgotten[name] = c.forgotten[why].Load()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Tracks, s.Resting, s.Pinned = len(c.tracks), len(c.resting), len(c.pinned)
	return s
}
