package route

import (
	"maps"
	"slices"
	"sync"

	"moqedge/moq/wire"
)

// Events is told of namespaces that become available or cease to be: for each
// namespace once, whatever the number of its routes. Namespaces of which all
// routes are hidden are not told of. The calls are made under the lock of the
// table and must not block.
type Events interface {
	NamespaceAdded(ns wire.Namespace)
	NamespaceRemoved(ns wire.Namespace)
}

// Table maps namespaces to the routes that lead to them. It is safe for
// concurrent use. Finding a namespace takes time for its fields, not for the
// number of namespaces, and telling of a change for those who watch a prefix of
// it.
type Table[P comparable] struct {
	mu   sync.RWMutex
	root node[P]
}

// node stands for a prefix; the path from the root holds its fields.
type node[P comparable] struct {
	below     map[string]*node[P]
	namespace wire.Namespace // when there are routes
	routes    []Route[P]     // best first; replaced, never changed
	visible   int            // namespaces here and below that are told of
	events    map[*watch]struct{}
	changes   map[*changeWatch]struct{}
}

// The watchers of a prefix, told apart by their addresses.
type (
	watch       struct{ Events }
	changeWatch struct{ changed func(wire.Namespace) }
)

// NewTable returns an empty table.
func NewTable[P comparable]() *Table[P] { return &Table[P]{} }

// Set notes a route to ns, in the place of the one by the same Via.
func (t *Table[P]) Set(ns wire.Namespace, r Route[P]) {
	t.change(ns, true, func(routes []Route[P]) []Route[P] {
		for _, x := range routes {
			if x.equal(r) {
				return routes
			}
		}
		out := append(without(routes, r.Via), r)
		slices.SortFunc(out, Route[P].Compare)
		return out
	})
}

// Remove notes that ns cannot be had by via any more.
func (t *Table[P]) Remove(ns wire.Namespace, via P) {
	t.change(ns, false, func(routes []Route[P]) []Route[P] { return without(routes, via) })
}

// without returns a copy of routes with room for another, without that by via.
func without[P comparable](routes []Route[P], via P) []Route[P] {
	out := make([]Route[P], 0, len(routes)+1)
	for _, r := range routes {
		if r.Via != via {
			out = append(out, r)
		}
	}
	return out
}

// change replaces the routes of ns by what f makes of them and tells of it.
func (t *Table[P]) change(ns wire.Namespace, insert bool, f func([]Route[P]) []Route[P]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.root.find(ns, insert)
	if n == nil {
		return
	}
	before := n.routes
	n.routes = f(before)
	if slices.EqualFunc(before, n.routes, Route[P].equal) {
		t.root.prune(ns)
		return
	}
	if n.namespace == nil {
		n.namespace = ns
	}
	t.tell(n.namespace, shown(before), shown(n.routes))
	if len(n.routes) == 0 {
		n.namespace = nil
		t.root.prune(ns)
	}
}

// shown reports whether a namespace with these routes is told of.
func shown[P comparable](routes []Route[P]) bool {
	return slices.ContainsFunc(routes, func(r Route[P]) bool { return !r.Hidden })
}

// tell walks down to ns, whose routes changed, and tells those who watch.
func (t *Table[P]) tell(ns wire.Namespace, was, is bool) {
	n := &t.root
	for i := 0; ; i++ {
		switch {
		case is && !was:
			n.visible++
		case was && !is:
			n.visible--
		}
		for w := range n.changes {
			w.changed(ns)
		}
		for w := range n.events {
			switch {
			case is && !was:
				w.NamespaceAdded(ns)
			case was && !is:
				w.NamespaceRemoved(ns)
			}
		}
		if i == len(ns) {
			return
		}
		n = n.below[ns[i]]
	}
}

// find returns the node of a prefix, nil when there is none and it is not made.
func (n *node[P]) find(prefix wire.Namespace, insert bool) *node[P] {
	for _, field := range prefix {
		next := n.below[field]
		if next == nil {
			if !insert {
				return nil
			}
			if n.below == nil {
				n.below = map[string]*node[P]{}
			}
			next = &node[P]{}
			n.below[field] = next
		}
		n = next
	}
	return n
}

