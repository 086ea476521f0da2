package acme

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"moqedge/certs"
	"moqedge/certs/acme/authority"
)

// What goes on as long as the process: the authority's, and the limit of certmagic for
// how often an authority is asked.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("github.com/letsencrypt/pebble/v2/va.VAImpl.processTasks"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).loop"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).permit"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"), // sleeps up to 5 s more
	)
}

// configOf asks an authority, with a new folder.
func configOf(t *testing.T, a *authority.Authority, domains ...string) Config {
	return Config{
		Domains: domains, Email: "operator@media.example", Agreed: true, Directory: a.Directory(), Roots: a.Own, Storage: t.TempDir(),
	}
}

// listen opens a port on loopback.
func listen(t *testing.T) (net.Listener, int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, l.Addr().(*net.TCPAddr).Port
}

// open makes a Source that ends with the test.
func open(t *testing.T, c Config) *Source {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// signed tells whether there is one certificate, of the authority and for the name.
func signed(t *testing.T, s *Source, a *authority.Authority, name string) *x509.Certificate {
	t.Helper()
	all := s.Certificates()
	if len(all) != 1 {
		t.Fatalf("%d certificates", len(all))
	}
	between := x509.NewCertPool()
	for _, der := range all[0].Certificate[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		between.AddCert(c)
	}
	if _, err := all[0].Leaf.Verify(x509.VerifyOptions{Roots: a.Roots, Intermediates: between, DNSName: name}); err != nil {
		t.Fatal(err)
	}
	return all[0].Leaf
}

// A certificate is had by each challenge, the authority connecting to this machine, with
// the listener of a server and without one.
func TestObtain(t *testing.T) {
	for name, serve := range map[string]func(t *testing.T, l net.Listener, c *Config) func(*Source){
		"HTTP-01 at the pages": func(t *testing.T, l net.Listener, c *Config) func(*Source) {
			c.HTTP = l.Addr().String()
			return func(s *Source) {
				pages := &httptest.Server{Listener: l, Config: &http.Server{Handler: s.Handler(http.NotFoundHandler())}}
				pages.Start()
				t.Cleanup(pages.Close)
			}
		},
		"TLS-ALPN-01 at the pages": func(t *testing.T, l net.Listener, c *Config) func(*Source) {
			c.TLS = l.Addr().String()
			return func(s *Source) {
				other, err := certs.Development("", nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { other.Close() })
				conf := &tls.Config{GetCertificate: certs.NewSet(other, s).GetCertificate, NextProtos: []string{"http/1.1", certs.ChallengeProtocol}}
				pages := &http.Server{Handler: http.NotFoundHandler(), TLSConfig: conf, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
				done := make(chan struct{})
				go func() {
					defer close(done)
					if err := pages.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
						t.Error(err)
					}
				}()
				t.Cleanup(func() { pages.Close(); <-done })
			}
		},
		"HTTP-01 alone": func(_ *testing.T, l net.Listener, c *Config) func(*Source) {
			c.HTTP = l.Addr().String()
			l.Close()
			return func(*Source) {}
		},
		"TLS-ALPN-01 alone": func(_ *testing.T, l net.Listener, c *Config) func(*Source) {
			c.TLS = l.Addr().String()
			l.Close()
			return func(*Source) {}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, port := listen(t)
			a := authority.Start(t, port, port, 0)
			c := configOf(t, a, "live.media.example")
			begin := serve(t, l, &c)
			s := open(t, c)
			if len(s.Certificates()) != 0 {
				t.Fatal("there is a certificate before it was asked for")
			}
			begin(s)
			if err := s.Obtain(t.Context()); err != nil {
				t.Fatal(err)
			}
			first := signed(t, s, a, "live.media.example")

			// A restart asks for nothing.
			s.Close()
			orders := a.Orders.Load()
			again, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if err := again.Obtain(t.Context()); err != nil || !signed(t, again, a, "live.media.example").Equal(first) || a.Orders.Load() != orders {
				t.Errorf("after a restart: %v, %d orders", err, a.Orders.Load()-orders)
			}
		})
	}
}

// The authority does connect: without anybody who answers there is no certificate.
func TestObtainNeedsAnAnswer(t *testing.T) {
	l, port := listen(t)
	silent := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.NotFoundHandler()}}
	silent.Start()
	defer silent.Close()
	a := authority.Start(t, port, port, 0)
	c := configOf(t, a, "live.media.example")
	c.HTTP = l.Addr().String()
	s := open(t, c)
	err := s.Obtain(t.Context())
	if err == nil || !strings.Contains(err.Error(), "live.media.example") || !strings.Contains(err.Error(), "404") {
		t.Errorf("error %v", err)
	}
	if len(s.Certificates()) != 0 {
		t.Error("there is a certificate")
	}
}

