package limit

import (
	"fmt"
	"math"
	"runtime"
	"time"
)

// Unlimited as a limit is none. So is everything less than 0.
const Unlimited = -1

// Config are the limits of all scopes. Its zero value has limits that keep one peer, or
// a flood of them, from taking what the others need (see each field of Limits).
type Config struct {
	Global, Address, Token, Session Limits
}

// Limits are those of one scope. 0 is the default, less than 0 none; what a scope does not
// have is said to be none.
type Limits struct {
	// Sessions at a time, connections that have none yet not included. Default: 100,000
	// in all, 4,096 of an address, none of a token. A session is one.
	Sessions int
	// Handshakes per second. A second's worth may come at once, which is worked on
	// during a second, and twice that be going on, but no more than 4,096 in all.
	// Default: 250 for each processor in all, 200 of an address. Beyond a quarter of
	// those in all, and half of those of an address, clients have to show that they are
	// at their address (RFC 9000 §8.1.2). Tokens and sessions have none.
	Handshakes float64
	// Requests per second. What comes faster waits for its turn for up to 5 s, and is
	// refused when that is not enough. Default: 10,000 in all, 4,000 of an address, none
	// of a token, 2,000 of a session, which is slow enough for 10,000 namespaces not to
	// be noticed by viewers.
	Requests float64
	// Subscriptions are requests at a time other than Namespaces: SUBSCRIBE, FETCH,
	// TRACK_STATUS, PUBLISH, and for namespaces and tracks below a prefix. Default: 1,024 of
	// a session, 32,768 of an address, none else.
	Subscriptions int
	// Namespaces announced at a time. Default: 10,000 of a session, 20,000 of an address,
	// 1,000,000 in all, none of a token.
	Namespaces int
	// Streams of data that come in at a time. Default: 4,096 of a session, 16,384 of an
	// address, none else.
	Streams int
	// BytesIn of objects per second. Default: 64 MiB of a session, 128 MiB of an address, none
	// else.
	BytesIn int64
	// BitrateOut of objects, in bits per second. Default: none.
	BitrateOut int64
	// CacheShare is how much of the cache's budget what is published may keep when there
	// is no room, 0 to 1.
	// Default: 0.5 of an address; what is published with a token counts for that
	// alone, where the default is 0.5 as well. Others have none.
	CacheShare float64
}

// What may come at once, besides what is said at Limits.
const (
	burstRequests = 250 * time.Millisecond
	burstBytes    = time.Second
	burstBits     = 500 * time.Millisecond
	// turnBurst is how much of the handshakes of a second are computed at once: few
	// enough for nobody to wait for a processor because of them.
	turnBurst  = 2 * time.Millisecond
	leastBurst = 16 << 10 // bytes
)

// longestTurn is how long a request waits for its turn.
const longestTurn = 5 * time.Second

// table has what holds: +Inf is no limit.
type table [scopes][kinds]float64

func (l Limits) row() [kinds]float64 {
	return [kinds]float64{
		Sessions: float64(l.Sessions), Handshakes: l.Handshakes, Requests: l.Requests, Subscriptions: float64(l.Subscriptions),
		Namespaces: float64(l.Namespaces), Streams: float64(l.Streams), BytesIn: float64(l.BytesIn), BitrateOut: float64(l.BitrateOut),
		CacheShare: l.CacheShare,
	}
}

// defaults are the limits that are not set; 0: none.
func defaults() table {
	return table{
		Global:     {Sessions: 100_000, Handshakes: 250 * float64(runtime.GOMAXPROCS(0)), Requests: 10_000, Namespaces: 1_000_000},
		Address:    {Sessions: 4096, Handshakes: 200, Requests: 4000, Subscriptions: 32_768, Namespaces: 20_000, Streams: 16_384, BytesIn: 128 << 20, CacheShare: 0.5},
		Token:      {CacheShare: 0.5},
		PerSession: {Requests: 2000, Subscriptions: 1024, Namespaces: 10_000, Streams: 4096, BytesIn: 64 << 20},
	}
}

// table is what c amounts to.
func (c Config) table() *table {
	t := defaults()
	for s, l := range [scopes]Limits{Global: c.Global, Address: c.Address, Token: c.Token, PerSession: c.Session} {
		for k, v := range l.row() {
			if v != 0 {
				t[s][k] = v
			}
			if t[s][k] <= 0 {
				t[s][k] = math.Inf(1)
			}
		}
	}
	return &t
}

// Validate reports what can not be; its text begins with the scope and the field.
func (c Config) Validate() error {
	for s, l := range [scopes]Limits{Global: c.Global, Address: c.Address, Token: c.Token, PerSession: c.Session} {
		for k, v := range l.row() {
			if math.IsNaN(v) || Kind(k) == CacheShare && v > 1 {
				return fmt.Errorf("%s.%s: %v is not a part of 1", Scope(s), Kind(k), v)
			}
		}
	}
	return nil
}

// burst is how much of a rate may come at once.
func burst(k Kind, rate float64) int {
	b := rate
	switch k {
	case Requests:
		b = rate * burstRequests.Seconds()
	case BytesIn:
		b = max(rate*burstBytes.Seconds(), leastBurst)
	case BitrateOut:
		b = max(rate*burstBits.Seconds(), 8*leastBurst)
	}
	return int(min(max(b, 1), math.MaxInt32))
}
