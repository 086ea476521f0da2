package cluster

import (
	"log/slog"
	"time"

	"moqedge/relay"
)

// view is what the bucket holds, and which of the relays in it are alive. It
// belongs to one goroutine and has no clock: who calls it says what time it is.
type view struct {
	self   string // this relay, which events are not told of
	lease  time.Duration
	limit  int // of namespaces of others
	log    *slog.Logger
	events relay.DirectoryEvents

	members    map[string]*member
	generation uint64 // of the reading of the bucket that is under way, or was last
	reading    bool   // the bucket is being read from the start
	frozen     bool   // nothing is heard, of anybody: nobody is dead for that
	namespaces int    // of others, in the bucket
	full       bool   // limit was reached, and that was logged
	relays     int    // that are up
	shown      int    // namespaces of those that are up
}

// member is a relay with keys in the bucket.
type member struct {
	id       string
	lease    lease
	leased   uint64    // generation in which its lease was last seen; 0: it has none
	up       bool      // told to events
	deadline time.Time // when it counts as dead
	names    map[digest]*name
}

type name struct {
	holding
	seen uint64 // generation
}

func newView(self string, c Config, events relay.DirectoryEvents) *view {
	return &view{self: self, lease: c.Lease, limit: c.MaxNamespaces, log: c.Logger, events: events, members: map[string]*member{}, frozen: true}
}

// begin is called before the bucket is read anew.
func (v *view) begin() { v.generation++; v.reading = true }

// end is called when the whole bucket was read.
func (v *view) end() {
	v.reading = false
	for _, m := range v.members {
		if !m.up && m.id != v.self { // nothing of it is kept but what is in the bucket
			v.drop(m)
		}
		v.sweep(m)
	}
}

// freeze is called when nothing is heard from the bucket any more.
func (v *view) freeze() { v.frozen = true }

// thaw is called when the bucket is heard again. Everybody has time to return:
// their sessions may begin later than this one.
func (v *view) thaw(now time.Time) {
	if !v.frozen {
		return
	}
	v.frozen = false
	for _, m := range v.members {
		if m.up {
			m.deadline = now.Add(2 * v.lease)
		}
	}
}

func (v *view) member(id string) *member {
	m := v.members[id]
	if m == nil {
		m = &member{id: id, names: map[digest]*name{}}
		v.members[id] = m
	}
	return m
}

// alive takes note of a relay's lease.
func (v *view) alive(id string, l lease, now time.Time) {
	m := v.member(id)
	changed := !m.up || !same(m.lease.node, l.node)
	m.lease, m.leased = l, v.generation
	m.deadline = now.Add(v.lease)
	if id != v.self && changed {
		v.events.NodeUp(l.node)
		if !m.up {
			m.up = true
			v.relays++
			for _, n := range m.names {
				v.show(m, n)
			}
		}
	}
	v.sweep(m)
}

func same(a, b relay.Node) bool {
	if len(a.Fingerprints) != len(b.Fingerprints) {
		return false
	}
	for i := range a.Fingerprints {
		if a.Fingerprints[i] != b.Fingerprints[i] {
			return false
		}
	}
	return a.Region == b.Region && a.Role == b.Role && a.URL == b.URL && a.Load == b.Load && a.Cost == b.Cost && a.Version == b.Version
}

// sweep withdraws what a relay no longer has: that was not seen although the
// whole bucket was read, and the relay says that it has written all.
func (v *view) sweep(m *member) {
	if v.reading || m.leased != v.generation || !m.lease.complete {
		return
	}
	for d, n := range m.names {
		if n.seen != v.generation {
			v.remove(m, d)
		}
	}
}

// expired is called when a relay's lease is gone from the bucket.
func (v *view) expired(id string) {
	m := v.members[id]
	// While the bucket was not to be reached nobody could renew a lease.
	if m == nil || v.reading || v.frozen {
		return
	}
	v.down(m)
}

// left is called when a relay has given up its lease.
func (v *view) left(id string) {
	if m := v.members[id]; m != nil {
		v.down(m)
	}
}

// tick withdraws relays that fell silent.
func (v *view) tick(now time.Time) {
	if v.frozen || v.reading {
		return
	}
	for _, m := range v.members {
		if m.up && !now.Before(m.deadline) {
			v.log.Warn("a relay fell silent", "id", m.id, "region", m.lease.node.Region)
			v.down(m)
		}
	}
}

// down withdraws a relay and hides its namespaces. Those that are in the bucket
// are shown again when it returns.
func (v *view) down(m *member) {
	m.leased = 0
	for _, n := range m.names {
		v.hide(m, n)
	}
	if m.up {
		m.up = false
		v.relays--
		v.events.NodeDown(m.id)
	}
	v.drop(m)
}

// drop forgets the hidden namespaces of a relay that are not in the bucket.
func (v *view) drop(m *member) {
	for d, n := range m.names {
		if n.seen != v.generation {
			v.forget(m, d)
		}
	}
	v.prune(m)
}

// named takes note of a namespace of a relay.
func (v *view) named(id string, d digest, h holding) {
	m := v.member(id)
	if n := m.names[d]; n != nil {
		changed := n.hidden != h.hidden
		n.hidden, n.seen = h.hidden, v.generation
		if changed && m.up {
			v.events.NodeNamespaceAdded(m.id, n.namespace, n.hidden)
		}
		return
	}
	if id != v.self {
		if v.namespaces >= v.limit {
			if !v.full {
				v.log.Warn("other relays hold more namespaces than are taken note of", "limit", v.limit)
			}
			v.full = true
			v.prune(m)
			return
		}
		v.namespaces++
	}
	n := &name{holding: h, seen: v.generation}
	m.names[d] = n
	v.show(m, n)
}

// unnamed is called when a namespace's key is gone from the bucket.
func (v *view) unnamed(id string, d digest) {
	if m := v.members[id]; m != nil && m.names[d] != nil {
		v.remove(m, d)
		v.prune(m)
	}
}

// has reports whether the bucket holds a namespace of this relay itself.
func (v *view) has(d digest) bool {
	m := v.members[v.self]
	return m != nil && m.names[d] != nil && m.names[d].seen == v.generation
}

// own returns what the bucket holds of this relay itself.
func (v *view) own() map[digest]holding {
	out := map[digest]holding{}
	if m := v.members[v.self]; m != nil {
		for d, n := range m.names {
			if n.seen == v.generation {
				out[d] = n.holding
			}
		}
	}
	return out
}

func (v *view) show(m *member, n *name) {
	if m.up {
		v.shown++
		v.events.NodeNamespaceAdded(m.id, n.namespace, n.hidden)
	}
}

func (v *view) hide(m *member, n *name) {
	if m.up {
		v.shown--
		v.events.NodeNamespaceRemoved(m.id, n.namespace)
	}
}

func (v *view) remove(m *member, d digest) {
	v.hide(m, m.names[d])
	v.forget(m, d)
}

func (v *view) forget(m *member, d digest) {
	delete(m.names, d)
	if m.id != v.self {
		v.namespaces--
	}
}

// prune forgets a relay of which nothing is left.
func (v *view) prune(m *member) {
	if !m.up && m.leased == 0 && len(m.names) == 0 {
		delete(v.members, m.id)
	}
}
