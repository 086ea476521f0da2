package token

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/MicahParks/jwkset"
)

// maxKeys bounds a set: a token without a key ID is tried with each.
const maxKeys = 64

// ParseKeys reads keys: a JSON Web Key Set or a single key (RFC 7517, also in
// base64url), PEM blocks of public keys, private keys and certificates, or a file
// whose text is a secret. Keys of a set that are for something else, or of an unknown
// kind, are left out; what looks like a key in another form is refused.
func ParseKeys(b []byte) ([]Key, error) { return parse(b, true) }

// parse is ParseKeys; secrets says whether text may be a secret as it is.
func parse(b []byte, secrets bool) ([]Key, error) {
	keys, err := parseKeys(bytes.TrimSpace(b), secrets)
	switch {
	case err != nil:
		return nil, err
	case len(keys) == 0:
		return nil, errors.New("there is no key for tokens")
	case len(keys) > maxKeys:
		return nil, fmt.Errorf("%d keys: at most %d", len(keys), maxKeys)
	}
	return keys, nil
}

func parseKeys(b []byte, secrets bool) ([]Key, error) {
	switch {
	case len(b) == 0:
		return nil, errors.New("it is empty")
	case b[0] == '{':
		return parseJSON(b)
	case bytes.Contains(b, []byte("-----BEGIN ")):
		return parsePEM(b)
	}
	if inner, err := base64.RawURLEncoding.DecodeString(string(b)); err == nil && len(inner) > 0 && inner[0] == '{' && json.Valid(inner) {
		return parseJSON(inner)
	}
	switch {
	case !secrets: // the page of a proxy would be one
		return nil, errors.New("it is neither a JSON Web Key nor PEM")
	case isOther(b):
		return nil, errors.New("it is a key, but neither a JSON Web Key nor PEM: who knows it could sign if it were taken for a secret")
	}
	k, err := newKey(bytes.Clone(b))
	return []Key{k}, err
}

// isOther reports whether text is a key, or the beginning of something, that people take
// for a file of keys, and that is no secret: DER, also in base64, what OpenSSH writes, a
// list, a page.
func isOther(b []byte) bool {
	for _, begin := range []string{"ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-", "---- BEGIN", "[", "<"} {
		if bytes.HasPrefix(b, []byte(begin)) {
			return true
		}
	}
	der := b
	if bare := bytes.Join(bytes.Fields(b), nil); len(bare) > 0 {
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
			if inner, err := e.DecodeString(string(bare)); err == nil {
				der = inner
				break
			}
		}
	}
	for _, kind := range []string{"PUBLIC KEY", "RSA PUBLIC KEY", "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "CERTIFICATE"} {
		if _, err := parseBlock(&pem.Block{Type: kind, Bytes: der}); err == nil {
			return true
		}
	}
	return false
}

// jwk is what a key says besides what it is made of.
type jwk struct {
	Type       string          `json:"kty"`
	Use        string          `json:"use"`
	Operations []string        `json:"key_ops"`
	Scope      json.RawMessage `json:"scope"` // of moq-relay: what its tokens may grant at most
}

func parseJSON(b []byte) ([]Key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(b, &set); err != nil {
		return nil, err
	}
	if set.Keys == nil {
		k, err := parseJWK(b)
		return []Key{k}, err
	}
	var keys []Key
	for i, raw := range set.Keys {
		k, err := parseJWK(raw)
		switch {
		case errors.Is(err, errOther):
		case err != nil:
			return nil, fmt.Errorf("key %d of the set: %w", i, err)
		default:
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// errOther is a key that signs no tokens.
var errOther = errors.New("a key for something else")

func parseJWK(raw json.RawMessage) (Key, error) {
	var about jwk
	if err := json.Unmarshal(raw, &about); err != nil {
		return Key{}, err
	}
	switch {
	case about.Use != "" && about.Use != "sig":
		return Key{}, fmt.Errorf("%w: its use is %q", errOther, about.Use)
	case about.Operations != nil && !slices.Contains(about.Operations, "verify") && !slices.Contains(about.Operations, "sign"):
		return Key{}, fmt.Errorf("%w: it is for %s", errOther, strings.Join(about.Operations, ", "))
	}
	var m jwkset.JWKMarshal
	if err := json.Unmarshal(raw, &m); err != nil {
		return Key{}, err
	}
	m.USE, m.KEYOPS, m.X5U, m.X5C, m.X5T, m.X5TS256 = "", nil, "", nil, "", "" // not gone by
	if m.KTY == "" {
		m.KTY = jwkset.KtyOct // moq-relay's first keys did not say
	}
	parsed, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{Private: true}, jwkset.JWKValidateOptions{})
	if errors.Is(err, jwkset.ErrUnsupportedKey) {
		return Key{}, fmt.Errorf("%w: %w", errOther, err)
	}
	if err != nil {
		return Key{}, err
	}
	k, err := newKey(parsed.Key())
	if err != nil {
		return Key{}, err
	}
	k.ID, k.Algorithm = m.KID, string(m.ALG)
	if len(k.algorithms()) == 0 {
		return Key{}, fmt.Errorf("%w: a key of its kind does not sign with %q", errOther, k.Algorithm)
	}
	if len(about.Scope) > 0 {
		k.Ceiling = &Claims{}
		if err := json.Unmarshal(about.Scope, k.Ceiling); err != nil {
			return Key{}, fmt.Errorf("its scope: %w", err)
		}
	}
	return k, nil
}

func parsePEM(b []byte) ([]Key, error) {
	var keys []Key
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			return keys, nil
		}
		material, err := parseBlock(block)
		if err != nil {
			return nil, fmt.Errorf("PEM block %q: %w", block.Type, err)
		}
		if material == nil {
			continue
		}
		k, err := newKey(material)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
}

// parseBlock returns nothing for a block that is no key, such as the parameters of one.
func parseBlock(block *pem.Block) (any, error) {
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	case "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return certificate.PublicKey, nil
	}
	return nil, nil
}
