package node

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	acmeserver "moqedge/certs/acme/authority"
	"moqedge/cmd/moqedge/config"
	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// pairOf writes a certificate for names and its key.
func pairOf(t *testing.T, dir, file string, names ...string) config.NamedCertificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(100 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := config.NamedCertificate{Cert: filepath.Join(dir, file+".crt"), Key: filepath.Join(dir, file+".key")}
	writeFile(t, c.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	writeFile(t, c.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	return c
}

func writeFile(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// showing connects to a node as a host would be, by the scheme of a URL, and returns the
// certificate that it shows.
func showing(t *testing.T, n *Node, scheme, host string, roots *x509.CertPool) *x509.Certificate {
	t.Helper()
	var leaf *x509.Certificate
	conf := &tls.Config{
		RootCAs: roots, InsecureSkipVerify: roots == nil, ServerName: host,
		VerifyConnection: func(s tls.ConnectionState) error { leaf = s.PeerCertificates[0]; return nil },
	}
	if scheme == "tcp" {
		conn, err := tls.Dial("tcp", n.Addresses().HTTP, conf)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		return leaf
	}
	conn, err := transport.Dial(t.Context(), scheme+"://"+n.Addresses().Relay, &transport.DialConfig{TLS: conf})
	if err != nil {
		t.Fatal(err)
	}
	conn.CloseWithError(0, "")
	return leaf
}

// A client sees the certificate for the name that it asks for, over raw QUIC, WebTransport
// and HTTPS; it can come and go while the node runs, and what has not changed stays.
func TestCertificateNames(t *testing.T) {
	dir := t.TempDir()
	wild, exact := pairOf(t, dir, "wild", "*.media.example"), pairOf(t, dir, "exact", "live.media.example")
	c := config.Config{
		Listen: anyPort, HTTP: &config.HTTP{Listen: anyPort, TLS: true},
		Certificate: config.Certificate{Names: []config.NamedCertificate{wild, exact}},
	}
	n := start(t, c)
	development := n.Fingerprint()
	for _, scheme := range []string{"moqt", "https", "tcp"} {
		for host, want := range map[string]string{"live.media.example": "live.media.example", "x.media.example": "*.media.example", "nobody.example": "localhost", "localhost": "localhost"} {
			if got := showing(t, n, scheme, host, nil); !slices.Contains(got.DNSNames, want) {
				t.Errorf("%s: %s gets %q", scheme, host, got.DNSNames)
			}
		}
	}
	if all := n.Certificates(); len(all) != 3 || all[0].Fingerprint != development || len(n.Pins()) != 2 {
		t.Errorf("tells of %+v", all)
	}
	var counted []string
	for _, c := range n.countCertificates() {
		counted = append(counted, c.Source+" "+c.Name)
	}
	if want := []string{"development localhost", "given *.media.example", "given live.media.example"}; !slices.Equal(counted, want) {
		t.Errorf("metrics tell of %q, want %q", counted, want)
	}
	c.Certificate.Names = []config.NamedCertificate{exact, pairOf(t, dir, "new", "new.example")}
	if _, err := n.Apply(c); err != nil || len(n.Pending()) > 0 {
		t.Fatal(err, n.Pending())
	}
	if n.Fingerprint() != development {
		t.Error("another development certificate, though nothing was said of it")
	}
	for host, want := range map[string]string{"new.example": "new.example", "x.media.example": "localhost", "live.media.example": "live.media.example"} {
		if got := showing(t, n, "moqt", host, nil); !slices.Contains(got.DNSNames, want) {
			t.Errorf("after the change: %s gets %q", host, got.DNSNames)
		}
	}
	c.Certificate.Names = append(c.Certificate.Names, config.NamedCertificate{Cert: "none.pem", Key: "none.pem"})
	if _, err := n.Apply(c); err == nil || !strings.HasPrefix(err.Error(), "certificate.names[2]: ") || len(n.Certificates()) != 3 {
		t.Errorf("error %v, %d certificates", err, len(n.Certificates()))
	}
}

// staying is a session that goes on whatever the certificate does.
func staying(t *testing.T, n *Node, roots *x509.CertPool, host string) (still func()) {
	t.Helper()
	conf := &tls.Config{RootCAs: roots, InsecureSkipVerify: roots == nil, ServerName: host}
	conn, err := transport.Dial(t.Context(), "moqt://"+n.Addresses().Relay, &transport.DialConfig{TLS: conf})
	if err != nil {
		t.Fatal(err)
	}
	s, err := moq.NewSession(t.Context(), conn, moq.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(0, "") })
	return func() {
		t.Helper()
		// An answer to a request, that there is no such track, shows that both sides are
		// there.
		_, err := s.TrackStatus(t.Context(), wire.FullTrackName{Namespace: wire.Namespace{"nobody"}, Name: "nothing"})
		if _, answered := errors.AsType[*moq.RequestError](err); !answered {
			t.Fatalf("the session has ended: %v, %v", err, context.Cause(s.Context()))
		}
	}
}

// nodeLog is what a node logged; its parts do so from their own goroutines.
type nodeLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *nodeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *nodeLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Files are read again while a session goes on; a half of a pair changes nothing and is
// told of.
func TestCertificateFilesReload(t *testing.T) {
	dir := t.TempDir()
	var text nodeLog
	files := pairOf(t, dir, "tls", "one.example")
	c := config.Config{Listen: anyPort, Certificate: config.Certificate{Cert: files.Cert, Key: files.Key}}
	n, err := Start(t.Context(), c, slog.New(slog.NewTextHandler(&text, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	still := staying(t, n, nil, "one.example")
	reload := func() {
		if err := n.Reload(func() (*config.Settings, error) { return &config.Settings{Config: c}, nil }); err != nil {
			t.Error(err)
		}
	}
	next := pairOf(t, dir, "next", "two.example")
	for i, half := range []func() error{
		func() error { return os.Rename(next.Cert, files.Cert) },                 // without its key
		func() error { return os.WriteFile(files.Cert, []byte("-----"), 0o600) }, // half-written
	} {
		if err := half(); err != nil {
			t.Fatal(err)
		}
		reload()
		still()
		if got := showing(t, n, "moqt", "one.example", nil); got.DNSNames[0] != "one.example" {
			t.Errorf("%d: shows %q", i, got.DNSNames)
		}
		if got := strings.Count(text.String(), "certificate not renewed, the one of before stays"); got != i+1 {
			t.Errorf("%d: told %d times: %s", i, got, text.String())
		}
	}
	next = pairOf(t, dir, "next", "two.example")
	for _, err := range []error{os.Rename(next.Cert, files.Cert), os.Rename(next.Key, files.Key)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	reload()
	still()
	if got := showing(t, n, "https", "two.example", nil); got.DNSNames[0] != "two.example" {
		t.Errorf("shows %q", got.DNSNames)
	}
	still()
}

// freePort is a TCP address that nobody listens at, and that no other socket is given
// meanwhile: those that want any port get one from 32768 on.
func freePort(t *testing.T) (string, int) {
	t.Helper()
	for range 100 {
		port := 20_000 + mathrand.IntN(12_000)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			l.Close()
			return l.Addr().String(), port
		}
	}
	t.Fatal("no free port")
	return "", 0
}

// asking is a node whose certificate an authority gives.
func asking(t *testing.T, a *acmeserver.Authority, c config.Config) config.Config {
	t.Helper()
	dir := t.TempDir()
	own := filepath.Join(dir, "ca.pem")
	writeFile(t, own, a.CA())
	c.Listen = anyPort
	c.Certificate = config.Certificate{ACME: &config.ACME{
		Domains: []string{"live.media.example"}, Email: "operator@media.example", Agree: true, Directory: a.Directory(), CA: own,
		Storage: filepath.Join(dir, "acme"),
	}}
	return c
}

// An authority gives the certificate, by HTTP-01 at the pages, TLS-ALPN-01 at those with
// HTTPS, or at a port of its own; a session stays while the certificate of a minute's
// life is renewed.
func TestCertificateAuthority(t *testing.T) {
	for name, given := range map[string]func(c *config.Config, address string){
		"pages":            func(c *config.Config, address string) { c.HTTP = &config.HTTP{Listen: address} },
		"pages with HTTPS": func(c *config.Config, address string) { c.HTTP = &config.HTTP{Listen: address, TLS: true} },
		"port":             func(c *config.Config, address string) { c.Certificate.ACME.Listen = address },
	} {
		t.Run(name, func(t *testing.T) {
			address, port := freePort(t)
			a := acmeserver.Start(t, port, port, 0)
			c := asking(t, a, config.Config{})
			given(&c, address)
			n := start(t, c)
			for _, scheme := range []string{"moqt", "https"} {
				showing(t, n, scheme, "live.media.example", a.Roots)
			}
			still := staying(t, n, a.Roots, "live.media.example")
			c.Certificate.ACME.Domains = []string{"live.media.example", "more.media.example"}
			if _, err := n.Apply(c); err != nil || len(n.Pending()) > 0 {
				t.Fatal(err, n.Pending())
			}
			eventually(t, "a certificate for the new name", func() bool { return len(n.Certificates()) == 2 })
			showing(t, n, "moqt", "more.media.example", a.Roots)
			still()

			// The next start does without the authority.
			n.Close()
			a.Down.Store(true)
			orders := a.Orders.Load()
			again := start(t, c)
			showing(t, again, "moqt", "more.media.example", a.Roots)
			if a.Orders.Load() != orders {
				t.Error("the authority was asked")
			}
		})
	}
}

// Without the authority, and without anything stored, the node does not start, says why
// and leaves no port open.
func TestCertificateAuthorityIsDown(t *testing.T) {
	address, port := freePort(t)
	a := acmeserver.Start(t, port, port, 0)
	a.Down.Store(true)
	c := asking(t, a, config.Config{HTTP: &config.HTTP{Listen: address}})
	_, err := Start(t.Context(), c, slog.New(slog.DiscardHandler))
	if err == nil || !strings.HasPrefix(err.Error(), "certificate.acme: the authority at "+a.Directory()) || !strings.Contains(err.Error(), "none is stored") {
		t.Errorf("error %v", err)
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		conn.Close()
		t.Error("a port stays open")
	}
}

// A node whose certificate has ended is not ready.
func TestReadyWithCertificate(t *testing.T) {
	n := start(t, everything())
	if rsp, _ := get(t, "http://"+n.Addresses().Admin+"/readyz", nil); rsp.StatusCode != http.StatusOK {
		t.Errorf("status %d", rsp.StatusCode)
	}
	end := n.Certificates()[0].NotAfter
	if _, text := get(t, "http://"+n.Addresses().Admin+"/stats", nil); !strings.Contains(text, n.Fingerprint()) || !strings.Contains(text, end.Format(time.RFC3339)) {
		t.Errorf("/stats does not tell of the certificate: %s", text)
	}
	if why := n.unprovable(end.Add(time.Second)); why != "the certificate has expired" {
		t.Errorf("%q", why)
	}
	if why := n.unprovable(end.Add(-time.Second)); why != "" {
		t.Errorf("%q", why)
	}
}

// Both fingerprints of a development certificate are told where one is asked for both,
// and that of now alone to other players.
func TestFingerprintsTold(t *testing.T) {
	n := start(t, everything())
	site := "http://" + n.Addresses().HTTP
	both := strings.Join(n.toldFingerprints(), ",")
	if _, text := get(t, site+"/certificate.sha256", nil); text != n.Fingerprint() {
		t.Errorf("told %q", text)
	}
	if _, text := get(t, site+"/certificate.sha256?all", nil); text != both || len(both) != 129 {
		t.Errorf("told %q", text)
	}
	for _, page := range []string{"/config.json", "/watch/cam"} {
		if _, text := get(t, site+page, nil); !strings.Contains(text, both) {
			t.Errorf("%s does not tell of %s", page, both)
		}
	}
}
