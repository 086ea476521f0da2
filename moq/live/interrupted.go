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
			s.state, s.code = Aborted, wire.ResetCancelled
			r := Range{wire.Location{Group: g.id, Object: s.firstMissing()}, after(wire.Location{Group: g.id, Object: math.MaxUint64})}
			if g.id == t.largest.Group {
				r.To = t.largest.Next()
			}
			if g.ended {
				r.To = earlier(r.To, wire.Location{Group: g.id, Object: g.end})
			}
			t.unknown = t.unknown.add(r)
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
