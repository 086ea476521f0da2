package moq

import (
	"fmt"
	"slices"

	"moqedge/moq/wire"
)

// rangeFault refuses a request of the peer for its range filters (moqt-19 §5.1.3):
// the result is nil or a *RequestError with INVALID_FILTER.
func (s *Session) rangeFault(p *wire.Parameters) error {
	if p.InvalidFilter != "" {
		return &RequestError{Code: wire.RequestInvalidFilter, Reason: p.InvalidFilter}
	}
	n := countRanges(p.RangeFilters)
	if p.FillParameters.Set {
		n += countRanges(p.FillParameters.Value.RangeFilters)
	}
	return tooManyRanges(n, s.config.MaxFilterRanges)
}

// checkRanges refuses parameters of this side for their range filters, before they
// are sent: the peer allows none, or fewer (moqt-19 §5.1.3).
func (s *Session) checkRanges(kind wire.MessageType, p *wire.Parameters) error {
	filters := p.RangeFilters
	if p.FillParameters.Set {
		filters = append(slices.Clip(filters), p.FillParameters.Value.RangeFilters...)
	}
	limit := s.peer.MaxFilterRanges.Or(0)
	switch {
	case len(filters) == 0:
		return nil
	case !s.version.Has(wire.FeatureRangeFilters):
		return fmt.Errorf("moq: %s has no range filters", s.version)
	case limit == 0:
		return &RequestError{Request: kind, Code: wire.RequestInvalidFilter, Reason: "the peer takes no range filters"}
	}
	return tooManyRanges(countRanges(filters), limit)
}

func tooManyRanges(n, limit uint64) error {
	if n <= limit {
		return nil
	}
	return &RequestError{Code: wire.RequestInvalidFilter, Reason: fmt.Sprintf("%d filter ranges, the limit is %d", n, limit)}
}

func countRanges(filters []wire.RangeFilter) uint64 {
	n := 0
	for _, f := range filters {
		n += len(f.Ranges)
	}
	return uint64(n)
}

// mergeRanges applies the range filters of an update: those of one type replace
// all of that type, one without ranges removes them (moqt-19 §5.1.3).
func mergeRanges(have, update []wire.RangeFilter) []wire.RangeFilter {
	if len(update) == 0 {
		return have
	}
	changed := map[wire.RangeFilterType]bool{}
	for _, f := range update {
		changed[f.Type] = true
	}
	var out []wire.RangeFilter
	for _, f := range have {
		if !changed[f.Type] {
			out = append(out, f)
		}
	}
	for _, f := range update {
		if len(f.Ranges) > 0 {
			out = append(out, f)
		}
	}
	return out
}
