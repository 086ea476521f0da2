package relay_test

import (
	"testing"

	"moqedge/moq"
	"moqedge/relay"
)

// A relay that renews its certificate is reached by the fingerprints that it tells
// then, and the link to one that is gone, or that has another URL, is forgotten, also
// when it was in use at that moment.
func TestDirectoryLinks(t *testing.T) {
	b := newBoard()
	holder, edge := b.relay(t, "holder", "us", relay.RoleOrigin), b.relay(t, "edge", "eu", relay.RoleEdge)
	up := func(change func(n *relay.Node)) {
		b.mu.Lock()
		defer b.mu.Unlock()
		n := holder.node
		change(&n)
		holder.others(func(e relay.DirectoryEvents) { e.NodeUp(n) })
	}
	up(func(n *relay.Node) { n.Fingerprints = [][32]byte{{1}} })
	holder.announces(t, camera)
	eventually(t, "the edge knows", func() bool { return edge.Relay.Stats().Namespaces == 1 })
	if _, err := edge.client(t, nil).Subscribe(t.Context(), camera, moq.SubscribeOptions{}); err == nil {
		t.Fatal("connected to a relay by the fingerprint of another certificate")
	}
	up(func(*relay.Node) {})
	edge.watches(t, camera)
	if n := len(edge.Links()); n != 1 {
		t.Errorf("%d links, want 1", n)
	}
	up(func(n *relay.Node) { n.URL = "moqt://127.0.0.1:1" })
	holder.Close()
	eventually(t, "the link is forgotten", func() bool { return len(edge.Links()) == 0 })
}
