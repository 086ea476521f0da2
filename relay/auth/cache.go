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
	known Recent[[sha256.Size]byte, verified]
}

// verified are the claims of a token, and until when they may be relied on: until it ends,
// or is to be verified again; zero: always.
type verified struct {
	Claims
	until time.Time
}

// claims returns those of a token, verified by the first of the verifiers whose kind
// it is.
func (c *cache) claims(ctx context.Context, verifiers []Verifier, t wire.Token) (claims verified, err error) {
	key := keyOf(t)
	now := time.Now()
	c.mu.Lock()
	claims, ok := c.known.Get(key, now)
	c.mu.Unlock()
	if ok {
		return claims, nil
	}
	claims.Claims, err = verify(ctx, verifiers, t)
	if err != nil {
		return verified{}, err
	}
	now = time.Now() // that may have taken a while
	claims.until = claims.Expires
	if claims.Revalidate > 0 {
		claims.until = earlier(claims.until, now.Add(claims.Revalidate))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known.Most = maxRemembered
	c.known.Put(key, claims, earlier(now.Add(remember), claims.until), now)
	return claims, nil
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
