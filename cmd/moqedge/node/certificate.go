package node

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"moqedge/certs"
	"moqedge/certs/acme"
	"moqedge/cmd/moqedge/config"
	"moqedge/relay/admin"
)

// shown is what the node shows. Where it comes from can change while it is in use.
type shown struct{ now atomic.Pointer[origin] }

// origin is where certificates come from.
type origin struct {
	*certs.Set
	sources     []source      // the default first
	development *certs.Source // the default; nil when an authority has signed that
}

// source is a provider and what it was made of. It is kept while that stays: a
// development certificate in memory would be another one.
type source struct {
	of string
	certs.Provider
}

func (s *shown) current() *origin { return s.now.Load() }

// GetCertificate is for tls.Config.GetCertificate.
func (s *shown) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return s.current().GetCertificate(hello)
}

// openCertificate begins to show what the configuration says, until Close.
func (n *Node) openCertificate() error {
	if err := n.openAuthority(); err != nil {
		return err
	}
	from, err := n.certificateOf(n.config.Certificate, &origin{})
	if err != nil {
		return err
	}
	n.certificate.now.Store(from)
	n.undo = append(n.undo, func() { n.certificate.current().closeBut(&origin{}) })
	n.OnApply(func(next config.Config) (Step, error) {
		before := n.certificate.current()
		from, err := n.certificateOf(next.Certificate, before)
		if err != nil {
			return Step{}, err
		}
		return Step{
			Commit: func() {
				n.certificate.now.Store(from)
				before.closeBut(from)
				if n.authority != nil {
					n.authority.SetDomains(next.Certificate.ACME.Domains)
				}
			},
			Cancel: func() { from.closeBut(before) },
		}, nil
	}, "certificate")
	return nil
}

// closeBut closes the sources that another origin does not have.
func (o *origin) closeBut(kept *origin) {
	for _, s := range o.sources {
		if _, found := kept.find(s.of); !found {
			_ = s.Close()
		}
	}
}

// find returns the source that was made of something.
func (o *origin) find(of string) (source, bool) {
	i := slices.IndexFunc(o.sources, func(s source) bool { return s.of == of })
	if i < 0 {
		return source{}, false
	}
	return o.sources[i], true
}

// certificateOf makes what a configuration says, with the sources of before that stay.
func (n *Node) certificateOf(c config.Certificate, before *origin) (*origin, error) {
	made := &origin{}
	use := func(of string, open func() (certs.Provider, error)) error {
		s, found := before.find(of)
		if !found {
			p, err := open()
			if err != nil {
				return err
			}
			s = source{of, p}
		}
		made.sources = append(made.sources, s)
		return nil
	}
	files := func(key, cert, private string) error {
		return use(fmt.Sprintf("files %q %q", cert, private), func() (certs.Provider, error) {
			s, err := certs.Files(cert, private, n.log)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			return s, nil
		})
	}
	var err error
	switch {
	case n.authority != nil:
		err = use("acme", func() (certs.Provider, error) { return n.authority, nil })
	case c.Files():
		err = files("certificate", c.Cert, c.Key)
	default:
		err = use(fmt.Sprintf("development %q %q", c.Dir, c.Hosts), func() (certs.Provider, error) {
			return certs.Development(c.Dir, c.Hosts, n.log)
		})
	}
	for i, name := range c.Names {
		if err == nil {
			err = files(fmt.Sprintf("certificate.names[%d]", i), name.Cert, name.Key)
		}
	}
	if err != nil {
		made.closeBut(before)
		return nil, err
	}
	var others []certs.Provider
	for _, s := range made.sources[1:] {
		others = append(others, s.Provider)
	}
	made.Set = certs.NewSet(made.sources[0].Provider, others...)
	if s, ok := made.sources[0].Provider.(*certs.Source); ok && !c.Files() {
		made.development = s
	}
	return made, nil
}

// openAuthority takes what is stored of the certificates that an authority gives, if
// that is wanted. It is closed with the origin that has it.
func (n *Node) openAuthority() error {
	from := n.config.Certificate.ACME
	if from == nil {
		return nil
	}
	ask := n.config.AskAuthority()
	trust, _, err := certs.Client(from.CA, "", false)
	if err != nil {
		return fmt.Errorf("certificate.acme.ca: %w", err)
	}
	ask.Roots, ask.Logger = trust.RootCAs, n.log
	if n.authority, err = acme.New(ask); err != nil {
		return fmt.Errorf("certificate.acme.%w", err)
	}
	return nil
}

