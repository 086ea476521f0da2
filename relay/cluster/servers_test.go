package cluster_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"moqedge/relay/cluster"
)

// Three relays run a cluster of NATS servers among themselves: no other NATS is
// needed, and the loss of one of the three is survived by the others.
func TestServersInThreeRelays(t *testing.T) {
	t.Parallel()
	var routes []string
	for range 3 {
		routes = append(routes, freeAddress(t))
	}
	var relays []*joined
	for i, own := range routes {
		relays = append(relays, join(t, fmt.Sprint("r", i), cluster.Config{
			Replicas: 3,
			Embedded: cluster.Embedded{User: "u", Password: "p", RouteListen: own, Routes: routes},
		}))
	}
	for i, r := range relays {
		r.Announce(namespace("of", fmt.Sprint(i)), false)
	}
	began := time.Now()
	for i, r := range relays {
		for j := range relays {
			if i != j {
				r.wait(t, "all know all", 30*time.Second, r.holds(fmt.Sprint("r", j), fmt.Sprint("of-", j)))
			}
		}
	}
	t.Logf("all knew all after %v", time.Since(began).Round(time.Millisecond))
	relays[2].stop()
	relays[0].Announce(namespace("new"), false)
	relays[1].wait(t, "the others go on", 30*time.Second, func() bool { return relays[1].has("r0", "new") && !relays[1].up("r2") })
	relays[1].wait(t, "current", 30*time.Second, statusConnected(relays[1]))
}

// freeAddress returns an address of which the port was free, and that no other socket is
// given meanwhile: those that want any port get one from 32768 on.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}
