package token

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"moqedge/moq/wire"
	"moqedge/relay/auth"
)

// Keys are what tokens are verified with. It is safe for concurrent use.
type Keys interface {
	// Find returns the keys that a token with this key ID may be signed with; ""
	// stands for a token that does not say. It may wait, as long as ctx.
	Find(ctx context.Context, id string) ([]Key, error)
}

// Verifier implements auth.Verifier. Its fields must not be changed.
type Verifier struct {
	Keys Keys
	// Audience and Issuer are what a token must name; "" accepts any.
	Audience, Issuer string
}

// maxToken bounds a token, in bytes.
const maxToken = 8 << 10

// Verify implements auth.Verifier: of tokens whose type says nothing it takes those
// that are text.
func (v *Verifier) Verify(ctx context.Context, t wire.Token) (auth.Claims, error) {
	if t.TokenType != auth.TypeOther {
		return auth.Claims{}, auth.ErrNotMine
	}
	text := string(t.Value)
	h, err := readHeader(text)
	if err != nil {
		return auth.Claims{}, err
	}
	keys, err := v.Keys.Find(ctx, h.KeyID)
	if err != nil {
		return auth.Claims{}, fmt.Errorf("the keys of tokens: %w", err)
	}
	keys = slices.DeleteFunc(slices.Clone(keys), func(k Key) bool { return !slices.Contains(k.algorithms(), h.Algorithm) })
	wrong := fmt.Errorf("%w: there is no key %q for %q", auth.ErrInvalid, shorten(h.KeyID), shorten(h.Algorithm))
	for _, k := range keys {
		c, err := k.claims(text)
		if errors.Is(err, jwt.ErrTokenSignatureInvalid) {
			wrong = fmt.Errorf("%w: its signature is wrong", auth.ErrInvalid)
			continue
		}
		if err != nil {
			return auth.Claims{}, malformed(err)
		}
		if err := c.check(time.Now(), v.Audience, v.Issuer); err != nil {
			return auth.Claims{}, err
		}
		if k.Ceiling != nil && !c.within(k.Ceiling) {
			return auth.Claims{}, fmt.Errorf("%w: it grants more than its key may", auth.ErrInvalid)
		}
		claims := auth.Claims{Subject: c.Subject, ID: c.ID, Grant: c.Scope()}
		if c.ExpiresAt != nil {
			claims.Expires = c.ExpiresAt.Time
		}
		return claims, nil
	}
	return auth.Claims{}, wrong
}

// header is that of a token (RFC 7515 §4.1).
type header struct {
	Algorithm string          `json:"alg"`
	KeyID     string          `json:"kid"`
	Critical  json.RawMessage `json:"crit"`
}

// readHeader reads it before a key is chosen: nothing that it says is believed.
func readHeader(text string) (h header, err error) {
	if len(text) > maxToken {
		return h, fmt.Errorf("%w: %d bytes, at most %d", auth.ErrMalformed, len(text), maxToken)
	}
	first, rest, _ := strings.Cut(text, ".")
	if strings.Count(rest, ".") != 1 {
		return h, fmt.Errorf("%w: it is no JSON Web Token", auth.ErrMalformed)
	}
	b, err := base64.RawURLEncoding.DecodeString(first)
	if err == nil {
		err = json.Unmarshal(b, &h)
	}
	switch {
	case err != nil:
		return h, malformed(err)
	case h.Critical != nil: // RFC 7515 §4.1.11: what is critical must be understood, and none of it is
		return h, fmt.Errorf("%w: it has critical headers", auth.ErrMalformed)
	}
	return h, nil
}

func malformed(err error) error { return fmt.Errorf("%w: %s", auth.ErrMalformed, shorten(err.Error())) }

// shorten bounds what others wrote before it is told.
func shorten(text string) string { return fmt.Sprintf("%.80s", text) }
