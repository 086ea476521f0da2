package node

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"moqedge/cmd/moqedge/config"
	"moqedge/moq"
	"moqedge/moq/wire"
	"moqedge/relay/auth"
	"moqedge/relay/auth/cat"
	"moqedge/relay/auth/token"
)

// TestCommonAccessTokens: at a node, by URL and by SETUP: what the claim moqt names is
// permitted and nothing else, and a session ends with its token.
func TestCommonAccessTokens(t *testing.T) {
	key := newKey(t, "HS256")
	_, file := guarded(t, key)
	c := config.Config{Listen: anyPort, Access: config.Access{CAT: &config.CAT{Keys: file, Audience: "here"}}}
	n := start(t, c)
	issue := func(k token.Key, claims cat.Claims) []byte {
		t.Helper()
		b, err := cat.Issue(k, claims)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	studio := cat.Claims{Audience: []string{"here"}, Scopes: []cat.Scope{{
		Actions:   []cat.Action{cat.ClientSetup, cat.PublishNamespace, cat.TrackStatus},
		Namespace: []cat.Match{{Value: "example"}, {Kind: cat.Prefix, Value: "user-"}}, Track: &cat.Match{Kind: cat.Suffix, Value: ".json"},
	}}}
	good := issue(key, studio)
	for what, s := range map[string]*moq.Session{
		"QUIC": join(t, n, "moqt", "/?token="+cat.Text(good), moq.Config{}), "WebTransport": join(t, n, "https", "/live?token="+cat.Text(good), moq.Config{}),
		"SETUP": join(t, n, "moqt", "/", moq.Config{Tokens: []wire.Token{{AliasType: wire.TokenUseValue, TokenType: auth.TypeCAT, Value: good}}}),
	} {
		p, err := s.PublishNamespace(t.Context(), wire.Namespace{"example", "user-" + what})
		if err != nil {
			t.Errorf("%s: %v", what, err)
		} else {
			p.Close()
		}
		_, err = s.PublishNamespace(t.Context(), wire.Namespace{"example", "other"})
		refused(t, what+", another namespace", err, wire.RequestUnauthorized)
		status := func(track string) error {
			_, err := s.TrackStatus(t.Context(), wire.FullTrackName{Namespace: wire.Namespace{"example", "user-x"}, Name: track})
			return err
		}
		refused(t, what+", another track", status("a.xml"), wire.RequestUnauthorized)
		refused(t, what+", a track that is not there", status("a.json"), wire.RequestDoesNotExist)
		_, err = s.Subscribe(t.Context(), wire.FullTrackName{Namespace: wire.Namespace{"example", "user-x"}, Name: "a.json"}, moq.SubscribeOptions{})
		refused(t, what+", another action", err, wire.RequestUnauthorized)
	}
	elsewhere := studio
	elsewhere.Audience = []string{"there"}
	for what, bad := range map[string][]byte{"another audience": issue(key, elsewhere), "another key": issue(newKey(t, "HS256"), studio)} {
		s, err := reach(t, n, "moqt", "/?token="+cat.Text(bad), moq.Config{})
		if err == nil {
			closed(t, what, s, wire.SessionUnauthorized)
		}
	}
	short := studio
	short.Expires = time.Now().Add(2 * time.Second)
	closed(t, "a token that ended", join(t, n, "moqt", "/?token="+cat.Text(issue(key, short)), moq.Config{}), wire.SessionExpiredAuthToken)
}

// TestHook: at a node, what the operator's server says, after anonymous and tokens, and
// nothing when it says nothing; another hook by a reload.
func TestHook(t *testing.T) {
	var mode atomic.Value
	mode.Store("yes")
	hold := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Verb, Track string
			Namespace   []string
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			t.Error(err)
		}
		switch m := mode.Load(); {
		case m == "hangs":
			select {
			case <-hold:
			case <-r.Context().Done():
			}
		case m == "yes" && strings.HasPrefix(q.Track, "good"):
			_, _ = io.WriteString(w, `{"allow":true,"cache":"0s"}`)
		case m == "down":
			w.WriteHeader(http.StatusBadGateway)
		default:
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"reason":"not paid"}`)
		}
	}))
	defer server.Close()
	defer close(hold)
	c := config.Config{Listen: anyPort, Access: config.Access{
		Hook: &config.Hook{URL: server.URL, Timeout: 200 * time.Millisecond}, Anonymous: &config.Anonymous{Get: []string{"open"}},
	}}
	n := start(t, c)
	s := join(t, n, "moqt", "/", moq.Config{})
	ask := func(ns, track string) error {
		_, err := s.TrackStatus(t.Context(), wire.FullTrackName{Namespace: wire.Namespace{ns}, Name: track})
		return err
	}
	refused(t, "permitted, and not there", ask("a", "good"), wire.RequestDoesNotExist)
	err := ask("a", "bad")
	refused(t, "refused", err, wire.RequestUnauthorized)
	if err == nil || !strings.Contains(err.Error(), "not paid") {
		t.Error(err)
	}
	for _, m := range []string{"down", "hangs"} {
		mode.Store(m)
		refused(t, m, ask("a", "good"), wire.RequestUnauthorized)
		refused(t, m+", and needs nobody", ask("open", "x"), wire.RequestDoesNotExist)
	}
	if n.hook.Load().Stats().Failed != 2 {
		t.Errorf("%+v", n.hook.Load().Stats())
	}
	mode.Store("yes")
	next := c
	next.Access = config.Access{Hook: &config.Hook{URL: "http://127.0.0.1:1/"}}
	if _, err := n.Apply(next); err != nil {
		t.Fatal(err)
	}
	err = ask("a", "good")
	refused(t, "another hook", err, wire.RequestUnauthorized)
	if err == nil || strings.Contains(err.Error(), "127.0.0.1") { // peers are not told of machines here
		t.Error("another hook, told:", err)
	}
	next.Access = config.Access{}
	if _, err := n.Apply(next); err == nil || !strings.HasPrefix(err.Error(), "access") {
		t.Error("a node that asks nobody any more:", err)
	}
}
