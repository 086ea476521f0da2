package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"moqedge/certs"
)

var networks = []Kind{KindQUIC, KindWebTransport}

func rootsOf(t *testing.T, source *certs.Source) *tls.Config {
	t.Helper()
	c, err := source.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(c.Leaf)
	return &tls.Config{RootCAs: pool}
}

// refused dials and returns the error.
func refused(t *testing.T, url string, c *DialConfig) *DialError {
	t.Helper()
	conn, err := Dial(patient(t), url, c)
	if err == nil {
		conn.CloseWithError(0, "")
		t.Fatalf("%s accepted", url)
	}
	e, ok := errors.AsType[*DialError](err)
	if !ok || e.URL != url {
		t.Fatalf("error %v (%T)", err, err)
	}
	return e
}

func wantText(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error does not contain %q: %v", w, err)
		}
	}
}

func TestDialTrust(t *testing.T) {
	source, other := certificate(t), certificate(t)
	l := listen(t, source, ListenConfig{})
	for _, k := range networks {
		url := urlOf(k, l.Addr(), "/")
		t.Run(k.String(), func(t *testing.T) {
			for name, c := range map[string]*DialConfig{
				"pin":               pinning(source),
				"pin among others":  {Fingerprints: [][32]byte{other.Fingerprint(), source.Fingerprint()}},
				"roots":             {TLS: rootsOf(t, source)},
				"pin before roots":  {TLS: rootsOf(t, other), Fingerprints: [][32]byte{source.Fingerprint()}},
				"insecure as asked": {TLS: &tls.Config{InsecureSkipVerify: true}},
			} {
				t.Run(name, func(t *testing.T) { connect(t, k, l, c) })
			}
			t.Run("wrong pin", func(t *testing.T) {
				err := refused(t, url, pinning(other))
				wantText(t, err, source.FingerprintHex(), "use the new fingerprint")
			})
			t.Run("right pin after its end", func(t *testing.T) {
				c := pinning(source)
				c.TLS = &tls.Config{Time: func() time.Time { return time.Now().Add(11 * 24 * time.Hour) }}
				wantText(t, refused(t, url, c), "certificate ended at")
			})
			t.Run("caller's check still runs", func(t *testing.T) {
				c := pinning(source)
				c.TLS = &tls.Config{VerifyConnection: func(tls.ConnectionState) error { return errors.New("not today") }}
				wantText(t, refused(t, url, c), "not today")
			})
			t.Run("unknown authority", func(t *testing.T) {
				wantText(t, refused(t, url, nil), "certificate", "CA file", "fingerprint")
			})
			t.Run("wrong name", func(t *testing.T) {
				conf := rootsOf(t, source)
				conf.ServerName = "example.org"
				wantText(t, refused(t, url, &DialConfig{TLS: conf}), "example.org", "fingerprint")
			})
		})
	}
}

