package cat

import (
	"context"
	"fmt"
	"time"

	"moqedge/moq/wire"
	"moqedge/relay/auth"
	"moqedge/relay/auth/token"
)

// Verifier implements auth.Verifier. Its fields must not be changed.
type Verifier struct {
	// Keys are secrets: those of a JSON Web Key Set whose type is oct.
	Keys token.Keys
	// Audience and Issuer are what a token must name; "" accepts any.
	Audience, Issuer string
}

// Verify implements auth.Verifier, of tokens of type CAT.
func (v *Verifier) Verify(ctx context.Context, t wire.Token) (auth.Claims, error) {
	return v.verify(ctx, t, time.Now())
}

func (v *Verifier) verify(ctx context.Context, t wire.Token, now time.Time) (auth.Claims, error) {
	if t.TokenType != auth.TypeCAT {
		return auth.Claims{}, auth.ErrNotMine
	}
	m, err := parseMessage(t.Value)
	if err != nil {
		return auth.Claims{}, err
	}
	keys, err := v.Keys.Find(ctx, m.keyID)
	if err != nil {
		return auth.Claims{}, fmt.Errorf("the keys of tokens: %w", err)
	}
	if _, err := m.signer(keys); err != nil {
		return auth.Claims{}, err
	}
	c, err := parseClaims(m.payload)
	if err != nil {
		return auth.Claims{}, err
	}
	if err := c.check(now, v.Audience, v.Issuer); err != nil {
		return auth.Claims{}, err
	}
	return auth.Claims{Subject: c.Subject, ID: c.ID, Expires: c.Expires, Revalidate: c.Revalidate, Grant: c}, nil
}

// signer is the key that made the MAC of a token.
func (m message) signer(keys []token.Key) (token.Key, error) {
	tried := false
	for _, k := range keys {
		secret, ok := k.Secret()
		if !ok || algorithmOf(k) != m.algorithm && k.Algorithm != "" {
			continue
		}
		tried = true
		if m.verifies(secret) {
			return k, nil
		}
	}
	if tried {
		return token.Key{}, fmt.Errorf("%w: its MAC is wrong", auth.ErrInvalid)
	}
	return token.Key{}, fmt.Errorf("%w: there is no secret %.40q for algorithm %d", auth.ErrInvalid, m.keyID, m.algorithm)
}

// algorithmOf is how a key makes MACs: as its alg says in the words of JSON Web
// Algorithms, or HMAC with SHA-256.
func algorithmOf(k token.Key) int64 {
	switch k.Algorithm {
	case "HS384":
		return hmac384
	case "HS512":
		return hmac512
	}
	return hmac256
}
