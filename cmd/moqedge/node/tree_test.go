package node

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/peer"
	"moqedge/moq"
)

// clientCertificate writes an authority, and a certificate of it for a client,
// as PEM files.
func clientCertificate(t *testing.T) (ca, cert, key string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relays"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	client := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "edge"}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	keys := make([]*ecdsa.PrivateKey, 2)
	for i := range keys {
		var err error
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	signed := func(c *x509.Certificate, public any) []byte {
		t.Helper()
		der, err := x509.CreateCertificate(rand.Reader, c, authority, public, keys[0])
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	private, err := x509.MarshalECPrivateKey(keys[1])
	if err != nil {
		t.Fatal(err)
	}
	return write("ca.pem", "CERTIFICATE", signed(authority, &keys[0].PublicKey)),
		write("cert.pem", "CERTIFICATE", signed(client, &keys[1].PublicKey)),
		write("key.pem", "EC PRIVATE KEY", private)
}

// A relay that asks for certificates lets in who shows one of its authority, and
// nobody else; an edge shows its own to each of its upstreams.
func TestClientCertificates(t *testing.T) {
	ca, cert, key := clientCertificate(t)
	origin := start(t, config.Config{Listen: anyPort, Certificate: config.Certificate{ClientCA: ca, RequireClient: true}})
	other := start(t, config.Config{Listen: anyPort})
	url := "moqt://" + origin.Addresses().Relay
	start(t, config.Config{Listen: anyPort, Upstreams: []config.Upstream{
		{Name: "origin", Config: peer.Config{URL: url, Pins: origin.Pins, Cert: cert, Key: key}},
		{Name: "other", Config: peer.Config{URL: "moqt://" + other.Addresses().Relay, Pins: other.Pins, Cert: cert, Key: key}, Priority: 1},
	}})
	sessions(t, origin, 1)
	sessions(t, other, 1)
	before := origin.Stats().Sessions
	c, err := peer.Config{URL: url, Pins: origin.Pins}.Client(moq.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Connect(t.Context())
	if err == nil {
		<-s.Context().Done() // in TLS 1.3 the client may be done before it is refused
	}
	if got := origin.Stats().Sessions; got != before {
		t.Errorf("%d sessions, want %d: who shows nothing is let in", got, before)
	}
	if _, _, err := (peer.Config{URL: url, Cert: key, Key: key}).Dial(); err == nil {
		t.Error("a certificate that is none is taken")
	}
}
