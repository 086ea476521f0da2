package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"
)

// pollFiles is how often Files looks at its files.
const pollFiles = 10 * time.Second

// Files serves the certificate chain and key in two PEM files, and reads them
// again when either changes (looked at every 10 s, and on Reload). Files that
// can not be used, as while one of them is written or they do not belong together,
// are logged once and leave the certificate of before in use. Before its end the log
// warns, see Expiry. The caller closes the Source.
func Files(certFile, keyFile string, log *slog.Logger) (*Source, error) {
	if certFile == "" || keyFile == "" {
		return nil, errors.New("certs: a certificate file and a key file are both needed")
	}
	f := &files{cert: certFile, key: keyFile, log: log}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	f.expiry = NewExpiry(f.log.With("file", certFile))
	return start(f.log, pollFiles, f.refresh)
}

// files is the state behind the Source; its lock guards it.
type files struct {
	cert, key string
	log       *slog.Logger
	seen      [2]fs.FileInfo // at the last attempt; nil: could not be seen
	current   *tls.Certificate
	expiry    *Expiry
}

func (f *files) refresh(now time.Time, force bool) (*offer, error) {
	changed, err := f.read(force)
	f.expiry.Look(now, f.current)
	if err != nil || !changed {
		return nil, err
	}
	return &offer{current: f.current}, nil
}

// read reads the files if they may have changed.
func (f *files) read(force bool) (changed bool, err error) {
	var seen [2]fs.FileInfo
	for i, name := range []string{f.cert, f.key} {
		// An error shows when the file is read.
		seen[i], _ = os.Stat(name)
	}
	if !force && same(seen[0], f.seen[0]) && same(seen[1], f.seen[1]) {
		return false, nil
	}
	f.seen = seen
	cert, err := readPair(f.cert, f.key)
	if err != nil {
		return false, err
	}
	f.current = cert
	return true, nil
}

func same(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

func readPair(certFile, keyFile string) (*tls.Certificate, error) {
	certPEM, err := os.ReadFile(certFile)
	if err != nil {
		return nil, fmt.Errorf("certs: the certificate can not be read: %w", err)
	}
	keyPEM, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("certs: the key can not be read: %w", err)
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("certs: certificate %s and key %s can not be used together, both must be PEM and belong to each other: %w", certFile, keyFile, err)
	}
	return &cert, nil
}
