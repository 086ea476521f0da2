package live

import (
	"slices"
	"time"

	"moqedge/moq/wire"
)

// objectCost is what an object without payload and properties counts: about
// what it takes in memory. Without it, objects of two bytes would be free.
const objectCost = 512

// maxLostBytes bounds what is kept of a group that the track has forgotten while
// streams of it go on.
const maxLostBytes = 1 << 20

// cost is what an object counts for Options.MaxBytes.
func (o *Object) cost() uint64 { return objectCost + uint64(len(o.Properties)) + o.Size }

// evict forgets the oldest groups beyond what Options allow, and of the newest
// the oldest objects when it alone is too much. The caller holds mu.
func (t *Track) evict() {
	now := t.options.Now()
	for len(t.groups) > 1 {
		oldest := t.groups[0]
		tooMany := len(t.groups) > t.options.RetainGroups && now.Sub(oldest.newest) >= t.options.RetainFor
		if !tooMany && t.bytes <= t.options.MaxBytes {
			return
		}
		t.bytes -= oldest.bytes
		for _, s := range oldest.subgroups {
			if s.state == Waiting { // nobody finds it any more to continue it
				s.state, s.code = Aborted, wire.ResetInternalError
			}
		}
		t.groups = slices.Delete(t.groups, 0, 1)
		gone := Range{To: wire.Location{Group: t.groups[0].id}}
		t.unknown = t.unknown.add(gone)
		t.gaps = t.gaps.remove(gone)
		t.absent, t.filled = t.absent.remove(gone), t.filled.remove(gone)
		t.opened.trim(func(s *Subgroup) bool { return s.Group <= oldest.id })
		t.datagrams.trim(func(o *Object) bool { return o.Group <= oldest.id })
		t.late.trim(func(l Late) bool { return l.Object.Group <= oldest.id })
	}
	if len(t.groups) > 0 && t.bytes > t.options.MaxBytes {
		g := t.groups[0]
		before := g.bytes
		t.shorten(g, t.options.MaxBytes)
		t.bytes -= before - g.bytes
	}
}

// account adds an object to what a group and the track keep. The caller holds mu.
func (t *Track) account(g *group, o *Object) {
	g.bytes += o.cost()
	if !t.keeps(g) {
		if g.bytes > maxLostBytes {
			t.shorten(g, maxLostBytes)
		}
		return
	}
	t.bytes += o.cost()
	if t.bytes > t.options.MaxBytes {
		t.evict()
	}
}

// keeps reports whether a group was not forgotten. The caller holds mu.
func (t *Track) keeps(g *group) bool {
	i, ok := t.findGroup(g.id)
	return ok && t.groups[i] == g
}

// shorten forgets the oldest objects of a group until it takes three quarters of
// limit, so that this is seldom done. The newest object and those that are still
// arriving stay. The caller holds mu.
func (t *Track) shorten(g *group, limit uint64) {
	limit -= limit / 4
	if len(g.objects) == 0 {
		return
	}
	newest := g.objects[len(g.objects)-1]
	t.forgetObjects(g, func(o *Object) bool { return g.bytes > limit && (o.Complete() || o.Stalled()) && o != newest })
}

// MaxAge is how long after its arrival an object may be handed out: the track's
// MAX_CACHE_DURATION (moqt-18 §12.3) with Options.Cache; 0 is no limit.
func (t *Track) MaxAge() time.Duration { return time.Duration(t.maxAge.Load()) }

// expire forgets objects older than MaxAge: nothing is known of them any more.
// Those that are still arriving stay until they are complete.
func (t *Track) expire() {
	limit := t.MaxAge()
	if limit == 0 {
		return
	}
	before := t.options.Now().Add(-limit)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range t.groups {
		if len(g.objects) > 0 && g.oldest.Before(before) {
			t.expireGroup(g, before)
		}
	}
}

func (t *Track) expireGroup(g *group, before time.Time) {
	had := g.bytes
	t.forgetObjects(g, func(o *Object) bool { return o.Arrived.Before(before) && o.Complete() })
	t.bytes -= had - g.bytes
}

// forgetObjects forgets those objects of a group that drop, which is asked about
// each in the order of their IDs, says: nothing is known of them any more. The
// caller holds mu, and subtracts what is no longer kept from what the
// track keeps.
func (t *Track) forgetObjects(g *group, drop func(*Object) bool) {
	kept := t.keeps(g)
	g.oldest = time.Time{}
	var gone Range // those that follow each other are forgotten together
	flush := func() {
		if kept && !gone.Empty() {
			t.forget(gone)
		}
	}
	for _, o := range g.objects {
		switch {
		case drop(o):
			o.expired = true
			g.bytes -= o.cost()
			if gone.To != o.Location() {
				flush()
				gone.From = o.Location()
			}
			gone.To = after(o.Location())
		case g.oldest.IsZero() || o.Arrived.Before(g.oldest):
			g.oldest = o.Arrived
		}
	}
	flush()
	expired := func(o *Object) bool { return o.expired }
	for _, s := range g.subgroups {
		if len(s.objects) > 0 && s.objects[0].expired {
			s.firstKnown = false
		}
		s.objects = slices.DeleteFunc(s.objects, expired)
	}
	g.objects = slices.DeleteFunc(g.objects, expired)
	t.datagrams.trim(expired)
	t.late.trim(func(l Late) bool { return l.Object.expired })
}
