package certs

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestClient(t *testing.T) {
	dir := t.TempDir()
	s, err := Development(dir, nil, nil)
	closing(t, s, err)
	file := filepath.Join(dir, developmentFile)
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := s.FingerprintHex()
	var colons []string
	for i := 0; i < len(sum); i += 2 {
		colons = append(colons, strings.ToUpper(sum[i:i+2]))
	}
	for _, c := range []struct {
		name, ca, pin string
		insecure      bool
		pins          int
		want          string
	}{
		{name: "system roots"},
		{name: "insecure", insecure: true},
		{name: "CA file", ca: file},
		{name: "fingerprint", pin: sum, pins: 1},
		{name: "two fingerprints", pin: sum + ", " + strings.Join(colons, ":"), pins: 2},
		{name: "short fingerprint", pin: sum[2:], want: "64 hexadecimal digits"},
		{name: "no hexadecimal digits", pin: strings.Repeat("xy", 32), want: "64 hexadecimal digits"},
		{name: "CA file missing", ca: file + "x", want: file + "x"},
		{name: "CA file empty", ca: empty, want: "BEGIN CERTIFICATE"},
		{name: "two ways", ca: file, pin: sum, want: "only one"},
		{name: "three ways", ca: file, pin: sum, insecure: true, want: "only one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf, pins, err := Client(c.ca, c.pin, c.insecure)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want %q in it", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if conf.InsecureSkipVerify != c.insecure || len(pins) != c.pins || conf.MinVersion != tls.VersionTLS13 {
				t.Errorf("config %+v, pins %x", conf, pins)
			}
			for _, p := range pins {
				if p != s.Fingerprint() {
					t.Errorf("pin %x", p)
				}
			}
			if c.ca != "" {
				if _, err := leaf(t, s).Verify(x509.VerifyOptions{Roots: conf.RootCAs, DNSName: "localhost"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func FuzzParseFingerprints(f *testing.F) {
	f.Add(strings.Repeat("0a", 32))
	f.Add(strings.Repeat("0a:", 32) + "," + strings.Repeat("ff", 32))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		pins, err := ParseFingerprints(s)
		if (err == nil) != (len(pins) > 0) {
			t.Errorf("%d pins with error %v", len(pins), err)
		}
	})
}
