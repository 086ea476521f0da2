package limit

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"moqedge/moq/transport"
)

var _ transport.Door = (*Limiter)(nil)

// Validate implements transport.Door: who shows nothing for its address has to, when
// many such come, or many of that address. Those alone could else have others of the
// address refused, whom they only claim to be. When nobody would be taken, whatever it
// shows, Admit refuses it at once: that costs half of asking first and refusing then, and
// of those who are asked most are taken.
func (l *Limiter) Validate(from net.Addr) bool {
	if l.trusts(keyOf(from)) || l.crowded(time.Now()) {
		return false
	}
	l.retries.Add(1)
	return true
}

// crowded reports whether no handshake is taken now, for the sake of all.
func (l *Limiter) crowded(now time.Time) bool {
	perSecond := l.limits.Load()[Global][Handshakes]
	if float64(l.global.pending.Load()) >= maxPending(perSecond) {
		return true
	}
	b := l.global.bucket(Handshakes, perSecond, now)
	return b != nil && b.TokensAt(now) < 1
}

// maxPending is how many connections may have no session, with a limit of handshakes.
func maxPending(perSecond float64) float64 {
	return min(max(2*perSecond, leastPending), mostPending)
}

func (l *Limiter) trusts(key string) bool {
	limits := l.limits.Load()
	if a := l.addresses.find(key); a != nil {
		perSecond := limits[Address][Handshakes]
		if float64(a.pending.Load()) >= perSecond {
			return false
		}
		a.mu.Lock()
		b := a.rates[Handshakes]
		a.mu.Unlock()
		if b != nil && b.Tokens() < float64(b.Burst())/2 {
			return false
		}
	}
	if l.manyUnvalidated(limits) {
		return false
	}
	b := l.trusting.Load()
	return b == nil || b.Allow()
}

func (l *Limiter) manyUnvalidated(limits *table) bool {
	return float64(l.unvalidated.Load()) >= limits[Global][Handshakes]/4
}

// Admit implements transport.Door.
func (l *Limiter) Admit(from net.Addr, validated bool) (settled func(), err error) {
	limits := l.limits.Load()
	a := l.addresses.open(keyOf(from))
	all := accounts{Global: &l.global, Address: a}
	refused := l.full(all, limits)
	if refused == nil {
		for s, a := range all {
			if a != nil && float64(a.pending.Load()) >= maxPending(limits[s][Handshakes]) {
				refused = l.refuse(Scope(s), Handshakes, 0)
			}
		}
	}
	if refused == nil && !validated && l.manyUnvalidated(limits) { // it was crowded a moment ago
		refused = l.refuse(Global, Handshakes, 0)
	}
	if refused == nil {
		refused = l.spend(&all, Handshakes)
	}
	if refused != nil {
		l.addresses.close(a)
		return nil, refused
	}
	add := func(n int64) {
		for _, a := range all {
			if a != nil {
				a.pending.Add(n)
			}
		}
		if !validated {
			l.unvalidated.Add(n)
		}
	}
	add(1)
	return sync.OnceFunc(func() {
		add(-1)
		l.addresses.close(a)
	}), nil
}

// mostPending bounds the connections that have no session, each of which holds about
// 100 kB; leastPending is how many there may be however low the limit is.
const (
	mostPending  = 4096
	leastPending = 16
)

// Turn implements transport.Door.
func (l *Limiter) Turn(ctx context.Context) error {
	turns := l.turns.Load()
	if turns == nil {
		return nil
	}
	return turns.Wait(ctx)
}

// Session implements transport.Door.
func (l *Limiter) Session(from net.Addr) *transport.Refusal {
	a := l.addresses.open(keyOf(from))
	defer l.addresses.close(a)
	refused := l.full(accounts{Global: &l.global, Address: a}, l.limits.Load())
	if refused == nil {
		return nil
	}
	status := http.StatusServiceUnavailable
	if refused.Scope == Address {
		status = http.StatusTooManyRequests
	}
	return &transport.Refusal{Status: status, RetryAfter: refused.Retry, Reason: refused.Error()}
}

// full says why there is no room for another session, nil if there is.
func (l *Limiter) full(all accounts, limits *table) *Refusal {
	for s, a := range all {
		if a != nil && float64(a.count[Sessions].Load()) >= limits[s][Sessions] {
			return l.refuse(Scope(s), Sessions, 0)
		}
	}
	return nil
}
