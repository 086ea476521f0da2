package limit

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// account is what is counted for one session, token or address, or for all.
type account struct {
	scope Scope
	key   string // in its book

	count   [kinds]atomic.Int64 // of what is counted at a time
	pending atomic.Int64        // connections that have no session yet

	mu    sync.Mutex // guards what follows, which is made when it is needed
	rates [kinds]*rate.Limiter

	users int       // guarded by its book, as what follows
	left  time.Time // when the last one left
}

// bucket is the one of a rate, as it is limited now; nil when it is not.
func (a *account) bucket(k Kind, limit float64, now time.Time) *rate.Limiter {
	if math.IsInf(limit, 1) {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.rates[k]
	switch {
	case b == nil:
		b = rate.NewLimiter(rate.Limit(limit), burst(k, limit))
		a.rates[k] = b
	case b.Limit() != rate.Limit(limit):
		b.SetLimitAt(now, rate.Limit(limit))
		b.SetBurstAt(now, burst(k, limit))
	}
	return b
}

// accounts are those that something counts for, nil where there is none.
type accounts [scopes]*account

// take counts one of a kind in all of them, or in none.
func (l *Limiter) take(all accounts, k Kind) *Refusal {
	limits := l.limits.Load()
	for s, a := range all {
		if a == nil || float64(a.count[k].Add(1)) <= limits[s][k] {
			continue
		}
		for _, a := range all[:s+1] {
			if a != nil {
				a.count[k].Add(-1)
			}
		}
		return l.refuse(Scope(s), k, 0)
	}
	return nil
}

// add counts n more of a kind in all of them, whatever the limits; -1 undoes take.
func (all *accounts) add(k Kind, n int64) {
	for _, a := range all {
		if a != nil {
			a.count[k].Add(n)
		}
	}
}

// reserve takes n of a rate from all of them, and returns when they are there, and for
// whom that is to be waited for. n is at most what may come at once.
func (l *Limiter) reserve(all *accounts, k Kind, n int, now time.Time) (r reservation) {
	limits := l.limits.Load()
	for s, a := range all {
		if a == nil {
			continue
		}
		b := a.bucket(k, limits[s][k], now)
		if b == nil {
			continue
		}
		one := b.ReserveN(now, min(n, b.Burst()))
		if !one.OK() { // the limit has become lower since: next time
			continue
		}
		r.parts[s] = one
		if d := one.DelayFrom(now); d > r.delay {
			r.delay, r.scope = d, Scope(s)
		}
	}
	return r
}

// reservation is what was taken of a rate.
type reservation struct {
	parts [scopes]*rate.Reservation
	delay time.Duration
	scope Scope // of the longest delay
}

// cancel gives it back.
func (r *reservation) cancel(now time.Time) {
	for _, one := range r.parts {
		if one != nil {
			one.CancelAt(now)
		}
	}
}

// spend takes one of a rate from all of them if it is there.
func (l *Limiter) spend(all *accounts, k Kind) *Refusal {
	now := time.Now()
	r := l.reserve(all, k, 1, now)
	if r.delay == 0 {
		return nil
	}
	r.cancel(now)
	return l.refuse(r.scope, k, r.delay)
}

// await takes one of a rate from all of them and waits until it is there, if that is not
// long, and as long as ctx.
func (l *Limiter) await(ctx context.Context, all *accounts, k Kind) *Refusal {
	now := time.Now()
	r := l.reserve(all, k, 1, now)
	switch {
	case r.delay == 0:
	case r.delay > longestTurn:
		r.cancel(now)
		return l.refuse(r.scope, k, r.delay-longestTurn)
	default:
		sleep(ctx, r.delay)
	}
	return nil
}
