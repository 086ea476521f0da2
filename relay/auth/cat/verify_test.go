package cat

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fxamacker/cbor/v2"

	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/auth"
	"moqedge/relay/auth/token"
)

// static are keys that stay.
type static []token.Key

func (s static) Find(_ context.Context, id string) (out []token.Key, _ error) {
	for _, k := range s {
		if id == "" || k.ID == "" || k.ID == id {
			out = append(out, k)
		}
	}
	return out, nil
}

func shown(value []byte) wire.Token {
	return wire.Token{AliasType: wire.TokenUseValue, TokenType: auth.TypeCAT, Value: value}
}

var everything = []Scope{{Actions: []Action{ClientSetup, Subscribe}}}

func issue(t *testing.T, k token.Key, c Claims) []byte {
	t.Helper()
	if c.Scopes == nil {
		c.Scopes = everything
	}
	b, err := Issue(k, c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTimes: nbf with some room for clocks, exp without, aud, iss and moqt-reval.
func TestTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keyOf(t, secret, "one")
		now := time.Now()
		for _, c := range []struct {
			claims Claims
			err    error
		}{
			{Claims{}, nil},
			{Claims{Expires: now.Add(time.Second)}, nil},
			{Claims{Expires: now}, auth.ErrExpired},
			{Claims{NotBefore: now.Add(9 * time.Second)}, nil},
			{Claims{NotBefore: now.Add(11 * time.Second)}, auth.ErrInvalid},
			{Claims{Audience: []string{"b", "a"}, Issuer: "i"}, nil},
			{Claims{Revalidate: 5 * time.Minute}, nil},
			{Claims{Revalidate: time.Millisecond}, auth.ErrInvalid},
		} {
			got, err := (&Verifier{Keys: static{k}}).Verify(t.Context(), shown(issue(t, k, c.claims)))
			if !errors.Is(err, c.err) || c.err == nil && (err != nil || !got.Expires.Equal(c.claims.Expires) || got.Revalidate != c.claims.Revalidate) {
				t.Errorf("%+v: %+v, %v", c.claims, got, err)
			}
		}
		v := &Verifier{Keys: static{k}, Audience: "a", Issuer: "i"}
		for _, c := range []struct {
			claims Claims
			good   bool
		}{
			{Claims{Audience: []string{"b", "a"}, Issuer: "i"}, true},
			{Claims{Audience: []string{"a"}, Issuer: "j"}, false},
			{Claims{Audience: []string{"b"}, Issuer: "i"}, false},
			{Claims{}, false},
		} {
			if _, err := v.Verify(t.Context(), shown(issue(t, k, c.claims))); (err == nil) != c.good {
				t.Errorf("%+v: %v", c.claims, err)
			}
		}
	})
}

