package route

import (
	"slices"
	"testing"

	"moqedge/moq/wire"
)

type events []string

func (e *events) NamespaceAdded(ns wire.Namespace)   { *e = append(*e, "+"+ns.String()) }
func (e *events) NamespaceRemoved(ns wire.Namespace) { *e = append(*e, "-"+ns.String()) }

func TestTable(t *testing.T) {
	table := NewTable[string]()
	var early, late events
	table.Watch(&early)
	ab, abc, abd := wire.Namespace{"a", "b"}, wire.Namespace{"a", "bc"}, wire.Namespace{"a", "b", "d"}
	table.Add(ab, "one")
	table.Add(ab, "one")
	table.Add(ab, "two")
	table.Add(abd, "three")
	table.Add(abc, "four")
	table.Add(wire.Namespace{}, "all")
	stop := table.Watch(&late)
	for _, x := range []struct {
		name wire.Namespace
		want []string
	}{
		{ab, []string{"one", "two", "all"}},
		{wire.Namespace{"a", "b", "d", "e"}, []string{"three", "one", "two", "all"}},
		{wire.Namespace{"a", "bc"}, []string{"four", "all"}},
		{wire.Namespace{"a"}, []string{"all"}},
	} {
		if got := table.Match(x.name); !slices.Equal(got, x.want) {
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
	slices.Sort(late)
	if want := (events{"+", "+a-b", "+a-b-d", "+a-bc", "-a-b"}); !slices.Equal(late, want) {
		t.Errorf("watched later: %v, want %v", late, want)
	}
	if got := len(table.Namespaces()); got != 2 {
		t.Errorf("%d namespaces left, want 2", got)
	}
}
