package certs

import (
	"bytes"
	"cmp"
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
	// clockSlack is how long before its end a certificate is served no more, for
	// clients whose clock is ahead.
	clockSlack = 10 * time.Minute
	// renewCheck is how often that is looked at.
	renewCheck = 5 * time.Minute

	developmentFile = "development.pem"
)

// Development makes a certificate for localhost, 127.0.0.1, ::1 and the given
// hosts (names or IP addresses) that no authority has signed. Clients trust it
// by its fingerprint.
//
// A server can not know which fingerprint a client accepts, so it serves a
// certificate until its end, 10 days later, and the next one is made from the start:
// Fingerprints tells of both, its validity begins where that of the first ends. Who
// accepted both of them is let in for 10 to 20 days, who accepted the current one alone
// until it ends; sessions are not touched by a change. Only when hosts are added new
// ones take their place at once.
//
// Certificates and keys are kept in dir, in one file readable by its owner
// alone, so that a restart does not change the fingerprints. dir "": in memory
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
	d := &development{names: names, log: log, lifetime: lifetime}
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
	names    []string
	file     string // "": memory only
	log      *slog.Logger
	lifetime time.Duration
	offer    // what was returned last; nil before
}

func (d *development) refresh(now time.Time, _ bool) (*offer, error) {
	kept := []*tls.Certificate{d.current, d.next}
	if o := d.choose(kept, now); o.current != nil && o.next != nil {
		return d.adopt(o), nil
	}
	// Another process, or one before, may have made what is missing.
	if d.file != "" {
		unlock, err := lockFolder(filepath.Dir(d.file))
		if err != nil {
			d.log.Warn("the folder of the development certificate can not be locked", "err", err)
		} else {
			defer unlock()
		}
	}
	o := d.choose(append(kept, d.load(now)...), now)
	made := false
	for _, missing := range []**tls.Certificate{&o.current, &o.next} {
		if *missing != nil {
			continue
		}
		begin := now
		if missing == &o.next {
			begin = lastUse(o.current)
		}
		cert, err := d.make(begin)
		if err != nil {
			return nil, fmt.Errorf("certs: make a development certificate: %w", err)
		}
		*missing, made = cert, true
	}
	if made && d.file != "" {
		// It serves without the file, too; only a restart would tell.
		if err := d.keep(o); err != nil {
			d.log.Warn("development certificate not kept: a restart will change the fingerprint", "err", err)
		}
	}
	return d.adopt(o), nil
}

// adopt returns what is to be returned of an offer, nil when it is that of before.
func (d *development) adopt(o offer) *offer {
	if o == d.offer {
		return nil
	}
	d.offer = o
	return &o
}

// choose takes the certificate to serve now, that of before until its end, and the one
// after it. What it does not find is nil.
func (d *development) choose(from []*tls.Certificate, now time.Time) offer {
	var o offer
	for _, c := range from {
		if c == nil || misfit(c.Leaf, d.names) != nil || now.Before(c.Leaf.NotBefore) || !now.Before(lastUse(c)) {
			continue
		}
		// That of before comes first.
		if o.current == nil || o.current != d.current && c.Leaf.NotAfter.Before(o.current.Leaf.NotAfter) {
			o.current = c
		}
	}
	if o.current == nil {
		return o
	}
	for _, c := range from {
		if c == nil || c == o.current || misfit(c.Leaf, d.names) != nil {
			continue
		}
		if end := lastUse(o.current); !end.Before(c.Leaf.NotBefore) && end.Before(lastUse(c)) && o.next == nil {
			o.next = c
		}
	}
	return o
}

// lastUse is when a certificate is served no more.
func lastUse(c *tls.Certificate) time.Time { return c.Leaf.NotAfter.Add(-clockSlack) }

// make makes a certificate that can be served from a time on.
func (d *development) make(from time.Time) (*tls.Certificate, error) {
	b, err := generate(d.names, from.Add(-backdate), from.Add(d.lifetime))
	if err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(b, b)
	return &cert, err
}

// keep writes an offer to the file.
func (d *development) keep(o offer) error {
	var b bytes.Buffer
	for _, c := range []*tls.Certificate{o.current, o.next} {
		if err := encode(&b, c.Certificate[0], c.PrivateKey); err != nil {
			return err
		}
	}
	return writeFile(d.file, b.Bytes())
}

// load returns the kept certificates.
func (d *development) load(now time.Time) []*tls.Certificate {
	if d.file == "" {
		return nil
	}
	b, err := os.ReadFile(d.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var kept []*tls.Certificate
	if err == nil {
		kept, err = parsePairs(b)
	}
	if err == nil {
		for _, c := range kept {
			err = cmp.Or(err, misfit(c.Leaf, d.names))
		}
		if last := kept[len(kept)-1]; err == nil && !now.Before(lastUse(last)) {
			err = fmt.Errorf("it ended at %s", last.Leaf.NotAfter.Format(time.RFC3339))
		}
	}
	if err != nil {
		d.log.Info("kept development certificate is replaced, clients need the new fingerprint", "file", d.file, "why", err)
		return nil
	}
	if err := os.Chmod(d.file, 0o600); err != nil {
		d.log.Warn("the file with the development key may be readable by others", "err", err)
	}
	return kept
}

// parsePairs reads certificates, each followed by its key; at least one.
func parsePairs(b []byte) ([]*tls.Certificate, error) {
	var all []*tls.Certificate
	var cert *pem.Block
	for {
		var block *pem.Block
		block, b = pem.Decode(b)
		switch {
		case block == nil && len(all) == 0:
			return nil, errors.New("it holds no certificate with a key")
		case block == nil:
			return all, nil
		case block.Type == "CERTIFICATE":
			cert = block
		case cert != nil:
			pair, err := tls.X509KeyPair(pem.EncodeToMemory(cert), pem.EncodeToMemory(block))
			if err != nil {
				return nil, err
			}
			all, cert = append(all, &pair), nil
		}
	}
}

// misfit says why a certificate can not be used for names, at any time.
func misfit(c *x509.Certificate, names []string) error {
	key, ok := c.PublicKey.(*ecdsa.PublicKey)
	switch {
	case !ok || key.Curve != elliptic.P256():
		return errors.New("its key is not ECDSA P-256, which browsers demand")
	case c.NotAfter.Sub(c.NotBefore) >= maxLifetime:
		return errors.New("it is valid for longer than browsers accept")
	}
	for _, n := range names {
		if err := c.VerifyHostname(n); err != nil {
			return err
		}
	}
	return nil
}

// generate returns a new certificate and its key as PEM.
func generate(names []string, begin, end time.Time) ([]byte, error) {
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
		NotBefore:             begin,
		NotAfter:              end,
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
	var b bytes.Buffer
	if err := encode(&b, der, key); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// encode appends a certificate and its key as PEM.
func encode(b *bytes.Buffer, der []byte, key any) error {
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for _, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: der}, {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := pem.Encode(b, block); err != nil {
			return err
		}
	}
	return nil
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