func TestVersions(t *testing.T) {
	source := certificate(t)
	l := listen(t, source, ListenConfig{Versions: []string{"moqt-18", "moqt-16"}})
	for _, k := range networks {
		t.Run(k.String(), func(t *testing.T) {
			for _, c := range []struct {
				offered []string
				want    string
			}{
				{nil, "moqt-18"},
				{[]string{"moqt-18"}, "moqt-18"},
				{[]string{"moqt-16"}, "moqt-16"},
				{[]string{"moqt-99", "moqt-18"}, "moqt-18"},
				{[]string{"moqt-99", "moqt-16", "x"}, "moqt-16"},
			} {
				d := pinning(source)
				d.Versions = c.offered
				client, server := connect(t, k, l, d)
				if got := client.Info().Protocol; got != c.want || server.Info().Protocol != got {
					t.Errorf("offered %v: %s and %s, want %s", c.offered, got, server.Info().Protocol, c.want)
				}
			}
			d := pinning(source)
			d.Versions = []string{"moqt-98", "moqt-99"}
			err := refused(t, urlOf(k, l.Addr(), "/"), d)
			wantError(t, err, ErrNoCommonVersion)
			wantText(t, err, "moqt-98, moqt-99")
			if k == KindWebTransport {
				if err.Status != http.StatusNotAcceptable {
					t.Errorf("status %d", err.Status)
				}
				wantText(t, err, "this server speaks moqt-18, moqt-16")
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if c, err := l.Accept(ctx); err == nil {
		t.Errorf("refused connection delivered: %+v", c.Info())
	}
}

// rawDial does the HTTP/3 part by itself, to see the response's header.
func rawDial(t *testing.T, l *Listener, source *certs.Source, h http.Header, protocols ...string) (*http.Response, error) {
	t.Helper()
	conf := rootsOf(t, source)
	conf.NextProtos = []string{http3.NextProtoH3}
	d := webtransport.Transport{TLSClientConfig: conf, ApplicationProtocols: protocols}
	defer d.Close()
	rsp, sess, err := d.Dial(patient(t), urlOf(KindWebTransport, l.Addr(), "/any/path"), h)
	if err == nil {
		t.Cleanup(func() { sess.CloseWithError(0, "") })
	}
	return rsp, err
}

func TestWebTransportHeader(t *testing.T) {
	source := certificate(t)
	l := listen(t, source, ListenConfig{CheckOrigin: func(r *http.Request) bool {
		return r.Header.Get("Origin") != "https://evil.example"
	}})
	rsp, err := rawDial(t, l, source, http.Header{"Origin": {"https://good.example"}}, "moqt-99", "moqt-18")
	if err != nil {
		t.Fatal(err)
	}
	if got := rsp.Header.Values("WT-Protocol"); len(got) != 1 || got[0] != `"moqt-18"` {
		t.Errorf("WT-Protocol %q, want it quoted", got)
	}
	server := must(l.Accept(patient(t)))(t)
	if i := server.Info(); i.Origin != "https://good.example" || i.Path != "/any/path" {
		t.Errorf("info %+v", i)
	}
	for name, c := range map[string]struct {
		offered string
		status  int
	}{
		"no header":       {"", 406},
		"unquoted":        {"moqt-18", 406},
		"malformed":       {`"moqt-18`, 406},
		"inner list":      {`("moqt-18")`, 406},
		"other version":   {`"moqt-99"`, 406},
		"with parameters": {`"moqt-18";q=1`, 200},
		"among others":    {`"h", "moqt-18" , "x"`, 200},
	} {
		h := http.Header{}
		if c.offered != "" {
			h.Set("WT-Available-Protocols", c.offered)
		}
		rsp, err := rawDial(t, l, source, h)
		if rsp == nil || rsp.StatusCode != c.status {
			// Without protocols of its own this client can not take ours.
			t.Errorf("%s: %v, %v", name, rsp, err)
		}
	}
	rsp, err = rawDial(t, l, source, http.Header{"Origin": {"https://evil.example"}}, "moqt-18")
	if rsp == nil || rsp.StatusCode != http.StatusForbidden {
		t.Errorf("evil origin: %v, %v", rsp, err)
	}
	d := pinning(source)
	d.Header = http.Header{"Origin": {"https://evil.example"}}
	e := refused(t, urlOf(KindWebTransport, l.Addr(), "/"), d)
	if e.Status != http.StatusForbidden {
		t.Errorf("status %d", e.Status)
	}
	wantText(t, e, "403", "evil.example", "Origin")
}

// foreignServer is a WebTransport server of other make.
func foreignServer(t *testing.T, source *certs.Source, protocols []string, handle func(*webtransport.Server, http.ResponseWriter, *http.Request)) net.Addr {
	t.Helper()
	s := &webtransport.Server{ApplicationProtocols: protocols}
	s.H3 = &http3.Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(s, w, r) }),
		TLSConfig: &tls.Config{GetCertificate: source.GetCertificate, NextProtos: []string{http3.NextProtoH3}},
	}
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(udp)
	}()
	t.Cleanup(func() {
		s.Close()
		udp.Close()
		<-done
	})
	return udp.LocalAddr()
}

func TestServerWithoutWTProtocol(t *testing.T) {
	source := certificate(t)
	addr := foreignServer(t, source, nil, func(s *webtransport.Server, w http.ResponseWriter, r *http.Request) {
		if _, err := s.Upgrade(w, r); err != nil {
			t.Error(err)
		}
	})
	d := pinning(source)
	d.Versions = []string{"moqt-18"}
	c, err := Dial(patient(t), urlOf(KindWebTransport, addr, "/"), d)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Info().Protocol; got != "moqt-18" {
		t.Errorf("protocol %q", got)
	}
	c.CloseWithError(0, "")
	d.Versions = []string{"moqt-18", "moqt-16"}
	wantText(t, refused(t, urlOf(KindWebTransport, addr, "/"), d), "WT-Protocol", "exactly one version")
}

