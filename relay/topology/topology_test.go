package topology

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"moqedge/moq/wire"
)

// node is a node at HOST:443, whose upstreams are named by their hosts; those
// that begin with ~ are peers.
func node(name string, upstreams ...string) Node {
	n := Node{Name: name, ID: name, Addresses: []string{":443"}}
	for i, u := range upstreams {
		host, peer := strings.CutPrefix(u, "~")
		n.Upstreams = append(n.Upstreams, Upstream{URL: "moqt://" + host + ".example", Priority: i, Peer: peer})
	}
	return n
}

// with changes the first upstream of a node.
func (n Node) with(change func(u *Upstream)) Node {
	n.Upstreams = slices.Clone(n.Upstreams)
	change(&n.Upstreams[0])
	return n
}

func asks(prefixes ...string) func(*Upstream) {
	return func(u *Upstream) {
		for _, p := range prefixes {
			u.Prefixes = append(u.Prefixes, strings.Split(p, "/"))
		}
	}
}

func pinned(pins ...string) func(*Upstream) { return func(u *Upstream) { u.Pins = pins } }

func at(n Node, addresses ...string) Node {
	n.Addresses = addresses
	return n
}

// Each mistake is found where it is, and what is right is not blamed.
func TestCheck(t *testing.T) {
	ingest := func(n Node) Node { n.Ingest = true; return n }
	drains := func(n Node, uri string) Node { n.DrainTo = uri; return n }
	named := func(n Node, id string) Node { n.ID = id; return n }
	for name, c := range map[string]struct {
		nodes []Node
		want  []string // severity, kind and nodes
	}{
		"alone":        {[]Node{node("a")}, nil},
		"two":          {[]Node{node("a"), node("b", "a")}, []string{"warning single-point-of-failure a,b"}},
		"two ways":     {[]Node{node("a"), node("b"), node("c", "a", "b")}, nil},
		"external":     {[]Node{node("b", "far")}, []string{"warning single-point-of-failure far.example:443,b", "note external far.example:443,b"}},
		"diamond":      {[]Node{node("a"), node("b", "a"), node("c", "a"), node("d", "b", "c")}, []string{"warning single-point-of-failure a,b,c,d"}},
		"chain":        {[]Node{node("a"), node("x"), node("b", "a", "x"), node("c", "b")}, []string{"warning single-point-of-failure b,c"}},
		"itself":       {[]Node{node("a", "a")}, []string{"error ring a"}},
		"ring of two":  {[]Node{node("a", "b"), node("b", "a")}, []string{"error ring a,b"}},
		"ring below":   {[]Node{node("o"), node("a", "b", "o"), node("b", "c"), node("c", "a")}, []string{"error ring a,b,c", "warning single-point-of-failure o,a,b,c", "warning single-point-of-failure a,b,c", "warning single-point-of-failure c,b"}},
		"peers":        {[]Node{node("a", "~b"), node("b", "~a")}, nil},
		"peer and up":  {[]Node{node("a", "~b"), node("b", "a")}, []string{"warning single-point-of-failure a,b"}},
		"ring of part": {[]Node{node("a", "b").with(asks("vod")), node("b", "a").with(asks("vod/x"))}, []string{"error ring a,b", "error unreachable a,b"}},
		"no ring: disjoint parts": {[]Node{
			ingest(node("a", "b").with(asks("vod"))), ingest(node("b", "a").with(asks("live")))}, nil},
		"dead end": {[]Node{node("o"), node("s", "o").with(asks("live")), node("e", "s").with(asks("vod"))},
			[]string{"error unreachable e,s", "warning single-point-of-failure o,s"}},
		"no dead end: more is asked for": {[]Node{node("o"), node("s", "o").with(asks("live")), node("e", "s").with(asks("live/sport"))},
			[]string{"warning single-point-of-failure o,s", "warning single-point-of-failure o,s,e", "warning single-point-of-failure s,e"}},
		"no dead end: published there": {[]Node{node("o"), ingest(node("s", "o").with(asks("live"))), node("e", "s").with(asks("vod"))},
			[]string{"warning single-point-of-failure s,e"}},
		"same id":      {[]Node{node("a"), named(node("b"), "a")}, []string{"error duplicate-id a,b"}},
		"no ids":       {[]Node{named(node("a"), ""), named(node("b"), "")}, nil},
		"same address": {[]Node{at(node("a"), "127.0.0.1:1"), at(node("b"), "127.0.0.1:1")}, []string{"error duplicate-address a,b"}},
		"same port":    {[]Node{node("a"), node("b")}, nil},
		"ambiguous": {[]Node{at(node("a"), "[::]:1"), at(node("b"), "0.0.0.0:1"), {Name: "c", Upstreams: []Upstream{{URL: "moqt://localhost:1"}}}},
			[]string{"error ambiguous c,a,b", "warning single-point-of-failure a,c"}},
		"one relay twice": {[]Node{at(node("a"), "10.0.0.1:443", ":443"), {Name: "b", Upstreams: []Upstream{{URL: "moqt://10.0.0.1"}, {URL: "https://a.example/live"}}}},
			[]string{"warning same-upstream b,a", "warning single-point-of-failure a,b"}},
		"pins":              {[]Node{node("a"), node("x"), node("b", "a", "x").with(pinned("1")), node("c", "a", "x").with(pinned("2"))}, []string{"error pins a,b,c"}},
		"more pins":         {[]Node{node("a"), node("x"), node("b", "a", "x").with(pinned("1", "2")), node("c", "a", "x").with(pinned("2"))}, []string{"warning pins a,b,c"}},
		"same pins":         {[]Node{node("a"), node("x"), node("b", "a", "x").with(pinned("1")), node("c", "a", "x").with(pinned("1")), node("d", "a", "x")}, nil},
		"drains to itself":  {[]Node{drains(node("a"), "https://a.example/live")}, []string{"error drain a"}},
		"drains to another": {[]Node{drains(node("a"), "https://b.example/live"), node("b")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, f := range Build(c.nodes).Check() {
				got = append(got, fmt.Sprintf("%s %s %s", f.Severity, f.Kind, strings.Join(f.Nodes, ",")))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// A node is known by what it listens at, its names, and its own name.
func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		url       string
		addresses []string
		want      bool
	}{
		{"moqt://10.0.0.1:443", []string{"10.0.0.1:443"}, true},
		{"https://10.0.0.1/live", []string{"10.0.0.1:443"}, true},
		{"moqt://10.0.0.1:444", []string{"10.0.0.1:443"}, false},
		{"moqt://Relay.example", []string{":443"}, true},
		{"moqt://relay", []string{"0.0.0.0:443"}, true},
		{"moqt://relay2.example", []string{":443"}, false},
		{"moqt://relay.example", []string{"10.0.0.1:443"}, false},
		{"moqt://media.example", []string{":443", "media.example:443"}, true},
		{"moqt://127.0.0.1", []string{":443"}, true},
		{"moqt://[::1]", []string{"127.0.0.1:443"}, true},
		{"moqt://192.0.2.1", []string{":443"}, false},
	} {
		if got := (&vertex{Node: Node{Name: "Relay", Addresses: c.addresses}}).at(AddressOf(c.url)); got != c.want {
			t.Errorf("%s at %q: %t", c.url, c.addresses, got)
		}
	}
}

// forest is a tree of n nodes with several upstreams each, made by chance.
func forest(r *rand.Rand, n int) []Node {
	var nodes []Node
	for i := range n {
		x := node(fmt.Sprintf("relay-with-a-long-name-%d", i))
		x.Region = fmt.Sprintf("region-%d", r.IntN(3))
		for range r.IntN(4) {
			to := r.IntN(n)
			if r.IntN(5) > 0 && i > 0 {
				to = r.IntN(i)
			}
			x.Upstreams = append(x.Upstreams, Upstream{
				URL: fmt.Sprintf("moqt://relay-with-a-long-name-%d:443", to), Name: "<&>\"", Peer: r.IntN(6) == 0,
				Prefixes: [][]wire.Namespace{nil, {{"a", "b"}}}[r.IntN(2)], Priority: r.IntN(3),
			})
		}
		nodes = append(nodes, x)
	}
	return nodes
}

// Boxes do not overlap and lie within the picture, which is well-formed, for
// trees of up to 40 nodes, rings included; every node is in the text once at
// least.
func TestLayout(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 40 {
		g := Build(forest(r, n+1))
		boxes, width, height := g.layout(3 * boxWidth)
		for i, a := range boxes {
			if a.x < 0 || a.y < 0 || a.x+a.width > width || a.y+a.height > height {
				t.Fatalf("%d nodes: %s is not in the picture of %d x %d: %+v", n+1, a.Name, width, height, a)
			}
			for _, b := range boxes[:i] {
				if a.x < b.x+b.width && b.x < a.x+a.width && a.y < b.y+b.height && b.y < a.y+a.height {
					t.Fatalf("%d nodes: %s is over %s", n+1, a.Name, b.Name)
				}
			}
		}
		d := xml.NewDecoder(strings.NewReader(g.SVG()))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%d nodes: %v", n+1, err)
			}
		}
		text := g.Text()
		for _, v := range g.nodes {
			if !strings.Contains(text, v.Name) {
				t.Errorf("%s is not in\n%s", v.Name, text)
			}
		}
	}
}

// Twenty nodes are placed in rows that a screen holds.
func TestLayoutTwenty(t *testing.T) {
	nodes := []Node{node("o1"), node("o2")}
	for i := range 4 {
		nodes = append(nodes, node(fmt.Sprintf("s%d", i), "o1", "o2"))
	}
	for i := range 14 {
		nodes = append(nodes, node(fmt.Sprintf("e%d", i), fmt.Sprintf("s%d", i%4), fmt.Sprintf("s%d", (i+1)%4)))
	}
	_, width, height := Build(nodes).layout(3 * boxWidth)
	if width > 1920 || height > 1080 {
		t.Errorf("%d x %d pixels", width, height)
	}
}

// What is written in names can not break out of the picture.
func TestEscaped(t *testing.T) {
	svg := Build([]Node{{Name: "<script>alert(1)</script>", Addresses: []string{":1"}, Upstreams: []Upstream{{URL: "moqt://a/<b>", Name: "<i>"}}}}).SVG()
	if strings.Contains(svg, "<script") || strings.Contains(svg, "<i>") || strings.Contains(svg, "<b>") {
		t.Error(svg)
	}
}
