package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"moqedge/certs"
	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// server is a MOQT server that accepts sessions and does nothing with them.
type server struct {
	certificate *certs.Source
	listener    *transport.Listener
	sessions    chan *moq.Session
}

func serve(t *testing.T, address string) *server {
	t.Helper()
	source, err := certs.Development("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := transport.Listen(&transport.ListenConfig{Addr: address, GetCertificate: source.GetCertificate})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{certificate: source, listener: l, sessions: make(chan *moq.Session, 16)}
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for {
			conn, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			tasks.Go(func() {
				if session, err := moq.NewSession(context.Background(), conn, moq.Config{}); err == nil {
					s.sessions <- session
					session.Wait()
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		tasks.Wait()
		source.Close()
	})
	return s
}

func (s *server) url() string { return "moqt://" + s.listener.Addr().String() }

func (s *server) pins() [][32]byte { return [][32]byte{s.certificate.Fingerprint()} }

func quiet() Options { return Options{Logger: slog.New(slog.DiscardHandler)} }

// Each way of trust connects, and without one the certificate is refused.
func TestTrust(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	web := httptest.NewServer(s.certificate)
	defer web.Close()
	for name, c := range map[string]struct {
		config Config
		ok     bool
	}{
		"fingerprint":       {Config{Fingerprint: s.certificate.FingerprintHex()}, true},
		"fingerprint URL":   {Config{FingerprintURL: web.URL}, true},
		"pins":              {Config{Pins: s.pins}, true},
		"insecure":          {Config{Insecure: true}, true},
		"nothing":           {Config{}, false},
		"other fingerprint": {Config{Fingerprint: strings.Repeat("00", 32)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c.config.URL = s.url()
			used := false
			err := Keep(t.Context(), c.config, quiet(), func(context.Context, *moq.Session, <-chan struct{}) error {
				used = true
				return nil
			})
			if used != c.ok || (err == nil) != c.ok {
				t.Errorf("used %v, %v", used, err)
			}
		})
	}
}

// Over either transport a session has the draft that is asked for, else the one
// that the server prefers.
func TestDraft(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	for _, scheme := range []string{"moqt://", "https://"} {
		for draft, want := range map[int]wire.Version{0: wire.Draft18, 16: wire.Draft16, 22: wire.Draft22} {
			c := Config{URL: scheme + s.listener.Addr().String(), Pins: s.pins, Draft: draft}
			var got wire.Version
			err := Keep(t.Context(), c, quiet(), func(_ context.Context, session *moq.Session, _ <-chan struct{}) error {
				got = session.Version()
				return nil
			})
			if err != nil || got != want {
				t.Errorf("%s, draft %d: a session of %v, %v", scheme, draft, got, err)
			}
		}
	}
}

// What a fingerprint URL may answer instead of a fingerprint.
func TestFingerprintURL(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"not there": {http.NotFound, "HTTP status 404"},
		"page":      {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "is no SHA-256"},
		"huge":      {func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1<<20)) }, "is no SHA-256"},
		"slow":      {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			web := httptest.NewServer(c.answer)
			defer web.Close()
			err := Keep(t.Context(), Config{URL: "moqt://127.0.0.1:1", FingerprintURL: web.URL, Timeout: 50 * time.Millisecond}, quiet(), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 200 {
				t.Errorf("%.200v", err)
			}
		})
	}
}

// A lost session is replaced, also when the server has a new certificate.
func TestKeepReconnects(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	var pins atomic.Pointer[[][32]byte]
	first := s.pins()
	wrong := [][32]byte{{}}
	pins.Store(&first)
	used := 0
	err := Keep(t.Context(), Config{URL: s.url(), Pins: func() [][32]byte { return *pins.Load() }}, quiet(), func(ctx context.Context, session *moq.Session, _ <-chan struct{}) error {
		used++
		if used == 3 {
			return nil
		}
		pins.Store(&wrong) // one attempt fails, the next one finds the new ones
		time.AfterFunc(50*time.Millisecond, func() { pins.Store(&first) })
		(<-s.sessions).Close(wire.SessionNoError, "test")
		<-ctx.Done()
		return errors.New("consequence of the loss")
	})
	if err != nil || used != 3 {
		t.Errorf("used %d times, %v", used, err)
	}
}

func TestKeepEnds(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	c := Config{URL: s.url(), Pins: s.pins}
	own := errors.New("mine")
	if err := Keep(t.Context(), c, quiet(), func(context.Context, *moq.Session, <-chan struct{}) error { return own }); !errors.Is(err, own) {
		t.Errorf("error of use: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := Keep(ctx, c, quiet(), func(ctx context.Context, _ *moq.Session, _ <-chan struct{}) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}); err != nil {
		t.Errorf("end of the context: %v", err)
	}
	once := quiet()
	once.Once = true
	err := Keep(t.Context(), c, once, func(ctx context.Context, _ *moq.Session, _ <-chan struct{}) error {
		for { // those of before may be among them, which have ended
			select {
			case x := <-s.sessions:
				x.Close(wire.SessionUnauthorized, "go away")
			case <-ctx.Done():
				return nil
			}
		}
	})
	if err == nil || !strings.Contains(err.Error(), "go away") {
		t.Errorf("lost session with Once: %v", err)
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		want   string // "" is valid
	}{
		"quic":         {Config{URL: "moqt://a:1"}, ""},
		"webtransport": {Config{URL: "https://a/b", CA: "x.pem"}, ""},
		"empty":        {Config{}, "the URL of the server is missing"},
		"unreadable":   {Config{URL: "moqt://%zz"}, "can not be read"},
		"scheme":       {Config{URL: "quic://a"}, "want moqt://"},
		"no host":      {Config{URL: "moqt://:1"}, "names no host"},
		"two ways":     {Config{URL: "moqt://a", Insecure: true, Fingerprint: "x"}, "only one"},
		"pins":         {Config{URL: "moqt://a", Fingerprint: "x"}, "hexadecimal"},
		"pin URL":      {Config{URL: "moqt://a", FingerprintURL: "ftp://x"}, "want http://"},
		"draft":        {Config{URL: "moqt://a", Draft: 16}, ""},
		"no draft":     {Config{URL: "moqt://a", Draft: 17}, "draft 17 is not spoken here"},
		"negative":     {Config{URL: "moqt://a", Draft: -16}, "draft -16 is not spoken here"},
		"timeout":      {Config{URL: "moqt://a", Timeout: -1}, "negative"},
	} {
		err := c.config.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
