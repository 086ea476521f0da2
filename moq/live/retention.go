package live

import (
	"math"
	"time"

	"moqedge/moq/wire"
)

// maxLostBytes bounds what is kept of a group that the track has forgotten while
// streams of it go on.
const maxLostBytes = 1 << 20

// Retain changes what is kept to RetainGroups, RetainFor and MaxBytes of o, and forgets
// at once what is too much then.
func (t *Track) Retain(o Options) {
	o = o.withDefaults()
	t.mu.Lock()
	t.options.RetainGroups, t.options.RetainFor, t.options.MaxBytes = o.RetainGroups, o.RetainFor, o.MaxBytes
	t.evict()
	if k := t.options.Keeper; k != nil {
		k.Stirred(t) // what is due, and when, may have changed
	}
	t.mu.Unlock()
	t.notify()
}

// evict forgets the groups beyond what Options allow, the oldest first, and of
// the newest the first objects when it alone is too much. The caller holds mu.
func (t *Track) evict() {
	for {
		g := t.outlived()
		if g == nil || t.options.Now().Before(t.outlives(g)) {
			break
		}
		t.remove(g, Retained)
	}
	for len(t.groups) > 1 && t.bytes.Load() > int64(t.options.MaxBytes) {
		g := t.ages.eldest
		if g == t.newestGroup() {
			g = g.younger
		}
		t.remove(g, Overflown)
	}
	if len(t.groups) == 1 && t.bytes.Load() > int64(t.options.MaxBytes) {
		t.shorten(t.groups[0], t.options.MaxBytes)
	}
}

// outlived returns the group that is forgotten next although there is room: the
// oldest of those beyond Options.RetainGroups, or of all when nobody writes the
// track any more; nil when none is. The caller holds mu.
func (t *Track) outlived() *group {
	keep := t.options.RetainGroups
	if t.done != nil || t.resting {
		keep = 0
	}
	if len(t.groups) <= keep {
		return nil
	}
	if keep == 0 {
		return t.ages.eldest
	}
	first := t.groups[len(t.groups)-keep].id // of those that stay
	for g := t.ages.eldest; g != nil; g = g.younger {
		if g.id < first {
			return g
		}
	}
	return nil
}

// outlives is when a group has been kept for long enough.
func (t *Track) outlives(g *group) time.Time { return g.newest.Add(t.options.RetainFor) }

// newestGroup is the one with the largest ID; nil without one. The caller holds mu.
func (t *Track) newestGroup() *group {
	if len(t.groups) == 0 {
		return nil
	}
	return t.groups[len(t.groups)-1]
}

// remove forgets a group: nothing is known of it any more. Who reads it goes on
// with what is there, unless that is needed: see clear. The caller holds mu.
func (t *Track) remove(g *group, why Reason) {
	i, _ := t.findGroup(g.id)
	gone := Range{To: after(wire.Location{Group: g.id, Object: math.MaxUint64})}
	if g.id == t.largest.Group {
		gone.To = t.largest.Next()
	}
	if i+1 < len(t.groups) {
		gone.To = wire.Location{Group: t.groups[i+1].id}
	}
	if i > 0 {
		gone.From.Group = t.groups[i-1].id + 1
	}
	copy(t.groups[i:], t.groups[i+1:])
	t.groups[len(t.groups)-1] = nil
	t.groups = t.groups[:len(t.groups)-1]
	t.ages.remove(g)
	t.keep(0, -1)
	t.forgot(why)
	t.gaps = t.gaps.remove(gone)
	t.forget(gone)
	t.dropped = t.dropped.add(gone)
	t.unlearn(Range{wire.Location{Group: g.id}, after(wire.Location{Group: g.id, Object: math.MaxUint64})})
	for _, s := range g.subgroups {
		if s.state == Waiting { // nobody finds it any more to continue it
			s.become(Aborted, wire.ResetInternalError)
		}
	}
	t.sweep()
	g.lost = true
	g.discharge()
	if g.isWritten() || len(g.subgroups)+len(g.objects) == 0 {
		t.lost = append(t.lost, g) // feeds have to hear of what it gets
	} else {
		t.delist(g)
	}
}

// unlearn notes that what the track had of r is forgotten, also for the end of the
// fill that brought it. The caller holds mu.
func (t *Track) unlearn(r Range) {
	for _, part := range t.filling.within(r) {
		t.refill = t.refill.add(part)
	}
}

// sweep gives up lost groups that nobody writes any more. The caller holds mu.
func (t *Track) sweep() {
	rest := t.lost[:0]
	for _, g := range t.lost {
		if g.isWritten() {
			rest = append(rest, g)
			continue
		}
		g.discharge()
		t.delist(g)
	}
	clear(t.lost[len(rest):])
	t.lost = rest
}

