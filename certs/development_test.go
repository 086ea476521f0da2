package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const day = 24 * time.Hour

func TestDevelopmentCertificate(t *testing.T) {
	s, err := Development("", []string{"Media.example.org", "192.0.2.7", "[2001:db8::1]", "localhost"}, nil)
	c := leaf(t, closing(t, s, err))
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "media.example.org", "192.0.2.7", "2001:db8::1"} {
		if err := c.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	key, ok := c.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		t.Errorf("key is %T, want ECDSA P-256", c.PublicKey)
	}
	if v := c.NotAfter.Sub(c.NotBefore); v >= 14*day || v < 10*day {
		t.Errorf("valid for %s", v)
	}
	if s.Fingerprint() != sha256.Sum256(c.Raw) || s.FingerprintHex() != hex.EncodeToString(s.history[0][:]) {
		t.Error("fingerprint is not the SHA-256 of the certificate")
	}
}

func TestDevelopmentRefusesHosts(t *testing.T) {
	for _, host := range []string{"", "https://example.org", "example.org:443", "a..b", "with space"} {
		if s, err := Development("", []string{host}, nil); err == nil {
			s.Close()
			t.Errorf("%q accepted", host)
		} else if !strings.Contains(err.Error(), "without scheme and port") {
			t.Errorf("%q: error does not say what to do: %v", host, err)
		}
	}
}

// runOnce opens, looks and closes: one run of a server.
func runOnce(t *testing.T, dir string, hosts ...string) [32]byte {
	t.Helper()
	s, err := Development(dir, hosts, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return s.Fingerprint()
}

func TestDevelopmentKeptOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "state", "certs")
		first := runOnce(t, dir)
		file := filepath.Join(dir, developmentFile)
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("key file: %v, %v", info, err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 1 {
			t.Errorf("left in the folder: %v", entries)
		}
		time.Sleep(lifetime - clockSlack - time.Minute)
		if runOnce(t, dir) != first {
			t.Error("not reused until its end")
		}
		time.Sleep(2 * time.Minute)
		second := runOnce(t, dir)
		if second == first {
			t.Error("reused at its end")
		}
		third := runOnce(t, dir, "example.org")
		if third == second {
			t.Error("reused though a host was added")
		}
		if runOnce(t, dir) != third {
			t.Error("not reused though it covers more than asked for")
		}
		if err := os.Chmod(file, 0o644); err != nil {
			t.Fatal(err)
		}
		if runOnce(t, dir) != third {
			t.Error("not reused")
		}
		if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
			t.Errorf("mode not put right: %v", info.Mode())
		}
		if err := os.WriteFile(file, []byte("garbage"), 0o600); err != nil {
			t.Fatal(err)
		}
		if runOnce(t, dir) == third {
			t.Error("garbage reused")
		}
	})
}

func TestDevelopmentFolderIsAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Development(file, nil, nil); err == nil {
		s.Close()
		t.Fatal("accepted")
	} else if !strings.Contains(err.Error(), file) {
		t.Errorf("error does not name the folder: %v", err)
	}
}

func TestDevelopmentFileCanNotBeKept(t *testing.T) {
	// A folder where the file should be: works for root, too.
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, developmentFile, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	log, text := textLog()
	s, err := Development(dir, nil, log)
	closing(t, s, err)
	if !strings.Contains(text.String(), "restart will change the fingerprint") {
		t.Errorf("not logged: %s", text)
	}
}

// Who accepts what Fingerprints tells, at whatever time, is let in at least until ten
// days later; who accepts the fingerprint of now alone, until that certificate ends.
func TestDevelopmentRenewsWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, err := Development(dir, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		type kept struct {
			all  [][32]byte
			from time.Time
			end  time.Time // of the one that was current
		}
		var clients []kept
		changes := 0
		for last := s.Fingerprint(); changes < historyLength+2; time.Sleep(13 * time.Hour) {
			synctest.Wait()
			now, c := time.Now(), leaf(t, s)
			if now.Before(c.NotBefore) || !now.Before(c.NotAfter) {
				t.Fatalf("served from %s to %s, now is %s", c.NotBefore, c.NotAfter, now)
			}
			sum := s.Fingerprint()
			for _, k := range clients {
				if now.Sub(k.from) < 10*day && !slices.Contains(k.all, sum) {
					t.Fatalf("who was told of two certificates %s ago is not let in", now.Sub(k.from))
				}
				if now.Before(k.end.Add(-clockSlack)) && k.all[0] != sum {
					t.Fatalf("a certificate is replaced %s before its end", k.end.Sub(now))
				}
			}
			if sum != last {
				changes++
				last = sum
			}
			told := s.Fingerprints()
			if len(told) != 2 || told[0] != sum {
				t.Fatalf("told of %x, serving %x", told, sum)
			}
			if again := runOnce(t, dir); again != sum {
				t.Fatal("another process serves another certificate")
			}
			clients = append(clients, kept{told, now, c.NotAfter})
			clients = clients[max(0, len(clients)-100):]
		}
		if len(s.History()) != historyLength {
			t.Errorf("%d fingerprints of history", len(s.History()))
		}
	})
}

// Two processes with one folder go on alike, and a restart after all has ended begins
// anew.
func TestDevelopmentSharedFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		one, err := Development(dir, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer one.Close()
		time.Sleep(time.Hour)
		other, err := Development(dir, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		for range 5 {
			time.Sleep(lifetime)
			synctest.Wait()
			time.Sleep(renewCheck)
			synctest.Wait()
			if !slices.Equal(one.Fingerprints(), other.Fingerprints()) {
				t.Fatal("they differ")
			}
		}
		before := one.Fingerprints()
		one.Close()
		other.Close()
		time.Sleep(3 * lifetime)
		if slices.Contains(before, runOnce(t, dir)) {
			t.Error("what has ended is served")
		}
	})
}

// The file of a version that kept one certificate is used.
func TestDevelopmentOneInFile(t *testing.T) {
	dir := t.TempDir()
	b, err := generate([]string{"localhost", "127.0.0.1", "::1"}, time.Now().Add(-day), time.Now().Add(9*day))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, developmentFile), b, 0o600); err != nil {
		t.Fatal(err)
	}
	pairs, err := parsePairs(b)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Development(dir, nil, nil)
	closing(t, s, err)
	if s.Fingerprint() != fingerprint(pairs[0]) || len(s.Fingerprints()) != 2 {
		t.Errorf("serves %x", s.Fingerprints())
	}
}

func TestServeHTTP(t *testing.T) {
	s, err := Development("", nil, nil)
	closing(t, s, err)
	for method, status := range map[string]int{http.MethodGet: 200, http.MethodHead: 200, http.MethodPost: 405} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(method, "/certificate.sha256", nil))
		h := w.Result().Header
		if w.Code != status || h.Get("Cache-Control") != "no-store" || h.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: status %d, header %v", method, w.Code, h)
		}
		if status == 200 && w.Body.String() != s.FingerprintHex() {
			t.Errorf("%s: body %q", method, w.Body)
		}
		w = httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(method, "/certificate.sha256?all", nil))
		if pins, err := ParseFingerprints(w.Body.String()); status == 200 && (err != nil || !slices.Equal(pins, s.Fingerprints())) {
			t.Errorf("%s: all: %q, %v", method, w.Body, err)
		}
	}
}
