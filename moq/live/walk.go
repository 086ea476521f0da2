package live

import (
	"math"
	"time"

	"moqedge/moq/wire"
)

// Step is what Walk.Next found.
type Step uint8

const (
	// StepObject: this object is next.
	StepObject Step = iota
	// StepWait: the status of what is next is not known yet; ask again when the track has changed.
	StepWait
	// StepUnknown: the track cannot speak for what lies up to the returned location, inclusive.
	StepUnknown
	// StepTimedOut: what lies up to the returned location, inclusive, did not come in time; see Hurry.
	StepTimedOut
	// StepEnd: nothing is left.
	StepEnd
)

// Walk goes through the objects of a range in the order of a FETCH response
// (moqt-18 §10.12.3): groups ascending or descending, objects by ID, whatever
// their subgroup. It is used by one goroutine.
type Walk struct {
	track       *Track
	first, last wire.Location // inclusive
	down        bool
	at          wire.Location // what is wanted next
	over        bool
	hurried     bool
	from        wire.Location // where the last step began, when it was StepUnknown
	retry       time.Time     // with StepWait: for groups that were passed over; zero when it is for others
}

// NewWalk returns a walk over [first, last]; down asks for descending groups.
func (t *Track) NewWalk(first, last wire.Location, down bool) *Walk {
	w := &Walk{track: t, first: first, last: last, down: down, at: first, over: last.Less(first)}
	if down {
		w.enter(last.Group)
	}
	return w
}

// Hurry has the walk wait for nothing from now on: what is not there is
// StepTimedOut, whatever may come later (moqt-18 §10.2.5). An object whose
// payload is on its way is there.
func (w *Walk) Hurry() { w.hurried = true }

// Next finds what comes next and, unless that is StepWait, moves past it.
func (w *Walk) Next() (Step, *Object, wire.Location) {
	t := w.track
	t.expire()
	t.mu.RLock()
	defer t.mu.RUnlock()
	w.retry = time.Time{}
	for !w.over {
		bound := wire.Location{Group: w.at.Group, Object: math.MaxUint64}
		if w.at.Group == w.last.Group {
			bound = w.last
		}
		o, open := t.objectFrom(w.at, bound)
		gap := Range{w.at, after(bound)}
		if o != nil {
			gap.To = o.Location()
		}
		missing := t.unknown.within(gap)
		wait := open && t.done == nil && !t.filled.covers(gap) && !t.gaps.covers(gap)
		if len(missing) > 0 {
			wait = len(t.filling.within(missing[0])) > 0
		}
		switch {
		case w.hurried && (wait || len(missing) > 0):
			return StepTimedOut, nil, w.pass(o)
		case wait:
			return StepWait, nil, wire.Location{}
		case len(missing) > 0 && o != nil: // there may be another part before o, of which more is known
			w.from, w.at = w.at, missing[0].To
			return StepUnknown, nil, before(w.at)
		case len(missing) > 0:
			w.from = w.at
			return StepUnknown, nil, w.pass(nil)
		}
		if o == nil {
			if w.retry = w.settled(); !w.retry.IsZero() {
				return StepWait, nil, wire.Location{}
			}
			w.leave()
			continue
		}
		w.at = after(o.Location())
		if w.at.Group != o.Group || bound.Less(w.at) {
			w.at.Group = o.Group
			w.leave()
		}
		if w.hurried && o.Stalled() {
			return StepTimedOut, nil, o.Location()
		}
		return StepObject, o, o.Location()
	}
	return StepEnd, nil, wire.Location{}
}

// Retry is when a walk whose last step was StepWait is to be asked again although
// the track has not changed; zero when that is no use.
func (w *Walk) Retry() time.Time { return w.retry }

// overtaking is how much later than a newer group an older one may come to a track
// that is had from elsewhere: each has streams of its own.
const overtaking = 250 * time.Millisecond

// settled is until when a group may come that lies between where the walk is and
// the next one that is kept; zero when none is expected. Descending walks do not
// ask: they are for the past. The caller holds mu.
func (w *Walk) settled() time.Time {
	t := w.track
	if !t.options.Cache || w.down || w.hurried || t.done != nil {
		return time.Time{}
	}
	i, kept := t.findGroup(w.at.Group)
	gap := Range{From: w.at}
	if kept {
		i++
		gap.From = wire.Location{Group: w.at.Group + 1}
	}
	if i >= len(t.groups) || t.groups[i].id > w.last.Group {
		return time.Time{}
	}
	next := t.groups[i]
	gap.To = wire.Location{Group: next.id}
	until := next.made.Add(overtaking)
	if t.isAccounted(gap) || !t.options.Now().Before(until) {
		return time.Time{}
	}
	return until
}

// isAccounted reports whether it is known of all of r what exists there, or that
// it is not known. The caller holds mu.
func (t *Track) isAccounted(r Range) bool { return len(t.unaccounted(r)) == 0 }

// unaccounted returns the parts of r of which it is not known what exists there, and
// not known either that it is not known. The caller holds mu.
func (t *Track) unaccounted(r Range) ranges {
	rest := ranges(nil).add(r)
	for _, known := range []ranges{t.gaps, t.filled, t.absent, t.unknown} {
		for _, part := range known.within(r) {
			rest = rest.remove(part)
		}
	}
	return rest
}

// maxAgain is how many groups Again takes back at most, so that what is had again
// is not forgotten again before it was read.
const maxAgain = 8