// obtainLimit bounds what a start waits for an authority.
const obtainLimit = 90 * time.Second

// obtainCertificates asks for what is not stored, once everything is open that answers
// the authority. Handshakes fail until then.
func (n *Node) obtainCertificates(ctx context.Context) error {
	if n.authority == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, obtainLimit)
	defer cancel()
	if err := n.authority.Obtain(ctx); err != nil {
		return fmt.Errorf("certificate.acme: %w", err)
	}
	return nil
}

// answering has pages answer an authority (HTTP-01), if one is asked.
func (n *Node) answering(pages http.Handler) http.Handler {
	if n.authority == nil || n.config.AskAuthority().HTTP == "" {
		return pages
	}
	return n.authority.Handler(pages)
}

// webTLS is how HTTPS is served: with the certificates of the node, and by them with the
// answers to an authority (TLS-ALPN-01).
func (n *Node) webTLS() *tls.Config {
	c := &tls.Config{GetCertificate: n.certificate.GetCertificate, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if n.authority != nil {
		c.NextProtos = append(c.NextProtos, certs.ChallengeProtocol)
	}
	return c
}

// Fingerprint is the SHA-256 of the certificate that the node shows now to who asks for
// no name.
func (n *Node) Fingerprint() string {
	c := n.certificate.current().Default()
	if c == nil {
		return ""
	}
	sum := sha256.Sum256(c.Leaf.Raw)
	return hex.EncodeToString(sum[:])
}

// Pins are the fingerprints of what the node shows and will show, for peer.Config.
func (n *Node) Pins() [][32]byte {
	from := n.certificate.current()
	if from.development != nil {
		return from.development.Fingerprints()
	}
	if c := from.Default(); c != nil {
		return [][32]byte{sha256.Sum256(c.Leaf.Raw)}
	}
	return nil
}

// toldPins are Pins for who has no other way to trust the certificate, none when an
// authority has signed it.
func (n *Node) toldPins() [][32]byte {
	if n.certificate.current().development == nil {
		return nil
	}
	return n.Pins()
}

// toldFingerprints are toldPins in hex.
func (n *Node) toldFingerprints() []string {
	if pins := n.toldPins(); len(pins) > 0 {
		return strings.Split(certs.Hex(pins), ",")
	}
	return nil
}

// Certificates are all that the node shows, the default first; none before an authority
// gave the first.
func (n *Node) Certificates() []admin.Certificate {
	all := []admin.Certificate{}
	for _, c := range n.certificate.current().Certificates() {
		sum := sha256.Sum256(c.Leaf.Raw)
		s := admin.Certificate{Names: slices.Clone(c.Leaf.DNSNames), Fingerprint: hex.EncodeToString(sum[:]), NotBefore: c.Leaf.NotBefore.UTC(), NotAfter: c.Leaf.NotAfter.UTC()}
		for _, ip := range c.Leaf.IPAddresses {
			s.Names = append(s.Names, ip.String())
		}
		all = append(all, s)
	}
	return all
}

// unprovable says why clients are going to refuse the node, "" if they are not: that
// there is no certificate, or it has ended.
func (n *Node) unprovable(now time.Time) string {
	switch c := n.certificate.current().Default(); {
	case c == nil:
		return "no certificate yet"
	case now.After(c.Leaf.NotAfter):
		return "the certificate has expired"
	}
	return ""
}

// checkCertificate reads the files of the section.
func checkCertificate(c config.Config, now time.Time) []Problem {
	found := checkPair("certificate.cert", c.Certificate.Cert, c.Certificate.Key, now)
	for i, name := range c.Certificate.Names {
		found = append(found, checkPair(fmt.Sprintf("certificate.names[%d].cert", i), name.Cert, name.Key, now)...)
	}
	if from := c.Certificate.ACME; from != nil {
		found = append(found, checkRoots("certificate.acme.ca", from.CA)...)
		if info, err := os.Stat(from.Storage); err == nil && !info.IsDir() {
			found = append(found, problem("certificate.acme.storage", fmt.Errorf("%s is no folder", from.Storage))...)
		}
	}
	return append(found, checkRoots("certificate.clientCA", c.Certificate.ClientCA)...)
}
