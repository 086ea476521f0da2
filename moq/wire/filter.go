package wire

import "math"

// FilterType says where a range of Locations starts and ends (moqt-18 §5.1.2).
type FilterType uint8

// Filter types. On the wire they are explicit up to draft 19 and, with other
// numbers, from draft 22 on; in draft 20 the number of fields tells them apart.
const (
	// FilterNone passes everything; in REQUEST_UPDATE it removes the filter.
	FilterNone FilterType = iota
	// FilterNextGroup starts with the group after the largest.
	FilterNextGroup
	// FilterLargestObject starts with the Object after the largest: "Next Object"
	// from draft 20 on.
	FilterLargestObject
	FilterAbsoluteStart
	FilterAbsoluteRange
	// FilterRelativeGroup starts Groups before the next group (draft 20).
	FilterRelativeGroup
)

// Filter is a Subscription Filter, later called Location Filter (moqt-18 §5.1.2).
// Fields that its Type does not have are ignored when sending and zero when
// received.
type Filter struct {
	Type FilterType
	// Start is the first Location that passes; of the absolute types.
	Start Location
	// EndGroup and EndObject are the last Location that passes; of
	// FilterAbsoluteRange. Without EndObject all of the group does. EndGroup is
	// not smaller than Start.Group in a subscription.
	EndGroup  uint64
	EndObject Option[uint64]
	// Groups of FilterRelativeGroup: N starts at {Largest.Group+1-N, 0}. 0 is the
	// same as FilterNextGroup, and received as that.
	Groups uint64
}

// last returns the last Location that passes a FilterAbsoluteRange.
func (f Filter) last() Location {
	return Location{Group: f.EndGroup, Object: f.EndObject.Or(math.MaxUint64)}
}

// whole reports whether every Location passes.
func (f Filter) whole() bool {
	return f.Type == FilterNone || f.Type == FilterAbsoluteStart && f.Start == Location{}
}

// filterForm is how a draft writes Filters, with the length in front if it has one.
type filterForm struct {
	encode func(*encoder, Filter)
	decode func(*decoder) Filter
}

// typedFilter is the form up to draft 19: a type, then its fields. Draft 16 has
// the last group itself (moqt-16 §5.1.2), the later ones its distance from the
// first (moqt-18 §5.1.2).
func typedFilter(endIsDelta bool) filterForm {
	return filterForm{
		encode: func(e *encoder, f Filter) {
			inner := encoder{draft: e.draft}
			inner.typedFilter(f, endIsDelta)
			e.nested(&inner)
		},
		decode: func(d *decoder) Filter {
			return nested(d, "filter", func(inner *decoder) Filter { return inner.typedFilter(endIsDelta) })
		},
	}
}

func (e *encoder) typedFilter(f Filter, endIsDelta bool) {
	switch {
	case f.whole():
		// An AbsoluteStart of {0, 0} is the same as no filter.
		f = Filter{Type: FilterAbsoluteStart}
	case f.Type == FilterRelativeGroup && f.Groups == 0:
		f = Filter{Type: FilterNextGroup}
	}
	e.varint(uint64(f.Type))
	switch f.Type {
	case FilterNextGroup, FilterLargestObject:
	case FilterAbsoluteStart:
		e.location(f.Start)
	case FilterAbsoluteRange:
		e.checkRange(f)
		if f.EndObject.Or(math.MaxUint64) != math.MaxUint64 {
			e.fail("this draft has no filter that ends inside a group")
		}
		e.location(f.Start)
		if endIsDelta {
			e.varint(f.EndGroup - f.Start.Group)
		} else {
			e.varint(f.EndGroup)
		}
	default:
		e.fail("this draft has no filter of type %d", f.Type)
	}
}

func (e *encoder) checkRange(f Filter) {
	if f.last().Less(f.Start) {
		e.fail("filter ends with %v before its start %v", f.last(), f.Start)
	}
}

func (d *decoder) typedFilter(endIsDelta bool) Filter {
	t := d.varint()
	switch {
	case d.err != nil:
	case t == uint64(FilterNextGroup):
		return Filter{Type: FilterNextGroup}
	case t == uint64(FilterLargestObject):
		return Filter{Type: FilterLargestObject}
	case t == uint64(FilterAbsoluteStart):
		return Filter{Type: FilterAbsoluteStart, Start: d.location()}
	case t == uint64(FilterAbsoluteRange):
		f := Filter{Type: FilterAbsoluteRange, Start: d.location()}
		if endIsDelta {
			f.EndGroup = d.endGroup(f.Start)
			return f
		}
		f.EndGroup = d.varint()
		if d.err == nil && f.EndGroup < f.Start.Group {
			d.fail(violation("filter ends with group %d before its start %v", f.EndGroup, f.Start))
		}
		return f
	default:
		d.fail(violation("filter type %d does not exist", t))
	}
	return Filter{}
}

// endGroup reads the distance of the last group from the first.
func (d *decoder) endGroup(start Location) uint64 {
	delta := d.varint()
	if delta > math.MaxUint64-start.Group {
		d.fail(violation("filter ends with group %d + %d, more than 64 bits", start.Group, delta))
	}
	return start.Group + delta
}
