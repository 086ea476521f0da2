package relay_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"moqedge/relay"
)

// branch is a way from a publisher to an edge: an origin and relays below it.
type branch struct {
	origin  *member
	relays  []*member // the last one is an upstream of the edge
	watched int       // subscriptions of others at that one
}

// feeds is how many subscriptions the edge has at its lowest relay.
func (b *branch) feeds() int {
	return int(b.lowest().Stats().Subscriptions) - b.watched
}

func (b *branch) lowest() *member { return b.relays[len(b.relays)-1] }

// tree is an edge below branches.
type tree struct {
	*world
	branches []*branch
	edge     *member
	all      []*production
}

// cascade is a kind of tree in which origins die, or the links to them, while the
// relays that the edge knows live on.
type cascade struct {
	name     string
	branches int
	depth    int  // relays of a branch below its origin
	shared   int  // how many of the branches, from the first on, have the same origin
	onDemand bool // nobody announces anything to anybody: upstreams are asked by default
	draft    string
}

func (c cascade) grow(w *world) *tree {
	w.onDemand, w.draft = c.onDemand, c.draft
	x := &tree{world: w}
	var upstreams []*member
	for i := range c.branches {
		b := &branch{}
		if i > 0 && i < c.shared {
			b.origin = x.branches[0].origin
		} else {
			b.origin = w.add(fmt.Sprintf("origin %d", i), relay.Config{})
		}
		above := b.origin
		for k := range c.depth {
			above = w.add(fmt.Sprintf("relay %d.%d", i, k), relay.Config{}, above)
			b.relays = append(b.relays, above)
		}
		x.branches = append(x.branches, b)
		upstreams = append(upstreams, above)
	}
	x.edge = w.add("edge", relay.Config{}, upstreams...)
	return x
}

// publish has productions at every origin.
func (x *tree) publish(all ...*production) {
	x.all = all
	known := map[*member]bool{}
	for _, b := range x.branches {
		if !known[b.origin] {
			known[b.origin] = true
			x.later(x.world.publish(b.origin, all...))
		}
	}
}

// settle waits until every relay has what is above it, and the publishers are back.
func (x *tree) settle() {
	x.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		ready := x.onDemand || x.edge.connections() == len(x.branches)
		below := map[*member]int64{}
		for _, b := range x.branches {
			below[b.origin]++
		}
		for _, b := range x.branches {
			ready = ready && b.origin.up && b.origin.isPublishedAt()
			ready = ready && (x.onDemand || b.origin.Stats().Sessions > below[b.origin]) // the publisher too
			for _, m := range b.relays {
				ready = ready && (x.onDemand || m.connections() > 0)
			}
		}
		if ready {
			return
		}
		if time.Now().After(deadline) {
			x.t.Fatal("the tree does not come up")
		}
	}
}

// connections is how many upstreams a relay is connected to.
func (m *member) connections() (n int) {
	for _, l := range m.Links() {
		if l.Dialed && l.State == "connected" {
			n++
		}
	}
	return n
}

// isPublishedAt reports whether a publisher is connected to a relay.
func (m *member) isPublishedAt() bool {
	return slices.ContainsFunc(m.Routes(nil, 0), func(r relay.RouteStatus) bool { return r.Via == "publisher" })
}

// active is the branch that the edge has its tracks from.
func (x *tree) active() *branch {
	x.t.Helper()
	most := x.branches[0]
	for _, b := range x.branches {
		if b.feeds() > most.feeds() {
			most = b
		}
	}
	if most.feeds() == 0 {
		x.t.Fatal("nobody feeds the edge")
	}
	return most
}

const deathLink death = "link cut" // both ends of a link live

// unnoticed is how long a link may be silent before that is noticed, for sure; what
// comes by datagrams meanwhile is lost when the link is back before.
const unnoticed = 700 * time.Millisecond

// inFlight is how long before a pause, and behind it, datagrams may have been
// published that it took.
const inFlight = 100 * time.Millisecond

// strand takes what is above a branch away, until the returned function is called.
func (x *tree) strand(b *branch, d death) (restore func()) {
	if d != deathLink {
		b.origin.kill(d)
		return b.origin.revive
	}
	from := time.Now()
	b.relays[0].sever(true)
	return func() {
		b.relays[0].sever(false)
		if time.Since(from) > unnoticed {
			return
		}
		for _, p := range x.all {
			p.lose(from.Add(-inFlight), time.Now().Add(inFlight))
		}
	}
}

// TestStrandedRelays: relays that the edge has its tracks from live, but lose what is
// above them, at any time and in any way, and get it back. The edge has its tracks
// from another one within a second, and its subscribers every object once. So have,
// later, those of the relay that lost them. Only datagrams that a link lost without
// anybody noticing are lost.
func TestStrandedRelays(t *testing.T) {
	kills := 8
	strikes := append(append([]death{}, deaths...), deathLink)
	if raced {
		kills = len(strikes)
	}
	var table strings.Builder
	for n, c := range []cascade{
		{name: "two", branches: 2, depth: 1},
		{name: "two below one origin", branches: 2, depth: 1, shared: 2},
		{name: "chains", branches: 2, depth: 2},
		{name: "long chains", branches: 2, depth: 3},
		{name: "by default", branches: 2, depth: 1, onDemand: true},
		{name: "chains by default", branches: 2, depth: 2, onDemand: true},
		{name: "draft 16", branches: 2, depth: 1, draft: "moqt-16"},
		{name: "two of three", branches: 3, depth: 1, shared: 2},
		{name: "two chains of three", branches: 3, depth: 2, shared: 2},
	} {
		if raced && n%3 != 1 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, uint64(n))
				defer w.close()
				x := c.grow(w)
				all := productions()
				x.publish(all...)
				finish := w.start(all...)
				x.settle()
				witnesses := w.witnesses(2, x.edge, all...)
				below := w.witnesses(1, x.branches[0].lowest(), all...)
				x.branches[0].watched = len(below[0].tracks)
				time.Sleep(time.Second)
				worst := map[death]time.Duration{}
				for i := range kills {
					d := strikes[i%len(strikes)]
					x.settle()
					b := x.active()
					if b.origin == x.branches[0].origin && c.shared == c.branches && d != deathLink {
						d = deathLink // of the only origin there is
					}
					for _, v := range witnesses {
						v.silence()
					}
					time.Sleep(upTo(w.random, time.Second))
					restore := x.strand(b, d)
					time.Sleep(300*time.Millisecond + upTo(w.random, 4*time.Second))
					restore()
					time.Sleep(1500 * time.Millisecond)
					for n, v := range witnesses {
						silence, of := v.silence()
						worst[d] = max(worst[d], silence)
						if silence >= maxSilence {
							t.Errorf("kill %d (%s): witness %d was without %s for %v", i, d, n, of, silence)
						}
					}
				}
				for _, d := range strikes {
					fmt.Fprintf(&table, "%-24s %-20s %v\n", c.name, d, worst[d].Round(time.Millisecond))
				}
				finish()
				time.Sleep(5 * time.Second)
				check(t, append(witnesses, below...))
			})
		})
	}
	t.Logf("longest silence by tree and kind of death:\n%s", &table)
}
