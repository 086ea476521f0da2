package relay_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"sync/atomic"
	"testing"
	"time"

	"moqedge/certs"
	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// clientCertificate is one that signs itself: its own authority.
func clientCertificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

// TestTrustedRelay: a relay that shows a certificate may announce what others may
// not; what one that shows none announces is asked about.
func TestTrustedRelay(t *testing.T) {
	server, err := certs.Development("", nil, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	certificate, authorities := clientCertificate(t)
	l, err := transport.Listen(&transport.ListenConfig{Addr: "127.0.0.1:0", GetCertificate: server.GetCertificate, ClientCAs: authorities})
	if err != nil {
		t.Fatal(err)
	}
	var denied atomic.Int32
	above := newRelay(t, relay.Config{ID: "above", Authorize: func(_ context.Context, a relay.Action) (relay.Verdict, error) {
		if a.Verb == relay.VerbPublishNamespace {
			denied.Add(1)
			return relay.Verdict{}, errors.New("nobody may")
		}
		return relay.Verdict{}, nil
	}})
	served := make(chan error, 1)
	go func() { served <- above.Serve(l) }()
	defer func() { l.Close(); <-served }()
	for _, trusted := range []bool{true, false} {
		name := map[bool]string{true: "trusted", false: "unknown"}[trusted]
		dial := transport.DialConfig{Fingerprints: [][32]byte{server.Fingerprint()}}
		if trusted {
			dial.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
		}
		below := newRelay(t, relay.Config{ID: name, Upstreams: []relay.Upstream{{URL: "moqt://" + l.Addr().String(), Dial: dial}}})
		publisher := over(t, below, moq.Config{})
		for _, ns := range []string{name, name + "-too"} {
			if _, err := publisher.PublishNamespace(t.Context(), wire.Namespace{ns}); err != nil {
				t.Fatal(err)
			}
		}
		if !trusted {
			until(t, "both namespaces are refused", func() bool { return denied.Load() == 2 })
			continue
		}
		until(t, "both namespaces are known", func() bool { return above.Stats().Namespaces == 2 })
	}
	for _, s := range above.Links() {
		if s.ID == "unknown" && s.Namespaces != 0 {
			t.Errorf("the relay without a certificate announced %d namespaces", s.Namespaces)
		}
	}
	if got := above.Stats().Namespaces; got != 2 {
		t.Errorf("%d namespaces, want those of the trusted relay", got)
	}
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for begun := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("still not: %s", what)
		}
	}
}
