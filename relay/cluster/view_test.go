package cluster

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"moqedge/moq/wire"
	"moqedge/relay"
)

// told is a relay.DirectoryEvents that writes down.
type told []string

func (e *told) NodeUp(n relay.Node)  { *e = append(*e, "up "+n.ID+n.Region) }
func (e *told) NodeDown(id string)   { *e = append(*e, "down "+id) }
func (e *told) take() (out []string) { out, *e = *e, nil; slices.Sort(out); return out }
func (e *told) NodeNamespaceAdded(id string, ns wire.Namespace, hidden bool) {
	*e = append(*e, map[bool]string{false: "+", true: "?"}[hidden]+id+" "+ns.String())
}
func (e *told) NodeNamespaceRemoved(id string, ns wire.Namespace) {
	*e = append(*e, "-"+id+" "+ns.String())
}

// script is a view that words act on, so that a case is a list of steps.
type script struct {
	*view
	now  time.Time
	told told
}

func newScript(limit int) *script {
	s := &script{now: time.Unix(1000, 0)}
	s.view = newView("me", Config{Lease: 4 * time.Second, MaxNamespaces: limit, Logger: slog.New(slog.DiscardHandler)}, &s.told)
	return s
}

// do runs a step: begin, end, freeze, thaw, tick, SECONDS, lease ID [REGION],
// incomplete ID, expired ID, left ID, name ID NS, hidden ID NS, unname ID NS.
func (s *script) do(step string) {
	f := append(strings.Fields(step), "", "")
	key := digestOf(wire.Namespace{f[2]})
	l := lease{node: relay.Node{ID: f[1], Region: f[2]}, complete: true}
	switch f[0] {
	case "begin":
		s.begin()
	case "end":
		s.end()
	case "freeze":
		s.freeze()
	case "thaw":
		s.thaw(s.now)
	case "lease":
		s.alive(f[1], l, s.now)
	case "incomplete":
		l.complete = false
		s.alive(f[1], l, s.now)
	case "expired":
		s.expired(f[1])
	case "left":
		s.left(f[1])
	case "name":
		s.named(f[1], key, holding{namespace: wire.Namespace{f[2]}})
	case "hidden":
		s.named(f[1], key, holding{wire.Namespace{f[2]}, true})
	case "unname":
		s.unnamed(f[1], key)
	default:
		d, err := time.ParseDuration(f[0])
		if err != nil {
			panic(step)
		}
		s.now = s.now.Add(d)
		s.tick(s.now)
	}
}

func TestView(t *testing.T) {
	const read = "begin; lease a; name a x; name a y; end; thaw"
	for _, c := range []struct {
		name, steps string
		want        string // what was told after the |, sorted
	}{
		{"a namespace without a relay is not shown", "begin; name a x; end; thaw", ""},
		{"a relay comes with what it has", "begin; name a x; end; thaw; | lease a", "+a x, up a"},
		{"nothing changes", read + "; | lease a; name a x", ""},
		{"a relay changes", read + "; | lease a moved", "up amoved"},
		{"a relay falls silent", read + "; 2s; lease a; 3.9s; | 100ms", "-a x, -a y, down a"},
		{"its lease was renewed", read + "; 2s; lease a; | 3.9s", ""},
		{"its lease expired", read + "; | expired a", "-a x, -a y, down a"},
		{"it left", read + "; | left a", "-a x, -a y, down a"},
		{"it returns", read + "; expired a; | lease a", "+a x, +a y, up a"},
		{"a namespace ends", read + "; | unname a x", "-a x"},
		{"a namespace of a dead relay ends", read + "; expired a; unname a x; | lease a", "+a y, up a"},
		{"an outage: nobody is dead", read + "; | freeze; 1h", ""},
		{"an outage: leases expire unseen", read + "; | freeze; 10s; expired a", ""},
		{"but who leaves has left", read + "; | freeze; left a", "-a x, -a y, down a"},
		{"no outage, and the relay is dead", read + "; | 1h", "-a x, -a y, down a"},
		{"after it the relay returns in time", read + "; freeze; 1h; | begin; end; thaw; 7s; name a x; name a y; lease a; 3s", ""},
		{"after it the relay does not return", read + "; freeze; 1h; begin; end; thaw; 7s; | 1s", "-a x, -a y, down a"},
		{"after it a namespace is missing", read + "; freeze; | begin; lease a; name a x; end", "-a y"},
		{"but may be on its way", read + "; freeze; | begin; incomplete a; end; thaw", ""},
		{"until the relay has written all", read + "; freeze; begin; incomplete a; end; thaw; name a y; | lease a", "-a x"},
		{"the lease is read before the namespaces", read + "; freeze; | begin; lease a; name a y; name a x; end", ""},
		{"this relay is not told of itself", "begin; lease me; name me x; end; thaw; | lease me; 1h", ""},
		{"a namespace is hidden", read + "; | hidden a x; name a y", "?a x"},
		{"more than the limit", "begin; lease a; end; thaw; name a x; name a y; | name a z", ""},
		{"below the limit again", read + "; unname a x; | name a z", "+a z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(2)
			before, after, marked := strings.Cut(c.steps, "|")
			if !marked {
				before, after = "", c.steps
			}
			run := func(steps string) {
				for _, step := range strings.Split(steps, ";") {
					if step = strings.TrimSpace(step); step != "" {
						s.do(step)
					}
				}
			}
			run(before)
			s.told.take()
			run(after)
			if got := strings.Join(s.told.take(), ", "); got != c.want {
				t.Errorf("told %q, want %q", got, c.want)
			}
			relays, shown, held := 0, 0, 0
			for _, m := range s.members {
				if m.up {
					relays++
					shown += len(m.names)
				}
				if m.id != "me" {
					held += len(m.names)
				}
			}
			if relays != s.relays || shown != s.shown || held != s.namespaces {
				t.Errorf("counts %d relays, %d shown, %d held; there are %d, %d, %d", s.relays, s.shown, s.namespaces, relays, shown, held)
			}
		})
	}
}

// What is over is forgotten: a view does not grow with relays that come and go.
func TestViewForgets(t *testing.T) {
	s := newScript(100)
	for i := range 1000 {
		a, b, c := fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i), fmt.Sprintf("c%d", i)
		s.do("begin")
		for _, id := range []string{a, b, c} {
			s.do("lease " + id)
			s.do("name " + id + " x")
		}
		s.do("end")
		s.do("thaw")
		s.do("left " + a)
		s.do("unname " + a + " x")
		s.do("unname " + b + " x")
		s.do("expired " + b)
		s.do("expired " + c) // its namespaces are not in the next reading
	}
	s.do("begin")
	s.do("end")
	if len(s.members) != 0 || s.namespaces != 0 {
		t.Errorf("%d relays and %d namespaces are left", len(s.members), s.namespaces)
	}
}
