package limit

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Session is what one session has. A nil one is not limited. It is safe for concurrent
// use, but for Allow and Spent, which are for who sends.
type Session struct {
	limiter *Limiter
	own     account
	address *account // nil for what is not on a network
	exempt  atomic.Bool

	mu     sync.Mutex // guards what follows
	closed bool
	token  atomic.Pointer[account] // set once, under mu

	intake intake
	pace   pace
}

// Open counts a session of an address, until Close.
func (l *Limiter) Open(remote net.Addr) (*Session, *Refusal) {
	s := &Session{limiter: l, own: account{scope: PerSession}}
	s.intake.turn = make(chan struct{}, 1)
	s.address = l.addresses.open(keyOf(remote))
	if refused := l.take(accounts{Global: &l.global, Address: s.address}, Sessions); refused != nil {
		l.addresses.close(s.address)
		return nil, refused
	}
	return s, nil
}

// Close ends the session.
func (s *Session) Close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	if !s.exempt.Load() {
		s.leave()
	}
}

// leave gives back what the session itself counts for. The caller holds mu.
func (s *Session) leave() {
	l, token := s.limiter, s.token.Load()
	all := accounts{Global: &l.global, Address: s.address, Token: token}
	all.add(Sessions, -1)
	l.addresses.close(s.address)
	l.tokens.close(token)
}

// Exempt has the session not be limited any more, nor count: it is one of a relay that
// is trusted, or of this process.
func (s *Session) Exempt() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && !s.exempt.Swap(true) {
		all := s.accounts()
		all.add(Streams, -s.own.count[Streams].Load())
		s.leave()
	}
}

// Bind says whose token the session shows; only the first one counts, "" says nothing.
// An error means that too many sessions do.
func (s *Session) Bind(subject string) *Refusal {
	if s == nil || subject == "" || s.exempt.Load() || s.token.Load() != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.exempt.Load() || s.token.Load() != nil {
		return nil
	}
	l := s.limiter
	a := l.tokens.open(subject)
	if refused := l.take(accounts{Token: a}, Sessions); refused != nil {
		l.tokens.close(a)
		return refused
	}
	a.count[Streams].Add(s.own.count[Streams].Load())
	s.token.Store(a)
	if left := s.intake.credit.Load(); left > 0 { // drawn for nobody
		s.intake.credit.Add(-left)
	}
	return nil
}

// accounts are those that what the session does counts for.
func (s *Session) accounts() accounts {
	return accounts{Global: &s.limiter.global, Address: s.address, Token: s.token.Load(), PerSession: &s.own}
}

// Request counts a request of a kind, Subscriptions or Namespaces, that lasts until
// release. It may wait until it is its turn, as long as ctx.
func (s *Session) Request(ctx context.Context, k Kind) (release func(), refused *Refusal) {
	if s == nil || s.exempt.Load() {
		return func() {}, nil
	}
	all := s.accounts()
	all[Token] = nil // whose it is, is not known before it is permitted: RequestAs
	return s.limiter.request(ctx, all, k)
}

// request is counted before it waits: those that wait are no more than there may be.
func (l *Limiter) request(ctx context.Context, all accounts, k Kind) (release func(), refused *Refusal) {
	release, refused = l.hold(all, k)
	if refused != nil {
		return nil, refused
	}
	if refused = l.await(ctx, &all, Requests); refused != nil {
		release()
		return nil, refused
	}
	return release, nil
}

// Hold counts one of a kind that was not requested, until release.
func (s *Session) Hold(k Kind) (release func(), refused *Refusal) {
	if s == nil || s.exempt.Load() {
		return func() {}, nil
	}
	return s.limiter.hold(s.accounts(), k)
}

func (l *Limiter) hold(all accounts, k Kind) (release func(), refused *Refusal) {
	if refused = l.take(all, k); refused != nil {
		return nil, refused
	}
	return func() { all.add(k, -1) }, nil
}

// RequestAs counts a request, which Request has counted, for whom it was permitted to; "" is
// nobody.
func (s *Session) RequestAs(ctx context.Context, subject string, k Kind) (release func(), refused *Refusal) {
	if s == nil || subject == "" || s.exempt.Load() {
		return func() {}, nil
	}
	l := s.limiter
	a := l.tokens.open(subject)
	done, refused := l.request(ctx, accounts{Token: a}, k)
	if refused != nil {
		l.tokens.close(a)
		return nil, refused
	}
	return func() {
		done()
		l.tokens.close(a)
	}, nil
}

// Owner names whom what the session publishes counts for in the cache (Share): its token,
// or else its address; "" is nobody.
func (s *Session) Owner() string {
	switch {
	case s == nil || s.exempt.Load():
		return ""
	case s.token.Load() != nil:
		return ownedByToken + s.token.Load().key
	case s.address != nil:
		return ownedByAddress + s.address.key
	}
	return ""
}

const (
	ownedByToken   = "token "
	ownedByAddress = "address "
)

// Share is how much of the cache an owner may take, 0 to 1.
func (l *Limiter) Share(owner string) float64 {
	return min(l.Limit(scopeOf(owner), CacheShare), 1)
}

// Overfull counts that an owner had more than its share and lost some of it.
func (l *Limiter) Overfull(owner string) { l.refused[scopeOf(owner)][CacheShare].Add(1) }

func scopeOf(owner string) Scope {
	if strings.HasPrefix(owner, ownedByToken) {
		return Token
	}
	return Address
}

// quantum is how much is taken of rates at a time, of which the lowest is in bytes per
// second: a part of it that is short, and large enough for that to be rare.
func quantum(rate float64) int64 {
	return int64(min(max(rate/50, 2<<10), 256<<10))
}

// draw takes a quantum of the rates of a kind.
func (s *Session) draw(k Kind, bytes int64, now time.Time) reservation {
	all := s.accounts()
	n := bytes
	if k == BitrateOut {
		n *= 8
	}
	return s.limiter.reserve(&all, k, int(n), now)
}

// least is the lowest of the rates of a kind, in bytes per second.
func (s *Session) least(k Kind) float64 {
	limits, all := s.limiter.limits.Load(), s.accounts()
	least := limits[PerSession][k]
	for scope, a := range all {
		if a != nil {
			least = min(least, limits[scope][k])
		}
	}
	if k == BitrateOut {
		least /= 8
	}
	return least
}
