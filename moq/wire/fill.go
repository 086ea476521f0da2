package wire

import "time"

// FillParameters ask for Objects published before a subscription, which come on
// a fetch stream (draft 20, FILL_PARAMETERS). What is unset is as in the
// subscription.
type FillParameters struct {
	// FillTimeout is how long a relay may look for Objects upstream; 0 means not
	// at all, unset leaves it to the relay.
	FillTimeout Option[time.Duration]
	// SubscriberPriority of the fetch stream; lower is more important.
	SubscriberPriority Option[uint8]
	// Filter is the range to fill, up to the Largest Object.
	Filter Option[Filter]
	// GroupOrder of the fetch stream.
	GroupOrder Option[GroupOrder]
	// RangeFilters, those of a Type together, stand in for the subscription's of
	// that Type.
	RangeFilters []RangeFilter
}

// The value of FILL_PARAMETERS is a number of parameters and those parameters, a
// scope of its own.

func (e *encoder) fill(f FillParameters) {
	inner := encoder{draft: e.draft}
	inner.parameters(&Parameters{FillTimeout: f.FillTimeout, SubscriberPriority: f.SubscriberPriority, Filter: f.Filter,
		GroupOrder: f.GroupOrder, RangeFilters: f.RangeFilters}, inFill)
	e.nested(&inner)
}

// fill reads FILL_PARAMETERS into p, which also gets to know of a filter inside
// that must be refused.
func (d *decoder) fill(p *Parameters) {
	inner := nested(d, "FILL_PARAMETERS", func(d *decoder) (inner Parameters) {
		d.parameters(&inner, inFill)
		return inner
	})
	if inner.InvalidFilter != "" {
		p.invalidFilter("%s", inner.InvalidFilter)
	}
	p.FillParameters = Some(FillParameters{FillTimeout: inner.FillTimeout, SubscriberPriority: inner.SubscriberPriority,
		Filter: inner.Filter, GroupOrder: inner.GroupOrder, RangeFilters: inner.RangeFilters})
}