// WebTransport wants more of QUIC than MOQT does: of a server that lacks it, raw QUIC may
// still be had.
func TestServerWithoutStreamResetPartialDelivery(t *testing.T) {
	source := certificate(t)
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http3.Server{
		EnableDatagrams: true, QUICConfig: &quic.Config{EnableDatagrams: true},
		TLSConfig: &tls.Config{GetCertificate: source.GetCertificate, NextProtos: []string{http3.NextProtoH3}},
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(udp)
	}()
	t.Cleanup(func() {
		s.Close()
		udp.Close()
		<-done
	})
	e := refused(t, urlOf(KindWebTransport, udp.LocalAddr(), "/"), pinning(source))
	wantText(t, e, "stream reset partial delivery", "draft-ietf-webtrans-http3", "moqt://")
}

func TestDialStatus(t *testing.T) {
	source := certificate(t)
	addr := foreignServer(t, source, nil, func(_ *webtransport.Server, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			<-r.Context().Done()
			return
		}
		http.Error(w, "nobody here", http.StatusNotFound)
	})
	e := refused(t, urlOf(KindWebTransport, addr, "/x"), pinning(source))
	if e.Status != http.StatusNotFound {
		t.Errorf("status %d", e.Status)
	}
	wantText(t, e, "404", "nobody here", "path")

	c := pinning(source)
	c.HandshakeTimeout = 300 * time.Millisecond
	e = refused(t, urlOf(KindWebTransport, addr, "/hang"), c)
	if !e.Timeout() {
		t.Errorf("no timeout: %v", e)
	}

	e = refused(t, urlOf(KindQUIC, addr, "/"), pinning(source))
	wantError(t, e, ErrNoCommonVersion)
	wantText(t, e, "WebTransport only")
}

func TestDialServerWithoutHTTP3(t *testing.T) {
	source := certificate(t)
	ln, err := quic.ListenAddr("127.0.0.1:0", &tls.Config{GetCertificate: source.GetCertificate, NextProtos: []string{"moqt-18"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	wantText(t, refused(t, urlOf(KindWebTransport, ln.Addr(), "/"), pinning(source)), "moqt://")
	// It has no datagrams either.
	wantText(t, refused(t, urlOf(KindQUIC, ln.Addr(), "/"), pinning(source)), "datagrams")
}

func TestDialNobody(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, k := range networks {
		url := urlOf(k, silent.LocalAddr(), "/")
		e := refused(t, url, &DialConfig{HandshakeTimeout: 100 * time.Millisecond})
		if !e.Timeout() {
			t.Errorf("no timeout: %v", e)
		}
		wantText(t, e, "server runs there", "UDP port")
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := Dial(ctx, url, nil)
		wantError(t, err, context.Canceled)
	}
}

func TestDialURL(t *testing.T) {
	for url, word := range map[string]string{
		"":                       "scheme",
		"localhost:4443":         "scheme",
		"http://localhost":       "https://",
		"moqt:///path":           "host",
		"moqt://:4443/path":      "host",
		"moqt://localhost:0/":    "between 1 and 65535",
		"moqt://localhost:70000": "between 1 and 65535",
		"moqt://local host/":     "invalid",
		"moqt://a:b:c/":          "invalid",
	} {
		wantText(t, refused(t, url, nil), word)
	}
	for url, want := range map[string]target{
		"moqt://example.org":                {host: "example.org", port: 443, quic: true},
		"https://[2001:db8::1]:4443/x?y#z":  {host: "2001:db8::1", port: 4443},
		"moqt://user@example.org:4443/live": {host: "example.org", port: 4443, quic: true},
	} {
		got, err := parseTarget(url)
		if err != nil || got.host != want.host || got.port != want.port || got.quic != want.quic {
			t.Errorf("%s: %+v, %v", url, got, err)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	f.Add("moqt://example.org:4443/live?x=y#t:z")
	f.Add("https://[::1%25lo]:1/")
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := parseTarget(s); err == nil && (got.host == "" || got.port < 1 || got.port > 65535) {
			t.Errorf("%q: %+v", s, got)
		}
	})
}

func FuzzOfferedProtocols(f *testing.F) {
	f.Add(`"moqt-18", "moqt-16"`)
	f.Add(`"moqt-18";q=1, (1 2)`)
	f.Fuzz(func(t *testing.T, s string) { offeredProtocols(http.Header{"Wt-Available-Protocols": {s}}) })
}
