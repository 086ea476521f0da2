package topology

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"moqedge/moq/wire"
)

// Severity of a Finding.
type Severity uint8

// Severities, the worst first.
const (
	// Error: it does not work.
	Error Severity = iota
	// Warning: it works, and not as well as it could.
	Warning
	// Note: it is good to know.
	Note
)

// String is the word for a severity.
func (s Severity) String() string { return [...]string{"error", "warning", "note"}[s] }

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is something about a tree that its owner should know.
type Finding struct {
	Severity Severity `json:"severity"`
	// Kind is one word for programs, such as ring.
	Kind string `json:"kind"`
	// Nodes that it is about, the one to look at first.
	Nodes []string `json:"nodes"`
	// Text says what it is and what to do.
	Text string `json:"text"`
}

// Check names the mistakes of a tree, the worst first.
func (g *Graph) Check() []Finding {
	all := slices.Clone(g.found)
	all = append(all, g.duplicates()...)
	all = append(all, g.deadEnds()...)
	all = append(all, g.pins()...)
	all = append(all, g.drains()...)
	all = append(all, g.losses()...)
	all = append(all, g.externals()...)
	slices.SortStableFunc(all, func(a, b Finding) int { return cmp.Compare(a.Severity, b.Severity) })
	return all
}

// duplicates finds what two nodes must not share.
func (g *Graph) duplicates() (all []Finding) {
	ids, addresses := map[string]*vertex{}, map[string]*vertex{}
	for _, v := range g.nodes {
		if other := ids[v.ID]; other != nil && v.ID != "" {
			all = append(all, Finding{Error, "duplicate-id", []string{other.Name, v.Name}, fmt.Sprintf(
				"%s and %s have the same id %q: each would take what the other tells for its own and drop it", other.Name, v.Name, v.ID)})
		} else if v.ID != "" {
			ids[v.ID] = v
		}
		if v.external {
			continue
		}
		for _, a := range v.Addresses {
			host, _ := split(a)
			if host == "" {
				continue // of a machine that is not known
			}
			if other := addresses[a]; other != nil && other != v {
				all = append(all, Finding{Error, "duplicate-address", []string{other.Name, v.Name}, fmt.Sprintf(
					"%s and %s are both at %s", other.Name, v.Name, a)})
			}
			addresses[a] = v
		}
		reached := map[*vertex]*link{}
		for _, l := range v.up {
			if other := reached[l.to]; other != nil {
				all = append(all, Finding{Warning, "same-upstream", []string{v.Name, l.to.Name}, fmt.Sprintf(
					"%s has %s as an upstream twice, by %s and %s: that is one relay to lose", v.Name, l.to.Name, other.URL, l.URL)})
			}
			reached[l.to] = l
		}
	}
	return all
}

// namespaces are those that any upstream is asked for, and first the one that
// stands for all others.
func (g *Graph) namespaces() []wire.Namespace {
	all := []wire.Namespace{nil}
	for _, l := range g.links {
		for _, p := range l.Prefixes {
			if !slices.ContainsFunc(all, p.Equal) {
				all = append(all, p)
			}
		}
	}
	return all
}

// what names the tracks below a namespace.
func what(ns wire.Namespace) string {
	if len(ns) == 0 {
		return "everything"
	}
	return strings.Join(ns, "/") + "/…"
}

// deadEnds finds namespaces that a node is asked for and can have from nowhere.
func (g *Graph) deadEnds() (all []Finding) {
	for _, ns := range g.namespaces() {
		for _, l := range g.links {
			v := l.to
			if !l.covers(ns) || v.source() || slices.ContainsFunc(v.up, func(l *link) bool { return l.covers(ns) }) {
				continue
			}
			all = append(all, Finding{Error, "unreachable", []string{l.from.Name, v.Name}, fmt.Sprintf(
				"%s asks %s for %s, which none of the upstreams of %s is asked for, and nobody publishes to it", l.from.Name, v.Name, what(ns), v.Name)})
		}
	}
	return all
}

// pins compares how those below a relay know its certificate.
func (g *Graph) pins() (all []Finding) {
	for _, v := range g.nodes {
		var first *link
		for _, l := range v.down {
			if len(l.Pins) == 0 {
				continue
			}
			if first == nil {
				first = l
				continue
			}
			both := slices.ContainsFunc(l.Pins, func(p string) bool { return slices.Contains(first.Pins, p) })
			switch {
			case !both:
				all = append(all, Finding{Error, "pins", []string{v.Name, first.from.Name, l.from.Name}, fmt.Sprintf(
					"%s and %s know %s by different fingerprints: one of them can not connect", first.from.Name, l.from.Name, v.Name)})
			case len(l.Pins) != len(first.Pins):
				all = append(all, Finding{Warning, "pins", []string{v.Name, first.from.Name, l.from.Name}, fmt.Sprintf(
					"%s and %s do not know %s by the same fingerprints: one of them may fail when its certificate is renewed", first.from.Name, l.from.Name, v.Name)})
			}
		}
	}
	return all
}

// drains finds nodes that would send their clients to themselves.
func (g *Graph) drains() (all []Finding) {
	for _, v := range g.nodes {
		if v.DrainTo != "" && v.at(AddressOf(v.DrainTo)) {
			all = append(all, Finding{Error, "drain", []string{v.Name}, fmt.Sprintf(
				"%s sends its clients to itself when it drains (%s)", v.Name, v.DrainTo)})
		}
	}
	return all
}

// externals says which relays are not described.
func (g *Graph) externals() (all []Finding) {
	for _, v := range g.nodes {
		if !v.external {
			continue
		}
		var below []string
		for _, l := range v.down {
			if !slices.Contains(below, l.from.Name) {
				below = append(below, l.from.Name)
			}
		}
		all = append(all, Finding{Note, "external", append([]string{v.Name}, below...), fmt.Sprintf(
			"%s, above %s, is external: no given file listens there", v.Name, list(below, "and"))})
	}
	return all
}
