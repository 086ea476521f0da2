package limit

import (
	"math"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Limiter knows what all sessions of a relay, and connections that are to become
// some, have and do. It is safe for concurrent use.
type Limiter struct {
	limits    atomic.Pointer[table]
	global    account
	addresses book
	tokens    book

	trusting    atomic.Pointer[rate.Limiter] // handshakes of clients that show nothing for their address
	unvalidated atomic.Int64                 // connections of such without a session
	turns       atomic.Pointer[rate.Limiter] // of handshakes that were admitted; nil: at once

	refused [scopes][kinds]atomic.Uint64
	retries atomic.Uint64
}

// New returns a limiter.
func New(c Config) *Limiter {
	l := &Limiter{global: account{scope: Global}, addresses: book{scope: Address}, tokens: book{scope: Token}}
	l.Set(c)
	return l
}

// Set changes the limits. What is beyond the new ones stays: there is no more until it
// is below.
func (l *Limiter) Set(c Config) {
	t := c.table()
	l.limits.Store(t)
	if all := t[Global][Handshakes]; math.IsInf(all, 1) {
		l.trusting.Store(nil)
		l.turns.Store(nil)
	} else {
		l.trusting.Store(rate.NewLimiter(rate.Limit(all/4), burst(Handshakes, all/4)))
		l.turns.Store(rate.NewLimiter(rate.Limit(all), burst(Handshakes, all*turnBurst.Seconds())))
	}
}

// Limit is what holds now; +Inf is none.
func (l *Limiter) Limit(s Scope, k Kind) float64 { return l.limits.Load()[s][k] }

// MaxNamespaces is how many namespaces a session may announce at a time.
func (l *Limiter) MaxNamespaces() int {
	return int(min(l.Limit(PerSession, Namespaces), math.MaxInt32))
}

// refuse counts a refusal. after is when there may be room, 0 when that is not known.
func (l *Limiter) refuse(s Scope, k Kind, after time.Duration) *Refusal {
	l.refused[s][k].Add(1)
	return &Refusal{Scope: s, Kind: k, Retry: spread(after)}
}

// Refused says how often something was refused, or held back, for want of room.
type Refused struct {
	Scope string `json:"scope"`
	Kind  string `json:"kind"`
	Count uint64 `json:"count"`
}

// Stats is a reading of the counters of a Limiter.
type Stats struct {
	// Sessions and Pending are connections with and without a session now.
	Sessions int64 `json:"sessions"`
	Pending  int64 `json:"pending"`
	// Addresses and Tokens are how many of them are known now.
	Addresses int `json:"addresses"`
	Tokens    int `json:"tokens"`
	// Retries counts the clients that had to show that they are at their address.
	Retries uint64 `json:"retries"`
	// Refused has what was refused at least once. For bytesIn and bitrateOut it
	// counts how often a session had to wait.
	Refused []Refused `json:"refused"`
}

// Stats reads the counters.
func (l *Limiter) Stats() Stats {
	s := Stats{
		Sessions: l.global.count[Sessions].Load(), Pending: l.global.pending.Load(),
		Addresses: l.addresses.len(), Tokens: l.tokens.len(), Retries: l.retries.Load(), Refused: []Refused{},
	}
	for scope := range l.refused {
		for kind := range l.refused[scope] {
			if n := l.refused[scope][kind].Load(); n > 0 {
				s.Refused = append(s.Refused, Refused{Scope(scope).String(), Kind(kind).String(), n})
			}
		}
	}
	return s
}

// Count is how often something was refused.
func (l *Limiter) Count(s Scope, k Kind) uint64 { return l.refused[s][k].Load() }

// keyOf is whom an address counts for: an IPv4 address, or a network of IPv6, in which
// one host has as many addresses as it likes. "" for what is not on a network.
func keyOf(a net.Addr) string {
	udp, ok := a.(*net.UDPAddr)
	if !ok {
		return ""
	}
	ip, ok := netip.AddrFromSlice(udp.IP)
	if !ok {
		return ""
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	network, _ := ip.Prefix(64) // which an address of IPv6 has
	return network.String()
}
