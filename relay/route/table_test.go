package route

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"moqedge/moq/wire"
)

type events []string

func (e *events) NamespaceAdded(ns wire.Namespace)   { *e = append(*e, "+"+ns.String()) }
func (e *events) NamespaceRemoved(ns wire.Namespace) { *e = append(*e, "-"+ns.String()) }

func by(via string) Route[string] { return Route[string]{Via: via} }

func vias(routes []Route[string]) []string {
	var out []string
	for _, r := range routes {
		out = append(out, r.Via)
	}
	return out
}

func TestTable(t *testing.T) {
	table := NewTable[string]()
	var early, late, part events
	table.Watch(nil, &early)
	ab, abc, abd := wire.Namespace{"a", "b"}, wire.Namespace{"a", "bc"}, wire.Namespace{"a", "b", "d"}
	stopPart := table.Watch(ab, &part)
	table.Set(ab, by("one"))
	table.Set(ab, by("one"))
	table.Set(ab, Route[string]{Via: "two", Cost: 1})
	table.Set(abd, by("three"))
	table.Set(abc, by("four"))
	table.Set(wire.Namespace{}, by("all"))
	stop := table.Watch(nil, &late)
	for _, x := range []struct {
		name wire.Namespace
		want []string
	}{
		{ab, []string{"one", "two", "all"}},
		{wire.Namespace{"a", "b", "d", "e"}, []string{"three", "one", "two", "all"}},
		{wire.Namespace{"a", "bc"}, []string{"four", "all"}},
		{wire.Namespace{"a"}, []string{"all"}},
	} {
		if got := vias(table.Match(x.name)); !slices.Equal(got, x.want) {
			t.Errorf("%s: got %v, want %v", x.name, got, x.want)
		}
	}
	for prefix, want := range map[string]int{"": 4, "a": 3, "b": 0} {
		ns := wire.Namespace{}
		if prefix != "" {
			ns = wire.Namespace{prefix}
		}
		if got := table.Count(ns); got != want {
			t.Errorf("%d namespaces below %q, want %d", got, prefix, want)
		}
	}
	table.Remove(ab, "one")
	table.Remove(ab, "one")
	table.Remove(ab, "two")
	stop()
	table.Remove(abc, "four")
	if want := (events{"+a-b", "+a-b-d", "+a-bc", "+", "-a-b", "-a-bc"}); !slices.Equal(early, want) {
		t.Errorf("watched from the start: %v, want %v", early, want)
	}
	if want := (events{"+", "+a-b", "+a-b-d", "+a-bc", "-a-b"}); !slices.Equal(late, want) {
		t.Errorf("watched later: %v, want %v", late, want)
	}
	if want := (events{"+a-b", "+a-b-d", "-a-b"}); !slices.Equal(part, want) {
		t.Errorf("watched below a-b: %v, want %v", part, want)
	}
	if got := table.Count(nil); got != 2 {
		t.Errorf("%d namespaces left, want 2", got)
	}
	stopPart()
	table.Remove(abd, "three")
	if len(table.root.below) != 0 {
		t.Error("nodes are left that nothing uses")
	}
}

// TestOrder: each route is worse than the one before it, whatever the order in
// which they come.
func TestOrder(t *testing.T) {
	sorted := []Route[int]{
		{Cost: 0},
		{Cost: 1, Hops: []string{"z"}},
		{Cost: 2, Hops: []string{"z"}},
		{Cost: 2, Hops: []string{"a", "a"}},
		{Cost: 2, Hops: []string{"a", "b"}},
		{Cost: 2, Hops: []string{"a", "b"}, Rank: 1},
		{Cost: 1, Hops: []string{"a"}, Hidden: true},
		{Cost: 1, Hops: []string{"a"}, Held: true},
		{Cost: 1, Hops: []string{"a"}, Held: true, Hidden: true},
	}
	for i := range sorted {
		sorted[i].Via = i
	}
	ns := wire.Namespace{"x"}
	for range 20 {
		table := NewTable[int]()
		for _, i := range rand.Perm(len(sorted)) {
			table.Set(ns, sorted[i])
		}
		for i, r := range table.Routes(ns) {
			if r.Via != i {
				t.Fatalf("route %d is in place %d", r.Via, i)
			}
		}
	}
}

