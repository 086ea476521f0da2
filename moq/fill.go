package moq

import (
	"math"

	"moqedge/moq/deliver"
	"moqedge/moq/wire"
)

// startFill opens the fill fetch stream that the FILL_PARAMETERS of a SUBSCRIBE
// or REQUEST_UPDATE ask for; id is the request ID of that message (draft 20
// §5.1.3). The caller holds the subscription for it. Nothing is opened while the
// subscription does not forward, or for an empty range.
func (v *served) startFill(id uint64, p wire.Parameters, largest wire.Location, any bool) {
	if !p.FillParameters.Set {
		return
	}
	fill := p.FillParameters.Value
	v.session.mu.Lock()
	state := v.params
	v.session.mu.Unlock()
	first, last, ok := fetchRange(fill.Filter.Or(state.filter.Or(wire.Filter{})), largest)
	if !any || !state.forward || !ok {
		v.sending.Release()
		return
	}
	v.session.tasks.Go(func() {
		defer v.sending.Release()
		if v.fill != nil {
			v.fill(first, last)
		}
		v.session.sender().Fetch(deliver.Fetch{
			Track: v.track, RequestID: id, First: first, Last: last, Fill: v.sending,
			Order:       fill.GroupOrder.Or(state.order),
			Priority:    fill.SubscriberPriority.Or(state.priority),
			FillTimeout: fill.FillTimeout,
			Filters:     mergeRanges(state.ranges, fill.RangeFilters),
		})
	})
}

// fetchRange is what a location filter selects of a track for a FETCH or a
// fill, both ends inclusive (draft 20 §5.1.2); false means nothing.
func fetchRange(f wire.Filter, largest wire.Location) (first, last wire.Location, ok bool) {
	last = largest
	switch f.Type {
	case wire.FilterNextGroup, wire.FilterLargestObject:
		return first, last, false
	case wire.FilterRelativeGroup:
		first.Group = nextGroup(largest) - min(f.Groups, nextGroup(largest))
	case wire.FilterAbsoluteRange:
		if end := (wire.Location{Group: f.EndGroup, Object: f.EndObject.Or(math.MaxUint64)}); end.Less(last) {
			last = end
		}
		first = f.Start
	case wire.FilterAbsoluteStart:
		first = f.Start
	}
	return first, last, !last.Less(first)
}
