package topology

import (
	"fmt"
	"slices"
	"strings"
)

// Text draws the tree with lines: each node below the upstream that it asks
// first, with the others behind its name.
func (g *Graph) Text() string {
	var b strings.Builder
	drawn := map[*vertex]bool{}
	for _, v := range g.nodes {
		if first(v) == nil {
			g.branch(&b, v, "", "", drawn)
		}
	}
	for _, v := range g.nodes { // those in rings hang on nothing
		if !drawn[v] {
			g.branch(&b, v, "", "", drawn)
		}
	}
	return b.String()
}

// first is the upstream that a node asks for most things; nil at the top.
func first(v *vertex) *link {
	var best *link
	for _, l := range v.up {
		switch {
		case l.Peer || l.to == v:
		case best == nil, less(l, best):
			best = l
		}
	}
	return best
}

// less reports whether a is asked before b: for everything before a part, then
// by priority and cost.
func less(a, b *link) bool {
	if whole := len(a.Prefixes) == 0; whole != (len(b.Prefixes) == 0) {
		return whole
	}
	if a.Priority != b.Priority {
		return a.Priority < b.Priority
	}
	return a.Cost < b.Cost
}

func (g *Graph) branch(b *strings.Builder, v *vertex, lead, lines string, drawn map[*vertex]bool) {
	drawn[v] = true
	fmt.Fprintf(b, "%s%s\n", lead, describe(v))
	var below []*vertex
	for _, l := range v.down {
		if first(l.from) == l && !slices.Contains(below, l.from) {
			below = append(below, l.from)
		}
	}
	for i, child := range below {
		lead, more := "├─ ", "│  "
		if i == len(below)-1 {
			lead, more = "└─ ", "   "
		}
		if drawn[child] {
			fmt.Fprintf(b, "%s%s%s (again: a ring)\n", lines, lead, child.Name)
			continue
		}
		g.branch(b, child, lines+lead, lines+more, drawn)
	}
}

// describe is the line of a node.
func describe(v *vertex) string {
	parts := []string{v.Name}
	if v.Region != "" {
		parts = append(parts, "["+v.Region+"]")
	}
	switch {
	case v.external:
		parts = append(parts, "(external)")
	case v.Ingest:
		parts = append(parts, "(takes publications)")
	}
	main := first(v)
	if main != nil && terms(main) != "" {
		parts = append(parts, "asks "+main.label()+" "+terms(main))
	}
	var also []string
	for _, l := range v.up {
		if l == main {
			continue
		}
		text := l.label()
		if t := terms(l); t != "" {
			text += " " + t
		}
		also = append(also, text)
	}
	if len(also) > 0 {
		parts = append(parts, "also "+strings.Join(also, ", "))
	}
	return strings.Join(parts, "  ")
}

// terms says in brackets what is special about a link; "" is nothing.
func terms(l *link) string {
	all := conditions(l)
	if len(all) == 0 {
		return ""
	}
	return "(" + strings.Join(all, ", ") + ")"
}

func conditions(l *link) (all []string) {
	if l.Peer {
		all = append(all, "beside it")
	}
	for _, p := range l.Prefixes {
		all = append(all, what(p))
	}
	if l.Priority > 0 {
		all = append(all, fmt.Sprintf("priority %d", l.Priority))
	}
	if l.Cost > 1 {
		all = append(all, fmt.Sprintf("cost %d", l.Cost))
	}
	if l.OnDemand {
		all = append(all, "on demand")
	}
	return all
}
