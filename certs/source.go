package certs

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Source gives a server its current certificate. It is safe for concurrent
// use. One goroutine keeps it fresh, until Close.
type Source struct {
	log *slog.Logger
	// refresh returns the certificate to serve from now on, or nil when the
	// one of before stays. Called with mu held. force: look even if nothing
	// seems to have changed.
	refresh refresher

	current atomic.Pointer[tls.Certificate]

	mu      sync.Mutex
	history [][32]byte // newest first, the current one at 0

	stop func()
	done chan struct{}
}

type refresher func(now time.Time, force bool) (*tls.Certificate, error)

// historyLength bounds Source.History.
const historyLength = 16

// start gets the first certificate, and a goroutine that looks again at each
// interval.
func start(log *slog.Logger, every time.Duration, refresh refresher) (*Source, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Source{log: log, refresh: refresh, done: make(chan struct{})}
	if err := s.Reload(); err != nil {
		return nil, err
	}
	stopping := make(chan struct{})
	s.stop = sync.OnceFunc(func() { close(stopping) })
	go func() {
		defer close(s.done)
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			select {
			case <-t.C:
			case <-stopping:
				return
			}
			if err := s.reload(false); err != nil {
				s.log.Error("certificate not renewed, the one of before stays", "err", err)
			}
		}
	}()
	return s, nil
}

// Reload looks now whether there is a new certificate. After an error the
// one of before stays.
func (s *Source) Reload() error { return s.reload(true) }

func (s *Source) reload(force bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The wall clock decides: a monotonic one stands still while a machine sleeps.
	cert, err := s.refresh(time.Now().Round(0), force)
	if err != nil || cert == nil {
		return err
	}
	sum := fingerprint(cert)
	s.current.Store(cert)
	if len(s.history) > 0 && s.history[0] == sum {
		return nil
	}
	level := slog.LevelDebug // the first is told by whoever starts the server
	if len(s.history) > 0 {
		level = slog.LevelInfo
	}
	s.history = slices.Insert(s.history, 0, sum)
	s.history = s.history[:min(len(s.history), historyLength)]
	s.log.Log(context.Background(), level, "certificate in use", "fingerprint", hex.EncodeToString(sum[:]),
		"not_after", cert.Leaf.NotAfter.UTC().Format(time.RFC3339))
	return nil
}

func fingerprint(c *tls.Certificate) [32]byte { return sha256.Sum256(c.Leaf.Raw) }

// GetCertificate is for tls.Config.GetCertificate. It never fails.
func (s *Source) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return s.current.Load(), nil
}

// Fingerprint is the SHA-256 hash of the current certificate (DER), as
// browsers take it in serverCertificateHashes.
func (s *Source) Fingerprint() [32]byte { return fingerprint(s.current.Load()) }

// FingerprintHex is Fingerprint as 64 lower-case hexadecimal digits.
func (s *Source) FingerprintHex() string {
	sum := s.Fingerprint()
	return hex.EncodeToString(sum[:])
}

// History is the fingerprints that this Source has served, newest first: the
// current one and at most 15 of before. Only the first is served now.
func (s *Source) History() [][32]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.history)
}

// ServeHTTP answers GET and HEAD with FingerprintHex as text, readable from
// any page: a fingerprint is no secret, and must be fresh.
func (s *Source) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD are served here", http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(w, s.FingerprintHex()) // who asked is gone otherwise
}

// Close ends the goroutine. The last certificate can still be served.
func (s *Source) Close() error {
	s.stop()
	<-s.done
	return nil
}
