package topology

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"moqedge/moq/wire"
)

// Node is a relay as its configuration describes it.
type Node struct {
	// Name is for people, and a host name as well: an upstream whose host is it,
	// or begins with it and a dot, is this node, if the port is right.
	Name string
	// ID is that of hop lists; "" is random.
	ID string
	// Region for people; "" is none.
	Region string
	// Addresses are HOST:PORT at which it is reached. An empty host is all
	// addresses of the machine.
	Addresses []string
	// Ingest says that it takes publications itself.
	Ingest bool
	// Upstreams in the order of the configuration.
	Upstreams []Upstream
	// Note is written below it where a tree that runs is drawn.
	Note string
	// DrainTo is the URL of the relay that its clients are sent to; "" is none.
	DrainTo string
}

// Upstream is a relay that a Node names.
type Upstream struct {
	Name     string // "" is the URL
	URL      string
	Prefixes []wire.Namespace // that it is asked for; none: all
	Priority int
	Cost     uint32 // 0 means 1
	Peer     bool   // asked only for what it announced
	OnDemand bool   // connected when something is asked for
	Pins     []string
	// Note is written below it, and Broken says that there is no connection, where a
	// tree that runs is drawn.
	Note   string
	Broken bool
}

// Graph is the tree: nodes, and links from each to its upstreams. It is made by
// Build and not changed.
type Graph struct {
	nodes []*vertex // as given, then the external ones
	links []*link
	found []Finding // by Build
}

// vertex is a node of the graph.
type vertex struct {
	Node
	external bool    // no description is given of it
	up       []*link // in order
	down     []*link
}

// link leads from a node to one of its upstreams.
type link struct {
	Upstream
	from, to *vertex
	ring     bool // it is part of a ring
}

// covers reports whether an upstream is asked for a namespace by default.
func (l *link) covers(ns wire.Namespace) bool {
	if l.Peer {
		return false
	}
	return len(l.Prefixes) == 0 || slices.ContainsFunc(l.Prefixes, ns.HasPrefix)
}

// label is how people call the upstream.
func (l *link) label() string {
	if l.Name != "" {
		return l.Name
	}
	return l.to.Name
}

// source reports whether publishers are expected at a node: it takes
// publications, nothing is above it, or nobody knows.
func (v *vertex) source() bool {
	return v.external || v.Ingest || !slices.ContainsFunc(v.up, func(l *link) bool { return !l.Peer })
}

// Build makes the graph of some nodes. Upstreams at addresses that none of them
// has become external nodes. Names of nodes should differ.
func Build(nodes []Node) *Graph {
	g := &Graph{}
	for _, n := range nodes {
		g.nodes = append(g.nodes, &vertex{Node: n})
	}
	own := slices.Clone(g.nodes)
	external := make(map[string]*vertex)
	for _, v := range own {
		for _, u := range v.Upstreams {
			address := AddressOf(u.URL)
			to := g.resolve(v, own, u, address)
			if to == nil {
				if to = external[address]; to == nil {
					to = &vertex{Node: Node{Name: address, Addresses: []string{address}}, external: true}
					external[address] = to
					g.nodes = append(g.nodes, to)
				}
			}
			l := &link{Upstream: u, from: v, to: to}
			if l.Cost == 0 {
				l.Cost = 1
			}
			g.links = append(g.links, l)
			v.up = append(v.up, l)
			to.down = append(to.down, l)
		}
	}
	g.found = append(g.found, g.rings()...)
	return g
}

// resolve finds the node at an address; nil when there is none. When there are
// several that is a mistake, and the first one is taken.
func (g *Graph) resolve(from *vertex, own []*vertex, u Upstream, address string) *vertex {
	var all []*vertex
	for _, v := range own {
		if v.at(address) {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return nil
	}
	if len(all) > 1 {
		g.found = append(g.found, Finding{
			Severity: Error, Kind: "ambiguous", Nodes: append([]string{from.Name}, namesOf(all)...),
			Text: from.Name + " has the upstream " + u.URL + ", which is " + list(namesOf(all), "or") + ": give each an address of its own",
		})
	}
	return all[0]
}

// at reports whether a node is reached at HOST:PORT.
func (v *vertex) at(address string) bool {
	host, port := split(address)
	for _, a := range v.Addresses {
		h, p := split(a)
		switch {
		case p != port:
		case h == host, h == "" && loopback(host), loopback(h) && loopback(host):
			return true
		case h == "" && v.Name != "" && (host == strings.ToLower(v.Name) || strings.HasPrefix(host, strings.ToLower(v.Name)+".")):
			return true
		}
	}
	return false
}

// AddressOf is the HOST:PORT of a URL.
func AddressOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return raw
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

func split(address string) (host, port string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return strings.ToLower(address), ""
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = ""
	}
	return strings.ToLower(host), port
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func namesOf(all []*vertex) []string {
	var names []string
	for _, v := range all {
		names = append(names, v.Name)
	}
	return names
}

// list writes names as people do.
func list(names []string, word string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " " + word + " " + names[last]
}
