package moq

import (
	"fmt"

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
