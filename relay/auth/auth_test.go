package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/auth"
)

// toy is a kind of tokens: "SECONDS get=a/b,put=c", or what is wrong with one.
type toy struct {
	began  time.Time
	asked  int
	reval  time.Duration
	closed bool // the keys cannot be had
}

func (v *toy) Verify(_ context.Context, t wire.Token) (auth.Claims, error) {
	v.asked++
	if v.closed {
		return auth.Claims{}, errors.New("no keys")
	}
	if t.TokenType != auth.TypeOther {
		return auth.Claims{}, auth.ErrNotMine
	}
	switch string(t.Value) {
	case "malformed":
		return auth.Claims{}, fmt.Errorf("%w: so it says", auth.ErrMalformed)
	case "forged":
		return auth.Claims{}, auth.ErrInvalid
	}
	var seconds int
	var rest string
	if _, err := fmt.Sscanf(string(t.Value), "%d %s", &seconds, &rest); err != nil {
		return auth.Claims{}, auth.ErrMalformed
	}
	c := auth.Claims{Revalidate: v.reval}
	if seconds > 0 {
		c.Expires = v.began.Add(time.Duration(seconds) * time.Second)
		if !c.Expires.After(time.Now()) {
			return auth.Claims{}, auth.ErrExpired
		}
	}
	var s auth.Scope
	for part := range strings.SplitSeq(rest, ",") {
		if path, ok := strings.CutPrefix(part, "get="); ok {
			s.Get = append(s.Get, auth.ParsePath(path))
		} else if path, ok := strings.CutPrefix(part, "put="); ok {
			s.Put = append(s.Put, auth.ParsePath(path))
		}
	}
	c.Grant = s
	return c, nil
}

func tokens(texts ...string) []wire.Token {
	var out []wire.Token
	for _, t := range texts {
		out = append(out, wire.Token{AliasType: wire.TokenUseValue, Value: []byte(t)})
	}
	return out
}

func ask(verb relay.Verb, path string) auth.Ask {
	return auth.Ask{Verb: verb, Name: wire.FullTrackName{Namespace: auth.ParsePath(path)}}
}

// TestDecide: the best of the tokens and of what is open decides, and one that is
// malformed or over speaks against its request.
func TestDecide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		g := auth.New(auth.Policy{Verifiers: []auth.Verifier{&toy{began: began}}, Anonymous: auth.Scope{
			Get: []wire.Namespace{auth.ParsePath("open")}, Put: []wire.Namespace{auth.ParsePath("open/wall")},
		}})
		time.Sleep(5 * time.Second)
		for _, c := range []struct {
			verb   relay.Verb
			path   string
			tokens []wire.Token
			until  int // seconds
			err    error
		}{
			{relay.VerbSubscribe, "open/a", nil, 0, nil},
			{relay.VerbFetch, "open", nil, 0, nil},
			{relay.VerbSubscribe, "opened", nil, 0, auth.ErrInvalid},
			{relay.VerbPublish, "open", nil, 0, auth.ErrInvalid},
			{relay.VerbPublish, "open/wall/me", nil, 0, nil},
			{relay.VerbPublishNamespace, "open/wall", nil, 0, nil},
			{relay.VerbPublishNamespace, "open", nil, 0, auth.ErrInvalid},
			{relay.VerbSubscribeNamespace, "", nil, 0, nil}, // what is told below is asked about
			{relay.VerbShow, "open/a", nil, 0, nil},
			{relay.VerbShow, "closed", nil, 0, auth.ErrInvalid},
			{relay.VerbSubscribeTracks, "closed", nil, 0, auth.ErrInvalid},
			{relay.VerbConnect, "", nil, 0, nil},
			{relay.VerbSubscribe, "open/a", tokens("malformed"), 0, auth.ErrMalformed},
			{relay.VerbSubscribe, "open/a", tokens("3 get=open"), 0, auth.ErrExpired},
			{relay.VerbSubscribe, "open/a", tokens("forged"), 0, nil},
			{relay.VerbConnect, "", tokens("forged"), 0, auth.ErrInvalid},
			{relay.VerbConnect, "", tokens("20 get=x"), 20, nil},
			{relay.VerbConnect, "", tokens("20 other"), 0, auth.ErrInvalid},
			{relay.VerbSubscribe, "x", tokens("20 get=x"), 20, nil},
			{relay.VerbSubscribe, "x", tokens("20 get=x", "30 get=x/y"), 20, nil},
			{relay.VerbSubscribe, "x/y", tokens("20 get=x", "30 get=x/y"), 30, nil},
			{relay.VerbSubscribe, "x/y", tokens("30 get=x/y", "0 get=x", "20 get=x"), 0, nil},
			{relay.VerbSubscribe, "x/y", tokens("30 get=x/y", "3 get=x"), 0, auth.ErrExpired},
			{relay.VerbPublish, "x", tokens("20 get=x"), 0, auth.ErrInvalid},
			{relay.VerbUpdate, "x", tokens("20 get=x"), 0, nil}, // whoever may do something

			{relay.VerbSubscribe, "x", []wire.Token{{AliasType: wire.TokenUseValue, TokenType: 77, Value: []byte("20 get=x")}}, 0, auth.ErrNotMine},
			{relay.VerbSubscribe, "x", tokens(make([]string, 100)...), 0, auth.ErrMalformed},
		} {
			v, err := g.Decide(t.Context(), ask(c.verb, c.path), c.tokens)
			want := relay.Verdict{}
			if c.until > 0 {
				want.Until = began.Add(time.Duration(c.until) * time.Second)
			}
			if !errors.Is(err, c.err) || c.err == nil && err != nil || err == nil && v != want {
				t.Errorf("%s %q with %.60s: %v, %v, want %v, %v", c.verb, c.path, fmt.Sprint(c.tokens), v, err, want, c.err)
			}
		}
	})
}

