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
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Source gives a server its current certificate. It is safe for concurrent
// use. One goroutine keeps it fresh, until Close.
type Source struct {
	log *slog.Logger
	// refresh returns what to serve from now on, or nil when what was before
	// stays. Called with mu held. force: look even if nothing seems to have
	// changed.
	refresh refresher

	offered atomic.Pointer[offer]

	mu      sync.Mutex
	history [][32]byte // newest first, the current one at 0

	stop func()
	done chan struct{}
}

// offer is what a Source serves, and what it will serve after that.
type offer struct {
	current *tls.Certificate
	next    *tls.Certificate // nil: not known
}

type refresher func(now time.Time, force bool) (*offer, error)

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
	// The wall clock decides: a monotonic one stands still while a machine sleeps.
	return s.reloadAt(time.Now().Round(0), force)
}

func (s *Source) reloadAt(now time.Time, force bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.refresh(now, force)
	if err != nil || o == nil {
		return err
	}
	sum := fingerprint(o.current)
	s.offered.Store(o)
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
		"not_after", o.current.Leaf.NotAfter.UTC().Format(time.RFC3339))
	return nil
}

func fingerprint(c *tls.Certificate) [32]byte { return sha256.Sum256(c.Leaf.Raw) }

// GetCertificate is for tls.Config.GetCertificate. It never fails.
func (s *Source) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return s.offered.Load().current, nil
}

// Certificates is the current certificate, for a Set.
func (s *Source) Certificates() []*tls.Certificate {
	return []*tls.Certificate{s.offered.Load().current}
}

// Fingerprint is the SHA-256 hash of the current certificate (DER), as
// browsers take it in serverCertificateHashes.
func (s *Source) Fingerprint() [32]byte { return fingerprint(s.offered.Load().current) }

// Fingerprints are that of the current certificate and then, of a development
// certificate, that of the one which will take its place. Who accepts all of them is
// let in until the last one ends.
func (s *Source) Fingerprints() [][32]byte {
	o := s.offered.Load()
	all := [][32]byte{fingerprint(o.current)}
	if o.next != nil {
		all = append(all, fingerprint(o.next))
	}
	return all
}

// FingerprintHex is Fingerprint as 64 lower-case hexadecimal digits.
func (s *Source) FingerprintHex() string {
	sum := s.Fingerprint()
	return hex.EncodeToString(sum[:])
}

// Hex writes fingerprints as ParseFingerprints reads them: 64 lower-case hexadecimal
// digits each, separated by commas.
func Hex(fingerprints [][32]byte) string {
	texts := make([]string, 0, len(fingerprints))
	for _, sum := range fingerprints {
		texts = append(texts, hex.EncodeToString(sum[:]))
	}
	return strings.Join(texts, ",")
}

// History is the fingerprints that this Source has served, newest first: the
// current one and at most 15 of before. Only the first is served now.
// Fingerprints tells what comes.
func (s *Source) History() [][32]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.history)
}

// ServeHTTP answers GET and HEAD with FingerprintHex as text, readable from
// any page: a fingerprint is no secret, and must be fresh. With the query "all"
// it answers with Fingerprints, separated by commas, for who keeps them.
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
	told := s.Fingerprints()[:1]
	if r.URL.Query().Has("all") {
		told = s.Fingerprints()
	}
	_, _ = io.WriteString(w, Hex(told)) // who asked is gone otherwise
}

// Close ends the goroutine. The last certificate can still be served.
func (s *Source) Close() error {
	s.stop()
	<-s.done
	return nil
}
