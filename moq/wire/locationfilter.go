package wire

// countedFilter is the form of drafts 20 and 21: after a length, as many integers
// as it takes to tell the filters apart. One is relative, two zeros are the next
// Object, nothing is no filter; an absolute start of {0, 0} is written as nothing.
var countedFilter = filterForm{
	encode: func(e *encoder, f Filter) {
		inner := encoder{draft: e.draft}
		inner.countedFilter(f)
		e.nested(&inner)
	},
	decode: func(d *decoder) Filter {
		return nested(d, "filter", (*decoder).countedFilter)
	},
}

func (e *encoder) countedFilter(f Filter) {
	switch f.Type {
	case FilterNone:
	case FilterNextGroup:
		e.varint(0)
	case FilterRelativeGroup:
		e.varint(f.Groups)
	case FilterLargestObject:
		e.location(Location{})
	case FilterAbsoluteStart:
		if !f.whole() {
			e.location(f.Start)
		}
	case FilterAbsoluteRange:
		e.filterRange(f)
	default:
		e.fail("filter type %d does not exist", f.Type)
	}
}

// filterRange appends a range: without its last Object all of the group passes.
func (e *encoder) filterRange(f Filter) {
	e.checkRange(f)
	e.location(f.Start)
	e.varint(f.EndGroup - f.Start.Group)
	if f.EndObject.Set {
		e.varint(f.EndObject.Value)
	}
}

func (d *decoder) countedFilter() Filter {
	if len(d.b) == 0 {
		return Filter{}
	}
	first := d.varint()
	if len(d.b) == 0 {
		return relativeFilter(first)
	}
	start := Location{Group: first, Object: d.varint()}
	switch {
	case len(d.b) > 0:
		f := Filter{Type: FilterAbsoluteRange, Start: start, EndGroup: d.endGroup(start)}
		if len(d.b) > 0 {
			f.EndObject = Some(d.varint())
		}
		return f
	case start == Location{}:
		return Filter{Type: FilterLargestObject}
	}
	return Filter{Type: FilterAbsoluteStart, Start: start}
}

func relativeFilter(groups uint64) Filter {
	if groups == 0 {
		return Filter{Type: FilterNextGroup}
	}
	return Filter{Type: FilterRelativeGroup, Groups: groups}
}

// The types of Location Filters in draft 22.
const (
	filter22None = iota
	filter22Relative
	filter22AbsoluteStart
	filter22GroupEnd // a range to the end of a group
	filter22Range
	filter22NextObject
)

// explicitFilter is the form of draft 22: a type that says which integers follow,
// without a length. The published wording was not at hand; other implementations
// agree on it.
var explicitFilter = filterForm{encode: (*encoder).explicitFilter, decode: (*decoder).explicitFilter}

func (e *encoder) explicitFilter(f Filter) {
	switch f.Type {
	case FilterNone:
		e.varint(filter22None)
	case FilterNextGroup:
		e.varint(filter22Relative)
		e.varint(0)
	case FilterRelativeGroup:
		e.varint(filter22Relative)
		e.varint(f.Groups)
	case FilterLargestObject:
		e.varint(filter22NextObject)
	case FilterAbsoluteStart:
		e.varint(filter22AbsoluteStart)
		e.location(f.Start)
	case FilterAbsoluteRange:
		if f.EndObject.Set {
			e.varint(filter22Range)
		} else {
			e.varint(filter22GroupEnd)
		}
		e.filterRange(f)
	default:
		e.fail("filter type %d does not exist", f.Type)
	}
}

func (d *decoder) explicitFilter() Filter {
	t := d.varint()
	switch {
	case d.err != nil:
	case t == filter22None:
	case t == filter22Relative:
		return relativeFilter(d.varint())
	case t == filter22AbsoluteStart:
		return Filter{Type: FilterAbsoluteStart, Start: d.location()}
	case t == filter22GroupEnd, t == filter22Range:
		f := Filter{Type: FilterAbsoluteRange, Start: d.location()}
		f.EndGroup = d.endGroup(f.Start)
		if t == filter22Range {
			f.EndObject = Some(d.varint())
		}
		return f
	case t == filter22NextObject:
		return Filter{Type: FilterLargestObject}
	default:
		d.fail(violation("filter type %d does not exist", t))
	}
	return Filter{}
}
