package auth

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"moqedge/moq/wire"
)

// remember is how long the claims of a token are known without verifying it again: a
// viewer makes several requests when it comes. A key that is withdrawn is good for as
// long.
const remember = 10 * time.Second

// maxRemembered bounds the tokens that are known.
const maxRemembered = 4096

// cache has the claims of tokens that were good a moment ago. Refusals are not kept:
// keys may be on their way.
type cache struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]remembered
}

type remembered struct {
	claims Claims
	until  time.Time
}

// claims returns those of a token, verified by the first of the verifiers whose kind
// it is.
func (c *cache) claims(ctx context.Context, verifiers []Verifier, t wire.Token) (Claims, error) {
	key := keyOf(t)
	now := time.Now()
	c.mu.Lock()
	r, ok := c.known[key]
	c.mu.Unlock()
	if ok && now.Before(r.until) {
		return r.claims, nil
	}
	claims, err := verify(ctx, verifiers, t)
	if err != nil {
		return Claims{}, err
	}
	r = remembered{claims, now.Add(remember)}
	if claims.Revalidate > 0 { // else it would be found here when it is to be verified again
		r.until = earlier(r.until, now.Add(claims.Revalidate))
	}
	r.until = earlier(r.until, claims.Expires)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[[sha256.Size]byte]remembered{}
	}
	if len(c.known) >= maxRemembered {
		c.makeRoom(now)
	}
	c.known[key] = r
	return claims, nil
}

// makeRoom forgets what is too old, or else any one. The caller holds mu.
func (c *cache) makeRoom(now time.Time) {
	looked := 0
	for key, r := range c.known {
		if looked++; looked > 64 {
			break
		}
		if !now.Before(r.until) {
			delete(c.known, key)
		}
	}
	for key := range c.known {
		if len(c.known) < maxRemembered {
			return
		}
		delete(c.known, key)
	}
}

func keyOf(t wire.Token) (key [sha256.Size]byte) {
	h := sha256.New()
	var kind [8]byte
	binary.BigEndian.PutUint64(kind[:], t.TokenType)
	h.Write(kind[:])
	h.Write(t.Value)
	h.Sum(key[:0])
	return key
}
