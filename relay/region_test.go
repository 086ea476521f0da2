package relay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"moqedge/moq/wire"
)

func ids(nodes []Node) (out []string) {
	for _, n := range nodes {
		out = append(out, n.ID)
	}
	return out
}

func TestNextHops(t *testing.T) {
	edge := Node{ID: "e", Region: "eu", Role: RoleEdge}
	shield := Node{ID: "s", Region: "eu", Role: RoleShield}
	away := Node{ID: "as", Region: "us", Role: RoleShield}
	origin := Node{ID: "o", Region: "us", Role: RoleOrigin, Cost: 1}
	near := Node{ID: "n", Region: "eu", Role: RoleEdge, Cost: 9}
	cheap := Node{ID: "c", Region: "us", Role: RoleOrigin}
	full := Node{ID: "f", Region: "us", Role: RoleOrigin, Load: LoadFull}
	for _, c := range []struct {
		name           string
		self           Node
		nodes, holders []Node
		want           []string
	}{
		{"an edge asks its shield, then the holder", edge, []Node{edge, shield, away, origin}, []Node{origin}, []string{"s", "o"}},
		{"a shield asks the holder", shield, []Node{edge, shield, away, origin}, []Node{origin}, []string{"o"}},
		{"without a shield the holder is asked", edge, []Node{edge, away, origin}, []Node{origin}, []string{"o"}},
		{"an origin asks its shield", origin, []Node{shield, away, origin, near}, []Node{near}, []string{"as", "n"}},
		{"the holder is the shield", edge, []Node{edge, shield}, []Node{shield}, []string{"s"}},
		{"this relay is not asked", edge, []Node{edge}, []Node{edge}, nil},
		{"near before cheap before full", edge, nil, []Node{full, origin, cheap, near}, []string{"n", "c", "o", "f"}},
	} {
		if got := ids(nextHops(c.self, c.nodes, c.holders, wire.Namespace{"x"})); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// Each track of a region has one shield, the same for all, namespaces are spread
// evenly over them, and when one is gone only its own move.
func TestShieldsShareNamespaces(t *testing.T) {
	shields := []Node{}
	for i := range 4 {
		shields = append(shields, Node{ID: fmt.Sprintf("shield-%d", i), Region: "eu", Role: RoleShield})
	}
	count := map[string]int{}
	const names = 4000
	for i := range names {
		ns := wire.Namespace{"live", fmt.Sprint(i)}
		first := nextHops(Node{ID: "a", Region: "eu", Role: RoleEdge}, shields, nil, ns)[0].ID
		other := slices.Clone(shields)
		rand.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
		if got := nextHops(Node{ID: "b", Region: "eu", Role: RoleOrigin}, other, nil, ns)[0].ID; got != first {
			t.Fatalf("%s: %s for one, %s for another", ns, first, got)
		}
		if got := nextHops(Node{ID: "a", Region: "eu", Role: RoleEdge}, shields[1:], nil, ns)[0].ID; got != first && first != "shield-0" {
			t.Errorf("%s moved from %s to %s when shield-0 was lost", ns, first, got)
		}
		count[first]++
	}
	for _, s := range shields {
		if n := count[s.ID]; n < names/4*8/10 || n > names/4*12/10 {
			t.Errorf("%s has %d of %d namespaces", s.ID, n, names)
		}
	}
}

// Whoever each shield believes to be alive, asking on from shield to shield
// comes to an end.
func TestShieldsDoNotAskInCircles(t *testing.T) {
	var all []Node
	for i := range 6 {
		all = append(all, Node{ID: fmt.Sprint(i), Region: "eu", Role: RoleShield})
	}
	for range 2000 {
		ns := wire.Namespace{fmt.Sprint(rand.Int())}
		self, steps := all[rand.IntN(len(all))], 0
		for ; steps <= len(all); steps++ {
			var alive []Node
			for _, n := range all {
				if rand.IntN(3) > 0 {
					alive = append(alive, n)
				}
			}
			hops := nextHops(self, alive, nil, ns)
			if len(hops) == 0 {
				break
			}
			self = hops[rand.IntN(len(hops))]
		}
		if steps > len(all) {
			t.Fatal("a circle")
		}
	}
}
