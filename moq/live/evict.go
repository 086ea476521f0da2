package live

import (
	"time"

	"moqedge/moq/wire"
)

// What follows is for whoever keeps many tracks within one budget (Keeper).

// Eldest returns when the newest object arrived of the group that Evict forgets
// next; false when it would forget none.
func (t *Track) Eldest() (time.Time, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.victim()
	if g == nil {
		t.still = t.options.Keeper != nil
		return time.Time{}, false
	}
	return g.newest, true
}

// victim is the group that makes room next: the oldest, but never the newest
// group of a track that lives and that somebody reads. The caller holds mu.
func (t *Track) victim() *group {
	g := t.ages.eldest
	if g != nil && g == t.newestGroup() && t.done == nil && t.Listeners() > 0 {
		return g.younger
	}
	return g
}

// Evict forgets groups, the oldest first, whose newest object arrived no later
// than a time, until want bytes are free. Of a group that is still being written
// what is complete is forgotten. Who reads what is forgotten is cut off as too far
// behind, and told by Tell, which the caller calls when it holds no lock. It returns
// the bytes freed.
func (t *Track) Evict(until time.Time, want int64) (freed int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for freed < want {
		g := t.victim()
		if g == nil || g.newest.After(until) {
			break
		}
		had := g.bytes.Load()
		if g.isWritten() {
			t.forgetObjects(g, func(o *Object) bool { return o.Complete() || o.Stalled() })
			freed += had - g.bytes.Load()
			if g.newest = t.options.Now(); !g.newest.After(until) {
				g.newest = until.Add(1)
			}
			t.ages.touch(g)
			continue
		}
		t.remove(g, Evicted)
		g.clear()
		freed += had
	}
	return freed
}

// Tell tells all listeners that something was evicted.
func (t *Track) Tell() { t.notify() }

// isWritten reports whether a subgroup of the group has a writer. The caller holds
// the track's mu.
func (g *group) isWritten() bool {
	for _, s := range g.subgroups {
		if s.writers > 0 {
			return true
		}
	}
	return false
}

// Shrink has the newest group make room when nothing else is left: its first
// objects are forgotten until the track keeps no more than limit bytes. The newest
// object and those that are arriving stay. It returns the bytes freed.
func (t *Track) Shrink(limit uint64) (freed int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.newestGroup()
	if g == nil {
		return 0
	}
	had, all := g.bytes.Load(), t.bytes.Load()
	if all <= int64(limit) {
		return 0
	}
	t.shorten(g, uint64(max(0, int64(limit)-(all-had))))
	return had - g.bytes.Load()
}

// purgeGrace is how long a purge leaves what has just come to those who are about
// to read it.
const purgeGrace = time.Second

// Purge forgets all that the track keeps: nothing is known of it any more, and it
// can be had again from where it came. Subscriptions go on, with what comes next.
// While somebody reads the track, what came within the last second, and objects
// that are arriving, are forgotten a second later, by whoever asks or by Reap.
func (t *Track) Purge() {
	t.mu.Lock()
	now := t.options.Now()
	if t.Listeners() > 0 {
		t.purged = now
		t.purging.Store(true)
		t.purge(now.Add(-purgeGrace))
		t.hasten(now.Add(purgeGrace))
	} else {
		t.purge(now)
	}
	t.stir()
	t.mu.Unlock()
	t.notify()
}

// purge forgets what arrived up to a time. The caller holds mu.
func (t *Track) purge(until time.Time) {
	for i := len(t.groups) - 1; i >= 0; i-- {
		g := t.groups[i]
		if !g.isWritten() && !g.newest.After(until) {
			t.remove(g, Purged)
			continue
		}
		t.forgetObjects(g, func(o *Object) bool { return !o.Arrived.After(until) && (o.Complete() || o.Stalled()) })
	}
}

// Rest notes that nobody writes or reads the track for now, or again: while it
// rests groups are kept for Options.RetainFor and no longer, whatever their number.
// What was left incomplete is forgotten when it goes on.
func (t *Track) Rest(resting bool) {
	t.mu.Lock()
	if t.resting && !resting { // whoever wrote it is gone
		for _, g := range t.groups {
			for _, s := range g.subgroups {
				if s.state == Waiting {
					s.become(Aborted, wire.ResetCancelled)
				}
			}
			t.forgetObjects(g, (*Object).Stalled)
		}
	}
	t.resting = resting
	t.stir()
	t.mu.Unlock()
}

// Drop forgets all, for a track that nobody will ask for anything any more. It takes
// nothing from then on: what a fetch under way still brings would be kept for ever.
func (t *Track) Drop() {
	t.mu.Lock()
	if t.done == nil {
		t.done = &Done{Code: wire.DoneTrackEnded, Reason: "nobody uses the track"}
		t.news.Add(1)
	}
	for len(t.groups) > 0 {
		t.remove(t.groups[len(t.groups)-1], Dropped)
	}
	t.mu.Unlock()
}

// reapPause is the least time after which Reap wants to be called again: objects
// that are arriving may outlive their time.
const reapPause = time.Second

// Reap forgets what Options, MAX_CACHE_DURATION and Purge do not let the track
// keep, as it would do by itself while it is written and read, and returns when
// there is something to be forgotten next; false when there is nothing to wait for.
func (t *Track) Reap() (next time.Time, any bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.options.Now()
	t.expireAt(now)
	t.evict()
	at := func(due time.Time) {
		if pause := now.Add(reapPause); due.Before(pause) && !due.After(now) {
			due = pause
		}
		if !any || due.Before(next) {
			next, any = due, true
		}
	}
	if g := t.outlived(); g != nil {
		at(t.outlives(g))
	}
	if t.MaxAge() > 0 && len(t.groups) > 0 {
		at(t.expiry)
	}
	if t.purging.Load() {
		at(t.purged.Add(purgeGrace))
	}
	if t.options.Keeper != nil {
		t.due = next
		t.still = t.still || !any
	}
	return next, any
}