// delist takes all of a group out of the journals. The caller holds mu.
func (t *Track) delist(g *group) {
	for _, s := range g.subgroups {
		t.delistSubgroup(s)
	}
	for _, o := range g.objects {
		t.delistObject(o)
	}
}

func (t *Track) delistSubgroup(s *Subgroup) {
	if s.listed > 0 {
		t.opened.remove(s.listed - 1)
		s.listed = 0
	}
}

func (t *Track) delistObject(o *Object) {
	switch {
	case o.late == 0:
	case o.Datagram:
		t.datagrams.remove(o.late - 1)
	default:
		t.late.remove(o.late - 1)
	}
}

// clear takes the objects of a group that was removed from its readers, so that
// they do not hold the memory: they are too far behind. The caller holds mu.
func (g *group) clear() {
	for _, s := range g.subgroups {
		s.objects, s.firstKnown = nil, false
		s.become(Aborted, wire.ResetTooFarBehind)
	}
	g.objects = nil
}

// shorten forgets the oldest objects of a group until it takes three quarters of
// limit, so that this is seldom done. The newest object, unless nobody completes it,
// and those that are still arriving stay. The caller holds mu.
func (t *Track) shorten(g *group, limit uint64) {
	limit -= limit / 4
	if len(g.objects) == 0 {
		return
	}
	newest := g.objects[len(g.objects)-1]
	t.forgetObjects(g, func(o *Object) bool {
		return g.bytes.Load() > int64(limit) && (o.Stalled() || o.Complete() && o != newest)
	})
}

// MaxAge is how long after its arrival an object may be handed out: the track's
// MAX_CACHE_DURATION (moqt-18 §12.3) with Options.Cache; 0 is no limit.
func (t *Track) MaxAge() time.Duration { return time.Duration(t.maxAge.Load()) }

// expire forgets objects older than MaxAge, and what is left of a purge: nothing is
// known of them any more. Those that are still arriving stay until they are complete.
func (t *Track) expire() {
	if t.MaxAge() == 0 && !t.purging.Load() {
		return
	}
	now := t.options.Now()
	t.mu.Lock()
	t.expireAt(now)
	t.mu.Unlock()
}

// expireAt is expire at a time. The caller holds mu.
func (t *Track) expireAt(now time.Time) {
	if t.purging.Load() && !now.Before(t.purged.Add(purgeGrace)) {
		t.purging.Store(false)
		t.purge(t.purged)
	}
	limit := t.MaxAge()
	if limit == 0 || now.Before(t.expiry) {
		return
	}
	before := now.Add(-limit)
	t.expiry = now.Add(limit) // of what comes from now on
	for i := len(t.groups) - 1; i >= 0; i-- {
		g := t.groups[i]
		if len(g.objects) == 0 {
			continue
		}
		if g.oldest.Before(before) {
			t.forgetObjects(g, func(o *Object) bool { return o.Arrived.Before(before) && o.Complete() })
		}
		if len(g.objects) == 0 {
			if !g.isWritten() {
				t.remove(g, Aged)
			}
		} else if at := g.oldest.Add(limit + 1); at.Before(t.expiry) {
			t.expiry = at
		}
	}
}

// forgetObjects forgets those objects of a group that drop, which is asked about
// each in the order of their IDs, says: nothing is known of them any more. The
// caller holds mu.
func (t *Track) forgetObjects(g *group, drop func(*Object) bool) {
	g.oldest = time.Time{}
	var gone Range // those that follow each other are forgotten together
	flush := func() {
		if !g.lost && !gone.Empty() {
			t.forget(gone)
			t.dropped = t.dropped.add(gone)
			t.unlearn(gone)
		}
	}
	kept := g.objects[:0]
	for _, o := range g.objects {
		if !drop(o) {
			if len(kept) == 0 || o.Arrived.Before(g.oldest) {
				g.oldest = o.Arrived
			}
			kept = append(kept, o)
			continue
		}
		o.expired = true
		cost := o.cost()
		if g.lost { // what came before that does not count any more: see remove
			cost = max(0, min(cost, g.bytes.Load()))
		}
		g.charge(-cost)
		t.delistObject(o)
		if gone.To != o.Location() {
			flush()
			gone.From = o.Location()
		}
		gone.To = after(o.Location())
	}
	flush()
	if len(kept) == len(g.objects) {
		return
	}
	clear(g.objects[len(kept):])
	g.objects = kept
	for _, s := range g.subgroups {
		s.dropExpired()
	}
}

// dropExpired takes objects out that are being forgotten.
func (s *Subgroup) dropExpired() {
	if len(s.objects) > 0 && s.objects[0].expired {
		s.firstKnown = false
	}
	kept := s.objects[:0]
	for _, o := range s.objects {
		if !o.expired {
			kept = append(kept, o)
		}
	}
	clear(s.objects[len(kept):])
	s.objects = kept
	s.point()
}
