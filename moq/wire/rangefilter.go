package wire

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

// ValueRange is a range of integers. Both ends are included; Last is
// math.MaxUint64 if there is no end.
type ValueRange struct{ First, Last uint64 }
