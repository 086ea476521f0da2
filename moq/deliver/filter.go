package deliver

import (
	"cmp"
	"slices"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// matcher is a set of range filters, made ready to look at many objects: an
// object passes when all conditions of one alternative hold (moqt-19 §5.1.3).
// A nil matcher lets everything pass.
type matcher struct{ alternatives [][]wire.RangeFilter }

// newMatcher compiles filters for a track: those that look at the track's
// properties are decided here. It returns nil when there is nothing to check.
func newMatcher(filters []wire.RangeFilter, track wire.Properties) *matcher {
	filters = slices.Clone(filters)
	filters = slices.DeleteFunc(filters, func(f wire.RangeFilter) bool { return len(f.Ranges) == 0 })
	if len(filters) == 0 {
		return nil
	}
	slices.SortStableFunc(filters, func(a, b wire.RangeFilter) int { return cmp.Compare(a.SetID, b.SetID) })
	m := &matcher{}
	for len(filters) > 0 {
		n := 1
		for n < len(filters) && filters[n].SetID == filters[0].SetID {
			n++
		}
		set := filters[:n:n]
		filters = filters[n:]
		var objects []wire.RangeFilter
		refused := false
		for _, f := range set {
			switch {
			case f.Type != wire.RangeTrackProperty:
				objects = append(objects, f)
			case !hasValue(track, &f):
				refused = true
			}
		}
		if refused {
			continue
		}
		if len(objects) == 0 {
			return nil // an alternative that every object of this track meets
		}
		m.alternatives = append(m.alternatives, objects)
	}
	return m
}

// passes reports whether an object of a subscription or fetch is to be sent. A
// datagram has no Subgroup ID, so it is in no range of them.
func (m *matcher) passes(o *live.Object) bool {
	if m == nil {
		return true
	}
	for _, set := range m.alternatives {
		if meets(o, set) {
			return true
		}
	}
	return false
}

func meets(o *live.Object, set []wire.RangeFilter) bool {
	for i := range set {
		f := &set[i]
		ok := false
		switch f.Type {
		case wire.RangeSubgroup:
			ok = !o.Datagram && inRange(f.Ranges, o.Subgroup)
		case wire.RangeObjectID:
			ok = inRange(f.Ranges, o.ID)
		case wire.RangePriority:
			ok = inRange(f.Ranges, uint64(o.Priority))
		case wire.RangeObjectProperty:
			ok = hasValue(o.Properties, f)
		}
		if !ok {
			return false
		}
	}
	return true
}

// hasValue reports whether a property of the filter's type is there with a
// value in its ranges, inside Immutable Properties or beside them.
func hasValue(p wire.Properties, f *wire.RangeFilter) bool {
	for kv := range p.All() {
		switch {
		case kv.Type == f.Property && inRange(f.Ranges, kv.Value):
			return true
		case kv.Type == wire.PropImmutable:
			for kv := range wire.Properties(kv.Bytes).All() {
				if kv.Type == f.Property && inRange(f.Ranges, kv.Value) {
					return true
				}
			}
		}
	}
	return false
}

func inRange(ranges []wire.ValueRange, v uint64) bool {
	for _, r := range ranges {
		if r.First <= v && v <= r.Last {
			return true
		}
	}
	return false
}
