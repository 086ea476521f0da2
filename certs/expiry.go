package certs

import (
	"crypto/tls"
	"log/slog"
	"time"
)

// Expiry warns in a log before a certificate ends: 30, 7 and 1 days ahead, and when it
// has ended, once each. Of certificates that do not live long it warns later, when less
// than a third of their life is left: until then whoever renews them is not late. It is
// for one goroutine at a time.
type Expiry struct {
	log  *slog.Logger
	of   [32]byte // the certificate that was told of
	told int      // how many of the warnings it has had
}

// NewExpiry makes one. log nil: nothing is logged.
func NewExpiry(log *slog.Logger) *Expiry {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Expiry{log: log}
}

// warnings are when it is warned, the last when the certificate has ended.
func warnings() [4]time.Duration {
	const day = 24 * time.Hour
	return [...]time.Duration{30 * day, 7 * day, day, 0}
}

// Look warns of a certificate if it is time to; nil does nothing. Another certificate
// than before has its own warnings.
func (e *Expiry) Look(now time.Time, c *tls.Certificate) {
	if c == nil {
		return
	}
	if sum := fingerprint(c); sum != e.of {
		e.of, e.told = sum, 0
	}
	left, life := c.Leaf.NotAfter.Sub(now), c.Leaf.NotAfter.Sub(c.Leaf.NotBefore)
	due := 0
	for i, ahead := range warnings() {
		if left <= ahead && (left < life/3 || ahead == 0) {
			due = i + 1
		}
	}
	if due <= e.told {
		return
	}
	e.told = due
	attrs := []any{"subject", c.Leaf.Subject.CommonName, "names", c.Leaf.DNSNames, "not_after", c.Leaf.NotAfter.UTC().Format(time.RFC3339)}
	if left <= 0 {
		e.log.Error("the certificate has ended, clients will refuse it: put a new one in its place", attrs...)
		return
	}
	e.log.Warn("the certificate ends soon and was not renewed yet", append(attrs, "left", left.Round(time.Minute).String())...)
}
