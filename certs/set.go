package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"time"
)

// Provider keeps certificates fresh, as Source does. It is safe for concurrent use.
type Provider interface {
	// Certificates are those to serve now; none as long as none is at hand. The caller
	// does not change them.
	Certificates() []*tls.Certificate
	// Reload looks now whether there are new ones. After an error those of before stay.
	Reload() error
	// Close ends what keeps them fresh.
	Close() error
}

// Challenger is a Provider that proves to an authority that it controls a name, by
// TLS-ALPN-01 (RFC 8737).
type Challenger interface {
	Provider
	// Challenge returns the certificate that answers such a handshake.
	Challenge(hello *tls.ClientHelloInfo) (*tls.Certificate, error)
}

// ChallengeProtocol is the only ALPN protocol that an authority offers in a handshake of
// TLS-ALPN-01.
const ChallengeProtocol = "acme-tls/1"

// ErrNoCertificate says that there is none yet.
var ErrNoCertificate = errors.New("certs: there is no certificate yet: its authority was asked and has not given one")

// Set serves the certificates of several providers, each client that which is for the
// name it asks for (SNI).
type Set struct{ providers []Provider }

// NewSet makes a Set; the providers stay the caller's. The certificates of the first
// are for who asks for no name, or one that none is for.
func NewSet(first Provider, others ...Provider) *Set {
	return &Set{append([]Provider{first}, others...)}
}

// GetCertificate is for tls.Config.GetCertificate, of QUIC and of TCP. A certificate
// with the name goes before one with a wildcard for it, and that before the default;
// among several alike the first that the client can use. hello nil asks for the default.
func (s *Set) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := ""
	if hello != nil {
		if slices.Equal(hello.SupportedProtos, []string{ChallengeProtocol}) {
			return s.challenge(hello)
		}
		name = strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	}
	var exact, wild []*tls.Certificate
	for _, p := range s.providers {
		for _, c := range p.Certificates() {
			switch m := matches(c.Leaf, name); {
			case m == full:
				exact = append(exact, c)
			case m == wildcard:
				wild = append(wild, c)
			}
		}
	}
	for _, found := range [][]*tls.Certificate{exact, wild, s.providers[0].Certificates()} {
		if len(found) > 0 {
			return usable(found, hello), nil
		}
	}
	return nil, ErrNoCertificate
}

func (s *Set) challenge(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	for _, p := range s.providers {
		if c, ok := p.(Challenger); ok {
			return c.Challenge(hello)
		}
	}
	return nil, errors.New("certs: no certificate is asked of an authority here")
}

// usable is the first that the client can use, of at least one.
func usable(found []*tls.Certificate, hello *tls.ClientHelloInfo) *tls.Certificate {
	if len(found) == 1 || hello == nil {
		return found[0]
	}
	asked := *hello
	asked.ServerName = "" // the default is for any
	for _, c := range found {
		if asked.SupportsCertificate(c) == nil {
			return c
		}
	}
	return found[0]
}

// match says how well a certificate is for a name.
type match uint8

const (
	none match = iota
	wildcard
	full
)

// matches compares a lower-case name (RFC 6125 §6.4: a wildcard is for one label).
func matches(c *x509.Certificate, name string) match {
	if name == "" {
		return none
	}
	_, domain, _ := strings.Cut(name, ".")
	best := none
	for _, n := range c.DNSNames {
		if strings.EqualFold(n, name) {
			return full
		}
		if rest, ok := strings.CutPrefix(n, "*."); ok && domain != "" && strings.EqualFold(rest, domain) {
			best = wildcard
		}
	}
	return best
}

// Default is the certificate for who asks for no name; nil when there is none yet.
func (s *Set) Default() *tls.Certificate {
	if all := s.providers[0].Certificates(); len(all) > 0 {
		return all[0]
	}
	return nil
}

// Certificates are all that are served, those of the first provider first.
func (s *Set) Certificates() []*tls.Certificate {
	var all []*tls.Certificate
	for _, p := range s.providers {
		all = append(all, p.Certificates()...)
	}
	return all
}

// NotAfter is when the first of them ends; zero when there are none.
func (s *Set) NotAfter() time.Time {
	var first time.Time
	for _, c := range s.Certificates() {
		if first.IsZero() || c.Leaf.NotAfter.Before(first) {
			first = c.Leaf.NotAfter
		}
	}
	return first
}

// Reload has all providers look for new certificates.
func (s *Set) Reload() error {
	var faults []error
	for _, p := range s.providers {
		faults = append(faults, p.Reload())
	}
	return errors.Join(faults...)
}
