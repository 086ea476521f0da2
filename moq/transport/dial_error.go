package transport

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/webtransport-go"
)

// ErrNoCommonVersion says that server and client share no MOQT version. Dial
// returns it in a *DialError.
var ErrNoCommonVersion = errors.New("transport: no MOQT version in common")

var (
	errDialTimeout = errors.New("no answer in time")
	errRefused     = errors.New("the server refused")
)

// DialError is what Dial returns. Its text says what to do; Err is the cause.
type DialError struct {
	// URL is what was dialed.
	URL string
	// Status is the HTTP status of a WebTransport server, or 0.
	Status int
	// Hint says what to do about it, or is empty.
	Hint string
	// Err is the cause, never nil.
	Err error
}

// ShownURL is a URL as logs and errors may have it: without its query, in which a token
// may be.
func ShownURL(url string) string {
	if at, _, found := strings.Cut(url, "?"); found {
		return at + "?..."
	}
	return url
}

// Error implements error: what failed, and what to do about it.
func (e *DialError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "dial %s: %v", ShownURL(e.URL), e.Err)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP status %d)", e.Status)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, ": %s", e.Hint)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *DialError) Unwrap() error { return e.Err }

// Timeout reports whether nothing was heard from the server.
func (e *DialError) Timeout() bool {
	return errors.Is(e.Err, errDialTimeout) || errors.Is(e.Err, context.DeadlineExceeded)
}

// tlsNoApplicationProtocol is the alert "no_application_protocol" as a QUIC
// error code (RFC 9001 §4.8, RFC 7301 §3.2).
const tlsNoApplicationProtocol = 0x100 + 120

// explain makes a DialError of the errors of resolver, TLS, QUIC and HTTP/3.
func explain(rawURL string, t target, versions []string, status int, err error) *DialError {
	err = explainAlert(err)
	e := &DialError{URL: rawURL, Status: status, Err: err}
	offered := strings.Join(versions, ", ")
	quicErr, _ := errors.AsType[*quic.TransportError](err)
	switch {
	case isCertificateError(err):
		e.Hint = "trust the certificate by its CA file or by its SHA-256 fingerprint"
	case isA[*pinError](err):
		e.Hint = "if the server has a new certificate, use the new fingerprint"
	case quicErr != nil && quicErr.ErrorCode == tlsNoApplicationProtocol && t.quic:
		e.Err = fmt.Errorf("%w: %w", ErrNoCommonVersion, err)
		e.Hint = fmt.Sprintf("we offered %s; the server may speak MOQT over WebTransport only (https://)", offered)
	case quicErr != nil && quicErr.ErrorCode == tlsNoApplicationProtocol:
		e.Hint = "the server does not speak HTTP/3 there: try moqt:// for raw QUIC"
	case isA[*webtransport.RequirementsNotMetError](err):
		e.Hint = "WebTransport requires that of both sides (draft-ietf-webtrans-http3 §3.1): try moqt:// for raw QUIC"
	case status == http.StatusNotAcceptable:
		e.Err = fmt.Errorf("%w: %w", ErrNoCommonVersion, err)
		e.Hint = "we offered " + offered
	case status == http.StatusForbidden:
		e.Hint = "the server does not accept this Origin, or this client"
	case status == http.StatusNotFound:
		e.Hint = "check the path of the URL"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Hint = fmt.Sprintf("check that a server listens on UDP port %d there", t.port)
	case isTimeout(err):
		e.Err = fmt.Errorf("%w: %w", errDialTimeout, err)
		if errors.Is(err, errDialTimeout) {
			e.Err = err
		}
		e.Hint = fmt.Sprintf("check that a server runs there and that UDP port %d is open on the way", t.port)
	}
	return e
}

// What a server says by TLS about the certificate of a client, which may come
// when the client has the connection already (RFC 8446 §6.2).
const (
	tlsBadCertificate      = 0x100 + 42
	tlsUnknownCA           = 0x100 + 48
	tlsCertificateRequired = 0x100 + 116
)

// explainAlert words what a server says of the client's certificate.
func explainAlert(err error) error {
	quicErr, ok := errors.AsType[*quic.TransportError](err)
	if !ok || !quicErr.Remote {
		return err
	}
	switch quicErr.ErrorCode {
	case tlsCertificateRequired:
		return fmt.Errorf("the server wants a client certificate, and none was shown: %w", err)
	case tlsBadCertificate, tlsUnknownCA:
		return fmt.Errorf("the server does not accept the client certificate: %w", err)
	}
	return err
}

func isCertificateError(err error) bool {
	return isA[*tls.CertificateVerificationError](err) || isA[x509.UnknownAuthorityError](err) ||
		isA[x509.HostnameError](err) || isA[x509.CertificateInvalidError](err)
}

func isTimeout(err error) bool {
	return errors.Is(err, errDialTimeout) || errors.Is(err, context.DeadlineExceeded) ||
		isA[*quic.HandshakeTimeoutError](err) || isA[*quic.IdleTimeoutError](err)
}

// pinError says that the server's certificate is not one of the pinned.
type pinError struct{ text string }

func (e *pinError) Error() string { return e.text }

// verifyPins accepts the leaf certificates with the given hashes until they
// end. That one may not have begun is left to the clocks of both sides.
func verifyPins(pins [][32]byte, conf *tls.Config) func(tls.ConnectionState) error {
	pins = slices.Clone(pins)
	also, now := conf.VerifyConnection, conf.Time
	if now == nil {
		now = time.Now
	}
	return func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return &pinError{"the server sent no certificate"}
		}
		leaf := s.PeerCertificates[0]
		sum := sha256.Sum256(leaf.Raw)
		if !slices.Contains(pins, sum) {
			return &pinError{fmt.Sprintf("the server's certificate has the fingerprint %x, which is not among those expected", sum)}
		}
		if now().After(leaf.NotAfter) {
			return &pinError{fmt.Sprintf("the server's certificate ended at %s", leaf.NotAfter.UTC().Format(time.RFC3339))}
		}
		if also != nil {
			return also(s)
		}
		return nil
	}
}
