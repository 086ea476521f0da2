package cluster_test

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"moqedge/certs"
	"moqedge/relay/cluster"
)

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		config cluster.Config
		field  string // of the complaint; "" is none
	}{
		{cluster.Config{}, ""},
		{cluster.Config{URL: "nats://a:4222,tls://b", Credentials: "x.creds", Lease: 3 * time.Second, Replicas: 3}, ""},
		{cluster.Config{Embedded: cluster.Embedded{Listen: "127.0.0.1:0", RouteListen: "127.0.0.1:0", Routes: []string{"b:6222"}, User: "u", Password: "p"}}, ""},
		{cluster.Config{URL: "http://a"}, "URL"},
		{cluster.Config{URL: "nats://"}, "URL"},
		{cluster.Config{URL: "nats://u:secret@a:x"}, "URL"},
		{cluster.Config{URL: "nats://a", Embedded: cluster.Embedded{Listen: ":1"}}, "Embedded"},
		{cluster.Config{Credentials: "x"}, "Credentials"},
		{cluster.Config{Bucket: "a.b"}, "Bucket"},
		{cluster.Config{Replicas: 9}, "Replicas"},
		{cluster.Config{Lease: time.Second}, "Lease"},
		{cluster.Config{Lease: 2500 * time.Millisecond}, "Lease"},
		{cluster.Config{NamespaceTTL: time.Second}, "NamespaceTTL"},
		{cluster.Config{MaxNamespaces: -1}, "MaxNamespaces"},
		{cluster.Config{Embedded: cluster.Embedded{Listen: "x"}}, "Embedded.Listen"},
		{cluster.Config{Embedded: cluster.Embedded{Routes: []string{"a:1"}}}, "Embedded.Routes"},
		{cluster.Config{Embedded: cluster.Embedded{RouteListen: ":1", Routes: []string{"a"}}}, "Embedded.Routes"},
		{cluster.Config{Embedded: cluster.Embedded{User: "a"}}, "Embedded.User"},
		{cluster.Config{Embedded: cluster.Embedded{MaxMemory: -1}}, "Embedded.MaxMemory"},
	} {
		err := c.config.Validate()
		if c.field == "" && err != nil || c.field != "" && (err == nil || !strings.HasPrefix(err.Error(), c.field)) {
			t.Errorf("%+v: %v, want a complaint about %q", c.config, err, c.field)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("a password is told: %v", err)
		}
	}
}

// Passwords are neither in logs nor in the status, whether or not there is a server.
func TestSecretsAreMasked(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	go func() { // a server that says nothing of use
		for {
			conn, err := nobody.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	server := join(t, "server", cluster.Config{Embedded: cluster.Embedded{Listen: "127.0.0.1:0", User: "u", Password: "hush"}})
	server.wait(t, "its own server", 10*time.Second, statusConnected(server))
	var log lockedBuffer
	for _, c := range []struct {
		url string
		ok  bool
	}{{"nats://u:hush@" + server.Addr(), true}, {"nats://u:hush@" + nobody.Addr().String(), false}} {
		j := joinLogged(t, "a", cluster.Config{URL: c.url, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		j.wait(t, "connected, or not", 10*time.Second, func() bool {
			s := j.Status()
			return s.Connected == c.ok && s.Error != "not joined yet"
		})
		if s := j.Status(); strings.Contains(s.Server+s.Error, "hush") || !strings.Contains(s.Server, "127.0.0.1") {
			t.Errorf("status: %+v", s)
		}
		j.stop()
	}
	if strings.Contains(log.String(), "hush") || !strings.Contains(log.String(), "directory") {
		t.Errorf("logged: %s", log.String())
	}
	// And they are asked for.
	j := join(t, "intruder", cluster.Config{URL: "nats://" + server.Addr()})
	j.wait(t, "refused", 10*time.Second, func() bool { return strings.Contains(j.Status().Error, "Authorization") })
}

// The server in the process is reached over TLS by others, with its certificate
// checked, and by its own relay.
func TestTLS(t *testing.T) {
	source, err := certs.Development("", []string{"127.0.0.1"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	certificate, err := source.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate.Leaf)
	a := join(t, "a", cluster.Config{Embedded: cluster.Embedded{
		Listen: "127.0.0.1:0", User: "u", Password: "p", TLS: &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: source.GetCertificate},
	}})
	a.Announce(namespace("x"), false)
	b := join(t, "b", cluster.Config{URL: "tls://u:p@" + a.Addr(), TLS: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots}})
	b.wait(t, "b is told of a", 10*time.Second, b.holds("a", "x"))
	stranger := join(t, "stranger", cluster.Config{URL: "tls://u:p@" + a.Addr()})
	stranger.wait(t, "the certificate is refused", 10*time.Second, func() bool { return strings.Contains(stranger.Status().Error, "certificate") })
}
