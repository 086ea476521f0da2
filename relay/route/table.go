package route

import (
	"maps"
	"slices"
	"sync"

	"moqedge/moq/wire"
)

// Events is told of namespaces that become available or cease to be: for each
// namespace once, whatever the number of its publishers. The calls are made
// under the lock of the table and must not block.
type Events interface {
	NamespaceAdded(ns wire.Namespace)
	NamespaceRemoved(ns wire.Namespace)
}

// Table maps namespaces to the publishers that announced them. It is safe for
// concurrent use.
type Table[P comparable] struct {
	mu       sync.Mutex
	entries  map[string]*entry[P]
	watchers map[Events]struct{}
}

type entry[P comparable] struct {
	namespace  wire.Namespace
	publishers []P // in the order of their announcement
}

// NewTable returns an empty table.
func NewTable[P comparable]() *Table[P] {
	return &Table[P]{entries: map[string]*entry[P]{}, watchers: map[Events]struct{}{}}
}

// Add notes that p publishes ns. Adding it again has no effect.
func (t *Table[P]) Add(ns wire.Namespace, p P) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entries[ns.Key()]
	if e == nil {
		e = &entry[P]{namespace: ns}
		t.entries[ns.Key()] = e
		for w := range t.watchers {
			w.NamespaceAdded(ns)
		}
	}
	if !slices.Contains(e.publishers, p) {
		e.publishers = append(e.publishers, p)
	}
}

// Remove notes that p no longer publishes ns.
func (t *Table[P]) Remove(ns wire.Namespace, p P) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entries[ns.Key()]
	if e == nil {
		return
	}
	e.publishers = slices.DeleteFunc(e.publishers, func(x P) bool { return x == p })
	if len(e.publishers) == 0 {
		delete(t.entries, ns.Key())
		for w := range t.watchers {
			w.NamespaceRemoved(ns)
		}
	}
}

// Match returns the publishers of ns and of its prefixes, the longest prefix first.
func (t *Table[P]) Match(ns wire.Namespace) []P {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []P
	for n := len(ns); n >= 0; n-- {
		if e := t.entries[ns[:n].Key()]; e != nil {
			for _, p := range e.publishers {
				if !slices.Contains(out, p) {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

// Count returns how many namespaces begin with a prefix.
func (t *Table[P]) Count(prefix wire.Namespace) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, e := range t.entries {
		if e.namespace.HasPrefix(prefix) {
			n++
		}
	}
	return n
}

// Namespaces returns what is announced, sorted.
func (t *Table[P]) Namespaces() []wire.Namespace {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []wire.Namespace
	for _, key := range slices.Sorted(maps.Keys(t.entries)) {
		out = append(out, t.entries[key].namespace)
	}
	return out
}

// Watch tells w of all namespaces, those that are there first, until stop.
func (t *Table[P]) Watch(w Events) (stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watchers[w] = struct{}{}
	for _, key := range slices.Sorted(maps.Keys(t.entries)) {
		w.NamespaceAdded(t.entries[key].namespace)
	}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.watchers, w)
	}
}
