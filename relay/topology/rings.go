package topology

import (
	"fmt"
	"slices"
	"strings"

	"moqedge/moq/wire"
)

// rings finds circles of default upstreams, each once: a request for something
// that nobody has would go around in it.
func (g *Graph) rings() (all []Finding) {
	seen := map[string]bool{}
	for _, ns := range g.namespaces() {
		for _, ring := range g.ringsOf(ns) {
			var names []string
			for _, l := range ring {
				l.ring = true
				names = append(names, l.from.Name)
			}
			sorted := slices.Sorted(slices.Values(names))
			key := strings.Join(sorted, "\x00")
			if seen[key] {
				continue
			}
			seen[key] = true
			if len(names) == 1 {
				all = append(all, Finding{Error, "ring", names, fmt.Sprintf("%s is its own upstream (%s)", names[0], ring[0].URL)})
				continue
			}
			all = append(all, Finding{Error, "ring", names, fmt.Sprintf(
				"ring of default upstreams, for %s: %s > %s; make one of these links a peer, or leave it out", what(ns), strings.Join(names, " > "), names[0])})
		}
	}
	return all
}

// ringsOf returns a circle for each link that closes one in a walk from every
// node, upwards over the links that cover a namespace.
func (g *Graph) ringsOf(ns wire.Namespace) (all [][]*link) {
	const (
		unseen = iota
		above  // on the way from where the walk began
		done
	)
	state := map[*vertex]int{}
	var way []*link
	var walk func(v *vertex)
	walk = func(v *vertex) {
		state[v] = above
		for _, l := range v.up {
			if !l.covers(ns) {
				continue
			}
			way = append(way, l)
			switch state[l.to] {
			case unseen:
				walk(l.to)
			case above:
				start := slices.IndexFunc(way, func(x *link) bool { return x.from == l.to })
				all = append(all, slices.Clone(way[start:]))
			}
			way = way[:len(way)-1]
		}
		state[v] = done
	}
	for _, v := range g.nodes {
		if state[v] == unseen {
			walk(v)
		}
	}
	return all
}
