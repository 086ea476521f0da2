package wire

import (
	"fmt"
	"math"
	"slices"
)

// RangeFilterType is the parameter type of a Range Filter (moqt-19 §5.1.3).
type RangeFilterType uint64

// Range Filters. What they select by is an integer of an Object, or, for
// RangeTrackProperty, of a Track.
const (
	RangeSubgroup       RangeFilterType = 0x25
	RangeObjectID       RangeFilterType = 0x26
	RangePriority       RangeFilterType = 0x27
	RangeObjectProperty RangeFilterType = 0x28
	RangeTrackProperty  RangeFilterType = 0x29
)

var rangeFilterNames = map[RangeFilterType]string{
	RangeSubgroup:       "SUBGROUP_FILTER",
	RangeObjectID:       "OBJECTID_FILTER",
	RangePriority:       "PRIORITY_FILTER",
	RangeObjectProperty: "OBJECT_PROPERTY_FILTER",
	RangeTrackProperty:  "TRACK_PROPERTY_FILTER",
}

// String returns the name in the draft, or the number in hex.
func (t RangeFilterType) String() string { return codeName(rangeFilterNames, t) }

// hasProperty reports whether the filter names a property type.
func (t RangeFilterType) hasProperty() bool {
	return t == RangeObjectProperty || t == RangeTrackProperty
}

// RangeFilter passes what has a value in one of its Ranges. Filters of the same
// SetID must all pass; one SetID that passes is enough (moqt-19 §5.1.3). Without
// Ranges it stands for a parameter of length 0, which in REQUEST_UPDATE removes
// all filters of its Type; SetID and Property are then 0.
type RangeFilter struct {
	Type  RangeFilterType
	SetID uint8
	// Property is an even property type, for the two property filters alone.
	Property uint64
	Ranges   []ValueRange
}

// ValueRange is a range of integers, First to Last, both included; Last is
// math.MaxUint64 if there is no end.
type ValueRange struct{ First, Last uint64 }

// maxRangeFilters bounds the range filters of a message, and the ranges of each,
// that we look at; more are refused. The limit that a peer is told,
// MAX_FILTER_RANGES, is below it.
const maxRangeFilters = 1024

// same reports whether both filters may not be in one message: they differ in
// nothing but their ranges, or one of them removes the other.
func (f RangeFilter) same(o RangeFilter) bool {
	return f.Type == o.Type &&
		(len(f.Ranges) == 0 || len(o.Ranges) == 0 || f.SetID == o.SetID && f.Property == o.Property)
}

// rangeFilter appends the value of a range filter: nothing, or a SetID, the
// property and the ranges, each integer as the distance from the one before.
func (e *encoder) rangeFilter(f RangeFilter) {
	if len(f.Ranges) == 0 {
		e.varint(0)
		return
	}
	inner := encoder{draft: e.draft}
	inner.uint8(f.SetID)
	if f.Type.hasProperty() {
		inner.varint(f.Property)
	}
	prev := uint64(0)
	for i, r := range f.Ranges {
		inner.varint(r.First - prev)
		if i < len(f.Ranges)-1 || r.Last != math.MaxUint64 {
			inner.varint(r.Last - r.First)
		}
		prev = r.Last
	}
	e.nested(&inner)
}

// checkRangeFilters refuses to send what a receiver would have to refuse.
func (e *encoder) checkRangeFilters(filters []RangeFilter, where scope) {
	if len(filters) == 0 {
		return
	}
	p := Parameters{RangeFilters: filters}
	for i := range filters {
		if rangeFilterNames[filters[i].Type] == "" {
			e.fail("range filter %v does not exist", filters[i].Type)
		}
		p.checkRangeFilter(&filters[i])
		if slices.ContainsFunc(filters[:i], filters[i].same) {
			p.invalidFilter("%v of set %d is repeated", filters[i].Type, filters[i].SetID)
		}
	}
	p.checkRangeFilters(where)
	if p.InvalidFilter != "" {
		e.fail("%s", p.InvalidFilter)
	}
}

// checkRangeFilter looks at the values of one filter.
func (p *Parameters) checkRangeFilter(f *RangeFilter) {
	if f.Type.hasProperty() && f.Property%2 != 0 {
		p.invalidFilter("%v of property %#x, which is no integer", f.Type, f.Property)
	}
	prev := uint64(0)
	for _, r := range f.Ranges {
		if r.First < prev || r.Last < r.First {
			p.invalidFilter("%v has the range %d to %d after %d", f.Type, r.First, r.Last, prev)
		}
		if prev = r.Last; f.Type == RangePriority && (r.First > 255 || r.Last > 255 && r.Last < math.MaxUint64) {
			p.invalidFilter("%v has the range %d to %d, priorities end with 255", f.Type, r.First, r.Last)
		}
	}
}

// checkRangeFilters looks at all filters of a message: only an update, and the
// FILL_PARAMETERS that replace what they would inherit, can remove one.
func (p *Parameters) checkRangeFilters(where scope) {
	if len(p.RangeFilters) > maxRangeFilters {
		p.invalidFilter("more than %d range filters", maxRangeFilters)
	}
	if where&(inAnyUpdate|inFill) != 0 {
		return
	}
	for i := range p.RangeFilters {
		if f := &p.RangeFilters[i]; len(f.Ranges) == 0 {
			p.invalidFilter("%v has no ranges", f.Type)
		}
	}
}

// invalidFilter notes the first reason to refuse the request.
func (p *Parameters) invalidFilter(format string, args ...any) {
	if p.InvalidFilter == "" {
		p.InvalidFilter = fmt.Sprintf(format, args...)
	}
}

// rangeFilter reads a range filter into p. Values that make no filter are noted
// there; a value that ends inside an integer closes the session.
func (d *decoder) rangeFilter(t RangeFilterType, p *Parameters) {
	f := nested(d, t.String(), func(d *decoder) RangeFilter { return d.rangeFilterValue(t, p) })
	if d.err != nil || p.InvalidFilter != "" {
		return
	}
	if p.checkRangeFilter(&f); slices.ContainsFunc(p.RangeFilters, f.same) {
		p.invalidFilter("%v of set %d is repeated", t, f.SetID)
	}
	if p.InvalidFilter == "" && len(p.RangeFilters) <= maxRangeFilters {
		p.RangeFilters = append(p.RangeFilters, f)
	}
}

func (d *decoder) rangeFilterValue(t RangeFilterType, p *Parameters) RangeFilter {
	f := RangeFilter{Type: t}
	if len(d.b) == 0 {
		return f
	}
	f.SetID = d.uint8()
	if t.hasProperty() {
		f.Property = d.varint()
	}
	if d.err == nil && len(d.b) == 0 {
		p.invalidFilter("%v of set %d has no ranges", t, f.SetID)
	}
	for prev := uint64(0); d.err == nil && len(d.b) > 0; {
		r := ValueRange{First: prev + d.varint(), Last: math.MaxUint64}
		overflow := r.First < prev
		if len(d.b) > 0 {
			r.Last = r.First + d.varint()
			overflow = overflow || r.Last < r.First
		}
		switch {
		case overflow:
			p.invalidFilter("%v of set %d has a value of more than 64 bits", t, f.SetID)
		case len(f.Ranges) == maxRangeFilters:
			p.invalidFilter("%v of set %d has more than %d ranges", t, f.SetID, maxRangeFilters)
			d.b = nil
			return f
		}
		prev = r.Last
		f.Ranges = append(f.Ranges, r)
	}
	return f
}
