package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// lifetime is below the 14 days that browsers demand of certificates
	// trusted by their hash; these must also be ECDSA on P-256.
	lifetime    = 10 * 24 * time.Hour
	maxLifetime = 14 * 24 * time.Hour
	// backdate allows for clients whose clock is behind.
	backdate = time.Hour
	// renewBefore is how long before its end a certificate is replaced.
	renewBefore = 2 * 24 * time.Hour
	// renewCheck is how often that is looked at.
	renewCheck = 10 * time.Minute

	developmentFile = "development.pem"
)

// Development makes a certificate for localhost, 127.0.0.1, ::1 and the given
// hosts (names or IP addresses) that no authority has signed. Clients trust it
// by its fingerprint. It is valid for 10 days; two days before its end, or
// when hosts are added, a new one takes its place.
//
// Certificate and key are kept in dir, in one file readable by its owner
// alone, so that a restart does not change the fingerprint. dir "": in memory
// only. log nil: nothing is logged. The caller closes the Source.
func Development(dir string, hosts []string, log *slog.Logger) (*Source, error) {
	names := []string{"localhost", "127.0.0.1", "::1"}
	for _, h := range hosts {
		h, err := checkHost(h)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, h) {
			names = append(names, h)
		}
	}
	d := &development{names: names, log: log}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("certs: the folder for the development certificate can not be made: %w", err)
		}
		d.file = filepath.Join(dir, developmentFile)
	}
	return start(d.log, renewCheck, d.refresh)
}

// checkHost returns the canonical form of a name or address.
func checkHost(h string) (string, error) {
	if ip, err := netip.ParseAddr(strings.Trim(h, "[]")); err == nil {
		return ip.Unmap().WithZone("").String(), nil
	}
	name := strings.ToLower(strings.TrimSuffix(h, "."))
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_*") != "" {
			return "", fmt.Errorf("certs: host %q is no name and no IP address: give it as example.org or 192.0.2.1, without scheme and port", h)
		}
	}
	return name, nil
}

// development is the state behind the Source; its lock guards it.
type development struct {
	names   []string
	file    string // "": memory only
	log     *slog.Logger
	current *x509.Certificate
}

func (d *development) refresh(now time.Time, _ bool) (*tls.Certificate, error) {
	if d.current != nil && usable(d.current, d.names, now) == nil {
		return nil, nil
	}
	if d.current == nil {
		if cert := d.load(now); cert != nil {
			d.current = cert.Leaf
			return cert, nil
		}
	}
	pemBytes, err := generate(d.names, now)
	if err != nil {
		return nil, fmt.Errorf("certs: make a development certificate: %w", err)
	}
	cert, err := tls.X509KeyPair(pemBytes, pemBytes)
	if err != nil {
		return nil, fmt.Errorf("certs: make a development certificate: %w", err)
	}
	d.current = cert.Leaf
	if d.file != "" {
		// It serves without the file, too; only a restart would tell.
		if err := writeFile(d.file, pemBytes); err != nil {
			d.log.Warn("development certificate not kept: a restart will change the fingerprint", "err", err)
		}
	}
	return &cert, nil
}

// load returns the kept certificate, or nil if there is none to use.
func (d *development) load(now time.Time) *tls.Certificate {
	if d.file == "" {
		return nil
	}
	b, err := os.ReadFile(d.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var cert tls.Certificate
	if err == nil {
		cert, err = tls.X509KeyPair(b, b)
	}
	if err == nil {
		err = usable(cert.Leaf, d.names, now)
	}
	if err != nil {
		d.log.Info("kept development certificate is replaced", "file", d.file, "why", err)
		return nil
	}
	if err := os.Chmod(d.file, 0o600); err != nil {
		d.log.Warn("the file with the development key may be readable by others", "err", err)
	}
	return &cert
}

// usable says why a certificate should be replaced.
func usable(c *x509.Certificate, names []string, now time.Time) error {
	key, ok := c.PublicKey.(*ecdsa.PublicKey)
	switch {
	case !ok || key.Curve != elliptic.P256():
		return errors.New("its key is not ECDSA P-256, which browsers demand")
	case c.NotAfter.Sub(c.NotBefore) >= maxLifetime:
		return errors.New("it is valid for longer than browsers accept")
	case now.Before(c.NotBefore):
		return fmt.Errorf("it begins only at %s", c.NotBefore.Format(time.RFC3339))
	case c.NotAfter.Sub(now) < renewBefore:
		return fmt.Errorf("it ends at %s", c.NotAfter.Format(time.RFC3339))
	}
	for _, n := range names {
		if err := c.VerifyHostname(n); err != nil {
			return err
		}
	}
	return nil
}

// generate returns a new certificate and its key as PEM.
func generate(names []string, now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "moqedge development"},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(lifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, n := range names {
		if ip, err := netip.ParseAddr(n); err == nil {
			template.IPAddresses = append(template.IPAddresses, ip.AsSlice())
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: der}, {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := pem.Encode(&b, block); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// writeFile replaces a file as a whole or not at all, with mode 0600.
func writeFile(name string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
