package node

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"moqedge/bridge"
	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/peer"
	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// TestAddresses: an address that is denied is refused before a handshake, at the pages
// before anything is read, and what it has ends when it is denied later.
func TestAddresses(t *testing.T) {
	denied := config.Addresses{Allow: []string{"127.0.0.0/8"}, Deny: []string{"::ffff:127.0.0.1"}}
	c := config.Config{Listen: anyPort, HTTP: &config.HTTP{Listen: anyPort}, Admin: &config.Admin{Listen: anyPort}, Access: config.Access{Addresses: denied}}
	n := start(t, c)
	page := func() error {
		rsp, err := http.Get("http://" + n.Addresses().HTTP + "/config.json")
		if err != nil {
			return err
		}
		defer rsp.Body.Close()
		_, err = io.ReadAll(rsp.Body)
		return err
	}
	if s, err := reach(t, n, "moqt", "/", moq.Config{}); err == nil {
		s.Wait()
		t.Error("a session from a denied address")
	} else if !strings.Contains(err.Error(), "CONNECTION_REFUSED") {
		t.Error(err)
	}
	if err := page(); err == nil {
		t.Error("a page for a denied address")
	}
	if rsp, _ := get(t, "http://"+n.Addresses().Admin+"/healthz", nil); rsp.StatusCode != http.StatusOK {
		t.Error("admin:", rsp.Status)
	}

	open := c
	open.Access = config.Access{}
	if _, err := n.Apply(open); err != nil {
		t.Fatal(err)
	}
	s := join(t, n, "moqt", "/", moq.Config{})
	web := join(t, n, "https", "/live", moq.Config{})
	idle, err := net.Dial("tcp", n.Addresses().HTTP)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if err := page(); err != nil {
		t.Error(err)
	}
	if _, err := n.Apply(c); err != nil {
		t.Fatal(err)
	}
	closed(t, "a session that was there", s, wire.SessionUnauthorized)
	closed(t, "one over WebTransport", web, wire.SessionUnauthorized)
	_ = idle.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := idle.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("a connection to the pages that was there:", err)
	}
	bad := c
	bad.Access = config.Access{Addresses: config.Addresses{Deny: []string{"x"}}}
	if _, err := n.Apply(bad); err == nil || !strings.HasPrefix(err.Error(), "access.addresses.deny") {
		t.Error(err)
	}
}

// TestAddressesOfIngests: publications end whose address is denied, and the bridge goes
// on with its own node.
func TestAddressesOfIngests(t *testing.T) {
	c := everything()
	c.Access = config.Access{Addresses: config.Addresses{Deny: []string{"192.0.2.0/24"}}}
	n := start(t, c)
	sessions(t, n, 1) // the bridge
	far, err := n.Hub().Publish("far", bridge.Ingest{Protocol: "srt", Remote: "198.51.100.1:5"})
	if err != nil {
		t.Fatal(err)
	}
	near, err := n.Hub().Publish("near", bridge.Ingest{Protocol: "whip", Remote: "[2001:db8::1]:5"})
	if err != nil {
		t.Fatal(err)
	}
	next := c
	next.Access = config.Access{Addresses: config.Addresses{Deny: []string{"198.51.100.0/24", "127.0.0.1"}}}
	if _, err := n.Apply(next); err != nil {
		t.Fatal(err)
	}
	<-far.Done()
	if !errors.Is(far.Err(), errAddress) || near.Err() != nil {
		t.Error(far.Err(), near.Err())
	}
	if n.Stats().Sessions != 1 {
		t.Error("the bridge has lost its session")
	}
	rsp, err := http.Post("http://"+n.Addresses().HTTP+"/whip/cam", "application/sdp", strings.NewReader("v=0"))
	if err == nil {
		rsp.Body.Close()
		t.Error("WHIP for a denied address:", rsp.Status)
	}
}

