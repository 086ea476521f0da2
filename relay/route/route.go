package route

import (
	"cmp"
	"slices"
)

// Route is a way to a namespace.
type Route[P comparable] struct {
	// Via is whom it leads to first: a namespace has one route by each.
	Via P
	// Cost of the whole way; 0 for a publisher that is here.
	Cost uint64
	// Hops are the relays on the way, the nearest first; none for a publisher
	// that is here. They must not be changed.
	Hops []string
	// Held says that the way is broken and may be back soon: it is worse than any
	// that is not.
	Held bool
	// Hidden says that nobody announced the namespace, although tracks in it were
	// published: it is worse than any that is not.
	Hidden bool
	// Foreign says that the way comes from a relay that tells no hops.
	Foreign bool
	// Rank decides when all else is the same; the lower is the better.
	Rank int
}

// Compare returns a negative number when a is better than b, 0 when they are
// equally good: one that works before one that is broken, one that was announced
// before one that was not, then the cheaper, the shorter, the one whose hops come
// first in the order of bytes, the one of the lower rank.
func (a Route[P]) Compare(b Route[P]) int {
	return cmp.Or(
		compareBools(a.Held, b.Held),
		compareBools(a.Hidden, b.Hidden),
		cmp.Compare(a.Cost, b.Cost),
		cmp.Compare(len(a.Hops), len(b.Hops)),
		slices.Compare(a.Hops, b.Hops),
		cmp.Compare(a.Rank, b.Rank),
	)
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// equal reports whether nothing about two routes differs.
func (a Route[P]) equal(b Route[P]) bool {
	return a.Via == b.Via && a.Foreign == b.Foreign && a.Compare(b) == 0
}

// Passes reports whether the way leads through a relay.
func (a Route[P]) Passes(id string) bool { return slices.Contains(a.Hops, id) }