// TestHidden: a namespace that nobody announced is found and not told of.
func TestHidden(t *testing.T) {
	table := NewTable[string]()
	var told events
	table.Watch(nil, &told)
	ns := wire.Namespace{"x"}
	hidden := by("one")
	hidden.Hidden = true
	table.Set(ns, hidden)
	if len(told) != 0 || table.Count(nil) != 0 || len(table.Match(ns)) != 1 {
		t.Errorf("told %v, counted %d", told, table.Count(nil))
	}
	table.Set(ns, by("two"))
	table.Remove(ns, "one")
	table.Set(ns, hidden)
	table.Remove(ns, "two")
	if want := (events{"+x", "-x"}); !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

// TestWatchRoutes: every change of routes is told, and no other.
func TestWatchRoutes(t *testing.T) {
	table := NewTable[string]()
	a, b := wire.Namespace{"a"}, wire.Namespace{"b"}
	table.Set(a, by("one"))
	var told []string
	stop := table.WatchRoutes(nil, func(ns wire.Namespace) { told = append(told, ns.String()) })
	table.Set(a, by("one"))
	table.Set(a, by("two"))
	table.Set(b, by("one"))
	table.Set(b, Route[string]{Via: "one", Cost: 3})
	table.Remove(b, "one")
	table.Remove(b, "one")
	stop()
	table.Remove(a, "one")
	if want := []string{"a", "a", "b", "b", "b"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

// TestTableAgainstList compares the table with a plain list after random changes.
func TestTableAgainstList(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	type key struct {
		ns  string
		via int
	}
	table, list := NewTable[int](), map[key]wire.Namespace{}
	for range 5000 {
		ns := wire.Namespace{}
		for range random.IntN(4) {
			ns = append(ns, string(rune('a'+random.IntN(3))))
		}
		via := random.IntN(3)
		if random.IntN(2) == 0 {
			table.Set(ns, Route[int]{Via: via, Cost: random.Uint64N(4)})
			list[key{ns.Key(), via}] = ns
		} else {
			table.Remove(ns, via)
			delete(list, key{ns.Key(), via})
		}
		below, match := map[string]bool{}, map[int]bool{}
		for k, x := range list {
			if x.HasPrefix(ns) {
				below[x.Key()] = true
			}
			if ns.HasPrefix(x) {
				match[k.via] = true
			}
		}
		if got := table.Count(ns); got != len(below) {
			t.Fatalf("%d namespaces below %v, want %d", got, ns, len(below))
		}
		if got := table.Match(ns); len(got) != len(match) {
			t.Fatalf("%d routes to %v, want %d", len(got), ns, len(match))
		}
	}
}

// full is a table of 100,000 namespaces of four fields.
func full() (*Table[int], []wire.Namespace) {
	table := NewTable[int]()
	names := make([]wire.Namespace, 100_000)
	for i := range names {
		names[i] = wire.Namespace{"example.com", fmt.Sprintf("region-%d", i%10), fmt.Sprintf("customer-%d", i/100), fmt.Sprintf("event-%d", i)}
		table.Set(names[i], Route[int]{Via: 1, Cost: 1})
		table.Set(names[i], Route[int]{Via: 2, Cost: 2})
	}
	return table, names
}

func BenchmarkMatch(b *testing.B) {
	table, names := full()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if len(table.Match(names[i%len(names)])) != 2 {
			b.Fatal("not found")
		}
	}
}

func BenchmarkSet(b *testing.B) {
	table, names := full()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		table.Set(names[i%len(names)], Route[int]{Via: 1, Cost: uint64(i)})
	}
}

type nobody struct{}

func (nobody) NamespaceAdded(wire.Namespace)   {}
func (nobody) NamespaceRemoved(wire.Namespace) {}

// BenchmarkAnnounce tells 100 watchers of a namespace that comes and goes.
func BenchmarkAnnounce(b *testing.B) {
	table, _ := full()
	for i := range 100 {
		table.Watch(wire.Namespace{"example.com"}[:i%2], nobody{})
	}
	ns := wire.Namespace{"example.com", "new"}
	for b.Loop() {
		table.Set(ns, Route[int]{Via: 1})
		table.Remove(ns, 1)
	}
}

func BenchmarkCount(b *testing.B) {
	table, _ := full()
	for b.Loop() {
		if table.Count(nil) != 100_000 {
			b.Fatal("miscounted")
		}
	}
}
