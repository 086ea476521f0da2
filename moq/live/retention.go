package live

import (
	"slices"
	"time"

	"moqedge/moq/wire"
)

// evict forgets the oldest groups beyond what Options allow. The caller holds mu.
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
}

// account adds payload bytes to a group. The caller holds mu.
func (t *Track) account(g *group, n uint64) {
	if i, ok := t.findGroup(g.id); ok && t.groups[i] == g {
		g.bytes += n
		t.bytes += n
		if t.bytes > t.options.MaxBytes {
			t.evict()
		}
	}
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
	g.oldest = time.Time{}
	for _, o := range g.objects {
		switch {
		case o.Arrived.Before(before) && o.Complete():
			o.expired = true
			t.forget(Range{o.Location(), after(o.Location())})
			t.bytes -= o.Size
			g.bytes -= o.Size
		case g.oldest.IsZero() || o.Arrived.Before(g.oldest):
			g.oldest = o.Arrived
		}
	}
	expired := func(o *Object) bool { return o.expired }
	for _, s := range g.subgroups {
		if len(s.objects) > 0 && s.objects[0].expired {
			s.firstKnown = false
		}
		s.objects = slices.DeleteFunc(s.objects, expired)
	}
	g.objects = slices.DeleteFunc(g.objects, expired)
}
