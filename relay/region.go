package relay

import (
	"cmp"
	"hash/fnv"
	"io"
	"slices"

	"moqedge/moq/wire"
)

// nextHops returns which relays a relay asks for what lies in a namespace, best
// first, when its own publishers do not have it: the shields of its region, then
// the holders of the namespace themselves, those of its own region first.
//
// The shields are in an order of their own for each namespace, which is the same
// for everybody in the region. So a track comes into a region by one shield, as
// long as that lives, and a shield asks none but those before it: there are no
// circles among shields even if they do not all know the same.
//
// nodes are the relays that are known to be alive, holders those of them that
// hold the namespace; self may be among both.
func nextHops(self Node, nodes, holders []Node, ns wire.Namespace) []Node {
	key := ns.Key()
	mine := score(self.ID, key)
	var shields, rest []Node
	for _, n := range nodes {
		if n.ID != self.ID && n.Role == RoleShield && n.Region == self.Region && (self.Role != RoleShield || before(n.ID, score(n.ID, key), self.ID, mine)) {
			shields = append(shields, n)
		}
	}
	slices.SortFunc(shields, func(a, b Node) int { return compareScores(a.ID, score(a.ID, key), b.ID, score(b.ID, key)) })
	for _, n := range holders {
		if n.ID != self.ID && !slices.ContainsFunc(shields, func(s Node) bool { return s.ID == n.ID }) {
			rest = append(rest, n)
		}
	}
	slices.SortFunc(rest, func(a, b Node) int {
		return cmp.Or(
			falseFirst(a.Region != self.Region, b.Region != self.Region),
			falseFirst(a.Load >= LoadFull, b.Load >= LoadFull),
			cmp.Compare(a.Cost, b.Cost),
			compareScores(a.ID, score(a.ID, key), b.ID, score(b.ID, key)))
	})
	return append(shields, rest...)
}

// score is how a relay stands for a namespace among others (rendezvous hashing):
// when one is gone, only what it was first for goes elsewhere.
func score(id, key string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, key)
	h.Write([]byte{0xff})
	io.WriteString(h, id)
	// The end of FNV's input moves little but its low bits: mix them.
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// compareScores orders by score, the highest first, and by ID when they are equal.
func compareScores(a string, x uint64, b string, y uint64) int {
	return cmp.Or(cmp.Compare(y, x), cmp.Compare(a, b))
}

func before(a string, x uint64, b string, y uint64) bool { return compareScores(a, x, b, y) < 0 }

// falseFirst orders what is false before what is true.
func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
