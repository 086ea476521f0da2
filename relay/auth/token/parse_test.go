package token_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"moqedge/relay/auth/token"
)

func decode(t testing.TB, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func rsaFromJSON(t testing.TB, b []byte) *rsa.PublicKey {
	t.Helper()
	var m struct{ N, E string }
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(decode(t, m.N)), E: int(new(big.Int).SetBytes(decode(t, m.E)).Int64())}
}

func secretFromJSON(t testing.TB, b []byte) []byte {
	t.Helper()
	var m struct{ K string }
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return decode(t, m.K)
}

// canonical writes the last part of a token again: base64 has bits that mean nothing,
// so one signature has several texts.
func canonical(text string) string {
	i := strings.LastIndexByte(text, '.')
	if i < 0 {
		return text
	}
	b, err := base64.RawURLEncoding.DecodeString(text[i+1:])
	if err != nil {
		return text
	}
	return text[:i+1] + base64.RawURLEncoding.EncodeToString(b)
}

// TestParseKeys reads what keys come in.
func TestParseKeys(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, b []byte, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	ecPublic, ecErr := x509.MarshalPKIXPublicKey(&ec.PublicKey)
	ecPrivate, ecPrivateErr := x509.MarshalECPrivateKey(ec)
	edPrivate, edErr := x509.MarshalPKCS8PrivateKey(ed)
	secret := `{"kty":"oct","kid":"s","alg":"HS256","k":"` + base64.RawURLEncoding.EncodeToString(make([]byte, 32)) + `"}`
	for _, c := range []struct {
		name, text string
		keys       int // 0: refused
		signs      bool
	}{
		{"a public key in PEM", block("PUBLIC KEY", ecPublic, ecErr), 1, false},
		{"a private key in PEM, after its parameters", block("EC PARAMETERS", []byte{6, 1}, nil) + block("EC PRIVATE KEY", ecPrivate, ecPrivateErr), 1, true},
		{"two keys in PEM", block("PRIVATE KEY", edPrivate, edErr) + block("EC PRIVATE KEY", ecPrivate, ecPrivateErr), 2, true},
		{"a secret", strings.Repeat("s", 40) + "\n", 1, true},
		{"a short secret", "changeme", 0, false},
		{"a random secret in base64", base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x30\x59", 24))), 1, true},
		{"a public key in DER", string(ecPublic), 0, false},
		{"a public key in base64", base64.StdEncoding.EncodeToString(ecPublic) + "\n", 0, false},
		{"a private key in base64, in lines", base64.StdEncoding.EncodeToString(edPrivate[:30]) + "\n" + base64.StdEncoding.EncodeToString(edPrivate[30:]), 0, false},
		{"a public key of OpenSSH", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFm0C1kN0yB6Nq5YbH3sQ8pZ3rG8mB0kq2Uu0w1VtXyZ me@here", 0, false},
		{"a list of keys", "[" + secret + "]", 0, false},
		{"a page", "<!DOCTYPE html><html><title>Log in</title>", 0, false},
		{"a JSON Web Key", secret, 1, true},
		{"one of moq-relay in base64url", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","key_ops":["verify","sign"],"k":"` + strings.Repeat("A", 43) + `","kid":"m"}`)), 1, true},
		{"a set, with keys for other things", `{"keys":[` + secret + `,{"kty":"oct","use":"enc","k":"AAAA"},{"kty":"RSA","key_ops":["encrypt"]},{"kty":"new"}]}`, 1, true},
		{"a set without keys", `{"keys":[]}`, 0, false},
		{"a key that does not sign like that", strings.Replace(secret, "HS256", "RS256", 1), 0, false},
		{"a short secret in JSON", `{"kty":"oct","alg":"HS256","k":"AAAA"}`, 0, false},
		{"half a set", `{"keys":[` + secret, 0, false},
		{"nothing", " \n", 0, false},
	} {
		keys, err := token.ParseKeys([]byte(c.text))
		if len(keys) != c.keys || (err == nil) != (c.keys > 0) {
			t.Errorf("%s: %d keys, %v", c.name, len(keys), err)
		}
		if len(keys) > 0 && keys[0].Signs() != c.signs {
			t.Errorf("%s: it signs: %v", c.name, keys[0].Signs())
		}
	}
}

// FuzzParseKeys: whatever is read, what comes out signs and verifies.
func FuzzParseKeys(f *testing.F) {
	for _, algorithm := range []string{"HS256", "ES256", "EdDSA"} {
		b, err := json.Marshal(generate(f, algorithm))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add([]byte(`{"keys":[` + string(b) + `]}`))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, err := token.ParseKeys(b)
		if err != nil {
			return
		}
		for _, k := range keys {
			if !k.Signs() {
				continue
			}
			text, err := token.Issue(k, token.Claims{Get: token.Prefixes{""}})
			if err != nil {
				if k.Ceiling != nil {
					continue
				}
				t.Fatalf("%q: %v", b, err)
			}
			v := token.Verifier{Keys: fixed{k}}
			if _, err := v.Verify(t.Context(), shown(text)); err != nil && k.Ceiling == nil {
				t.Fatalf("%q: %v", b, err)
			}
		}
	})
}
