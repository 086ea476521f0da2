package cache

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"moqedge/moq/live"
)

// retryRoom is how long it is taken for granted that there is no room.
const retryRoom = 10 * time.Millisecond

// Room reports whether there is room for more. It makes some when the reaper does
// not keep up, so that who receives waits for it. A budget that objects which are
// arriving, or pinned tracks, have used up leaves none.
func (c *Cache) Room() bool {
	if c.bytes.Load() <= c.hard() {
		return true
	}
	now := c.config.Now().UnixNano()
	if since := now - c.exhausted.Load(); since >= int64(retryRoom) || since < 0 { // the clock was set back
		c.mu.Lock()
		if c.bytes.Load() > c.hard() {
			c.makeRoom()
		}
		c.tell()
		if c.bytes.Load() <= c.hard() {
			return true
		}
		c.exhausted.Store(now)
	}
	c.refused.Add(1)
	return false
}

// tell unlocks mu, and then tells those who read what was evicted: their callbacks
// are not for a lock that all tracks share.
func (c *Cache) tell() {
	cut := c.cut
	c.cut = nil
	c.mu.Unlock()
	for _, t := range cut {
		t.Tell()
	}
}

// evictFrom has a track forget groups, for who unlocks mu by tell. The caller holds mu.
func (c *Cache) evictFrom(t *live.Track, until time.Time, want int64) int64 {
	freed := t.Evict(until, want)
	if freed > 0 && t.Listeners() > 0 {
		c.cut = append(c.cut, t)
	}
	return freed
}

// low is what eviction comes down to, so that it is not done for every object.
func (c *Cache) low() int64 { return c.budget.Load() - c.budget.Load()/32 }

// excess is what there is too much.
func (c *Cache) excess() int64 { return c.bytes.Load() - c.low() }

// makeRoom evicts until the budget is kept, if that is possible. The caller holds mu
// and unlocks it by tell.
func (c *Cache) makeRoom() {
	c.heed()
	now := c.config.Now()
	c.cutShares(now)
	c.evictPinned()
	c.evict(now)
	if c.excess() > 0 { // those that were read when they were looked at may be no more
		for _, r := range c.tracks {
			if r.index[byAge] < 0 { // pinned ones stay out
				c.lookAtAge(r)
			}
		}
		c.evict(now)
	}
	if c.bytes.Load() > c.budget.Load() {
		c.shrink(c.all(), c.low())
	}
}

// evict forgets whole groups, the oldest over all tracks first. The caller holds mu.
func (c *Cache) evict(now time.Time) {
	q := &c.queues[byAge]
	for c.excess() > 0 {
		r := q.top()
		if r == nil || r.at[byAge].After(now) {
			return
		}
		until := now
		q.remove(r)
		if next := q.top(); next != nil && next.at[byAge].Before(now) {
			until = next.at[byAge]
		}
		c.evictFrom(r.track, until, c.excess())
		c.lookAtAge(r)
		c.conclude(r)
	}
}

// lookAtAge puts a track into the queue as old as it is. The caller holds mu.
func (c *Cache) lookAtAge(r *record) {
	if _, pinned := c.pinned[r]; pinned {
		c.queues[byAge].remove(r)
		return
	}
	at, any := r.track.Eldest()
	if !any { // it says when there is: Stirred
		c.queues[byAge].remove(r)
		return
	}
	r.at[byAge] = at
	c.queues[byAge].put(r)
}

// evictPinned has pinned tracks give up what they have beyond a quarter of the
// budget, the oldest groups first. The caller holds mu.
func (c *Cache) evictPinned() {
	var all int64
	pinned := queue{which: byAge}
	for r := range c.pinned {
		bytes, _ := r.track.Size()
		all += int64(bytes)
		if at, any := r.track.Eldest(); any {
			r.at[byAge] = at
			pinned.put(r)
		}
	}
	for want := min(c.excess(), all-c.budget.Load()/4); want > 0 && pinned.Len() > 0; {
		r := pinned.top()
		until := r.at[byAge]
		want -= c.evictFrom(r.track, until, want)
		if at, any := r.track.Eldest(); any && at.After(until) {
			r.at[byAge] = at
			pinned.put(r)
		} else {
			pinned.remove(r)
		}
	}
	for pinned.Len() > 0 {
		pinned.remove(pinned.top())
	}
}

// shrink has those of some tracks that are larger than the others give up the first
// objects of their newest groups: all are cut to the same size, the largest with which
// they fit into what is left for them. The caller holds mu.
func (c *Cache) shrink(records iter.Seq[*record], left int64) {
	type track struct {
		record *record
		bytes  int64
	}
	var tracks []track
	for r := range records {
		n, _ := r.track.Size()
		if _, pinned := c.pinned[r]; pinned {
			left -= int64(n)
			continue
		}
		tracks = append(tracks, track{r, int64(n)})
	}
	slices.SortFunc(tracks, func(a, b track) int { return cmp.Compare(a.bytes, b.bytes) })
	for i, t := range tracks {
		share := max(0, left) / int64(len(tracks)-i)
		if t.bytes <= share {
			left -= t.bytes
			continue
		}
		for _, t := range tracks[i:] {
			if t.record.track.Shrink(uint64(share)) > 0 {
				c.shortened.Add(1)
			}
		}
		return
	}
}
