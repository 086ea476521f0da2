package node

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"moqedge/certs"
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
		eventually(t, fmt.Sprintf("%d relays are known", relays), func() bool { return known(n) == relays })
	}
	wait(first, 1)
	wait(second, 1)
	second.Close()
	wait(first, 0)
}

// Roots that can not be read are an error of the start, and no port stays open.
func TestClusterErrors(t *testing.T) {
	n, err := Start(t.Context(), config.Config{Listen: anyPort, Cluster: &config.Cluster{URL: "moqt://a", CA: "none.pem"}}, slog.New(slog.DiscardHandler))
	if err == nil {
		n.Close()
		t.Fatal("no error")
	}
	if !strings.HasPrefix(err.Error(), "cluster: certs: the CA file can not be read") {
		t.Error(err)
	}
	n, err = Start(t.Context(), config.Config{Listen: anyPort, Cluster: &config.Cluster{URL: "moqt://a", NATS: "tls://b", NATSCA: "none.pem"}}, slog.New(slog.DiscardHandler))
	if err == nil {
		n.Close()
		t.Fatal("no error")
	}
	if !strings.HasPrefix(err.Error(), "cluster.natsCA: certs: the CA file can not be read") {
		t.Error(err)
	}
}

// A NATS server of one's own is trusted by its roots, and shown a certificate and a
// user key; without these it refuses.
func TestClusterNATS(t *testing.T) {
	dir := t.TempDir()
	source, err := certs.Development(dir, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	pem := filepath.Join(dir, "development.pem")
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "user.nk")
	if err := os.WriteFile(key, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: filepath.Join(dir, "store"),
		Nkeys: []*server.NkeyUser{{Nkey: public}}, TLS: true, TLSTimeout: 5,
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: source.GetCertificate, ClientAuth: tls.RequireAnyClientCert},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server is not ready")
	}
	url := "tls://" + s.Addr().String()
	for name, c := range map[string]struct {
		cluster config.Cluster
		want    string // of the error; "": it is connected
	}{
		"all":            {config.Cluster{NKey: key, NATSCA: pem, NATSCert: pem, NATSKey: pem}, ""},
		"no roots":       {config.Cluster{NKey: key, NATSCert: pem, NATSKey: pem}, "certificate"},
		"no certificate": {config.Cluster{NKey: key, NATSCA: pem}, "certificate required"},
		"no key":         {config.Cluster{NATSCA: pem, NATSCert: pem, NATSKey: pem}, "Authorization"},
	} {
		t.Run(name, func(t *testing.T) {
			c.cluster.URL, c.cluster.NATS = "moqt://"+strings.ReplaceAll(name, " ", "-")+".example:443", url
			n := start(t, config.Config{Listen: anyPort, Cluster: &c.cluster})
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
				d := n.Stats().Directory
				if c.want == "" && d.Connected || c.want != "" && strings.Contains(d.Error, c.want) {
					return
				}
				if time.Now().After(deadline) || c.want != "" && d.Connected {
					t.Fatalf("%+v, want %q", d, c.want)
				}
			}
		})
	}
}
