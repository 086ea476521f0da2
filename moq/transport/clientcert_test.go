package transport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"
)

// authority signs certificates of clients.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key}
	a.cert = a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relays"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}, &key.PublicKey)
	return a
}

func (a *authority) sign(template *x509.Certificate, key *ecdsa.PublicKey) *x509.Certificate {
	a.t.Helper()
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent := a.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

// client is a certificate with its key, for clients.
func (a *authority) client() tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	cert := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "edge"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, &key.PublicKey)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// TestClientCertificates: a listener that knows authorities of clients says which
// clients showed a certificate, and refuses wrong ones, and missing ones when it
// wants them; clients are told why.
func TestClientCertificates(t *testing.T) {
	source, relays, others := certificate(t), newAuthority(t), newAuthority(t)
	optional := listen(t, source, ListenConfig{ClientCAs: relays.pool()})
	required := listen(t, source, ListenConfig{ClientCAs: relays.pool(), RequireClientCertificate: true})
	none := listen(t, source, ListenConfig{})
	dial := func(certs ...tls.Certificate) *DialConfig {
		c := pinning(source)
		c.TLS = &tls.Config{}
		if len(certs) > 0 { // also when the server names other authorities
			c.TLS.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certs[0], nil }
		}
		return c
	}
	for _, k := range networks {
		t.Run(k.String(), func(t *testing.T) {
			for name, x := range map[string]struct {
				listener *Listener
				dial     *DialConfig
				verified bool
			}{
				"shown":               {optional, dial(relays.client()), true},
				"shown where wanted":  {required, dial(relays.client()), true},
				"missing":             {optional, dial(), false},
				"shown but not asked": {none, dial(relays.client()), false},
			} {
				t.Run(name, func(t *testing.T) {
					client, server := connect(t, k, x.listener, x.dial)
					if got := server.Info().Verified; got != x.verified {
						t.Errorf("verified: %v, want %v", got, x.verified)
					}
					if client.Info().Verified {
						t.Error("the client says that it verified a client")
					}
				})
			}
			for name, x := range map[string]struct {
				listener *Listener
				dial     *DialConfig
				want     string
			}{
				"missing where wanted": {required, dial(), "wants a client certificate, and none was shown"},
				"wrong authority":      {optional, dial(others.client()), "does not accept the client certificate"},
			} {
				t.Run(name, func(t *testing.T) {
					// The server may say so when the handshake is over for the client.
					conn, err := Dial(patient(t), urlOf(k, x.listener.Addr(), "/"), x.dial)
					if err == nil {
						select {
						case <-conn.Context().Done():
							err = context.Cause(conn.Context())
						case <-patient(t).Done():
							t.Fatal("the connection is not refused")
						}
					}
					wantText(t, err, x.want)
				})
			}
		})
	}
	if _, err := Listen(&ListenConfig{Addr: "127.0.0.1:0", GetCertificate: source.GetCertificate, RequireClientCertificate: true}); err == nil {
		t.Error("certificates are required that nothing can check")
	} else {
		wantText(t, err, "ClientCAs")
	}
}
