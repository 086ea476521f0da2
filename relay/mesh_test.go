package relay_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// mesh is relays called a, b, c, ... and links between them that can be cut.
type mesh struct {
	*network
	nodes []*node
	edges []*edge
}

// edge is a link: from connects to to.
type edge struct {
	from, to int
	cost     uint32
	draft    string
	mesh     *mesh

	mu   sync.Mutex
	down bool
	host net.Addr // of the connection
}

// newMesh starts n relays with the given links. configure may change their configurations.
func newMesh(t *testing.T, n int, edges []*edge, configure func(i int, c *relay.Config)) *mesh {
	t.Helper()
	m := &mesh{network: newNetwork(t, 5*time.Millisecond, 0), edges: edges}
	sockets := make([]*net.UDPAddr, n)
	for i := range sockets {
		sockets[i] = &net.UDPAddr{IP: m.nextIP(), Port: 4443}
	}
	for i := range n {
		m.nodes = append(m.nodes, m.start(i, sockets, configure))
	}
	t.Cleanup(m.close)
	return m
}

func (m *mesh) close() {
	for _, x := range m.nodes {
		x.close()
	}
}

func nameOf(i int) string { return string(rune('a' + i)) }

func (m *mesh) start(i int, sockets []*net.UDPAddr, configure func(int, *relay.Config)) *node {
	m.t.Helper()
	c := relay.Config{Name: nameOf(i), ID: nameOf(i), Logger: quiet(), Linger: time.Second, Advertise: relay.Advertise{URL: "moqt://" + sockets[i].String()}}
	for _, e := range m.edges {
		if e.from == i {
			e.mesh = m
			c.Upstreams = append(c.Upstreams, relay.Upstream{
				Name: nameOf(e.to), URL: "moqt://" + sockets[e.to].String(), Cost: e.cost, Peer: true,
				Refresh: func(_ context.Context, d *transport.DialConfig) error {
					e.dial(d, sockets[e.to])
					return nil
				},
			})
		}
	}
	if configure != nil {
		configure(i, &c)
	}
	return m.serve(relay.New(c), m.endpointAt(sockets[i]))
}

