package cache

import (
	"context"
	"time"
)

// reapPause is the least time between two looks at what is due, so that groups
// that come due one after the other are looked at together.
const reapPause = 500 * time.Millisecond

// Run keeps the cache within its limits until ctx is done. It sleeps while nothing
// is due and nothing comes.
func (c *Cache) Run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		due, any := c.reap()
		if c.bytes.Load() > c.budget.Load() { // nothing can be evicted now: each object that comes would wake this
			select {
			case <-time.After(retryRoom):
			case <-ctx.Done():
				return
			}
		}
		if any {
			timer.Reset(max(due.Sub(c.config.Now()), reapPause))
		} else {
			timer.Stop()
		}
		select {
		case <-c.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// reap forgets what is due and what there is no room for, and returns when
// something is due next.
func (c *Cache) reap() (due time.Time, any bool) {
	c.mu.Lock()
	defer c.tell()
	c.heed()
	now := c.config.Now()
	q := &c.queues[byDue]
	for r := q.top(); r != nil && !r.at[byDue].After(now); r = q.top() {
		c.reapTrack(r)
	}
	if c.bytes.Load() > c.budget.Load() {
		c.makeRoom()
	}
	if r := q.top(); r != nil {
		return r.at[byDue], true
	}
	return time.Time{}, false
}

// heed looks at the tracks that have something to be forgotten again. The caller
// holds mu.
func (c *Cache) heed() {
	c.stirredMu.Lock()
	stirred := c.stirred
	c.stirred = nil
	c.stirredMu.Unlock()
	for _, t := range stirred {
		if r := c.tracks[t]; r != nil {
			c.look(r)
		}
	}
}

// look puts a track where it belongs in the queues. The caller holds mu.
func (c *Cache) look(r *record) {
	c.lookAtAge(r)
	c.reapTrack(r)
}

// reapTrack has a track forget what is due, and notes when to do that again. The
// caller holds mu.
func (c *Cache) reapTrack(r *record) {
	next, any := r.track.Reap()
	if any {
		r.at[byDue] = next
		c.queues[byDue].put(r)
	} else {
		c.queues[byDue].remove(r)
	}
	c.conclude(r)
}

// conclude drops a track that is kept for what it has, and has nothing any more.
// The caller holds mu.
func (c *Cache) conclude(r *record) {
	if !r.resting && !r.released {
		return
	}
	if _, groups := r.track.Size(); groups == 0 || r.released && r.track.Listeners() == 0 {
		c.drop(r)
	}
}