// TestKeys: by kid, by algorithm, and by the secret; a key pair is none for a MAC.
func TestKeys(t *testing.T) {
	one, two := keyOf(t, secret, "one"), keyOf(t, []byte(strings.Repeat("b", 32)), "two")
	long, err := token.Generate("HS512")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := token.Generate("ES256")
	if err != nil {
		t.Fatal(err)
	}
	anonymous := keyOf(t, secret, "")
	for _, c := range []struct {
		what string
		with token.Key
		keys static
		good bool
	}{
		{"its own", one, static{two, one, pair}, true},
		{"another", one, static{two}, false},
		{"the same under another ID", one, static{keyOf(t, secret, "three")}, false},
		{"one without ID", one, static{anonymous}, true},
		{"that names none", anonymous, static{two, one}, true},
		{"HMAC 512", long, static{long}, true},
		{"of another algorithm", keyOf(t, secret, long.ID), static{long}, false},
		{"a pair", one, static{pair}, false},
	} {
		_, err := (&Verifier{Keys: c.keys}).Verify(t.Context(), shown(issue(t, c.with, Claims{})))
		if (err == nil) != c.good || err != nil && !errors.Is(err, auth.ErrInvalid) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	if _, err := Issue(pair, Claims{Scopes: everything}); err == nil {
		t.Error("a MAC by a key pair")
	}
}

// TestKeyFile: keys in a file of JSON Web Keys are read again when they change.
func TestKeyFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.json")
	write := func(keys ...token.Key) {
		t.Helper()
		b, err := json.Marshal(map[string]any{"keys": keys})
		if err == nil {
			err = os.WriteFile(file+".new", b, 0o600)
		}
		if err == nil {
			err = os.Rename(file+".new", file)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	one, two := keyOf(t, secret, "one"), keyOf(t, []byte(strings.Repeat("b", 40)), "two")
	one.Algorithm, two.Algorithm = "HS256", "HS256"
	write(one)
	synctest.Test(t, func(t *testing.T) {
		source, err := token.Open(t.Context(), token.SourceConfig{Location: file})
		if err != nil {
			t.Fatal(err)
		}
		v := &Verifier{Keys: source}
		verify := func(k token.Key) error {
			_, err := v.Verify(t.Context(), shown(issue(t, k, Claims{})))
			return err
		}
		if verify(one) != nil || verify(two) == nil {
			t.Error(verify(one), verify(two))
		}
		write(two)
		time.Sleep(2 * time.Second)
		if verify(one) == nil || verify(two) != nil {
			t.Error(verify(one), verify(two))
		}
	})
}

// TestNetworks: catnip, as RFC 9164 and as the test vectors have it.
func TestNetworks(t *testing.T) {
	k := keyOf(t, secret, "")
	prefixes := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("192.0.2.7/32")}
	b := issue(t, k, Claims{Networks: prefixes})
	vector, err := hex.DecodeString("a1190137816d3139322e3136382e312e313030")
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseMessage(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		payload []byte
		from    string
		want    bool
	}{
		{m.payload, "10.9.8.7", true}, {m.payload, "11.9.8.7", false}, {m.payload, "2001:db8:5::1", true}, {m.payload, "2001:db9::1", false},
		{m.payload, "192.0.2.7", true}, {m.payload, "192.0.2.8", false}, {m.payload, "", false},
		{vector, "192.168.1.100", true}, {vector, "192.168.1.101", false},
		{encode(t, map[int]any{keyNetworks: []any{64512}}), "10.0.0.1", false},
		{encode(t, map[int]any{keyNetworks: []any{map[string]any{"ip_range": "10.0.0.0/8"}, map[string]any{"asn": 3}}}), "10.0.0.1", true},
		{encode(t, map[int]any{keyNetworks: []any{cbor.Tag{Number: 52, Content: []any{8, []byte{10}}}}}), "10.0.0.1", true},
		{encode(t, map[int]any{keyNetworks: []any{cbor.Tag{Number: 52, Content: []byte{10, 0, 0, 1}}}}), "10.0.0.1", true},
	} {
		claims, err := parseClaims(c.payload)
		if err != nil {
			t.Fatal(err)
		}
		claims.Scopes = everything
		a := auth.Ask{Verb: relay.VerbConnect}
		if c.from != "" {
			a.Remote = netip.MustParseAddr(c.from)
		}
		if _, ok := claims.Permits(a); ok != c.want {
			t.Errorf("%x from %q: %v", c.payload, c.from, ok)
		}
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := encoding.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sealed is a token of any headers and claims.
func sealed(t *testing.T, protected, unprotected, claims any) []byte {
	t.Helper()
	header, payload := encode(t, protected), encode(t, claims)
	mac, err := sum(hmac256, secret, encode(t, []any{"MAC0", header, []byte{}, payload}))
	if err != nil {
		t.Fatal(err)
	}
	return encode(t, cbor.Tag{Number: tagMAC0, Content: []any{header, unprotected, payload, mac}})
}

// TestClosed: what is not understood, or can not be checked, speaks against a token,
// and so does what is not well-formed.
func TestClosed(t *testing.T) {
	v := &Verifier{Keys: static{keyOf(t, secret, "")}}
	moqt := []any{[]any{[]int{0, 4}}}
	alg := map[int]any{1: hmac256}
	none := map[int]any{}
	good := sealed(t, alg, none, map[int]any{keyMOQT: moqt})
	if _, err := v.Verify(t.Context(), shown(good)); err != nil {
		t.Fatal(err)
	}
	deep := []any{}
	for range 20 {
		deep = []any{deep}
	}
	claim := func(key any, value any) []byte { return sealed(t, alg, none, map[any]any{keyMOQT: moqt, key: value}) }
	scope := func(s any) []byte { return sealed(t, alg, none, map[int]any{keyMOQT: s}) }
	for what, c := range map[string]struct {
		token []byte
		err   error
	}{
		"empty":                        {nil, auth.ErrMalformed},
		"too long":                     {make([]byte, maxToken+1), auth.ErrMalformed},
		"text":                         {[]byte("abc"), auth.ErrMalformed},
		"two parts":                    {[]byte("ogEjEGNDQVQ.oA"), auth.ErrMalformed},
		"another tag":                  {encode(t, cbor.Tag{Number: 18, Content: []any{}}), auth.ErrInvalid},
		"encrypted in a CWT":           {encode(t, cbor.Tag{Number: tagCWT, Content: cbor.Tag{Number: 16, Content: []any{}}}), auth.ErrInvalid},
		"more behind it":               {append(append([]byte{}, good...), 0), auth.ErrMalformed},
		"unknown algorithm":            {sealed(t, map[int]any{1: -7}, none, map[int]any{keyMOQT: moqt}), auth.ErrInvalid},
		"algorithm as text":            {sealed(t, map[int]any{1: "HS256"}, none, map[int]any{keyMOQT: moqt}), auth.ErrInvalid},
		"a cut MAC":                    {sealed(t, map[int]any{1: 4}, none, map[int]any{keyMOQT: moqt}), auth.ErrInvalid},
		"algorithm of another form":    {sealed(t, map[int]any{1: -4}, none, map[int]any{keyMOQT: moqt}), auth.ErrInvalid},
		"algorithm not protected":      {sealed(t, none, alg, map[int]any{keyMOQT: moqt}), auth.ErrMalformed},
		"algorithm there as well":      {sealed(t, alg, alg, map[int]any{keyMOQT: moqt}), auth.ErrMalformed},
		"critical header":              {sealed(t, map[int]any{1: 5, 2: []int{99}, 99: 1}, none, map[int]any{keyMOQT: moqt}), auth.ErrInvalid},
		"critical, not protected":      {sealed(t, alg, map[int]any{2: []int{1}}, map[int]any{keyMOQT: moqt}), auth.ErrMalformed},
		"unknown claim":                {claim(9999, 1), auth.ErrInvalid},
		"claim named by text":          {claim("or", moqt), auth.ErrInvalid},
		"proof of possession":          {claim(8, map[int]any{3: make([]byte, 32)}), auth.ErrInvalid},
		"DPoP settings":                {claim(321, map[int]any{0: 60}), auth.ErrInvalid},
		"URIs":                         {claim(312, 5), auth.ErrInvalid},
		"ALPN":                         {claim(314, []string{"h3"}), auth.ErrInvalid},
		"countries":                    {claim(316, []string{"US"}), auth.ErrInvalid},
		"no replay":                    {claim(keyReplay, 1), auth.ErrInvalid},
		"another version":              {claim(keyVersion, 2), auth.ErrInvalid},
		"issuer as number":             {claim(keyIssuer, 1), auth.ErrMalformed},
		"exp as text":                  {claim(keyExpires, "soon"), auth.ErrMalformed},
		"exp nil":                      {claim(keyExpires, nil), auth.ErrMalformed},
		"exp true":                     {claim(keyExpires, true), auth.ErrMalformed},
		"reval negative":               {claim(keyReval, -1), auth.ErrMalformed},
		"reval too often":              {claim(keyReval, 0.25), auth.ErrInvalid},
		"claims are a list":            {sealed(t, alg, none, []int{1}), auth.ErrMalformed},
		"too deep":                     {claim(keyIf, deep), auth.ErrMalformed},
		"too many":                     {claim(keyAudience, make([]string, maxElements+1)), auth.ErrMalformed},
		"no scope":                     {scope([]any{}), auth.ErrMalformed},
		"a scope of nothing":           {scope([]any{[]any{}}), auth.ErrMalformed},
		"no action":                    {scope([]any{[]any{[]int{}}}), auth.ErrMalformed},
		"an action as text":            {scope([]any{[]any{[]string{"x"}}}), auth.ErrMalformed},
		"too much in a scope":          {scope([]any{[]any{[]int{1}, []any{nil}, []byte{}, 1}}), auth.ErrMalformed},
		"no namespace match":           {scope([]any{[]any{[]int{1}, []any{}}}), auth.ErrMalformed},
		"nil before the end":           {scope([]any{[]any{[]int{1}, []any{nil, []byte("a")}}}), auth.ErrMalformed},
		"nil for a track":              {scope([]any{[]any{[]int{1}, []any{nil}, nil}}), auth.ErrMalformed},
		"text in a match":              {scope([]any{[]any{[]int{1}, []any{"a"}}}), auth.ErrMalformed},
		"an unknown kind of match":     {scope([]any{[]any{[]int{1}, []any{[]any{3, []byte("a")}}}}), auth.ErrMalformed},
		"a match of an unknown length": {scope([]any{[]any{[]int{1}, []any{[]any{1, []byte("a"), 2}}}}), auth.ErrMalformed},
		"no moqt":                      {sealed(t, alg, none, map[int]any{keyIssuer: "i"}), auth.ErrInvalid},
	} {
		if _, err := v.Verify(t.Context(), shown(c.token)); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", what, err, c.err)
		}
	}
	for name, payload := range map[string]string{"a key twice": "a2016161016162", "of no known length": "bf016161ff"} {
		b, err := hex.DecodeString(payload)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseClaims(b); !errors.Is(err, auth.ErrMalformed) {
			t.Errorf("claims with %s: %v", name, err)
		}
	}
	for n := range good { // truncation at every byte
		if _, err := v.Verify(t.Context(), shown(good[:n])); err == nil {
			t.Errorf("cut after %d bytes it is good", n)
		}
	}
	for n := range good { // and no byte can be another one
		bad := append([]byte{}, good...)
		bad[n] ^= 1
		if _, err := v.Verify(t.Context(), shown(bad)); err == nil {
			t.Errorf("with another byte %d it is good", n)
		}
	}
	if _, err := v.Verify(t.Context(), wire.Token{Value: good}); !errors.Is(err, auth.ErrNotMine) {
		t.Error("of another type:", err)
	}
}

// TestText: tokens as text, in both forms, and what is none.
func TestText(t *testing.T) {
	k := keyOf(t, secret, "one")
	b := issue(t, k, Claims{Issuer: "me", Expires: time.Now().Add(time.Hour), Subject: "you", ID: "7", Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Scopes: []Scope{{Actions: []Action{Publish, 5}, Namespace: []Match{{Prefix, "a"}}, Track: match(Suffix, "z")}}})
	for _, text := range []string{Text(b), "https://h/p?x=1&token=" + Text(b), "https://h/p?jwt=" + Text(b)} {
		var tokens []wire.Token
		if one, ok := auth.ParseText(text); ok && !strings.Contains(text, "?") {
			tokens = append(tokens, one)
		} else {
			tokens = auth.FromPath(text)
		}
		if len(tokens) != 1 || tokens[0].TokenType != auth.TypeCAT || string(tokens[0].Value) != string(b) {
			t.Errorf("%s: %v", text, tokens)
		}
	}
	in, err := Inspect(shown(b), []token.Key{k}, time.Now())
	if err != nil || in.Trouble != "" || in.Signed == nil || !*in.Signed || in.Key != "one" || in.KeyID != "one" ||
		in.Claims.Issuer != "me" || in.Claims.Subject != "you" || in.Claims.ID != "7" || len(in.Claims.Scopes) != 1 ||
		in.Claims.Scopes[0] != `[PUBLISH REQUEST_UPDATE] on ["a"*] and below, track *"z"` {
		t.Errorf("%+v %v", in, err)
	}
	if in, err := Inspect(shown(b), []token.Key{keyOf(t, []byte(strings.Repeat("x", 32)), "")}, time.Now().Add(2*time.Hour)); err != nil || *in.Signed || in.Trouble == "" {
		t.Errorf("%+v %v", in, err)
	}
}

// FuzzVerify: nothing that is not made with the secret is good, and nothing breaks the
// decoder.
func FuzzVerify(f *testing.F) {
	keys, err := token.ParseKeys(secret)
	if err != nil {
		f.Fatal(err)
	}
	v := &Verifier{Keys: static(keys)}
	good, err := Issue(keys[0], Claims{Issuer: "i", Expires: time.Unix(1e11, 0), Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Scopes: []Scope{
		{Actions: []Action{Publish}, Namespace: []Match{{Value: "a"}, {Prefix, "b"}}, Whole: true, Track: match(Suffix, "c")},
	}})
	if err != nil {
		f.Fatal(err)
	}
	m, err := parseMessage(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, m.payload)
	f.Add([]byte("ogEjEGNDQVQ.owF4GGh0dHBzOi8vYXV0aC5leGFtcGxlLmNvbQQaZVVCgBkBR4GBiQABAgMEBQYHCA.XlNItz7OGqnNEbaqZ_bQh6TL-wV6SDr8hXyOLmtQkj4"), []byte{0xa0})
	f.Fuzz(func(t *testing.T, b, payload []byte) {
		if _, err := v.Verify(context.Background(), shown(b)); err == nil {
			if m, err := parseMessage(b); err != nil || !m.verifies(secret) {
				t.Error("good without its MAC")
			}
		}
		if c, err := parseClaims(payload); err == nil {
			c.Permits(auth.Ask{Verb: relay.VerbPublish, Name: full("c", "a", "b")})
			c.shown()
		}
	})
}