func (e *edge) dial(d *transport.DialConfig, to *net.UDPAddr) {
	host := e.mesh.endpoint()
	d.Fingerprints, d.PacketConn, d.RemoteAddr = [][32]byte{e.mesh.certs.Fingerprint()}, host, to
	d.HandshakeTimeout = 2 * time.Second
	if e.draft != "" {
		d.Versions = []string{e.draft}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.host = host.LocalAddr()
	e.mesh.router.setCut(e.host, e.down)
}

// cut takes a link down without a word, or lets it come back.
func (e *edge) cut(down bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down = down
	if e.host != nil {
		e.mesh.router.setCut(e.host, down)
	}
}

// announce publishes namespaces at a relay until the returned function is called.
func (m *mesh) announce(at int, names ...string) (withdraw func()) {
	m.t.Helper()
	s := m.client(m.nodes[at], nil)
	for _, name := range names {
		if _, err := s.PublishNamespace(context.Background(), wire.Namespace{name}); err != nil {
			m.t.Fatal(err)
		}
	}
	return func() { closeSession(s) }
}

// way is the best route of a relay to a namespace: "" when there is none.
func (m *mesh) way(at int, name string) string {
	routes := m.nodes[at].Routes(wire.Namespace{name}, 1)
	if len(routes) == 0 {
		return ""
	}
	r := routes[0]
	out := fmt.Sprintf("%d %s", r.Cost, strings.Join(r.Hops, ">"))
	if r.Held {
		out += " held"
	}
	return out
}

// want is the cheapest, then shortest, then first of all paths without a circle
// over the links that are up from a relay to one of those that have a namespace.
func (m *mesh) want(at int, holders []int) string {
	type path struct {
		cost int
		hops []string
	}
	var best *path
	var walk func(i int, p path, seen []bool)
	walk = func(i int, p path, seen []bool) {
		if slices.Contains(holders, i) {
			if best == nil || cmp.Or(cmp.Compare(p.cost, best.cost), cmp.Compare(len(p.hops), len(best.hops)), slices.Compare(p.hops, best.hops)) < 0 {
				best = &path{p.cost, slices.Clone(p.hops)}
			}
		}
		for _, e := range m.edges {
			for _, step := range [][2]int{{e.from, e.to}, {e.to, e.from}} {
				if to := step[1]; step[0] == i && !e.down && !seen[to] {
					seen[to] = true
					walk(to, path{p.cost + int(e.cost), append(slices.Clone(p.hops), nameOf(to))}, seen)
					seen[to] = false
				}
			}
		}
	}
	seen := make([]bool, len(m.nodes))
	seen[at] = true
	walk(at, path{}, seen)
	if best == nil {
		return ""
	}
	return fmt.Sprintf("%d %s", best.cost, strings.Join(best.hops, ">"))
}

// check compares the routes of all relays with the shortest paths.
func (m *mesh) check(holders map[string][]int) {
	m.t.Helper()
	for name, at := range holders {
		for i := range m.nodes {
			if got, want := m.way(i, name), m.want(i, at); got != want {
				m.t.Errorf("relay %s: the route to %s is %q, want %q", nameOf(i), name, got, want)
			}
		}
	}
}

// settle waits until links that broke or came back are noticed and what was held is
// forgotten. The time is virtual.
func settle() { time.Sleep(30 * time.Second) }

var shapes = map[string]struct {
	relays int
	edges  func() []*edge
}{
	"chain": {4, func() []*edge {
		return []*edge{{from: 0, to: 1, cost: 1}, {from: 1, to: 2, cost: 1}, {from: 2, to: 3, cost: 1}}
	}},
	"ring": {5, func() []*edge {
		return []*edge{{from: 0, to: 1, cost: 1}, {from: 1, to: 2, cost: 1}, {from: 2, to: 3, cost: 1}, {from: 3, to: 4, cost: 1}, {from: 4, to: 0, cost: 1}}
	}},
	"diamond": {4, func() []*edge {
		return []*edge{{from: 0, to: 1, cost: 1}, {from: 0, to: 2, cost: 1}, {from: 1, to: 3, cost: 1}, {from: 2, to: 3, cost: 1}}
	}},
	"diamond with a cheap side": {4, func() []*edge {
		return []*edge{{from: 0, to: 1, cost: 9}, {from: 0, to: 2, cost: 1}, {from: 1, to: 3, cost: 1}, {from: 2, to: 3, cost: 5}}
	}},
	"star": {6, func() []*edge {
		return []*edge{{from: 1, to: 0, cost: 1}, {from: 2, to: 0, cost: 2}, {from: 3, to: 0, cost: 3}, {from: 4, to: 0, cost: 4}, {from: 5, to: 0, cost: 5}}
	}},
	"all with all": {4, func() []*edge {
		return []*edge{{from: 0, to: 1, cost: 1}, {from: 0, to: 2, cost: 1}, {from: 0, to: 3, cost: 1}, {from: 1, to: 2, cost: 1}, {from: 1, to: 3, cost: 1}, {from: 2, to: 3, cost: 1}}
	}},
}

// TestShapes: namespaces announced anywhere are known everywhere by the shortest
// path, also when two relays have the same one and one of them loses it, and are
// gone everywhere in the end; over links of several drafts.
func TestShapes(t *testing.T) {
	drafts := []string{"moqt-18", "moqt-16", "moqt-22", "moqt-19"}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				edges := shape.edges()
				for i, e := range edges {
					e.draft = drafts[i%len(drafts)]
				}
				m := newMesh(t, shape.relays, edges, nil)
				time.Sleep(2 * time.Second)
				last := shape.relays - 1
				first := m.announce(0, "x", "both")
				second := m.announce(last, "y", "both")
				time.Sleep(time.Second)
				m.check(map[string][]int{"x": {0}, "y": {last}, "both": {0, last}})
				first()
				time.Sleep(time.Second)
				m.check(map[string][]int{"x": nil, "y": {last}, "both": {last}})
				second()
				time.Sleep(time.Second)
				m.check(map[string][]int{"x": nil, "y": nil, "both": nil})
			})
		})
	}
}

