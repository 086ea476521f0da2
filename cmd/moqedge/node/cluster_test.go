package node

import (
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"moqedge/cmd/moqedge/config"
)

// Two nodes know each other by the directory that one of them runs, with the
// fingerprints of their certificates, and forget each other when one leaves.
func TestCluster(t *testing.T) {
	free, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	nats := free.Addr().String()
	free.Close()
	first := start(t, config.Config{ID: "first", Region: "eu", Listen: anyPort, Cluster: &config.Cluster{
		Role: "shield", URL: "moqt://first.example:443", Listen: nats,
	}})
	second := start(t, config.Config{ID: "second", Region: "eu", Listen: anyPort, Cluster: &config.Cluster{
		URL: "moqt://second.example:443", NATS: "nats://" + nats,
	}})
	known := func(n *Node) int {
		d := n.Stats().Directory
		if d == nil {
			t.Fatal("no directory in the statistics")
		}
		return d.Relays
	}
	wait := func(n *Node, relays int) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); known(n) != relays; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d relays are known: %+v", known(n), n.Stats().Directory)
			}
		}
	}
	wait(first, 1)
	wait(second, 1)
	second.Close()
	wait(first, 0)
}

// Roots that can not be read are an error of the start, and no port stays open.
func TestClusterErrors(t *testing.T) {
	n, err := Start(config.Config{Listen: anyPort, Cluster: &config.Cluster{URL: "moqt://a", CA: "none.pem"}}, slog.New(slog.DiscardHandler))
	if err == nil {
		n.Close()
		t.Fatal("no error")
	}
	if !strings.HasPrefix(err.Error(), "cluster: certs: the CA file can not be read") {
		t.Error(err)
	}
}