// prune removes the nodes on the way to a prefix that are of no use any more.
func (n *node[P]) prune(prefix wire.Namespace) {
	if len(prefix) == 0 {
		return
	}
	next := n.below[prefix[0]]
	if next == nil {
		return
	}
	next.prune(prefix[1:])
	if len(next.below)+len(next.routes)+len(next.events)+len(next.changes) == 0 {
		delete(n.below, prefix[0])
	}
}

// Routes returns the routes to ns itself, best first. They must not be changed.
func (t *Table[P]) Routes(ns wire.Namespace) []Route[P] {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if n := t.root.find(ns, false); n != nil {
		return n.routes
	}
	return nil
}

// Match returns the routes to ns and to its prefixes, the longest prefix first,
// and those of one namespace best first; by each Via the first alone.
func (t *Table[P]) Match(ns wire.Namespace) []Route[P] {
	var on [wire.MaxNamespaceFields + 1][]Route[P]
	found, total := 0, 0
	t.mu.RLock()
	for i, n := 0, &t.root; n != nil; i++ {
		if len(n.routes) > 0 {
			on[found] = n.routes
			found++
			total += len(n.routes)
		}
		if i == len(ns) {
			break
		}
		n = n.below[ns[i]]
	}
	t.mu.RUnlock()
	if total == 0 {
		return nil
	}
	out := make([]Route[P], 0, total)
	for i := found - 1; i >= 0; i-- {
		for _, r := range on[i] {
			if !slices.ContainsFunc(out, func(x Route[P]) bool { return x.Via == r.Via }) {
				out = append(out, r)
			}
		}
	}
	return out
}

// Count returns how many namespaces that are told of begin with a prefix.
func (t *Table[P]) Count(prefix wire.Namespace) int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if n := t.root.find(prefix, false); n != nil {
		return n.visible
	}
	return 0
}

// Each calls f for every namespace below a prefix, in order, with its routes,
// until it returns false.
func (t *Table[P]) Each(prefix wire.Namespace, f func(wire.Namespace, []Route[P]) bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if n := t.root.find(prefix, false); n != nil {
		n.each(f)
	}
}

func (n *node[P]) each(f func(wire.Namespace, []Route[P]) bool) bool {
	if len(n.routes) > 0 && !f(n.namespace, n.routes) {
		return false
	}
	for _, field := range slices.Sorted(maps.Keys(n.below)) {
		if !n.below[field].each(f) {
			return false
		}
	}
	return true
}

// Watch tells w of all namespaces below a prefix, those that are there first,
// until stop.
func (t *Table[P]) Watch(prefix wire.Namespace, w Events) (stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, key := t.root.find(prefix, true), &watch{w}
	if n.events == nil {
		n.events = map[*watch]struct{}{}
	}
	n.events[key] = struct{}{}
	n.each(func(ns wire.Namespace, routes []Route[P]) bool {
		if shown(routes) {
			w.NamespaceAdded(ns)
		}
		return true
	})
	return t.stop(prefix, func(n *node[P]) { delete(n.events, key) })
}

// WatchRoutes calls changed for every namespace below a prefix that has routes,
// and then whenever the routes of one change, under the lock of the table, until
// stop. It must not block.
func (t *Table[P]) WatchRoutes(prefix wire.Namespace, changed func(ns wire.Namespace)) (stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, key := t.root.find(prefix, true), &changeWatch{changed}
	if n.changes == nil {
		n.changes = map[*changeWatch]struct{}{}
	}
	n.changes[key] = struct{}{}
	n.each(func(ns wire.Namespace, _ []Route[P]) bool {
		changed(ns)
		return true
	})
	return t.stop(prefix, func(n *node[P]) { delete(n.changes, key) })
}

// stop returns what ends a watch of a prefix.
func (t *Table[P]) stop(prefix wire.Namespace, end func(*node[P])) func() {
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if n := t.root.find(prefix, false); n != nil {
			end(n)
			t.root.prune(prefix)
		}
	}
}