// TestRandomTopologies lets links of random topologies break without a word and
// come back: each time all has settled, every relay's routes are the shortest
// paths, and in the end nothing is left.
func TestRandomTopologies(t *testing.T) {
	t.Parallel() // virtual time
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 7))
				relays := 3 + random.IntN(5)
				var edges []*edge
				for i := 1; i < relays; i++ { // connected, and some more
					edges = append(edges, &edge{from: i, to: random.IntN(i), cost: 1 + random.Uint32N(5)})
				}
				for range relays {
					a, b := random.IntN(relays), random.IntN(relays)
					known := func(e *edge) bool { return e.from == a && e.to == b || e.from == b && e.to == a }
					if a != b && !slices.ContainsFunc(edges, known) {
						edges = append(edges, &edge{from: a, to: b, cost: 1 + random.Uint32N(5)})
					}
				}
				for _, e := range edges {
					e.draft = []string{"moqt-18", "moqt-16", "moqt-22"}[random.IntN(3)]
				}
				m := newMesh(t, relays, edges, nil)
				holders := map[string][]int{"x": {random.IntN(relays)}, "y": {0, relays - 1}}
				var withdraw []func()
				for name, at := range holders {
					for _, i := range at {
						withdraw = append(withdraw, m.announce(i, name))
					}
				}
				settle()
				m.check(holders)
				for range 6 {
					for range 1 + random.IntN(2) {
						e := edges[random.IntN(len(edges))]
						e.cut(!e.down)
						time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
					}
					settle()
					m.check(holders)
				}
				for _, f := range withdraw {
					f()
				}
				for _, e := range edges {
					e.cut(false)
				}
				settle()
				m.check(map[string][]int{"x": nil, "y": nil})
			})
		})
	}
}

// TestRelayDiesWithoutAWord: what was had by way of a relay that is gone is had by
// another way at once when it is noticed, and what it alone had is withdrawn everywhere.
func TestRelayDiesWithoutAWord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		// a - b - d and a - c - d; x is at d, y at b.
		edges := []*edge{{from: 0, to: 1, cost: 1}, {from: 0, to: 2, cost: 2}, {from: 1, to: 3, cost: 1}, {from: 2, to: 3, cost: 1}}
		m := newMesh(t, 4, edges, nil)
		time.Sleep(time.Second)
		defer m.announce(3, "x")()
		gone := m.announce(1, "y")
		defer gone()
		time.Sleep(time.Second)
		if got := m.way(0, "x"); got != "2 b>d" {
			t.Fatalf("before: %q", got)
		}
		m.router.setCut(m.nodes[1].socket.LocalAddr(), true)
		for _, e := range edges {
			if e.from == 1 || e.to == 1 {
				e.cut(true)
			}
		}
		time.Sleep(9 * time.Second)
		if got := m.way(0, "x"); got != "3 c>d" {
			t.Errorf("9 s after: %q", got)
		}
		if got := m.way(2, "y"); got != "" && !strings.Contains(got, "held") {
			t.Errorf("what the relay had is shown as if it worked: %q", got)
		}
		time.Sleep(7 * time.Second)
		for _, i := range []int{0, 2, 3} {
			if got := m.way(i, "y"); got != "" {
				t.Errorf("relay %s still has %q", nameOf(i), got)
			}
		}
	})
}

// TestPublisherAnywhere: a subscriber at any relay gets a track whose publisher is
// at any other, announced or not, and the relays on the way are those of the route.
func TestPublisherAnywhere(t *testing.T) {
	for _, announced := range []bool{true, false} {
		t.Run(fmt.Sprint(announced), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				edges := []*edge{
					{from: 1, to: 0, cost: 1, draft: "moqt-16"}, {from: 2, to: 0, cost: 1}, {from: 3, to: 1, cost: 1},
					{from: 4, to: 2, cost: 1, draft: "moqt-22"}, {from: 3, to: 4, cost: 9},
				}
				m := newMesh(t, 5, edges, nil)
				time.Sleep(time.Second)
				source := moq.NewOrigin()
				track := live.NewTrack(camera, live.Options{})
				source.AddTrack(track)
				publisher := m.client(m.nodes[3], source)
				defer closeSession(publisher)
				if announced {
					if _, err := publisher.PublishNamespace(t.Context(), camera.Namespace); err != nil {
						t.Fatal(err)
					}
				} else {
					if _, err := publisher.Publish(t.Context(), track, moq.PublishOptions{}); err != nil {
						t.Fatal(err)
					}
				}
				ctx, cancel := context.WithCancel(t.Context())
				produced := make(chan struct{})
				go func() { defer close(produced); produce(ctx, t, track, 30, time.Second/30, 100) }()
				defer func() { cancel(); <-produced }()
				time.Sleep(time.Second)
				for _, at := range []int{4, 0, 3, 1, 2} {
					if err := watch(t, m.network, m.nodes[at], 40); err != nil {
						t.Errorf("at %s: %v", nameOf(at), err)
					}
					time.Sleep(8 * time.Second) // until no relay has the track any more
				}
				if got := m.nodes[4].Stats().Subscriptions; got > 1 {
					t.Errorf("the far relay serves %d subscriptions", got)
				}
			})
		})
	}
}
