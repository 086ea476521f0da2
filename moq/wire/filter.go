package wire

// FilterType says where a subscription starts and ends (moqt-18 §5.1.2).
type FilterType uint64

// Filter types.
const (
	FilterNextGroup     FilterType = 1
	FilterLargestObject FilterType = 2
	FilterAbsoluteStart FilterType = 3
	FilterAbsoluteRange FilterType = 4
)

// Filter is a Subscription Filter (moqt-18 §5.1.2). Start belongs to the
// absolute types, EndGroup to FilterAbsoluteRange: it is the last Group ID that
// passes, not smaller than Start.Group. The others are zero when received.
type Filter struct {
	Type     FilterType
	Start    Location
	EndGroup uint64
}

func (e *encoder) filter(f Filter) {
	inner := encoder{draft: e.draft}
	inner.varint(uint64(f.Type))
	switch f.Type {
	case FilterNextGroup, FilterLargestObject:
	case FilterAbsoluteStart:
		inner.location(f.Start)
	case FilterAbsoluteRange:
		if f.EndGroup < f.Start.Group {
			e.fail("filter ends with group %d before its start %v", f.EndGroup, f.Start)
		}
		inner.location(f.Start)
		inner.varint(f.EndGroup - f.Start.Group)
	default:
		e.fail("filter type %d does not exist", uint64(f.Type))
	}
	e.prefixed(inner.b)
}

func (d *decoder) filter() Filter {
	raw := d.prefixed("filter", MaxMessagePayload)
	if d.err != nil {
		return Filter{}
	}
	inner := decoder{draft: d.draft, b: raw}
	f := Filter{Type: FilterType(inner.varint())}
	switch f.Type {
	case FilterNextGroup, FilterLargestObject:
	case FilterAbsoluteStart:
		f.Start = inner.location()
	case FilterAbsoluteRange:
		f.Start = inner.location()
		delta := inner.varint()
		f.EndGroup = f.Start.Group + delta
		if f.EndGroup < delta {
			inner.fail(violation("filter ends with group %d + %d, more than 64 bits", f.Start.Group, delta))
		}
	default:
		inner.fail(violation("filter type %d does not exist", uint64(f.Type)))
	}
	switch {
	case inner.err == ErrShort:
		d.fail(violation("filter ends inside a field"))
	case inner.err != nil:
		d.fail(inner.err)
	case len(inner.b) > 0:
		d.fail(violation("%d bytes after the filter", len(inner.b)))
	}
	return f
}
