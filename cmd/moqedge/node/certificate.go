package node

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"

	"moqedge/certs"
	"moqedge/cmd/moqedge/config"
)

// shown is the certificate that the node shows. Where it comes from can change while
// it is in use.
type shown struct{ source atomic.Pointer[origin] }

// origin is where a certificate comes from.
type origin struct {
	*certs.Source
	files bool // an authority has signed it: nobody needs its fingerprint
}

func (s *shown) current() *origin { return s.source.Load() }

// GetCertificate is for tls.Config.GetCertificate.
func (s *shown) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return s.current().GetCertificate(hello)
}

// openCertificate begins to show what the configuration says, until Close.
func (n *Node) openCertificate() error {
	from, err := n.certificateOf(n.config.Certificate)
	if err != nil {
		return err
	}
	n.certificate.source.Store(from)
	n.undo = append(n.undo, func() { _ = n.certificate.current().Close() })
	n.OnApply(func(next config.Config) (Step, error) {
		from, err := n.certificateOf(next.Certificate)
		if err != nil {
			return Step{}, err
		}
		return Step{
			Commit: func() { _ = n.certificate.source.Swap(from).Close() },
			Cancel: func() { _ = from.Close() },
		}, nil
	}, "certificate")
	return nil
}

func (n *Node) certificateOf(c config.Certificate) (*origin, error) {
	var from *certs.Source
	var err error
	if c.Files() {
		from, err = certs.Files(c.Cert, c.Key, n.log)
	} else {
		from, err = certs.Development(c.Dir, c.Hosts, n.log)
	}
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return &origin{from, c.Files()}, nil
}

// Fingerprint is the SHA-256 of the certificate that the node shows now.
func (n *Node) Fingerprint() string { return n.certificate.current().FingerprintHex() }

// Pins is Fingerprint for peer.Config.
func (n *Node) Pins() [][32]byte { return [][32]byte{n.certificate.current().Fingerprint()} }

// toldFingerprint is Fingerprint for who has no other way to trust the certificate, ""
// when an authority has signed it.
func (n *Node) toldFingerprint() string {
	if from := n.certificate.current(); !from.files {
		return from.FingerprintHex()
	}
	return ""
}

// toldPins is the same for the directory.
func (n *Node) toldPins() [][32]byte {
	if from := n.certificate.current(); !from.files {
		return [][32]byte{from.Fingerprint()}
	}
	return nil
}
