package token_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/auth"
	"moqedge/relay/auth/token"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// algorithms are one of each kind, and those of other lengths.
var algorithms = []string{"HS256", "HS512", "RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"}

// fixed are keys that do not change.
type fixed []token.Key

func (f fixed) Find(context.Context, string) ([]token.Key, error) { return f, nil }

func generate(t testing.TB, algorithm string) token.Key {
	t.Helper()
	k, err := token.Generate(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func issue(t testing.TB, k token.Key, c token.Claims) string {
	t.Helper()
	text, err := token.Issue(k, c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func in(d time.Duration) *jwt.NumericDate { return jwt.NewNumericDate(time.Now().Add(d)) }

func reads(paths ...string) token.Claims { return token.Claims{Get: paths} }

func shown(text string) wire.Token {
	return wire.Token{AliasType: wire.TokenUseValue, Value: []byte(text)}
}

// public is what a relay has of a key: the public part, through JSON.
func public(t testing.TB, k token.Key) token.Key {
	t.Helper()
	if half, err := k.Public(); err == nil {
		k = half
	}
	b, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.ParseKeys(b)
	if err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return keys[0]
}

// TestEveryAlgorithm: a token of each kind of key is good with the public part of that
// key, and with no other key.
func TestEveryAlgorithm(t *testing.T) {
	strange := map[string]token.Key{}
	for _, algorithm := range algorithms {
		strange[algorithm] = public(t, generate(t, algorithm))
	}
	for _, algorithm := range algorithms {
		k := generate(t, algorithm)
		text := issue(t, k, token.Claims{Root: "demo", Get: token.Prefixes{""}, Put: token.Prefixes{"me"}, RegisteredClaims: jwt.RegisteredClaims{Subject: "ann", ID: "7", ExpiresAt: in(time.Hour)}})
		v := token.Verifier{Keys: fixed{strange[algorithm], public(t, k)}}
		c, err := v.Verify(t.Context(), shown(text))
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
			continue
		}
		if c.Subject != "ann" || c.ID != "7" || time.Until(c.Expires) > time.Hour || time.Until(c.Expires) < 59*time.Minute {
			t.Errorf("%s: claims %+v", algorithm, c)
		}
		for verb, name := range map[relay.Verb]string{relay.VerbSubscribe: "demo/x", relay.VerbPublish: "demo/me/cam"} {
			if _, ok := c.Grant.Permits(auth.Ask{Verb: verb, Name: wire.FullTrackName{Namespace: auth.ParsePath(name)}}); !ok {
				t.Errorf("%s: does not permit to %s %s", algorithm, verb, name)
			}
		}
		if public(t, k).Signs() != strings.HasPrefix(algorithm, "HS") {
			t.Errorf("%s: the public part signs", algorithm)
		}
		for _, other := range algorithms {
			v.Keys = fixed{strange[other]}
			if _, err := v.Verify(t.Context(), shown(text)); !errors.Is(err, auth.ErrInvalid) {
				t.Errorf("%s with a strange key of %s: %v", algorithm, other, err)
			}
		}
	}
}

// TestAlgorithmIsTheKeys: what the header of a token says decides nothing.
func TestAlgorithmIsTheKeys(t *testing.T) {
	rsaKey, ecKey := generate(t, "RS256"), generate(t, "ES256")
	v := token.Verifier{Keys: fixed{public(t, rsaKey), public(t, ecKey)}}
	claims := jwt.MapClaims{"get": ""}
	sign := func(method jwt.SigningMethod, key any, header map[string]any) string {
		t.Helper()
		made := jwt.NewWithClaims(method, claims)
		for k, v := range header {
			made.Header[k] = v
		}
		text, err := made.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	b, err := json.Marshal(public(t, rsaKey))
	if err != nil {
		t.Fatal(err)
	}
	forged := map[string]string{
		"none":                     sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil),
		"the public key as secret": sign(jwt.SigningMethodHS256, b, nil),
		"a key in the header":      sign(jwt.SigningMethodHS256, b, map[string]any{"jwk": map[string]any{"kty": "oct", "k": "AAAA"}}),
	}
	for _, ending := range []string{"", "\n"} {
		der, err := x509.MarshalPKIXPublicKey(publicOf(t, rsaKey))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))) + ending
		forged["the public key as secret, in PEM"+ending] = sign(jwt.SigningMethodHS256, []byte(text), nil)
	}
	good := issue(t, rsaKey, reads(""))
	for name, header := range map[string]string{
		"another algorithm of the kind": `{"alg":"RS512","typ":"JWT"}`, "an algorithm of another kind": `{"alg":"ES256"}`, "no algorithm": `{}`, "one in other letters": `{"alg":"rs256"}`,
	} {
		_, rest, _ := strings.Cut(good, ".")
		forged[name] = base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + rest
	}
	for name, text := range forged {
		if _, err := v.Verify(t.Context(), shown(text)); !errors.Is(err, auth.ErrInvalid) {
			t.Errorf("%s: %v, want that it is not valid", name, err)
		}
	}
	if _, err := v.Verify(t.Context(), shown(good)); err != nil {
		t.Errorf("the real one: %v", err)
	}
}

