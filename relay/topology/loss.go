package topology

import (
	"fmt"
	"slices"
	"strings"

	"moqedge/moq/wire"
)

// losses finds nodes without which others have nothing any more.
func (g *Graph) losses() (all []Finding) {
	seen := map[string]bool{}
	for _, ns := range g.namespaces() {
		before := g.served(ns, nil)
		for _, lost := range g.nodes {
			left := g.served(ns, lost)
			var cut []string
			for _, v := range g.nodes {
				if v != lost && before[v] && !left[v] {
					cut = append(cut, v.Name)
				}
			}
			if key := fmt.Sprint(lost.Name, cut); len(cut) > 0 && !seen[key] {
				seen[key] = true
				all = append(all, Finding{Warning, "single-point-of-failure", append([]string{lost.Name}, cut...), fmt.Sprintf(
					"%s is a single point of failure: without it there is nothing%s for %s", lost.Name, below(ns), list(cut, "and"))})
			}
		}
	}
	return all
}

// below names where, unless it is everywhere.
func below(ns wire.Namespace) string {
	if len(ns) == 0 {
		return ""
	}
	return " below " + strings.Join(ns, "/")
}

// served returns the nodes that can have a namespace while one node, if it is
// not nil, is lost: those with a way up to where publishers are.
func (g *Graph) served(ns wire.Namespace, lost *vertex) map[*vertex]bool {
	ok := map[*vertex]bool{}
	for _, v := range g.nodes {
		if v != lost && v.source() {
			ok[v] = true
		}
	}
	for changed := true; changed; {
		changed = false
		for _, v := range g.nodes {
			if v == lost || ok[v] {
				continue
			}
			if slices.ContainsFunc(v.up, func(l *link) bool { return l.covers(ns) && ok[l.to] }) {
				ok[v], changed = true, true
			}
		}
	}
	return ok
}
