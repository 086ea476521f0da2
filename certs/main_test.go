package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// closing ends the source with the test.
func closing(t *testing.T, s *Source, err error) *Source {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func leaf(t *testing.T, s *Source) *x509.Certificate {
	t.Helper()
	c, err := s.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf
}

func textLog() (*slog.Logger, *logText) {
	var b logText
	return slog.New(slog.NewTextHandler(&b, nil)), &b
}

// logText is what was logged; a Source logs from its own goroutine.
type logText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logText) Len() int { return len(l.String()) }

// pair writes a fresh certificate for host and its key as two files.
func pair(t *testing.T, certFile, keyFile, host string) {
	t.Helper()
	pairUntil(t, certFile, keyFile, host, time.Now().Add(lifetime))
}

// pairUntil is pair with an end.
func pairUntil(t *testing.T, certFile, keyFile, host string, end time.Time) {
	t.Helper()
	b, err := generate([]string{host}, time.Now().Add(-backdate), end)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, _ := strings.Cut(string(b), "-----BEGIN PRIVATE KEY")
	for name, content := range map[string]string{certFile: cert, keyFile: "-----BEGIN PRIVATE KEY" + key} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