// TestOrigins: pages of other origins get no session, and WHIP does not answer them.
func TestOrigins(t *testing.T) {
	c := everything()
	c.Access = config.Access{Origins: []string{"https://media.example", "https://*.media.example", "http://localhost:8080"}}
	n := start(t, c)
	for origin, good := range map[string]bool{
		"": true, "https://media.example": true, "https://a.media.example": true, "https://a.b.MEDIA.example": true, "http://localhost:8080": true,
		"http://media.example": false, "https://media.example.evil": false, "https://evilmedia.example": false, "https://.media.example": false,
		"https://evil/.media.example": false, "null": false, "http://localhost": false, "https://media.example:444": false,
	} {
		dial := transport.DialConfig{Fingerprints: n.Pins(), Header: http.Header{}}
		if origin != "" {
			dial.Header.Set("Origin", origin)
		}
		conn, err := transport.Dial(t.Context(), "https://"+n.Addresses().Relay+"/live", &dial)
		if err == nil {
			_ = conn.CloseWithError(0, "")
		}
		if (err == nil) != good || err != nil && !strings.Contains(err.Error(), "403") {
			t.Errorf("WebTransport from %q: %v", origin, err)
		}
		for _, method := range []string{http.MethodPost, http.MethodOptions} {
			r, err := http.NewRequest(method, "http://"+n.Addresses().HTTP+"/whip/cam", strings.NewReader("v=0"))
			if err != nil {
				t.Fatal(err)
			}
			if origin != "" {
				r.Header.Set("Origin", origin)
			}
			rsp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			rsp.Body.Close()
			told := rsp.Header.Get("Access-Control-Allow-Origin")
			if (rsp.StatusCode == http.StatusForbidden) == good || good && origin != "" && told != origin || !good && told != "" {
				t.Errorf("WHIP %s from %q: %s, %q", method, origin, rsp.Status, told)
			}
		}
	}
	next := c
	next.Access = config.Access{Origins: []string{"https://other.example"}}
	if _, err := n.Apply(next); err != nil {
		t.Fatal(err)
	}
	dial := transport.DialConfig{Fingerprints: n.Pins(), Header: http.Header{"Origin": {"https://media.example"}}}
	if conn, err := transport.Dial(t.Context(), "https://"+n.Addresses().Relay+"/live", &dial); err == nil {
		_ = conn.CloseWithError(0, "")
		t.Error("an origin that is not allowed any more")
	}
	http.DefaultClient.CloseIdleConnections()
}

// authority signs certificates of relays.
type authority struct {
	dir, ca string
	key     *ecdsa.PrivateKey
	cert    *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir(), cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relays"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	a.ca = a.write(t, "ca.pem", "CERTIFICATE", a.sign(t, a.cert, &a.key.PublicKey))
	return a
}

func (a *authority) write(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(a.dir, name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (a *authority) sign(t *testing.T, c *x509.Certificate, public any) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, public, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// issue writes the certificate of a relay with a DNS name, or a URI.
func (a *authority) issue(t *testing.T, name string) (cert, key string) {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "relay"}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if uri, err := url.Parse(name); err == nil && uri.Scheme != "" {
		c.URIs = []*url.URL{uri}
	} else {
		c.DNSNames = []string{name}
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	file := strings.NewReplacer("/", "-", ":", "-").Replace(name)
	return a.write(t, file+".pem", "CERTIFICATE", a.sign(t, c, &private.PublicKey)), a.write(t, file+".key", "EC PRIVATE KEY", der)
}

// told collects namespaces that a session is told of.
type told struct{ events chan string }

func (l told) NamespaceAdded(ns wire.Namespace)   { l.events <- "+" + strings.Join(ns, "/") }
func (l told) NamespaceRemoved(ns wire.Namespace) { l.events <- "-" + strings.Join(ns, "/") }

// TestRelayCertificates: three relays with certificates of one authority. What a rule
// names of a relay it may carry, and nothing else: neither is it told, nor may it ask,
// nor is it believed. One without a rule carries all, and so do all without rules.
func TestRelayCertificates(t *testing.T) {
	a := newAuthority(t)
	rules := []config.RelayRule{
		{Name: "*.edge.example", Get: []string{"sport"}, Put: []string{"local/one"}},
		{Name: "spiffe://example/studio", Put: []string{"sport"}},
	}
	for _, ruled := range []bool{true, false} {
		c := config.Config{Listen: anyPort, Certificate: config.Certificate{ClientCA: a.ca}, Access: config.Access{}}
		if ruled {
			c.Access.Relays = rules
		}
		root := start(t, c)
		below := func(name, id string) *Node {
			cert, key := a.issue(t, name)
			n := start(t, config.Config{ID: id, Listen: anyPort, Upstream: &config.Upstream{Config: peer.Config{URL: "moqt://" + root.Addresses().Relay, Pins: root.Pins, Cert: cert, Key: key}}})
			eventually(t, id+" is connected", func() bool {
				return slices.ContainsFunc(root.relay.Links(), func(l relay.LinkStatus) bool { return l.ID == id })
			})
			return n
		}
		edge, studio, free := below("one.edge.example", "edge"), below("spiffe://example/studio", "studio"), below("free.example", "free")
		publish := func(n *Node, paths ...string) {
			p := join(t, n, "moqt", "/", moq.Config{})
			for _, path := range paths {
				if _, err := p.PublishNamespace(t.Context(), strings.Split(path, "/")); err != nil {
					t.Fatal(err)
				}
			}
		}
		publish(edge, "local/one/a", "local/two", "sport/edge")
		publish(studio, "sport/live", "news")
		publish(free, "free", "sport/free")
		all := []string{"local/one/a", "local/two", "sport/edge", "sport/live", "news", "free", "sport/free"}
		want := map[*Node][]string{root: all, edge: all, studio: all, free: all}
		if ruled {
			want = map[*Node][]string{
				root: {"local/one/a", "sport/live", "free", "sport/free"},
				free: {"local/one/a", "sport/live", "free", "sport/free"},
				edge: {"local/one/a", "local/two", "sport/edge", "sport/live", "sport/free"}, studio: {"sport/live", "news"},
			}
		}
		for n, names := range want {
			hears(t, n, fmt.Sprintf("rules %v, %q", ruled, n.config.ID), names...)
		}
		if !ruled {
			continue
		}
		direct := func(name string) *moq.Session {
			cert, key := a.issue(t, name)
			client, err := peer.Config{URL: "moqt://" + root.Addresses().Relay, Pins: root.Pins, Cert: cert, Key: key}.Client(moq.Config{})
			if err != nil {
				t.Fatal(err)
			}
			s, err := client.Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				s.Close(wire.SessionNoError, "")
				s.Wait()
			})
			return s
		}
		// Who has the certificate and says that it is no relay may do no more.
		s := direct("two.edge.example")
		_, err := s.TrackStatus(t.Context(), wire.FullTrackName{Namespace: wire.Namespace{"free"}, Name: "x"})
		refused(t, "a track beyond the rule", err, wire.RequestUnauthorized)
		_, err = s.PublishNamespace(t.Context(), wire.Namespace{"sport"})
		refused(t, "a namespace beyond the rule", err, wire.RequestUnauthorized)
		_, err = s.TrackStatus(t.Context(), wire.FullTrackName{Namespace: wire.Namespace{"sport", "none"}, Name: "x"})
		if errors.Is(err, &moq.RequestError{Code: wire.RequestUnauthorized}) {
			t.Error("a track within the rule:", err)
		}
		// Other rules hold for relays that are there: they come again.
		next := c
		next.Access = config.Access{Relays: []config.RelayRule{{Name: "*.edge.example", Get: []string{"free"}}, rules[1]}}
		if _, err := root.Apply(next); err != nil {
			t.Fatal(err)
		}
		closed(t, "a session whose rule changed", s, wire.SessionNoError)
		hears(t, edge, "the edge, by the new rule", "local/one/a", "local/two", "sport/edge", "free")
		hears(t, root, "without what the edge may not announce any more", "sport/live", "free", "sport/free")
	}
}