// Again takes back the last step, which was StepUnknown and led up to a location,
// when the track had something of what it passed over and forgot it since: it returns
// the part that comes first, for whoever can have it again. It must not be asked for
// the same part twice in a row.
func (w *Walk) Again(until wire.Location) (part Range, ok bool) {
	part = Range{w.from, after(until)}
	if lowest := until.Group; w.down && lowest < w.from.Group {
		lowest = max(lowest, w.from.Group-min(w.from.Group, maxAgain-1))
		part = Range{wire.Location{Group: lowest}, after(wire.Location{Group: w.from.Group, Object: math.MaxUint64})}
	} else if until.Group-w.from.Group >= maxAgain {
		part.To = wire.Location{Group: w.from.Group + maxAgain}
	}
	t := w.track
	t.mu.RLock()
	defer t.mu.RUnlock()
	if len(t.dropped.within(part)) == 0 {
		return Range{}, false
	}
	w.at, w.over = w.from, false
	return part, true
}

// enter moves to the start of the part of a group that is wanted.
func (w *Walk) enter(group uint64) {
	w.at = wire.Location{Group: group}
	if group == w.first.Group {
		w.at = w.first
	}
}

// leave moves to the next group that is kept or unknown. The caller holds mu.
func (w *Walk) leave() {
	switch t := w.track; {
	case !w.down && w.at.Group < w.last.Group:
		from := w.at.Group + 1
		next := w.last.Group
		if i, _ := t.findGroup(from); i < len(t.groups) {
			next = min(next, t.groups[i].id)
		}
		if u := t.unknown.within(Range{wire.Location{Group: from}, end}); len(u) > 0 {
			next = min(next, u[0].From.Group)
		}
		w.enter(next)
	case w.down && w.at.Group > w.first.Group:
		next := w.first.Group
		if i, _ := t.findGroup(w.at.Group); i > 0 {
			next = max(next, t.groups[i-1].id)
		}
		if u := t.unknown.within(Range{wire.Location{}, wire.Location{Group: w.at.Group}}); len(u) > 0 {
			next = max(next, before(u[len(u)-1].To).Group)
		}
		w.enter(next)
	default:
		w.over = true
	}
}

// pass moves over unknown locations: to o, or else as far as neither the
// unknown range ends nor a group is kept. It returns the last location passed
// over. The caller holds mu.
func (w *Walk) pass(o *Object) wire.Location {
	if o != nil {
		w.at = o.Location()
		return before(w.at)
	}
	t := w.track
	if w.down {
		passed := wire.Location{Group: w.at.Group, Object: math.MaxUint64}
		if w.at.Group == w.last.Group {
			passed = w.last
		}
		if lowest := t.unknownDownTo(w.at.Group, w.first); lowest < w.at.Group {
			passed = wire.Location{Group: lowest, Object: math.MaxUint64}
			w.at.Group = lowest
		}
		w.leave()
		return passed
	}
	stop := wire.Location{Group: w.at.Group + 1}
	if u := t.unknown.within(Range{stop, end}); len(u) > 0 && u[0].From == stop {
		stop = u[0].To
		if i, _ := t.findGroup(w.at.Group + 1); i < len(t.groups) {
			stop = earlier(stop, wire.Location{Group: t.groups[i].id})
		}
	}
	if !stop.Less(w.last) && stop != w.last {
		w.over = true
		return w.last
	}
	w.at = stop
	return before(stop)
}

// unknownDownTo returns the lowest group, not below that of first, from which
// on up to the given one nothing is kept or known. The caller holds mu.
func (t *Track) unknownDownTo(group uint64, first wire.Location) uint64 {
	u := t.unknown.within(Range{first, wire.Location{Group: group}})
	if len(u) == 0 || u[len(u)-1].To != (wire.Location{Group: group}) {
		return group
	}
	from := u[len(u)-1].From
	lowest := from.Group
	if from.Object > 0 && from != first {
		lowest++
	}
	if i, _ := t.findGroup(group); i > 0 {
		lowest = max(lowest, t.groups[i-1].id+1)
	}
	return min(lowest, group)
}

// before is the last location ahead of l.
func before(l wire.Location) wire.Location {
	switch {
	case l.Object > 0:
		return wire.Location{Group: l.Group, Object: l.Object - 1}
	case l.Group > 0:
		return wire.Location{Group: l.Group - 1, Object: math.MaxUint64}
	}
	return l
}

// objectFrom returns the first object in [from, last] of from's group, and
// whether an object may still come before it (or, without one, at all). The
// caller holds mu.
func (t *Track) objectFrom(from, last wire.Location) (o *Object, open bool) {
	i, ok := t.findGroup(from.Group)
	if !ok {
		return nil, false
	}
	g := t.groups[i]
	if j, _ := position(g.objects, from.Object); j < len(g.objects) && g.objects[j].ID <= last.Object {
		o = g.objects[j]
	}
	if (o != nil && o.ID == from.Object) || (g.ended && from.Object >= g.end) {
		return o, false
	}
	for _, s := range g.subgroups {
		// An open subgroup may bring what lies behind its newest object.
		n := len(s.objects)
		if (s.state == Open || s.state == Waiting) && (n == 0 || o == nil || s.objects[n-1].ID < o.ID) {
			return o, true
		}
	}
	return o, false
}
