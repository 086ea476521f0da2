package limit

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Scope says for whom something is counted.
type Scope uint8

// Scopes, from the widest to the narrowest.
const (
	Global  Scope = iota
	Address       // an IPv4 address, or a network of IPv6 (/64)
	Token         // all who show tokens of one subject
	PerSession
	scopes
)

// String is the name of the scope in configurations and counters.
func (s Scope) String() string { return [...]string{"global", "address", "token", "session"}[s] }

// Kind is what is counted.
type Kind uint8

// Kinds.
const (
	Sessions      Kind = iota // at a time
	Handshakes                // per second
	Requests                  // per second
	Subscriptions             // requests that last, other than Namespaces, at a time
	Namespaces                // that are announced, at a time
	Streams                   // of data that come in, at a time
	BytesIn                   // of objects, per second
	BitrateOut                // of objects, in bits per second
	CacheShare                // of the cache, 0 to 1
	kinds
)

// String is the name of the kind in counters.
func (k Kind) String() string {
	return [...]string{"sessions", "handshakes", "requests", "subscriptions", "namespaces", "streams", "bytesIn", "bitrateOut", "cacheShare"}[k]
}

// Refusal is why something is refused.
type Refusal struct {
	Scope Scope
	Kind  Kind
	// Retry is when to try again, spread at random so that those refused do not come
	// back all at once (moqt-18 §10.6.2).
	Retry time.Duration
}

// Error says it for people.
func (r *Refusal) Error() string {
	of := [...]string{"this relay", "the address", "the token", "the session"}[r.Scope]
	return fmt.Sprintf("too many %s of %s: try again in %v", r.Kind, of, r.Retry.Round(100*time.Millisecond))
}

// spread is a time between d and twice that, but a second at least.
func spread(d time.Duration) time.Duration {
	d = min(max(d, time.Second), maxRetry)
	return d + rand.N(d)
}

// maxRetry bounds what is said of when to try again.
const maxRetry = 30 * time.Second
