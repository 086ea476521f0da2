package certs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFilesReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
		pair(t, cert, key, "one.example")
		log, text := textLog()
		s, err := Files(cert, key, log)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		serves := func(host string) {
			t.Helper()
			if err := leaf(t, s).VerifyHostname(host); err != nil {
				t.Fatal(err)
			}
		}
		wait := func() {
			time.Sleep(pollFiles)
			synctest.Wait()
		}
		serves("one.example")

		// Renamed into place, as certificate tools do.
		newCert, newKey := filepath.Join(dir, "new.crt"), filepath.Join(dir, "new.key")
		pair(t, newCert, newKey, "two.example")
		rename := func(from, to string) {
			t.Helper()
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
		}
		rename(newCert, cert)
		wait() // the key of before does not belong to it
		serves("one.example")
		if !strings.Contains(text.String(), cert) || !strings.Contains(text.String(), "not renewed") {
			t.Errorf("mismatch not logged: %s", text)
		}
		logged := text.Len()
		wait()
		if text.Len() != logged {
			t.Errorf("logged again: %s", text)
		}
		if err := s.Reload(); err == nil {
			t.Error("Reload of a mismatch returns no error")
		}
		rename(newKey, key)
		wait()
		serves("two.example")

		if err := os.WriteFile(cert, []byte("garbage"), 0o600); err != nil {
			t.Fatal(err)
		}
		wait()
		serves("two.example")
		if err := os.Remove(cert); err != nil {
			t.Fatal(err)
		}
		if err := s.Reload(); err == nil || !strings.Contains(err.Error(), cert) {
			t.Errorf("Reload without the file: %v", err)
		}
		serves("two.example")

		pair(t, cert, key, "three.example")
		if err := s.Reload(); err != nil {
			t.Fatal(err)
		}
		serves("three.example")
		if len(s.History()) != 3 {
			t.Errorf("%d fingerprints of history", len(s.History()))
		}
	})
}

func TestFilesErrors(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	pair(t, cert, key, "one.example")
	otherCert, otherKey := filepath.Join(dir, "other.crt"), filepath.Join(dir, "other.key")
	pair(t, otherCert, otherKey, "one.example")
	for _, c := range []struct{ cert, key, want string }{
		{"", key, "both needed"},
		{cert, "", "both needed"},
		{filepath.Join(dir, "none.crt"), key, "none.crt"},
		{cert, filepath.Join(dir, "none.key"), "none.key"},
		{cert, otherKey, "other.key"},
		{key, key, "tls.key"},
	} {
		s, err := Files(c.cert, c.key, nil)
		if err == nil {
			s.Close()
			t.Errorf("%v accepted", c)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestFilesWarnsOfEndedCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
		pair(t, cert, key, "one.example")
		time.Sleep(lifetime + time.Hour)
		log, text := textLog()
		s, err := Files(cert, key, log)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if !strings.Contains(text.String(), "has ended") {
			t.Errorf("not logged: %s", text)
		}
	})
}
