package cluster_test

import (
	"testing"
	"time"

	"moqedge/relay/cluster"
)

// Two relays use the NATS server that the first of them runs: each is told of the
// other and of its namespaces, and of the end of both.
func TestTwoRelays(t *testing.T) {
	a := join(t, "a", cluster.Config{Embedded: cluster.Embedded{Listen: "127.0.0.1:0"}})
	a.NamespaceAdded(namespace("live", "one"))
	b := join(t, "b", cluster.Config{URL: "nats://" + a.Addr()})
	b.wait(t, "b is told of a", 10*time.Second, b.holds("a", "live-one"))
	b.NamespaceAdded(namespace("live", "\x00two\xff.* >")) // nothing that a subject of NATS could hold
	a.wait(t, "a is told of b", 10*time.Second, a.holds("b", namespace("live", "\x00two\xff.* >").String()))
	a.NamespaceRemoved(namespace("live", "one"))
	b.wait(t, "b is told of a's namespace's end", 10*time.Second, func() bool { return !b.has("a", "live-one") })
	b.wait(t, "b's status", 10*time.Second, func() bool { s := b.Status(); return s.Connected && s.Relays == 1 && s.Own == 1 })
	b.stop()
	took := a.wait(t, "a is told that b has left", 10*time.Second, func() bool { return !a.up("b") })
	if took > 2*time.Second { // far less than a lease
		t.Errorf("b's leaving took %v", took)
	}
}
