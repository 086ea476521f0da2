package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"

	"github.com/golang-jwt/jwt/v5"
)

// Key verifies tokens and, with a private part, signs them.
type Key struct {
	ID        string // kid; "" when it has none
	Algorithm string // alg; "" when it does not say: then any of its kind
	// Ceiling bounds what tokens signed with it may grant; nil: nothing does.
	Ceiling *Claims

	verify any // []byte, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
	sign   any // []byte, or a crypto.Signer; nil: it only verifies
}

// newKey makes a key of what crypto and jwkset have: a private, public or secret one.
func newKey(material any) (Key, error) {
	k := Key{verify: material}
	if signer, ok := material.(crypto.Signer); ok {
		k.sign, k.verify = signer, signer.Public()
	}
	switch v := k.verify.(type) {
	case []byte:
		if len(v) < minSecret {
			return Key{}, fmt.Errorf("a secret of %d bytes: it must have at least %d", len(v), minSecret)
		}
		k.sign = v
	case *rsa.PublicKey:
		if v.N.BitLen() < minRSA {
			return Key{}, fmt.Errorf("an RSA key of %d bits: it must have at least %d", v.N.BitLen(), minRSA)
		}
	}
	if len(k.algorithms()) == 0 {
		return Key{}, fmt.Errorf("a key of a kind that signs no tokens: %T", k.verify)
	}
	if _, secret := k.verify.([]byte); k.sign != nil && !secret {
		text, err := jwt.New(jwt.GetSigningMethod(k.algorithms()[0])).SignedString(k.sign)
		if err == nil {
			_, err = k.claims(text)
		}
		if err != nil {
			return Key{}, errors.New("its private part is not that of its public one")
		}
	}
	return k, nil
}

const (
	minSecret = 32   // bytes, as RFC 7518 §3.2 has it for HS256
	minRSA    = 2048 // bits, RFC 7518 §3.3
)

// algorithms are those that the key verifies, the usual one first: its own or, when it
// names none, those of its kind.
func (k Key) algorithms() []string {
	var all []string
	switch v := k.verify.(type) {
	case []byte:
		all = []string{"HS256", "HS384", "HS512"}
	case *rsa.PublicKey:
		all = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	case *ecdsa.PublicKey:
		if alg := curveAlgorithms[v.Curve.Params().Name]; alg != "" {
			all = []string{alg}
		}
	case ed25519.PublicKey:
		all = []string{"EdDSA"}
	}
	if k.Algorithm == "" {
		return all
	}
	if slices.Contains(all, k.Algorithm) {
		return []string{k.Algorithm}
	}
	return nil
}

var curveAlgorithms = map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}

// Signs reports whether the key can sign.
func (k Key) Signs() bool { return k.sign != nil }

// Public is the key without what signs; an error for a secret, which has no such part.
func (k Key) Public() (Key, error) {
	if _, secret := k.verify.([]byte); secret {
		return Key{}, errors.New("a secret has no public part")
	}
	public := k
	public.sign = nil
	return public, nil
}

// claims verifies the signature of a token and returns what it says, which may be out
// of date.
func (k Key) claims(text string) (*Claims, error) {
	parser := jwt.NewParser(jwt.WithValidMethods(k.algorithms()), jwt.WithoutClaimsValidation())
	c := &Claims{}
	_, err := parser.ParseWithClaims(text, c, func(*jwt.Token) (any, error) { return k.verify, nil })
	return c, err
}

// Secret is what both sides share, if the key is that. It must not be changed.
func (k Key) Secret() (secret []byte, ok bool) {
	secret, ok = k.verify.([]byte)
	return secret, ok
}