// publicOf takes the public key out of a key, by way of PEM-free JSON.
func publicOf(t *testing.T, k token.Key) any {
	t.Helper()
	b, err := json.Marshal(public(t, k))
	if err != nil {
		t.Fatal(err)
	}
	return rsaFromJSON(t, b)
}

// TestClaims: what is in force, for whom, and what is none.
func TestClaims(t *testing.T) {
	k := generate(t, "HS256")
	registered := func(r jwt.RegisteredClaims) token.Claims {
		c := reads("")
		c.RegisteredClaims = r
		return c
	}
	for _, c := range []struct {
		name             string
		claims           token.Claims
		audience, issuer string
		want             error
	}{
		{name: "no times", claims: reads("")},
		{name: "over", claims: registered(jwt.RegisteredClaims{ExpiresAt: in(-time.Second)}), want: auth.ErrExpired},
		{name: "not over", claims: registered(jwt.RegisteredClaims{ExpiresAt: in(5 * time.Second)})},
		{name: "not yet", claims: registered(jwt.RegisteredClaims{NotBefore: in(time.Minute)}), want: auth.ErrInvalid},
		{name: "a clock ahead", claims: registered(jwt.RegisteredClaims{NotBefore: in(5 * time.Second), IssuedAt: in(5 * time.Second)})},
		{name: "its audience", claims: registered(jwt.RegisteredClaims{Audience: []string{"a", "here"}}), audience: "here"},
		{name: "another audience", claims: registered(jwt.RegisteredClaims{Audience: []string{"a"}}), audience: "here", want: auth.ErrInvalid},
		{name: "no audience", claims: reads(""), audience: "here", want: auth.ErrInvalid},
		{name: "its issuer", claims: registered(jwt.RegisteredClaims{Issuer: "us"}), issuer: "us"},
		{name: "another issuer", claims: registered(jwt.RegisteredClaims{Issuer: "them"}), issuer: "us", want: auth.ErrInvalid},
	} {
		v := token.Verifier{Keys: fixed{k}, Audience: c.audience, Issuer: c.issuer}
		if _, err := v.Verify(t.Context(), shown(issue(t, k, c.claims))); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// TestMalformed: what is no token is said to be malformed, and what is not text of a
// type that says nothing belongs to others.
func TestMalformed(t *testing.T) {
	k := generate(t, "HS256")
	v := token.Verifier{Keys: fixed{k}}
	raw := func(header, claims string) string {
		signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
		b, err := json.Marshal(k)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := jwt.SigningMethodHS256.Sign(signed, secretFromJSON(t, b))
		if err != nil {
			t.Fatal(err)
		}
		return signed + "." + base64.RawURLEncoding.EncodeToString(sig)
	}
	for name, text := range map[string]string{
		"nothing": "", "no dots": "abc", "one dot": "a.b", "four": "a.b.c.d", "no base64": "!.!.!", "no JSON": "YQ.YQ.YQ", "too long": strings.Repeat("a", 9000),
		"critical": raw(`{"alg":"HS256","crit":["x"],"x":1}`, `{"get":""}`), "claims of another kind": raw(`{"alg":"HS256"}`, `{"get":7}`),
		"a root that is a list": raw(`{"alg":"HS256"}`, `{"get":"","root":["a"]}`), "a list of numbers": raw(`{"alg":"HS256"}`, `{"get":[1]}`),
	} {
		if _, err := v.Verify(t.Context(), shown(text)); !errors.Is(err, auth.ErrMalformed) {
			t.Errorf("%s: %v, want that it is malformed", name, err)
		}
	}
	for _, claims := range []string{`{}`, `{"get":[],"put":[]}`, `{"get":null}`, `{"root":"a"}`} {
		if _, err := v.Verify(t.Context(), shown(raw(`{"alg":"HS256"}`, claims))); !errors.Is(err, auth.ErrInvalid) {
			t.Errorf("%s: %v, want that it is not valid", claims, err)
		}
	}
	if _, err := v.Verify(t.Context(), shown(raw(`{"alg":"HS256"}`, `{"get":[""]}`))); err != nil {
		t.Errorf("a good one: %v", err)
	}
	other := shown(issue(t, k, reads("")))
	other.TokenType = auth.TypeCAT
	if _, err := v.Verify(t.Context(), other); !errors.Is(err, auth.ErrNotMine) {
		t.Errorf("another type: %v", err)
	}
}

// TestScope: prefixes below the root, as texts or lists, that stop where fields end.
func TestScope(t *testing.T) {
	for _, c := range []struct {
		claims   string
		yes, not []string // "get a/b": may it be read, "put a/b": published
	}{
		{`{"root":"demo","get":"","put":"me"}`, []string{"get demo", "get demo/x", "put demo/me", "put demo/me/a"}, []string{"get demos", "get x", "get ", "put demo", "put demo/men", "put demo/x"}},
		{`{"root":"/rooms//123/","put":["alice","bob/"],"get":[""]}`, []string{"put rooms/123/alice", "put rooms/123/bob/cam", "get rooms/123/carl"}, []string{"put rooms/123/carl", "get rooms/1234", "get rooms"}},
		{`{"get":[""]}`, []string{"get ", "get a/b/c"}, []string{"put ", "put a"}},
		{`{"get":["a/b"]}`, []string{"get a/b"}, []string{"get a%2Fb", "get a", "get a/bc"}},
	} {
		var claims token.Claims
		if err := json.Unmarshal([]byte(c.claims), &claims); err != nil {
			t.Fatal(err)
		}
		permits := func(what string) bool {
			verb, path, _ := strings.Cut(what, " ")
			ns := auth.ParsePath(path)
			for i := range ns { // a field with a slash in it
				ns[i] = strings.ReplaceAll(ns[i], "%2F", "/")
			}
			a := auth.Ask{Verb: relay.VerbSubscribe, Name: wire.FullTrackName{Namespace: ns, Name: "video"}}
			if verb == "put" {
				a.Verb = relay.VerbPublish
			}
			_, ok := claims.Scope().Permits(a)
			return ok
		}
		for _, what := range c.yes {
			if !permits(what) {
				t.Errorf("%s does not permit %q", c.claims, what)
			}
		}
		for _, what := range c.not {
			if permits(what) {
				t.Errorf("%s permits %q", c.claims, what)
			}
		}
	}
}

// TestCeiling: a key whose scope says what it may grant signs no more, and what it
// signed elsewhere is good for no more.
func TestCeiling(t *testing.T) {
	k := generate(t, "HS256")
	free := k
	k.Ceiling = &token.Claims{Root: "project", Put: token.Prefixes{"live"}, Get: token.Prefixes{"watch"}}
	v := token.Verifier{Keys: fixed{public(t, k)}}
	for _, c := range []struct {
		claims token.Claims
		ok     bool
	}{
		{token.Claims{Root: "project/live", Put: token.Prefixes{"room"}}, true},
		{token.Claims{Put: token.Prefixes{"project/live"}, Get: token.Prefixes{"project/watch/a"}}, true},
		{token.Claims{Root: "project", Put: token.Prefixes{"lively"}}, false},
		{token.Claims{Root: "project", Get: token.Prefixes{"live"}}, false},
		{token.Claims{Get: token.Prefixes{""}}, false},
		{token.Claims{Root: "project", Put: token.Prefixes{"live"}, Get: token.Prefixes{""}}, false},
	} {
		_, issued := token.Issue(k, c.claims)
		_, verified := v.Verify(t.Context(), shown(issue(t, free, c.claims)))
		if (issued == nil) != c.ok || (verified == nil) != c.ok {
			t.Errorf("%+v: issued %v, verified %v", c.claims, issued, verified)
		}
	}
}

// TestInspect says what a token is, also one that nothing is known of.
func TestInspect(t *testing.T) {
	k := generate(t, "ES256")
	c := reads("demo")
	c.ExpiresAt = in(-time.Hour)
	text := issue(t, k, c)
	got, err := token.Inspect(text, nil, time.Now())
	if err != nil || got.Signed != nil || got.Header["kid"] != k.ID || got.Claims.Get[0] != "demo" || !strings.Contains(got.Trouble, "expired") {
		t.Errorf("%+v, %v", got, err)
	}
	for _, with := range []token.Key{k, generate(t, "ES256")} {
		got, err = token.Inspect(text, []token.Key{public(t, with)}, time.Now().Add(-2*time.Hour))
		if err != nil || *got.Signed != (with.ID == k.ID) || got.Trouble != "" {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if _, err := token.Inspect("x", nil, time.Now()); err == nil {
		t.Error("no token was inspected")
	}
}

// FuzzVerify: whatever is shown, nothing but the tokens that were issued is believed.
func FuzzVerify(f *testing.F) {
	var keys fixed
	issued := map[[sha256.Size]byte]bool{}
	for _, algorithm := range []string{"HS256", "RS256", "ES256", "EdDSA"} {
		k := generate(f, algorithm)
		keys = append(keys, public(f, k))
		c := reads("a", "b")
		c.ExpiresAt = in(time.Hour)
		text := issue(f, k, c)
		issued[sha256.Sum256([]byte(text))] = true
		f.Add([]byte(text))
		f.Add([]byte(text[:len(text)-4]))
	}
	f.Add([]byte("eyJhbGciOiJub25lIn0.eyJnZXQiOiIifQ."))
	v := token.Verifier{Keys: keys}
	f.Fuzz(func(t *testing.T, b []byte) {
		text := string(b)
		_, err := v.Verify(t.Context(), shown(text))
		if err == nil && !issued[sha256.Sum256(b)] && !issued[sha256.Sum256([]byte(canonical(text)))] {
			t.Errorf("believed %q", text)
		}
		for _, e := range []error{nil, auth.ErrMalformed, auth.ErrInvalid, auth.ErrExpired} {
			if errors.Is(err, e) {
				_, _ = token.Inspect(text, keys, time.Now())
				return
			}
		}
		t.Errorf("%q: %v", text, err)
	})
}