// TestRemembers: a token is verified once in a while, not for each question, but never
// believed when it is over; another policy begins anew.
func TestRemembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &toy{began: time.Now()}
		p := auth.Policy{Verifiers: []auth.Verifier{v}}
		g := auth.New(p)
		decide := func(text string, want error, asked int) {
			t.Helper()
			_, err := g.Decide(t.Context(), ask(relay.VerbSubscribe, "x"), tokens(text))
			if !errors.Is(err, want) || v.asked != asked {
				t.Errorf("after %v: %v and asked %d times, want %v and %d", time.Since(v.began), err, v.asked, want, asked)
			}
		}
		for range 3 {
			decide("5 get=x", nil, 1)
		}
		decide("100 get=x", nil, 2)
		decide("forged", auth.ErrInvalid, 3)
		decide("forged", auth.ErrInvalid, 4)
		time.Sleep(5 * time.Second)
		decide("5 get=x", auth.ErrExpired, 5)
		decide("100 get=x", nil, 5)
		time.Sleep(5 * time.Second)
		decide("100 get=x", nil, 6)
		g.Set(p)
		decide("100 get=x", nil, 7)
		for i := range 5000 { // more than are remembered
			decide(fmt.Sprintf("%d get=x", 1000+i), nil, 8+i)
		}
	})
}

// TestRevalidation: a permission by a token that is to be verified again ends then.
func TestRevalidation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &toy{began: time.Now(), reval: 30 * time.Second}
		g := auth.New(auth.Policy{Verifiers: []auth.Verifier{v}})
		time.Sleep(time.Second)
		for text, want := range map[string]time.Duration{"100 get=x": 31 * time.Second, "20 get=x": 20 * time.Second, "0 get=x": 31 * time.Second} {
			verdict, err := g.Decide(t.Context(), ask(relay.VerbSubscribe, "x"), tokens(text))
			if err != nil || verdict.Until.Sub(v.began) != want {
				t.Errorf("%q: %v, %v, want %v", text, verdict.Until.Sub(v.began), err, want)
			}
		}
		time.Sleep(5 * time.Second) // it is still known, and was verified then
		asked := v.asked
		verdict, err := g.Decide(t.Context(), ask(relay.VerbSubscribe, "x"), tokens("100 get=x"))
		if until := verdict.Until.Sub(v.began); err != nil || v.asked != asked || until != 31*time.Second {
			t.Errorf("5 s later: %v, %v, asked %d times more, want 31 s", until, err, v.asked-asked)
		}
	})
}

// judge permits what begins with its name, and is not there otherwise.
type judge string

func (j judge) Judge(_ context.Context, a auth.Ask, shown []wire.Token) (relay.Verdict, error) {
	if len(a.Name.Namespace) > 0 && a.Name.Namespace[0] == string(j) && len(shown) > 0 {
		return relay.Verdict{}, nil
	}
	return relay.Verdict{}, errors.New("the judge is not there")
}

// TestJudge: it is asked about what nothing else permits, and nothing is permitted
// when it says nothing.
func TestJudge(t *testing.T) {
	g := auth.New(auth.Policy{Verifiers: []auth.Verifier{&toy{began: time.Now()}}, Judge: judge("j"), Anonymous: auth.Scope{Get: []wire.Namespace{{"open"}}}})
	for _, c := range []struct {
		path, token string
		ok          bool
	}{{"open", "0 get=y", true}, {"x", "0 get=x", true}, {"j", "0 get=x", true}, {"j", "forged", true}, {"k", "0 get=x", false}} {
		_, err := g.Decide(t.Context(), ask(relay.VerbSubscribe, c.path), tokens(c.token))
		if (err == nil) != c.ok {
			t.Errorf("%q with %q: %v", c.path, c.token, err)
		}
	}
}

// TestCredentials: tokens in texts and URLs.
func TestCredentials(t *testing.T) {
	for _, c := range []struct {
		path string
		want []string // type and value
	}{
		{"/", nil}, {"/x?", nil}, {"/x?jwt=", nil}, {"/x?jwt=a.b.c", []string{"0 a.b.c"}}, {"?a=1&jwt=a.b.c&jwt=d.e.f", []string{"0 a.b.c", "0 d.e.f"}},
		{"/x?jwt=a%2Eb%2Ec", []string{"0 a.b.c"}}, {"/x?jwt=%zz", nil}, {"/x?JWT=a.b.c", nil},
		{"/x?jwt=0oRA", []string{"1 \xd2\x84\x40"}}, {"/x?jwt=hEA", []string{"1 \x84\x40"}}, {"/x?jwt=hEA%3D", []string{"1 \x84\x40"}},
		{"/x?jwt=abc", []string{"0 abc"}},
	} {
		var got []string
		for _, t := range auth.FromPath(c.path) {
			got = append(got, fmt.Sprintf("%d %s", t.TokenType, t.Value))
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %q, want %q", c.path, got, c.want)
		}
	}
	for header, want := range map[string]string{"Bearer a.b.c": "a.b.c", "bearer  a.b.c ": "a.b.c", "Basic a.b.c": "", "Bearer": "", "": "", "Bearer ": ""} {
		got, ok := auth.FromBearer(header)
		if string(got.Value) != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", header, got.Value, ok)
		}
	}
}
