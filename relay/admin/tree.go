package admin

import (
	"cmp"
	"fmt"
	"net/http"

	"moqedge/relay"
	"moqedge/relay/topology"
)

// maxDrawn bounds the nodes of the picture.
const maxDrawn = 48

// treePolicy lets the picture have the styles that are in it, and nothing else.
const treePolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

func (s *Server) serveTree(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Content-Security-Policy", treePolicy)
	title := "As " + s.title() + " sees it"
	_, _ = w.Write([]byte(topology.Build(s.tree()).Picture(title))) // who asked is gone otherwise
}

func (s *Server) title() string { return cmp.Or(s.config.Name, s.config.Relay.ID()) }

// drawing is the tree as it is put together: nodes by the IDs of relays.
type drawing struct {
	nodes []topology.Node
	byID  map[string]int
}

// address is where the node of an index is reached in the drawing.
func address(i int) string { return fmt.Sprintf("node-%d.invalid:1", i) }

// node returns the index of a node; false means that there are enough.
func (d *drawing) node(id, name, region string) (int, bool) {
	if i, known := d.byID[id]; known && id != "" {
		return i, true
	}
	if len(d.nodes) >= maxDrawn {
		return 0, false
	}
	i := len(d.nodes)
	d.nodes = append(d.nodes, topology.Node{Name: name, ID: id, Region: region, Addresses: []string{address(i)}})
	if id != "" {
		d.byID[id] = i
	}
	return i, true
}

// connect has one node ask another, once.
func (d *drawing) connect(from, to int, u topology.Upstream) {
	u.URL = "moqt://" + address(to)
	for _, x := range d.nodes[from].Upstreams {
		if x.URL == u.URL {
			return
		}
	}
	d.nodes[from].Upstreams = append(d.nodes[from].Upstreams, u)
}

// tree is what this node knows of the tree: its links, and what is beyond them by the
// hops of namespaces.
func (s *Server) tree() []topology.Node {
	d := &drawing{byID: map[string]int{}}
	self, _ := d.node(s.config.Relay.ID(), s.title(), s.config.Region)
	d.nodes[self].Ingest = len(s.config.Ingests()) > 0
	now := s.pace.now()
	if f := s.delays(now).Forward; f.Samples > 0 {
		d.nodes[self].Note = "adds " + Latency(f.P50) + ", p99 " + Latency(f.P99)
	}
	for _, l := range s.links(now) {
		name := cmp.Or(l.Name, l.ID, "a relay")
		i, room := d.node(l.ID, name, l.Region)
		if !room || i == self {
			continue
		}
		u := topology.Upstream{Priority: l.Priority, Cost: l.Cost, Peer: l.Dialed && l.Peer, Note: note(l), Broken: l.State == "connecting"}
		if l.Dialed {
			u.Name = name
			d.connect(self, i, u)
		} else {
			u.Name = s.title()
			d.connect(i, self, u)
		}
	}
	for _, route := range s.config.Relay.Routes(nil, maxLimit) {
		d.follow(self, route)
	}
	return d.nodes
}

// follow adds the relays that a way leads through.
func (d *drawing) follow(self int, r relay.RouteStatus) {
	from := -1
	for _, id := range r.Hops {
		i, room := d.node(id, id, "")
		if !room || i == self {
			return
		}
		if from >= 0 {
			d.connect(from, i, topology.Upstream{Name: d.nodes[i].Name})
		}
		from = i
	}
}

// note is what the picture says of a link.
func note(l Link) string {
	if l.State != "connected" {
		return l.State
	}
	in, out := value(l.BitsIn), value(l.BitsOut)
	if l.BitsIn == nil {
		return Latency(l.RTT)
	}
	return Latency(l.RTT) + " ↓" + Bits(in) + " ↑" + Bits(out)
}
