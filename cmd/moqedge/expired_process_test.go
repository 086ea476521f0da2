package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// signer is an authority of a test.
type signer struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	ca   string // file
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	s := &signer{t: t, dir: t.TempDir()}
	s.ca = filepath.Join(s.dir, "ca.pem")
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour * 24 * 365), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	s.cert, s.key = s.write(template, nil, s.ca, filepath.Join(s.dir, "ca.key"))
	return s
}

// sign writes the certificate of a server at 127.0.0.1, and its key, that ends at a time.
func (s *signer) sign(end time.Time, certFile, keyFile string) {
	s.t.Helper()
	s.write(&x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "origin"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: end.Add(-time.Hour * 24 * 90), NotAfter: end, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, s, certFile, keyFile)
}

func (s *signer) write(template *x509.Certificate, by *signer, certFile, keyFile string) (*x509.Certificate, *ecdsa.PrivateKey) {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	parent, parentKey := template, key
	if by != nil {
		parent, parentKey = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		s.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		s.t.Fatal(err)
	}
	return c, key
}

// The certificate of the relay above has ended: both sides say so, with its dates, the one
// below goes on trying with pauses, and is connected when there is a new one, without
// anybody touching it.
func TestUpstreamCertificateExpired(t *testing.T) {
	authority := newSigner(t)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	ended := time.Now().Add(-time.Hour).Truncate(time.Second).UTC()
	authority.sign(ended, cert, key)
	above := start(t, "serve", "--json", "-c", written(t, dir, "origin.yaml",
		fmt.Sprintf("listen: 127.0.0.1:0\nadmin: {listen: '127.0.0.1:0'}\ncertificate: {cert: %q, key: %q}\n", cert, key)))
	var origin, edge address
	above.json("addresses", &origin)
	above.said(`level=ERROR msg="the certificate has ended, clients will refuse it: put a new one in its place" file=` + cert)
	above.said("not_after=" + ended.Format(time.RFC3339))
	if rsp, err := http.Get("http://" + origin.Admin + "/readyz"); err != nil || rsp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the origin is ready: %v, %v", rsp, err)
	} else {
		rsp.Body.Close()
	}

	below := start(t, "serve", "--json", "-c", written(t, dir, "edge.yaml",
		fmt.Sprintf("name: edge\nlisten: 127.0.0.1:0\nadmin: {listen: '127.0.0.1:0'}\nupstreams: [{name: origin, url: 'moqt://%s', ca: %q}]\n", origin.Relay, authority.ca)))
	below.json("addresses", &edge)
	below.said("no session with the relay")
	below.said("is after " + ended.Format(time.RFC3339)) // "certificate has expired or is not yet valid: current time … is after …"
	up := func() string {
		for line := range strings.Lines(fetch(t, "http://"+edge.Admin+"/metrics")) {
			if value, ok := strings.CutPrefix(line, `moqedge_upstream_up{upstream="origin"} `); ok {
				return strings.TrimSpace(value)
			}
		}
		return "not told"
	}
	if got := up(); got != "0" {
		t.Errorf("upstream_up is %s", got)
	}
	if text := fetch(t, "http://"+edge.Admin+"/upstreams"); !strings.Contains(text, "is after "+ended.Format(time.RFC3339)) {
		t.Errorf("the admin API does not say why: %s", text)
	}
	for deadline := time.Now().Add(10 * time.Second); strings.Count(below.stderr.String(), "no session with the relay") < 3; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not try again:\n%s", below.stderr)
		}
	}

	authority.sign(time.Now().Add(30*time.Minute), cert, key)
	if err := above.cmd.Process.Signal(syscall.SIGHUP); err != nil { // or nobody does, and it is seen within 10 s
		t.Fatal(err)
	}
	below.said("connected to the relay")
	if got := up(); got != "1" {
		t.Errorf("upstream_up is %s", got)
	}
	if n := strings.Count(below.stderr.String(), "no session with the relay"); n > 20 {
		t.Errorf("tried %d times: there are no pauses", n)
	}
	http.DefaultClient.CloseIdleConnections()
	below.ends(os.Interrupt)
	above.ends(os.Interrupt)
}
