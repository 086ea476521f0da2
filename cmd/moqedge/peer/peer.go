package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"moqedge/certs"
	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Config names a server. At most one of the ways to trust it is given; with
// none of them the system's roots decide. The tags are those of package config.
type Config struct {
	// URL is `moqt://HOST:PORT` (raw QUIC) or `https://HOST:PORT/PATH` (WebTransport);
	// the port is 443 if missing.
	URL string `yaml:"url" reload:"section" without:"required"`
	// Fingerprint is the SHA-256 of its certificate in hex; several are separated by
	// commas.
	Fingerprint string `yaml:"fingerprint" reload:"section" without:"not known"`
	// FingerprintURL is where the fingerprint can be read, such as
	// `http://HOST:PORT/certificate.sha256`, before every attempt to connect, so a
	// server that was restarted with a new certificate is found.
	FingerprintURL string `yaml:"fingerprintURL" reload:"section" without:"not read"`
	// CA is a PEM file with the roots to trust.
	CA string `yaml:"ca" reload:"section" without:"the roots of the system"`
	// Cert is a PEM file with the certificate that this side shows, for servers that
	// ask for one; read for each connection.
	Cert string `yaml:"cert" reload:"section" without:"none is shown"`
	// Key is a PEM file with its key.
	Key string `yaml:"key" reload:"section" without:"none"`
	// Insecure switches every check off, for experiments.
	Insecure bool `yaml:"insecure" reload:"section" default:"false"`
	// Timeout is how long an attempt to connect may take.
	Timeout time.Duration `yaml:"timeout" reload:"section" without:"3s for a relay above, else 10s"`
	// Draft is the only [draft of MOQT](drafts.md) to speak with it, such as `18`.
	Draft int `yaml:"draft" reload:"section" without:"what it prefers"`
	// Pins are asked for the accepted fingerprints before every attempt, for
	// a server in the same process. It goes before the other ways.
	Pins func() [][32]byte `yaml:"-"`
}

// Validate reports what is wrong with c, without reading a file.
func (c Config) Validate() error {
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		return errors.New("the URL of the server is missing: give moqt://HOST:PORT or https://HOST:PORT/PATH")
	case err != nil && strings.Contains(c.URL, "://"):
		return fmt.Errorf("URL %q can not be read: %w", c.URL, err)
	case err != nil || u.Scheme != "moqt" && u.Scheme != "https":
		return fmt.Errorf("URL %q: want moqt://HOST:PORT for raw QUIC or https://HOST:PORT/PATH for WebTransport", c.URL)
	case u.Hostname() == "":
		return fmt.Errorf("URL %q names no host", c.URL)
	}
	ways := 0
	for _, given := range []bool{c.Fingerprint != "", c.FingerprintURL != "", c.CA != "", c.Insecure} {
		if given {
			ways++
		}
	}
	if ways > 1 {
		return errors.New("give only one of fingerprint, fingerprint URL, CA and insecure")
	}
	if (c.Cert == "") != (c.Key == "") {
		return errors.New("cert and key belong together: give both PEM files")
	}
	if c.Timeout < 0 {
		return errors.New("the timeout must not be negative")
	}
	if _, ok := wire.ParseVersion(c.version()); !ok && c.Draft != 0 {
		return fmt.Errorf("draft %d is not spoken here: there are %v", c.Draft, wire.Versions())
	}
	if c.Fingerprint != "" {
		if _, err := certs.ParseFingerprints(c.Fingerprint); err != nil {
			return err
		}
	}
	if c.FingerprintURL == "" {
		return nil
	}
	f, err := url.Parse(c.FingerprintURL)
	if err != nil || (f.Scheme != "http" && f.Scheme != "https") || f.Hostname() == "" {
		return fmt.Errorf("fingerprint URL %q: want http://HOST:PORT/certificate.sha256", c.FingerprintURL)
	}
	return nil
}

// version is what Draft is called in ALPN and WT-Available-Protocols.
func (c Config) version() string { return fmt.Sprintf("moqt-%d", c.Draft) }

// Refresher renews the pins of a connection before an attempt to connect.
type Refresher = func(ctx context.Context, d *transport.DialConfig) error

// Dial returns how to connect. The Refresher is nil when nothing changes.
func (c Config) Dial() (transport.DialConfig, Refresher, error) {
	if err := c.Validate(); err != nil {
		return transport.DialConfig{}, nil, err
	}
	d := transport.DialConfig{HandshakeTimeout: c.Timeout}
	if c.Draft != 0 {
		d.Versions = []string{c.version()}
	}
	var err error
	if d.TLS, d.Fingerprints, err = certs.Client(c.CA, c.Fingerprint, c.Insecure); err != nil {
		return d, nil, err
	}
	if c.Cert != "" {
		if _, err := c.shown(nil); err != nil {
			return d, nil, err
		}
		d.TLS.GetClientCertificate = c.shown
	}
	if c.Pins != nil {
		return d, func(_ context.Context, d *transport.DialConfig) error {
			d.Fingerprints = c.Pins()
			return nil
		}, nil
	}
	if c.FingerprintURL == "" {
		return d, nil, nil
	}
	return d, func(ctx context.Context, d *transport.DialConfig) error {
		pins, err := fetchPins(ctx, c.FingerprintURL, c.Timeout)
		if err != nil {
			return err
		}
		d.Fingerprints = pins
		return nil
	}, nil
}

// shown reads the certificate of this side.
func (c Config) shown(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("the client certificate can not be read: %w", err)
	}
	return &pair, nil
}

const (
	defaultTimeout = 10 * time.Second
	maxPins        = 4 << 10 // bytes of the text at a fingerprint URL
)

// fetchPins reads fingerprints from a URL.
func fetchPins(ctx context.Context, address string, timeout time.Duration) ([][32]byte, error) {
	if timeout == 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("read the fingerprint: %w", err)
	}
	// A connection of its own: the next one may go to a new process.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment}}
	rsp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("read the fingerprint: %w", err)
	}
	defer rsp.Body.Close()
	if rsp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read the fingerprint: %s answers with HTTP status %d", address, rsp.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(rsp.Body, maxPins))
	if err != nil {
		return nil, fmt.Errorf("read the fingerprint: %w", err)
	}
	pins, err := certs.ParseFingerprints(strings.TrimSpace(string(text)))
	if err != nil {
		// The text is whatever somebody serves there: it stays out of the error.
		return nil, fmt.Errorf("read the fingerprint: what %s answers is no SHA-256 in hexadecimal digits", address)
	}
	return pins, nil
}

// Client returns a client of the server, without Connected.
func (c Config) Client(session moq.Config) (*moq.Client, error) {
	d, refresh, err := c.Dial()
	if err != nil {
		return nil, err
	}
	return &moq.Client{URL: c.URL, Dial: d, Refresh: refresh, Config: session, MaxBackoff: 2 * time.Second}, nil
}
