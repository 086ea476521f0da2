package live

import (
	"math"

	"moqedge/moq/wire"
)

// Interrupted returns, in ascending order, what is missing of the groups in
// which subgroups wait for another writer (Options.Recover): from the first
// object that is not there in whole to the end of the group, or to the largest
// location in the newest one. What a fetch alone has brought is not counted.
func (t *Track) Interrupted() []Range {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var out []Range
	for _, g := range t.groups {
		from, found := uint64(math.MaxUint64), false
		for _, s := range g.subgroups {
			if s.state == Waiting && s.writers == 0 && !s.fillOnly {
				found = true
				from = min(from, s.firstMissing())
			}
		}
		if !found {
			continue
		}
		r := Range{wire.Location{Group: g.id, Object: from}, after(wire.Location{Group: g.id, Object: math.MaxUint64})}
		if g.id == t.largest.Group {
			r.To = t.largest.Next()
		}
		if g.ended {
			r.To = earlier(r.To, wire.Location{Group: g.id, Object: g.end})
		}
		if !r.Empty() {
			out = append(out, r)
		}
	}
	return out
}

// Behind returns where to go on with what live writers were bringing, now that
// they are gone: at the first object that is not there in whole of a subgroup
// that has not ended, or at what is being fetched or was passed over, by groups and
// datagrams that came behind it, not more than some groups back, or else behind the
// largest location. Datagrams may have been passed over at the end of a group that is
// not known to have ended. False: nothing was published.
func (t *Track) Behind(groups uint64) (wire.Location, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	from := after(t.largest)
	newest := Range{wire.Location{Group: t.largest.Group - min(groups, t.largest.Group)}, from}
	if missing := t.filling.within(newest); len(missing) > 0 {
		from = missing[0].From
	}
	for i, g := range t.groups {
		if hole := t.passedOver(i, newest.From); !hole.Empty() {
			from = earlier(from, hole.From)
		}
		for _, s := range g.subgroups {
			if (s.state == Waiting || s.state == Open) && !s.fillOnly {
				from = earlier(from, wire.Location{Group: g.id, Object: s.firstMissing()})
			}
		}
	}
	return from, t.published
}

// Incomplete returns, in ascending order, what may be missing of the groups that
// are kept, up to a location from which on a writer brings everything: in each
// group from the first object on that is not there in whole, or behind which
// another is not known to be the next, unless it was fetched or is being fetched.
func (t *Track) Incomplete(before wire.Location) []Range {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var out []Range
	for _, g := range t.groups {
		if before.Group < g.id {
			break
		}
		bound := after(wire.Location{Group: g.id, Object: math.MaxUint64})
		if g.id == before.Group {
			bound = before
		}
		if g.ended {
			bound = earlier(bound, wire.Location{Group: g.id, Object: g.end})
		}
		from := bound
		for _, s := range g.subgroups {
			from = earlier(from, s.lacks(bound))
		}
		missing := ranges(nil).add(Range{from, bound})
		for _, r := range t.filling {
			missing = missing.remove(r)
		}
		for _, r := range t.filled {
			missing = missing.remove(r)
		}
		out = append(out, missing...)
	}
	return out
}

// lacks returns the first location below a bound from which on objects of the
// subgroup may be missing, the bound when none are. The caller holds the track's mu.
func (s *Subgroup) lacks(bound wire.Location) wire.Location {
	if s.state == Aborted {
		return bound
	}
	at := func(id uint64) wire.Location { return wire.Location{Group: s.Group, Object: id} }
	next := uint64(0)
	for i, o := range s.objects {
		switch {
		case !at(next).Less(bound):
			return bound
		case i > 0 && o.ID != next && !(o.chained && o.after+1 == next) && !s.accounts(next, o.ID):
			return at(next)
		case !o.Complete() && o.Location().Less(bound):
			return o.Location()
		}
		next = o.ID + 1
	}
	if s.state == Finished {
		return bound
	}
	return earlier(at(next), bound)
}

// Pause notes that nobody writes the track for now. Subgroups that a fetch has
// brought, and that wait for a live writer, end there; whether their groups go
// on is not known.
func (t *Track) Pause() {
	t.mu.Lock()
	for _, g := range t.groups {
		for _, s := range g.subgroups {
			if s.state != Waiting || s.writers > 0 || !s.fillOnly {
				continue
			}
			s.become(Aborted, wire.ResetCancelled)
			r := s.rest()
			if g.id == t.largest.Group {
				r.To = earlier(r.To, t.largest.Next())
			}
			t.unknown, t.dropped = t.unknown.add(r), t.dropped.add(r) // a walk may have waited for it
		}
	}
	t.mu.Unlock()
	t.notify()
}

// firstMissing is the ID of the first incomplete object, or else the one behind
// the last. The caller holds the track's mu.
func (s *Subgroup) firstMissing() uint64 {
	next := uint64(0)
	for _, o := range s.objects {
		if !o.Complete() {
			return o.ID
		}
		next = o.ID + 1
	}
	return next
}