// A certificate is renewed while it is served: who is connected stays.
func TestRenew(t *testing.T) {
	l, port := listen(t)
	a := authority.Start(t, port, port, 12)
	c := configOf(t, a, "live.media.example")
	c.HTTP, c.Check = l.Addr().String(), 200*time.Millisecond
	s := open(t, c)
	pages := &httptest.Server{Listener: l, Config: &http.Server{Handler: s.Handler(http.NotFoundHandler())}}
	pages.Start()
	defer pages.Close()
	if err := s.Obtain(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := signed(t, s, a, "live.media.example")

	echo, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: certs.NewSet(s).GetCertificate})
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn) // until the client leaves
			})
		}
	})
	defer serving.Wait()
	defer echo.Close()
	dial := func() *tls.Conn {
		t.Helper()
		conn, err := tls.Dial("tcp", echo.Addr().String(), &tls.Config{RootCAs: a.Roots, ServerName: "live.media.example"})
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	session := dial()
	defer session.Close()
	says := func() {
		t.Helper()
		if _, err := fmt.Fprintln(session, "here"); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(session).ReadString('\n'); err != nil || line != "here\n" {
			t.Fatalf("%q, %v", line, err)
		}
	}
	says()
	until(t, "renewal", func() bool { return !signed(t, s, a, "live.media.example").Equal(first) })
	if time.Now().After(first.NotAfter) {
		t.Error("renewed after its end")
	}
	says()
	fresh := dial()
	defer fresh.Close()
	if fresh.ConnectionState().PeerCertificates[0].Equal(first) {
		t.Error("new clients see the old certificate")
	}
}

// Without the authority a start serves what is stored, and without that it says so; the
// authority is not asked again and again.
func TestAuthorityIsDown(t *testing.T) {
	l, port := listen(t)
	l.Close()
	a := authority.Start(t, port, port, 6)
	c := configOf(t, a, "live.media.example")
	c.TLS = l.Addr().String()
	s := open(t, c)
	if err := s.Obtain(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := signed(t, s, a, "live.media.example")
	s.Close()
	a.Down.Store(true)

	empty := c
	empty.Storage = t.TempDir()
	none := open(t, empty)
	err := none.Obtain(t.Context())
	if err == nil || !strings.Contains(err.Error(), c.Directory) || !strings.Contains(err.Error(), "none is stored") || !strings.Contains(err.Error(), "503") {
		t.Errorf("error %v", err)
	}

	var text lockedBuffer
	c.Logger, c.Check = slog.New(slog.NewTextHandler(&text, nil)), 50*time.Millisecond
	again := open(t, c)
	if !signed(t, again, a, "live.media.example").Equal(first) {
		t.Error("another certificate than that which is stored")
	}
	if err := again.Obtain(t.Context()); err != nil && time.Now().Before(first.NotAfter) {
		t.Error(err)
	}
	until(t, "an attempt to renew", func() bool { return strings.Contains(text.String(), "job failed") })
	looked := a.Looked.Load()
	until(t, "the end of the certificate", func() bool { return time.Now().After(first.NotAfter.Add(time.Second)) })
	if more := a.Looked.Load() - looked; more > 0 {
		t.Errorf("asked %d more times after a failure", more)
	}
	until(t, "the log", func() bool { return strings.Contains(text.String(), "has ended") })
	if len(again.Certificates()) != 1 {
		t.Error("nothing is served any more")
	}

	// An end that has passed is renewed at the next start.
	again.Close()
	a.Down.Store(false)
	last := open(t, c)
	if err := last.Obtain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := signed(t, last, a, "live.media.example"); c.Equal(first) {
		t.Error("not renewed")
	}
}

// Names come and go while it runs.
func TestSetDomains(t *testing.T) {
	l, port := listen(t)
	l.Close()
	a := authority.Start(t, port, port, 0)
	c := configOf(t, a, "one.media.example")
	c.TLS = l.Addr().String()
	s := open(t, c)
	if err := s.Obtain(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := signed(t, s, a, "one.media.example")
	s.SetDomains([]string{"one.media.example", "two.media.example"})
	until(t, "a second name", func() bool { return len(s.Certificates()) == 2 })
	if !s.Certificates()[0].Leaf.Equal(first) {
		t.Error("the first has changed")
	}
	s.SetDomains([]string{"two.media.example"})
	signed(t, s, a, "two.media.example")
	if err := s.Reload(); err != nil {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	good := Config{Domains: []string{"a.example"}, Email: "a@b.example", Agreed: true, Storage: "x", TLS: ":443"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Config){
		"domains: give":                    func(c *Config) { c.Domains = nil },
		`domains: "*.a.example"`:           func(c *Config) { c.Domains = []string{"*.a.example"} },
		`domains: "192.0.2.1"`:             func(c *Config) { c.Domains = []string{"192.0.2.1"} },
		`domains: "https://a.example"`:     func(c *Config) { c.Domains = []string{"https://a.example"} },
		`domains: "a.example" is there tw`: func(c *Config) { c.Domains = []string{"a.example", "a.example"} },
		"email: ":                          func(c *Config) { c.Email = "operator" },
		"directory: ":                      func(c *Config) { c.Directory = "http://a.example" },
		"agree: ":                          func(c *Config) { c.Agreed = false },
		"storage: ":                        func(c *Config) { c.Storage = "" },
		"listen: the authority":            func(c *Config) { c.TLS = "" },
		`listen: "127.0.0.1:0"`:            func(c *Config) { c.HTTP = "127.0.0.1:0" },
		`listen: "nowhere"`:                func(c *Config) { c.HTTP = "nowhere" },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// What certmagic logs has the level that it has for operators, and its values.
func TestLog(t *testing.T) {
	var text bytes.Buffer
	log := zap.New(newCore(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelInfo}))))
	log.Info("a step")
	log.Named("renew").With(zap.String("domain", "a b")).Warn("late", zap.Int("attempt", 2))
	log.Error("failed", zap.Error(errors.New("why \"so\"")))
	got := text.String()
	for _, want := range []string{`level=WARN msg=late domain="a b" part=renew attempt=2`, `level=ERROR msg=failed error="why \"so\""`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if strings.Contains(got, "a step") {
		t.Error("steps are logged")
	}
}

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
