package cache

import (
	"iter"
	"maps"
	"math"
	"sync/atomic"
	"time"

	"moqedge/moq/live"
)

// share is what the tracks of one owner have of the budget. They may have no more than
// Config.Share says, lest one publisher has what is kept of all others evicted.
type share struct {
	// bytes is about what they take: it is counted anew at each look. Beyond trigger
	// they are looked at.
	bytes, trigger atomic.Int64
	due            atomic.Bool          // Run is to look
	records        map[*record]struct{} // guarded by Cache.mu
}

// Keep implements live.Keeper.
func (r *record) Keep(bytes, groups int64) {
	r.cache.Keep(bytes, groups)
	if s := r.share.Load(); s != nil && s.bytes.Add(bytes) > s.trigger.Load() && bytes > 0 && !s.due.Swap(true) {
		r.cache.poke()
	}
}

// Forgot implements live.Keeper.
func (r *record) Forgot(why live.Reason, groups int) { r.cache.Forgot(why, groups) }

// Stirred implements live.Keeper.
func (r *record) Stirred(t *live.Track) { r.cache.Stirred(t) }

// Own says whom a track counts for: the name of an owner, or "" for nobody. An owner is
// known as long as it has tracks.
func (c *Cache) Own(t *live.Track, owner string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.tracks[t]
	if r == nil || r.owner == owner {
		return
	}
	c.disown(r)
	if owner == "" || c.config.Share == nil {
		return
	}
	s := c.shares[owner]
	if s == nil {
		s = &share{records: map[*record]struct{}{}}
		if c.shares == nil {
			c.shares = map[string]*share{}
		}
		c.shares[owner] = s
	}
	r.owner = owner
	s.records[r] = struct{}{}
	r.share.Store(s)
	s.due.Store(true)
	c.poke()
}

// disown has a track count for nobody. The caller holds mu.
func (c *Cache) disown(r *record) {
	s := c.shares[r.owner]
	if s == nil {
		return
	}
	r.share.Store(nil)
	delete(s.records, r)
	if len(s.records) == 0 {
		delete(c.shares, r.owner)
	}
	r.owner = ""
}

// checkShares has owners that have more than their share lose what is oldest of it. The
// caller holds mu and unlocks it by tell.
func (c *Cache) checkShares(now time.Time) {
	for owner, s := range c.shares {
		if !s.due.Swap(false) {
			continue
		}
		limit := int64(math.MaxInt64)
		if part := c.config.Share(owner); part < 1 {
			limit = int64(part * float64(c.budget.Load()))
		}
		total := s.size()
		if total > limit {
			c.cutShare(s, total-limit+limit/32, now)
			if s.size() > limit {
				c.shrink(maps.Keys(s.records), limit-limit/32)
			}
			if c.config.Overfull != nil {
				c.config.Overfull(owner)
			}
			total = s.size()
		}
		s.bytes.Store(total)
		s.trigger.Store(max(limit, min(total, math.MaxInt64/2)+limit/32))
	}
}

func (s *share) size() (bytes int64) {
	for r := range s.records {
		n, _ := r.track.Size()
		bytes += int64(n)
	}
	return bytes
}

// cutShare evicts whole groups of an owner, the oldest first, and pinned tracks last. The
// caller holds mu.
func (c *Cache) cutShare(s *share, want int64, now time.Time) {
	for _, pinned := range []bool{false, true} {
		q := queue{which: byShare}
		for r := range s.records {
			if _, p := c.pinned[r]; p != pinned {
				continue
			}
			if at, any := r.track.Eldest(); any {
				r.at[byShare] = at
				q.put(r)
			}
		}
		for want > 0 && q.Len() > 0 {
			r := q.top()
			if r.at[byShare].After(now) {
				break
			}
			until := r.at[byShare]
			want -= c.evictFrom(r.track, until, want)
			if at, any := r.track.Eldest(); any && at.After(until) {
				r.at[byShare] = at
				q.put(r)
			} else {
				q.remove(r)
			}
			c.lookAtAge(r)
			c.conclude(r)
		}
		for q.Len() > 0 {
			q.remove(q.top())
		}
	}
}

// all are the tracks of the cache. The caller holds mu.
func (c *Cache) all() iter.Seq[*record] {
	return func(yield func(*record) bool) {
		for _, r := range c.tracks {
			if !yield(r) {
				return
			}
		}
	}
}
