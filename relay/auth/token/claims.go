package token

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"moqedge/moq/wire"
	"moqedge/relay/auth"
)

// Claims are what a token says: those of moq-relay and the registered ones (RFC 7519
// §4.1). Prefixes are paths, fields between slashes, below Root. An empty one is all of
// it; who has none of a kind may do nothing of that kind.
type Claims struct {
	Root string   `json:"root,omitempty"`
	Get  Prefixes `json:"get,omitempty"` // may be read
	Put  Prefixes `json:"put,omitempty"` // may be published
	jwt.RegisteredClaims
}

// Prefixes are written as a list, or as a text when there is one.
type Prefixes []string

// UnmarshalJSON implements json.Unmarshaler.
func (p *Prefixes) UnmarshalJSON(b []byte) error {
	if b = bytes.TrimSpace(b); len(b) > 0 && b[0] == '"' {
		*p = Prefixes{""}
		return json.Unmarshal(b, &(*p)[0])
	}
	return json.Unmarshal(b, (*[]string)(p))
}

// Scope is what the claims grant.
func (c *Claims) Scope() auth.Scope {
	root := auth.ParsePath(c.Root)
	below := func(paths Prefixes) (all []wire.Namespace) {
		for _, p := range paths {
			all = append(all, append(slices.Clip(root), auth.ParsePath(p)...))
		}
		return all
	}
	return auth.Scope{Get: below(c.Get), Put: below(c.Put)}
}

// within reports whether all that the claims grant is within others.
func (c *Claims) within(ceiling *Claims) bool {
	covered := func(granted, allowed []wire.Namespace) bool {
		return !slices.ContainsFunc(granted, func(p wire.Namespace) bool { return !slices.ContainsFunc(allowed, p.HasPrefix) })
	}
	granted, allowed := c.Scope(), ceiling.Scope()
	return covered(granted.Get, allowed.Get) && covered(granted.Put, allowed.Put)
}

// early is how much the clock of who issued a token may be ahead of this one.
const early = 10 * time.Second

// check returns what is wrong with claims whose signature is right. The end of a token
// has no tolerance: what is permitted ends with it.
func (c *Claims) check(now time.Time, audience, issuer string) error {
	switch {
	case c.ExpiresAt != nil && !c.ExpiresAt.After(now):
		return fmt.Errorf("%w, at %s", auth.ErrExpired, c.ExpiresAt.UTC().Format(time.RFC3339))
	case c.NotBefore != nil && c.NotBefore.After(now.Add(early)):
		return fmt.Errorf("%w: not before %s", auth.ErrInvalid, c.NotBefore.UTC().Format(time.RFC3339))
	case audience != "" && !slices.Contains(c.Audience, audience):
		return fmt.Errorf("%w: it is for another audience", auth.ErrInvalid)
	case issuer != "" && c.Issuer != issuer:
		return fmt.Errorf("%w: it is of another issuer", auth.ErrInvalid)
	case len(c.Get)+len(c.Put) == 0:
		return fmt.Errorf("%w: it grants nothing", auth.ErrInvalid)
	}
	return nil
}
