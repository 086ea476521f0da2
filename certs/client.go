package certs

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Client makes what is needed to dial a server: a tls.Config, and the SHA-256
// fingerprints of the certificates to accept instead of checking roots (none:
// the roots decide). At most one of the three ways may be asked for:
//
//   - caFile: a PEM file with the roots to trust, instead of the system's; a
//     development certificate may stand in it.
//   - fingerprint: 64 hexadecimal digits, colons allowed; several are
//     separated by commas.
//   - insecure: no check at all, for experiments.
//
// With none of them the system's roots decide.
func Client(caFile, fingerprint string, insecure bool) (*tls.Config, [][32]byte, error) {
	ways := 0
	for _, asked := range []bool{caFile != "", fingerprint != "", insecure} {
		if asked {
			ways++
		}
	}
	if ways > 1 {
		return nil, nil, errors.New("certs: give only one of CA file, fingerprint and insecure")
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: insecure}
	if fingerprint != "" {
		pins, err := ParseFingerprints(fingerprint)
		return conf, pins, err
	}
	if caFile != "" {
		b, err := os.ReadFile(caFile)
		if err != nil {
			return nil, nil, fmt.Errorf("certs: the CA file can not be read: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(b) {
			return nil, nil, fmt.Errorf("certs: CA file %s has no certificate in it: it must be PEM, with BEGIN CERTIFICATE lines", caFile)
		}
	}
	return conf, nil, nil
}

// ParseFingerprints reads SHA-256 fingerprints as Client takes them.
func ParseFingerprints(s string) ([][32]byte, error) {
	var pins [][32]byte
	for text := range strings.SplitSeq(s, ",") {
		b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(text), ":", ""))
		if err != nil || len(b) != 32 {
			return nil, fmt.Errorf("certs: fingerprint %q is not 64 hexadecimal digits: give the SHA-256 hash of the server's certificate, as its /certificate.sha256 shows it", text)
		}
		pins = append(pins, [32]byte(b))
	}
	return pins, nil
}
