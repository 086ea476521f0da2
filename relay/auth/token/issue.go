package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// Issue signs a token. Its header names the key, when that has an ID.
func Issue(k Key, c Claims) (string, error) {
	switch {
	case !k.Signs():
		return "", errors.New("the key verifies only: signing needs a private key or a secret")
	case len(c.Get)+len(c.Put) == 0:
		return "", errors.New("it grants nothing: name what may be read or published")
	case k.Ceiling != nil && !c.within(k.Ceiling):
		return "", errors.New("it grants more than the key may, by its scope")
	}
	t := jwt.NewWithClaims(jwt.GetSigningMethod(k.algorithms()[0]), &c)
	if k.ID != "" {
		t.Header["kid"] = k.ID
	}
	return t.SignedString(k.sign)
}

// Inspection is what a token says, believed or not.
type Inspection struct {
	Header map[string]any `json:"header"`
	Claims Claims         `json:"claims"`
	// Trouble is what is wrong with its form or its times; "": nothing.
	Trouble string `json:"trouble,omitempty"`
	// Signed says whether one of the keys has signed it; nil: there were none.
	Signed *bool `json:"signed,omitempty"`
	// Key is the ID of that key.
	Key string `json:"key,omitempty"`
}

// Inspect says what a token is, and whether one of the keys signed it. An error is
// about text that is no token at all.
func Inspect(text string, keys []Key, now time.Time) (Inspection, error) {
	var out Inspection
	if _, err := readHeader(text); err != nil {
		return out, err
	}
	parts := strings.Split(text, ".")
	for i, into := range []any{&out.Header, &out.Claims} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(b, into)
		}
		if err != nil {
			return out, malformed(err)
		}
	}
	if err := out.Claims.check(now, "", ""); err != nil {
		out.Trouble = err.Error()
	}
	if len(keys) == 0 {
		return out, nil
	}
	signed := false
	for _, k := range keys {
		if c, err := k.claims(text); err == nil {
			signed, out.Key = true, k.ID
			if k.Ceiling != nil && !c.within(k.Ceiling) {
				out.Trouble = "it grants more than its key may"
			}
			break
		}
	}
	out.Signed = &signed
	return out, nil
}

// Generate makes a key for an algorithm: HS256, HS384, HS512, RS256, RS384, RS512,
// PS256, PS384, PS512, ES256, ES384, ES512 or EdDSA. Its ID is random.
func Generate(algorithm string) (Key, error) {
	var material any
	var err error
	switch algorithm {
	case "HS256", "HS384", "HS512":
		secret := make([]byte, 64)
		_, err = rand.Read(secret)
		material = secret
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		material, err = rsa.GenerateKey(rand.Reader, minRSA)
	case "ES256":
		material, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		material, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		material, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, material, err = ed25519.GenerateKey(rand.Reader)
	default:
		return Key{}, fmt.Errorf("no algorithm %q: HS256, RS256, ES256, EdDSA, or one of their longer kin", algorithm)
	}
	if err != nil {
		return Key{}, err
	}
	k, err := newKey(material)
	k.ID, k.Algorithm = rand.Text()[:12], algorithm
	return k, err
}

// MarshalJSON writes the key as a JSON Web Key, with what signs if it has that: it is
// to be kept secret then.
func (k Key) MarshalJSON() ([]byte, error) {
	material := k.verify
	if k.sign != nil {
		material = k.sign
	}
	options := jwkset.JWKOptions{
		Marshal:  jwkset.JWKMarshalOptions{Private: true},
		Metadata: jwkset.JWKMetadataOptions{ALG: jwkset.ALG(k.Algorithm), KID: k.ID, USE: jwkset.UseSig},
	}
	made, err := jwkset.NewJWKFromKey(material, options)
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		jwkset.JWKMarshal
		Scope *Claims `json:"scope,omitempty"`
	}{made.Marshal(), k.Ceiling})
}
