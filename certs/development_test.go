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
		time.Sleep(8*day - time.Minute)
		if runOnce(t, dir) != first {
			t.Error("not reused with two days left")
		}
		time.Sleep(2 * time.Minute)
		second := runOnce(t, dir)
		if second == first {
			t.Error("reused with less than two days left")
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

func TestDevelopmentRenewsWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, err := Development(dir, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		first, oldLeaf := s.Fingerprint(), leaf(t, s)
		time.Sleep(8*day - time.Minute)
		synctest.Wait()
		if s.Fingerprint() != first {
			t.Fatal("renewed too early")
		}
		time.Sleep(renewCheck + time.Minute)
		synctest.Wait()
		if s.Fingerprint() == first || leaf(t, s).Equal(oldLeaf) {
			t.Fatal("the old certificate is still served")
		}
		if h := s.History(); len(h) != 2 || h[0] != s.Fingerprint() || h[1] != first {
			t.Errorf("history %x", h)
		}
		if runOnce(t, dir) != s.Fingerprint() {
			t.Error("the new certificate was not kept")
		}
		for range 3 * historyLength {
			time.Sleep(9 * day)
			synctest.Wait()
			if left := time.Until(leaf(t, s).NotAfter); left < renewBefore-renewCheck {
				t.Fatalf("only %s left", left)
			}
		}
		if len(s.History()) != historyLength {
			t.Errorf("%d fingerprints of history", len(s.History()))
		}
	})
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
	}
}