// hears waits until a new session with a node is told of these namespaces and no others,
// and looks for a moment whether it stays so.
func hears(t *testing.T, n *Node, what string, paths ...string) {
	t.Helper()
	s := join(t, n, "moqt", "/", moq.Config{})
	defer s.Close(wire.SessionNoError, "")
	l := told{make(chan string, 100)}
	if _, err := s.SubscribeNamespace(t.Context(), nil, l); err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	var all []string
	hopeless := time.After(20 * time.Second)
	for {
		var settled <-chan time.Time
		if slices.Equal(all, paths) {
			settled = time.After(200 * time.Millisecond)
		}
		select {
		case e := <-l.events:
			all = slices.DeleteFunc(all, func(x string) bool { return x == e[1:] })
			if e[0] == '+' {
				all = append(all, e[1:])
			}
			slices.Sort(all)
		case <-settled:
			return
		case <-hopeless:
			t.Fatalf("%s: told of %q, want %q", what, all, paths)
		}
	}
}

// TestNamesOfCertificates: a rule for DNS names is not met by a URI that looks like one,
// nor one for a URI by a DNS name.
func TestNamesOfCertificates(t *testing.T) {
	rules, err := newGateRules(config.Access{Relays: []config.RelayRule{{Name: "*.a.example", Get: []string{"dns"}}, {Name: "spiffe://b.a.example", Get: []string{"uri"}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ dns, uri, want string }{
		{"b.a.example", "", "dns"}, {"", "spiffe://b.a.example", "uri"}, {"spiffe://b.a.example", "", "dns"}, {"", "https://b.a.example", ""},
	} {
		var of x509.Certificate
		if c.dns != "" {
			of.DNSNames = []string{c.dns}
		}
		if c.uri != "" {
			of.URIs = []*url.URL{{Scheme: strings.SplitN(c.uri, ":", 2)[0], Host: "b.a.example"}}
		}
		got := ""
		for _, s := range rules.scopes(&of) {
			got += s.Get[0].String()
		}
		if got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
