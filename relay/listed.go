package relay

import (
	"context"
	"slices"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay/route"
)

// listed is what the directory tells of other relays. Their namespaces are in
// the table of routes, once each; whom to ask is decided when something is asked
// for, so that a relay that comes or goes changes no routes but its own.
type listed struct {
	relay *Relay
	self  Node               // as far as it stays
	leave context.CancelFunc // ends the relay's part in the directory
	load  cpuLoad

	mu         sync.Mutex
	nodes      map[string]Node
	namespaces map[string][]holder // by the key of the namespace
}

// holder is a relay that has a namespace.
type holder struct {
	id     string
	hidden bool
}

// join makes the relay known in its directory and listens to what that tells,
// until the relay is closed or leaves.
func (r *Relay) join() {
	ctx, cancel := context.WithCancel(r.ctx)
	a := &r.config.Advertise
	d := &listed{
		relay: r, leave: cancel, nodes: map[string]Node{}, namespaces: map[string][]holder{},
		self: Node{ID: r.id, Region: r.config.Region, Role: a.Role, URL: a.URL, Cost: a.Cost, Version: r.config.Implementation},
	}
	r.listed = d
	r.tasks.Go(func() { r.config.Directory.Join(ctx, d.now, d) })
	r.tasks.Go(func() { r.advertise(ctx, r.config.Directory) })
}

// now is what others are told of this relay.
func (d *listed) now() Node {
	n, a := d.self, &d.relay.config.Advertise
	if a.Fingerprints != nil {
		n.Fingerprints = a.Fingerprints()
	}
	if a.Load != nil {
		n.Load = a.Load()
	} else {
		n.Load = d.load.read()
	}
	return n
}

// advertise tells the directory of the namespaces that publishers here have,
// until ctx is done.
func (r *Relay) advertise(ctx context.Context, d Directory) {
	type state struct{ here, hidden bool }
	changed, told := newChangedNames(), map[string]state{}
	defer r.routes.WatchRoutes(nil, changed.note)()
	changed.run(ctx, func(key string, ns wire.Namespace) {
		var now state
		for _, way := range r.routes.Routes(ns) {
			if way.Via.session != nil || way.Via.tracks {
				now = state{here: true, hidden: way.Hidden && (now.hidden || !now.here)}
			}
		}
		switch was := told[key]; {
		case now == was:
		case now.here:
			told[key] = now
			d.Announce(ns, now.hidden)
		default:
			delete(told, key)
			d.Withdraw(ns)
		}
	})
}

// NodeUp implements DirectoryEvents.
func (d *listed) NodeUp(n Node) {
	d.mu.Lock()
	old, known := d.nodes[n.ID]
	d.nodes[n.ID] = n
	d.mu.Unlock()
	r := d.relay
	moved := known && old.URL != n.URL
	if moved {
		r.links.release(old)
	}
	if !known || moved {
		r.log.Info("a relay is known", "id", n.ID, "region", n.Region, "role", string(n.Role), "url", n.URL)
	}
	if !known || moved || !slices.Equal(old.Fingerprints, n.Fingerprints) {
		if l := r.links.found(n); l != nil {
			l.forgive()
		}
	}
}

// NodeDown implements DirectoryEvents.
func (d *listed) NodeDown(id string) {
	d.mu.Lock()
	n := d.nodes[id]
	delete(d.nodes, id)
	d.mu.Unlock()
	d.relay.log.Info("a relay is gone", "id", id)
	d.relay.links.release(n)
}

// NodeNamespaceAdded implements DirectoryEvents.
func (d *listed) NodeNamespaceAdded(id string, ns wire.Namespace, hidden bool) {
	d.change(ns, func(hs []holder) []holder { return append(dropHolder(hs, id), holder{id, hidden}) })
	r := d.relay
	r.publishes.announce()
	if r.names.count(ns) == 0 { // of the tracks there are
		r.redirects.forget(ns)
		return
	}
	for _, n := range d.next(ns) {
		r.announced(ns, source{link: r.linkTo(n)})
	}
}

// NodeNamespaceRemoved implements DirectoryEvents.
func (d *listed) NodeNamespaceRemoved(id string, ns wire.Namespace) {
	d.change(ns, func(hs []holder) []holder { return dropHolder(hs, id) })
}

