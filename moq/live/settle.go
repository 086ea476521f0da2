package live

import (
	"math"

	"moqedge/moq/wire"
)

// Settle gives up on subgroups that wait for another writer: nobody will continue those
// of groups before the given one. What is being fetched of them is waited for: their
// readers would be gone when it comes.
func (t *Track) Settle(before uint64) {
	t.mu.Lock()
	for _, g := range t.groups {
		if g.id >= before {
			break
		}
		for _, s := range g.subgroups {
			if s.state == Waiting && s.writers == 0 {
				s.given, t.unsettled = true, true
			}
		}
	}
	t.settleFilled()
	t.mu.Unlock()
	t.notify()
}

// settleFilled ends subgroups that Settle gave up, and those that a fetch brought, or
// completed, and no live writer has continued: behind two newer groups none will. They
// were complete when all that may be behind their objects is accounted for; else whether
// they go on is not known, as a fetch ends with what was published then, or may have
// failed: a writer that comes after all goes on with them. What is being fetched is
// waited for: newer groups may be there long before. The caller holds mu.
func (t *Track) settleFilled() {
	if !t.unsettled {
		return
	}
	t.unsettled = false
	for i, g := range t.groups {
		mended := t.mended(g)
		for _, s := range g.subgroups {
			if s.state != Waiting || s.writers > 0 {
				continue
			}
			rest := s.rest()
			over := s.given || i+2 < len(t.groups) && (s.fillOnly || mended)
			if !over || len(t.filling.within(rest)) > 0 {
				t.unsettled = true
				continue
			}
			if s.isWhole(rest) {
				s.become(Finished, s.code)
			} else {
				s.become(Aborted, wire.ResetUnknownObjectStatus)
			}
		}
	}
}

// rest is what may be behind the complete objects of the subgroup: up to the end of
// its group, if that is known. The caller holds the track's mu.
func (s *Subgroup) rest() Range {
	r := Range{wire.Location{Group: s.Group, Object: s.firstMissing()}, after(wire.Location{Group: s.Group, Object: math.MaxUint64})}
	if s.group.ended {
		r.To = wire.Location{Group: s.Group, Object: s.group.end}
	}
	return r
}

// isWhole reports whether the subgroup has all its objects in r, which is in its group:
// all else there is in other subgroups, or was fetched or said not to exist. The caller
// holds the track's mu.
func (s *Subgroup) isWhole(r Range) bool {
	t := s.track
	left := ranges(nil).add(r)
	for _, known := range []ranges{t.gaps, t.filled, t.absent} {
		for _, part := range known.within(r) {
			left = left.remove(part)
		}
	}
	objects := s.group.objects
	for i, _ := position(objects, r.From.Object); i < len(objects) && len(left) > 0; i++ {
		if o := objects[i]; o.Datagram || o.Subgroup != s.ID {
			left = left.remove(Range{o.Location(), after(o.Location())})
		}
	}
	return len(left) == 0
}

// mended reports whether a fetch brought what was missing of a group. The caller
// holds mu.
func (t *Track) mended(g *group) bool {
	all := Range{wire.Location{Group: g.id}, after(wire.Location{Group: g.id, Object: math.MaxUint64})}
	return len(t.filled.within(all)) > 0 && len(t.unknown.within(all)) == 0
}
