package certs

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"
)

// fixed is a Provider of certificates that do not change.
type fixed []*tls.Certificate

func (f fixed) Certificates() []*tls.Certificate { return f }
func (f fixed) Reload() error                    { return nil }
func (f fixed) Close() error                     { return nil }

// challenged is one that answers challenges.
type challenged struct{ fixed }

func (c challenged) Challenge(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.fixed[0], nil }

func named(t *testing.T, names ...string) *tls.Certificate {
	t.Helper()
	b, err := generate(names, time.Now().Add(-backdate), time.Now().Add(lifetime))
	if err != nil {
		t.Fatal(err)
	}
	all, err := parsePairs(b)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func TestSetChoosesByName(t *testing.T) {
	first, wild, exact, two := named(t, "localhost", "127.0.0.1"), named(t, "*.media.example"), named(t, "live.media.example"), named(t, "other.example", "*.other.example")
	s := NewSet(fixed{first}, fixed{wild}, fixed{exact, two})
	for name, want := range map[string]*tls.Certificate{
		"": first, "localhost": first, "nobody.example": first, "media.example": first, "deep.live.media.example": first, ".": first,
		"a.media.example": wild, "A.Media.Example.": wild,
		"live.media.example": exact, "LIVE.media.example": exact,
		"other.example": two, "x.other.example": two, "127.0.0.1": first, "example": first,
	} {
		got, err := s.GetCertificate(&tls.ClientHelloInfo{ServerName: name})
		if err != nil || got != want {
			t.Errorf("%q gets %v, %v", name, got.Leaf.DNSNames, err)
		}
	}
	if got, err := s.GetCertificate(nil); err != nil || got != first || s.Default() != first {
		t.Errorf("default: %v, %v", got, err)
	}
	if len(s.Certificates()) != 4 || !s.NotAfter().Equal(first.Leaf.NotAfter) {
		t.Errorf("%d certificates until %s", len(s.Certificates()), s.NotAfter())
	}
}

// Of two certificates for a name a client gets that which it can use.
func TestSetChoosesByAlgorithm(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"two.example"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	old, modern := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: parsed}, named(t, "two.example")
	s := NewSet(fixed{named(t, "localhost")}, fixed{modern}, fixed{old})
	for _, c := range []struct {
		suites []uint16
		want   *tls.Certificate
	}{
		{[]uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}, old},
		{[]uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}, modern},
	} {
		client, server := net.Pipe()
		go func() {
			conf := &tls.Config{ServerName: "two.example", InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: c.suites}
			_ = tls.Client(client, conf).Handshake() // the server's end of it is looked at
			client.Close()
		}()
		var got *tls.Certificate
		conn := tls.Server(server, &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			var err error
			got, err = s.GetCertificate(h)
			return got, err
		}})
		if err := conn.Handshake(); err != nil {
			t.Errorf("%v: %v", c.suites, err)
		}
		conn.Close()
		if got != c.want {
			t.Errorf("%v: another certificate", c.suites)
		}
	}
}

// A challenge is for who has asked an authority, and nobody else answers it.
func TestSetChallenge(t *testing.T) {
	usual, proof := named(t, "live.example"), named(t, "proof.example")
	hello := &tls.ClientHelloInfo{ServerName: "live.example", SupportedProtos: []string{ChallengeProtocol}}
	if c, err := NewSet(fixed{usual}, challenged{fixed{proof}}).GetCertificate(hello); err != nil || c != proof {
		t.Errorf("%v, %v", c, err)
	}
	if _, err := NewSet(fixed{usual}).GetCertificate(hello); err == nil {
		t.Error("a challenge got the usual certificate")
	}
	hello.SupportedProtos = append(hello.SupportedProtos, "h2")
	if c, err := NewSet(fixed{usual}, challenged{fixed{proof}}).GetCertificate(hello); err != nil || c != usual {
		t.Errorf("%v, %v", c, err)
	}
}

func TestSetEmpty(t *testing.T) {
	s := NewSet(fixed{})
	if _, err := s.GetCertificate(&tls.ClientHelloInfo{ServerName: "a.example"}); !errors.Is(err, ErrNoCertificate) {
		t.Errorf("error %v", err)
	}
	if s.Default() != nil || !s.NotAfter().IsZero() || s.Reload() != nil {
		t.Error("there is something")
	}
}