func dropHolder(hs []holder, id string) []holder {
	return slices.DeleteFunc(hs, func(h holder) bool { return h.id == id })
}

// change changes who holds a namespace, and the route to it.
func (d *listed) change(ns wire.Namespace, f func([]holder) []holder) {
	key, via := ns.Key(), source{listed: true}
	d.mu.Lock()
	hs := f(d.namespaces[key])
	if len(hs) == 0 {
		delete(d.namespaces, key)
	} else {
		d.namespaces[key] = hs
	}
	// What others are told of the way does not depend on who came first.
	way := route.Route[source]{Via: via, Hidden: true}
	for _, h := range hs {
		cost := uint64(d.nodes[h.id].Cost)
		if len(way.Hops) == 0 || cost < way.Cost || cost == way.Cost && h.id < way.Hops[0] {
			way.Cost, way.Hops = cost, []string{h.id}
		}
		way.Hidden = way.Hidden && h.hidden
	}
	d.mu.Unlock()
	if len(hs) == 0 {
		d.relay.routes.Remove(ns, via)
	} else {
		d.relay.routes.Set(ns, way)
	}
}

// next returns the relays that are asked for what lies in a namespace, best
// first; none when nobody is known to have it.
func (d *listed) next(ns wire.Namespace) []Node {
	d.mu.Lock()
	defer d.mu.Unlock()
	var holders []Node
	for n := len(ns); n >= 0; n-- {
		for _, h := range d.namespaces[ns[:n].Key()] {
			if node, ok := d.nodes[h.id]; ok {
				holders = append(holders, node)
			}
		}
	}
	if len(holders) == 0 {
		return nil
	}
	nodes := make([]Node, 0, len(d.nodes))
	for _, n := range d.nodes {
		nodes = append(nodes, n)
	}
	return nextHops(d.self, nodes, holders, ns)
}

// linkTo returns the link to a relay that the directory names: one that is kept
// to it anyhow, else one that is connected on demand.
func (r *Relay) linkTo(n Node) *link {
	if l := r.links.found(n); l != nil {
		return l
	}
	u := Upstream{URL: n.URL, Cost: n.Cost, Dial: r.config.Peers}
	if len(u.Dial.Fingerprints) == 0 && (u.Dial.TLS == nil || u.Dial.TLS.RootCAs == nil) {
		u.Refresh = func(_ context.Context, d *transport.DialConfig) error {
			d.Fingerprints = r.listed.fingerprints(n)
			return nil
		}
	}
	return r.reach(n.ID, u)
}

// fingerprints returns those of the certificates that a relay shows now: they are
// renewed; of one that is gone the last known ones.
func (d *listed) fingerprints(n Node) [][32]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now, known := d.nodes[n.ID]; known {
		n = now
	}
	return n.Fingerprints
}

// found returns the link to a relay that the directory names, if there is one
// that this side keeps connected, or that was made for it.
func (s *links) found(n Node) *link {
	for _, l := range s.list() {
		if l.dialed && l.leadsTo(n) {
			return l
		}
	}
	return nil
}

// release forgets the links that were made for a relay which is gone, as soon as
// they are not in use.
func (s *links) release(n Node) {
	for _, l := range s.list() {
		if l.made && l.upstream.Name == n.ID && l.upstream.URL == n.URL && l.abandon() {
			s.remove(l)
		}
	}
}

// hearsay bounds how long a relay that is asked by another one waits for the
// directory to tell who has what: the other one may have heard of it first.
const hearsay = 500 * time.Millisecond

// heardOf waits until a namespace is known that another relay of the directory
// asks for, up to hearsay. An answer without would have that one ask elsewhere.
func (r *Relay) heardOf(ctx context.Context, ns wire.Namespace, s *moq.Session) {
	peer, ok := s.PeerRelay()
	if !ok || r.listed == nil || !r.listed.knows(peer.ID) || !r.config.Directory.Status().Connected {
		return
	}
	late := time.NewTimer(hearsay)
	defer late.Stop()
	for {
		moved := r.publishes.wait()
		if len(r.routes.Match(ns)) > 0 {
			return
		}
		select {
		case <-moved:
		case <-late.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// region is that of a relay, if that is in the directory.
func (d *listed) region(id string) (region string, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, known := d.nodes[id]
	return n.Region, known
}

// knows reports whether a relay is in the directory.
func (d *listed) knows(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.nodes[id]
	return ok
}
