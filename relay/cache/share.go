package cache

import (
	"iter"
	"maps"
	"time"

	"moqedge/moq/live"
)

// Own says whom a track counts for: the name of an owner, or "" for nobody. An owner is
// known as long as it has tracks.
func (c *Cache) Own(t *live.Track, owner string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.tracks[t]
	if r == nil || r.owner == owner || c.config.Share == nil {
		return
	}
	c.disown(r)
	if owner == "" {
		return
	}
	if c.owned == nil {
		c.owned = map[string]map[*record]struct{}{}
	}
	if c.owned[owner] == nil {
		c.owned[owner] = map[*record]struct{}{}
	}
	r.owner = owner
	c.owned[owner][r] = struct{}{}
}

// disown has a track count for nobody. The caller holds mu.
func (c *Cache) disown(r *record) {
	if delete(c.owned[r.owner], r); len(c.owned[r.owner]) == 0 {
		delete(c.owned, r.owner)
	}
	r.owner = ""
}

// cutShares has owners that have more than their share lose what is oldest of it, as far
// as there is no room: it is theirs that goes before that of others. The caller holds mu
// and unlocks it by tell.
func (c *Cache) cutShares(now time.Time) {
	for owner, records := range c.owned {
		if c.excess() <= 0 {
			return
		}
		part := c.config.Share(owner)
		if part >= 1 {
			continue
		}
		limit := int64(part * float64(c.budget.Load()))
		over := size(records) - limit
		if over <= 0 {
			continue
		}
		c.cutOldest(records, min(over, c.excess()), now)
		if over = min(size(records)-limit, c.bytes.Load()-c.budget.Load()); over > 0 { // in few groups
			c.shrink(maps.Keys(records), size(records)-over)
		}
		if c.config.Overfull != nil {
			c.config.Overfull(owner)
		}
	}
}

func size(records map[*record]struct{}) (bytes int64) {
	for r := range records {
		n, _ := r.track.Size()
		bytes += int64(n)
	}
	return bytes
}

// cutOldest evicts whole groups of some tracks, the oldest first, and pinned tracks last.
// The caller holds mu.
func (c *Cache) cutOldest(records map[*record]struct{}, want int64, now time.Time) {
	for _, pinned := range []bool{false, true} {
		q := queue{which: byShare}
		for r := range records {
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
