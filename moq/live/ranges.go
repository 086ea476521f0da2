package live

import (
	"math"
	"slices"

	"moqedge/moq/wire"
)

// Range is a half-open range of locations: From is in it, To is not. (What
// requests say is inclusive: see moq.FetchOptions and Track.NewWalk.)
type Range struct{ From, To wire.Location }

// Empty reports whether the range holds no location.
func (r Range) Empty() bool { return !r.From.Less(r.To) }

// end is beyond every location that can be published.
var end = wire.Location{Group: math.MaxUint64, Object: math.MaxUint64}

// after is the first location beyond l.
func after(l wire.Location) wire.Location {
	if l.Object == math.MaxUint64 {
		if l.Group == math.MaxUint64 {
			return end
		}
		return wire.Location{Group: l.Group + 1}
	}
	return wire.Location{Group: l.Group, Object: l.Object + 1}
}

// ranges is a sorted set of disjoint, non-empty ranges.
type ranges []Range

// add returns the set with r in it, merged with what it touches.
func (s ranges) add(r Range) ranges {
	if r.Empty() {
		return s
	}
	if n := len(s); n == 0 || s[n-1].To.Less(r.From) {
		return append(s, r) // what is shared with older values of the set stays as it is
	}
	out := make(ranges, 0, len(s)+1)
	for i, x := range s {
		switch {
		case x.To.Less(r.From):
			out = append(out, x)
		case r.To.Less(x.From):
			return append(append(out, r), s[i:]...)
		default:
			if x.From.Less(r.From) {
				r.From = x.From
			}
			if r.To.Less(x.To) {
				r.To = x.To
			}
		}
	}
	return append(out, r)
}

// remove returns the set without the locations of r.
func (s ranges) remove(r Range) ranges {
	if r.Empty() {
		return s
	}
	out := make(ranges, 0, len(s)+1)
	for _, x := range s {
		if left := (Range{x.From, earlier(x.To, r.From)}); !left.Empty() {
			out = append(out, left)
		}
		if right := (Range{later(x.From, r.To), x.To}); !right.Empty() {
			out = append(out, right)
		}
	}
	return out
}

// covers reports whether all of r is in the set.
func (s ranges) covers(r Range) bool {
	i, _ := slices.BinarySearchFunc(s, r.From, func(x Range, l wire.Location) int {
		if l.Less(x.To) {
			return 1
		}
		return -1
	})
	return r.Empty() || (i < len(s) && !r.From.Less(s[i].From) && !s[i].To.Less(r.To))
}

// contains reports whether l is in the set.
func (s ranges) contains(l wire.Location) bool {
	return len(s) > 0 && s.covers(Range{l, after(l)})
}

// within returns the parts of the set that lie in r.
func (s ranges) within(r Range) []Range {
	var out []Range
	for _, x := range s {
		if part := (Range{later(x.From, r.From), earlier(x.To, r.To)}); !part.Empty() {
			out = append(out, part)
		}
	}
	return out
}

func earlier(a, b wire.Location) wire.Location {
	if b.Less(a) {
		return b
	}
	return a
}

func later(a, b wire.Location) wire.Location {
	if a.Less(b) {
		return b
	}
	return a
}
