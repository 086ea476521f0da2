package live

import (
	"math"

	"moqedge/moq/wire"
)

// What comes by streams comes in the end, or its subgroup does not end. Datagrams that
// are lost leave nothing behind but the places between those that came.

// Doubt notes of a track that is had from elsewhere that it cannot speak for what lies
// between the datagrams in r, as far as nothing is known of it: they may have been lost.
// What lies behind the newest datagram of a group is taken for lost when the next group
// lacks its beginning. It is noted as one range, so that it can be fetched as one,
// however many places there are.
func (t *Track) Doubt(r Range) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var lost Range
	i, _ := t.findGroup(r.From.Group)
	for ; i < len(t.groups) && (wire.Location{Group: t.groups[i].id}).Less(r.To); i++ {
		var holes []Range
		if between := t.between(i); t.isCutOff(i, between) {
			holes = append(holes, between)
		}
		t.groups[i].eachHole(func(hole Range) bool {
			holes = append(holes, hole)
			return true
		})
		for _, hole := range holes {
			rest := t.unaccounted(Range{later(hole.From, r.From), earlier(hole.To, r.To)})
			if len(rest) == 0 {
				continue
			}
			if lost.Empty() {
				lost.From = rest[0].From
			}
			lost.To = rest[len(rest)-1].To
		}
	}
	if !lost.Empty() {
		t.forget(lost)
	}
}

// isCutOff reports whether what lies between two groups of datagrams, the second of
// which is at a position, was lost rather than that nothing is there. The caller holds mu.
func (t *Track) isCutOff(i int, between Range) bool {
	if between.Empty() || !t.groups[i].hasDatagrams() || !t.groups[i-1].hasDatagrams() {
		return false
	}
	g := t.groups[i]
	return g.objects[0].ID > 0 || t.groups[i-1].id+1 < g.id
}

// passedOver returns the first part that nothing is known of ahead of or in the group at
// a position, and behind a location: between groups that are kept, or datagrams of it.
// The caller holds mu.
func (t *Track) passedOver(i int, behind wire.Location) Range {
	g := t.groups[i]
	if i > 0 && !(wire.Location{Group: t.groups[i-1].id}).Less(behind) {
		if rest := t.unaccounted(t.between(i)); len(rest) > 0 {
			return rest[0]
		}
	}
	var first Range
	if (wire.Location{Group: g.id}).Less(behind) {
		return first
	}
	g.eachHole(func(hole Range) bool {
		if rest := t.unaccounted(hole); len(rest) > 0 {
			first = rest[0]
		}
		return first.Empty()
	})
	return first
}

// between is what lies between the group at a position and the one that is kept ahead
// of it, with the end of that one when more datagrams may belong to it. The caller
// holds mu.
func (t *Track) between(i int) Range {
	if i == 0 {
		return Range{}
	}
	before := t.groups[i-1]
	from := wire.Location{Group: before.id + 1}
	if before.hasDatagrams() && !before.ended {
		from = after(before.objects[len(before.objects)-1].Location())
	}
	return Range{from, wire.Location{Group: t.groups[i].id}}
}

// hasDatagrams reports whether the newest object of the group came as a datagram. The
// caller holds the track's mu.
func (g *group) hasDatagrams() bool {
	n := len(g.objects)
	return n > 0 && g.objects[n-1].Datagram
}

// eachHole calls yield, in ascending order and until that returns false, for what lies
// ahead of each datagram of the group. The caller holds the track's mu.
func (g *group) eachHole(yield func(Range) bool) {
	next := uint64(0)
	for _, o := range g.objects {
		hole := Range{wire.Location{Group: g.id, Object: next}, o.Location()}
		if o.Datagram && !hole.Empty() && !yield(hole) {
			return
		}
		if next = o.ID + 1; o.ID == math.MaxUint64 {
			return
		}
	}
}
