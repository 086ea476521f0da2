package node

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"moqedge/bridge"
	"moqedge/cmd/moqedge/config"
	"moqedge/cmd/moqedge/peer"
	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay/auth/token"

	"github.com/golang-jwt/jwt/v5"
)

// guarded is a node that takes tokens of a key, in a file of its own.
func guarded(t *testing.T, keys ...token.Key) (config.Config, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.json")
	writeKeys(t, file, keys...)
	c := everything()
	c.Access = config.Access{JWT: &config.JWT{Keys: file}}
	return c, file
}

func writeKeys(t *testing.T, file string, keys ...token.Key) {
	t.Helper()
	var all []token.Key
	for _, k := range keys {
		if public, err := k.Public(); err == nil {
			k = public
		}
		all = append(all, k)
	}
	b, err := json.Marshal(map[string]any{"keys": all})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func newKey(t *testing.T, algorithm string) token.Key {
	t.Helper()
	k, err := token.Generate(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func signed(t *testing.T, k token.Key, c token.Claims) string {
	t.Helper()
	text, err := token.Issue(k, c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// join connects to a node at a URL below its address.
func join(t *testing.T, n *Node, scheme, path string, c moq.Config) *moq.Session {
	t.Helper()
	s, err := reach(t, n, scheme, path, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// reach is join of a session that may be closed at once.
func reach(t *testing.T, n *Node, scheme, path string, c moq.Config) (*moq.Session, error) {
	t.Helper()
	to := peer.Config{URL: scheme + "://" + n.Addresses().Relay + path, Pins: n.Pins}
	client, err := to.Client(c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := client.Connect(t.Context())
	if err == nil {
		t.Cleanup(func() {
			s.Close(wire.SessionNoError, "")
			s.Wait()
		})
	}
	return s, err
}

// TestTokens: with every kind of key, by the URL of both transports and by SETUP, a
// token permits what it says and no more, and without one nothing is known.
func TestTokens(t *testing.T) {
	var keys []token.Key
	for _, algorithm := range []string{"HS256", "RS256", "ES256", "EdDSA"} {
		keys = append(keys, newKey(t, algorithm))
	}
	c, _ := guarded(t, keys...)
	n := start(t, c)
	name := wire.FullTrackName{Namespace: wire.Namespace{"demo", "room"}, Name: "video"}
	origin := moq.NewOrigin()
	origin.AddTrack(live.NewTrack(name, live.Options{}))
	publisher := join(t, n, "moqt", "/?jwt="+signed(t, keys[0], token.Claims{Root: "demo", Put: token.Prefixes{"room"}}), moq.Config{Handler: origin})
	if _, err := publisher.PublishNamespace(t.Context(), name.Namespace); err != nil {
		t.Fatal(err)
	}
	_, err := publisher.PublishNamespace(t.Context(), wire.Namespace{"demo", "rooms"})
	refused(t, "another namespace", err, wire.RequestUnauthorized)
	for i, k := range keys {
		text := signed(t, k, token.Claims{Root: "demo", Get: token.Prefixes{""}})
		for what, s := range map[string]*moq.Session{
			"QUIC": join(t, n, "moqt", "/?jwt="+text, moq.Config{}), "WebTransport": join(t, n, "https", "/live?jwt="+text, moq.Config{}),
			"SETUP": join(t, n, "moqt", "/", moq.Config{Tokens: []wire.Token{{AliasType: wire.TokenUseValue, Value: []byte(text)}}}),
		} {
			if _, err := s.Subscribe(t.Context(), name, moq.SubscribeOptions{}); err != nil {
				t.Errorf("%d by %s: %v", i, what, err)
			}
			_, err := s.Subscribe(t.Context(), wire.FullTrackName{Namespace: wire.Namespace{"demos"}, Name: "video"}, moq.SubscribeOptions{})
			refused(t, what+" of another namespace", err, wire.RequestUnauthorized)
			_, err = s.PublishNamespace(t.Context(), name.Namespace)
			refused(t, what+" to publish", err, wire.RequestUnauthorized)
		}
	}
	stranger := join(t, n, "https", "/live", moq.Config{})
	_, err = stranger.Subscribe(t.Context(), name, moq.SubscribeOptions{})
	refused(t, "without a token", err, wire.RequestUnauthorized)
	_, err = stranger.Subscribe(t.Context(), wire.FullTrackName{Namespace: wire.Namespace{"no", "such"}, Name: "x"}, moq.SubscribeOptions{})
	refused(t, "of what is not there", err, wire.RequestUnauthorized)
	strange := signed(t, newKey(t, "HS256"), token.Claims{Get: token.Prefixes{""}})
	for path, code := range map[string]wire.SessionError{"/?jwt=" + strange: wire.SessionUnauthorized, "/?jwt=abc": wire.SessionMalformedAuthToken} {
		s, err := reach(t, n, "moqt", path, moq.Config{})
		if err == nil {
			s.Wait()
			err = context.Cause(s.Context())
		}
		hasCode(t, path, err, code)
	}
}

func refused(t *testing.T, what string, err error, code wire.RequestError) {
	t.Helper()
	if !errors.Is(err, &moq.RequestError{Code: code}) {
		t.Errorf("%s: %v, want %v", what, err, code)
	}
}

func closed(t *testing.T, what string, s *moq.Session, code wire.SessionError) {
	t.Helper()
	s.Wait()
	hasCode(t, what, context.Cause(s.Context()), code)
}

func hasCode(t *testing.T, what string, err error, code wire.SessionError) {
	t.Helper()
	var e *transport.CloseError
	if !errors.As(err, &e) || e.Code != uint64(code) {
		t.Errorf("%s: %v, want %v", what, err, code)
	}
}

// TestAccessReloads: another section of the configuration, and other keys, hold for
// sessions that are there as well; the node's own bridge is never asked.
func TestAccessReloads(t *testing.T) {
	old, next := newKey(t, "ES256"), newKey(t, "ES256")
	c, file := guarded(t, old)
	n := start(t, c)
	sessions(t, n, 1) // the bridge
	name := wire.FullTrackName{Namespace: wire.Namespace{"cam.loc"}, Name: "catalog"}
	pub, err := n.Hub().Publish("cam", bridge.Ingest{Protocol: "file"})
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close(nil)
	s := join(t, n, "moqt", "/?jwt="+signed(t, old, token.Claims{Get: token.Prefixes{"cam.loc"}}), moq.Config{})
	stranger := join(t, n, "moqt", "/", moq.Config{})
	subscribe := func(s *moq.Session) error {
		_, err := s.TrackStatus(t.Context(), name)
		return err
	}
	permitted := func(err error) bool { return !errors.Is(err, &moq.RequestError{Code: wire.RequestUnauthorized}) }
	if err := subscribe(s); !permitted(err) {
		t.Error(err)
	}
	refused(t, "without a token", subscribe(stranger), wire.RequestUnauthorized)
	open := c
	open.Access = config.Access{JWT: c.Access.JWT, Anonymous: &config.Anonymous{Get: []string{"cam.loc"}}}
	if _, err := n.Apply(open); err != nil {
		t.Fatal(err)
	}
	if err := subscribe(stranger); !permitted(err) {
		t.Errorf("what is open now: %v", err)
	}
	bad := c
	bad.Access = config.Access{JWT: &config.JWT{Keys: file + ".not"}}
	if _, err := n.Apply(bad); err == nil || !strings.HasPrefix(err.Error(), "access.jwt.keys") {
		t.Errorf("keys that are not there: %v", err)
	}
	writeKeys(t, file, next)
	if _, err := n.Apply(c); err != nil {
		t.Fatal(err)
	}
	closed(t, "the session of a key that is gone", s, wire.SessionUnauthorized)
	refused(t, "what is not open any more", subscribe(stranger), wire.RequestUnauthorized)
	short := jwt.RegisteredClaims{ExpiresAt: jwt.NewNumericDate(time.Now().Add(2 * time.Second))}
	s = join(t, n, "https", "/live?jwt="+signed(t, next, token.Claims{Get: token.Prefixes{""}, RegisteredClaims: short}), moq.Config{})
	closed(t, "a token that ended", s, wire.SessionExpiredAuthToken)
	if time.Now().Before(short.ExpiresAt.Time) {
		t.Error("it ended before its time")
	}
	if n.Stats().Sessions < 2 { // the bridge and the stranger
		t.Error("the bridge's session is gone")
	}
}

// TestIngestsAreReconsidered: a publication of the bridge ends when the configuration
// permits it no more, and goes on when it does.
func TestIngestsAreReconsidered(t *testing.T) {
	key := newKey(t, "ES256")
	c, _ := guarded(t, key)
	n := start(t, c)
	ended := make(chan error, 1)
	text := signed(t, key, token.Claims{Put: token.Prefixes{"cam"}, RegisteredClaims: jwt.RegisteredClaims{Audience: jwt.ClaimStrings{"here"}}})
	stop, err := n.permits.Permit(t.Context(), "cam", bridge.Ingest{Protocol: "srt", Remote: "192.0.2.1:1"}, text, func(err error) { ended <- err })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for _, audience := range []string{"here", "there"} {
		next := c.Clone()
		next.Access.JWT.Audience = audience
		if _, err := n.Apply(next); err != nil {
			t.Fatal(err)
		}
		if audience == "here" {
			select {
			case err := <-ended:
				t.Fatal("it ended although it is permitted:", err)
			case <-time.After(200 * time.Millisecond):
			}
			continue
		}
		select {
		case err := <-ended:
			if !errors.Is(err, bridge.ErrUnauthorized) {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Error("it goes on although it is not permitted any more")
		}
	}
}

// TestAccessComes: a node that permitted everything to everybody asks from a reload on,
// also about what is there; that it asks nobody any more has to be said.
func TestAccessComes(t *testing.T) {
	c := config.Config{Listen: anyPort}
	n := start(t, c)
	k := newKey(t, "ES256")
	file := filepath.Join(t.TempDir(), "keys.json")
	writeKeys(t, file, k)
	name := wire.FullTrackName{Namespace: wire.Namespace{"demo"}, Name: "video"}
	track := live.NewTrack(name, live.Options{})
	origin := moq.NewOrigin()
	origin.AddTrack(track)
	publisher := join(t, n, "moqt", "/?jwt="+signed(t, k, token.Claims{Put: token.Prefixes{""}}), moq.Config{Handler: origin})
	if _, err := publisher.PublishNamespace(t.Context(), name.Namespace); err != nil {
		t.Fatal(err)
	}
	viewer := join(t, n, "moqt", "/?jwt="+signed(t, k, token.Claims{Get: token.Prefixes{"demo"}}), moq.Config{})
	stranger := join(t, n, "https", "/live", moq.Config{})
	var subs []*moq.Subscription
	for _, s := range []*moq.Session{viewer, stranger} {
		sub, err := s.Subscribe(t.Context(), name, moq.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		subs = append(subs, sub)
	}
	guarded := c
	guarded.Access = config.Access{JWT: &config.JWT{Keys: file}}
	change, err := n.Apply(guarded)
	if err != nil || len(n.Pending()) > 0 || len(change) != 1 || change[0].Key != "access.jwt" {
		t.Fatalf("%v, %+v, pending %+v", err, change, n.Pending())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	over := subs[1].Track().NewReader(wire.Location{})
	defer over.Close()
	if _, err := over.Next(ctx); !errors.Is(err, live.ErrClosed) {
		t.Errorf("who shows no token goes on: %v", err)
	}
	_, err = stranger.Subscribe(t.Context(), name, moq.SubscribeOptions{})
	refused(t, "without a token", err, wire.RequestUnauthorized)
	w, err := track.OpenSubgroup(live.SubgroupInfo{Group: 1, FirstObject: true})
	if err == nil {
		err = w.Append(live.WholeObject{Payload: []byte("still")})
	}
	if err != nil {
		t.Fatal(err)
	}
	reader := subs[0].Track().NewReader(wire.Location{})
	defer reader.Close()
	if _, err := reader.Next(ctx); err != nil {
		t.Errorf("who shows a token: %v", err)
	}
	if _, err := n.Apply(c); err == nil || !strings.HasPrefix(err.Error(), "access: ") {
		t.Errorf("a configuration that says nothing of access any more: %v", err)
	}
	refused(t, "after that", func() error { _, err := stranger.Subscribe(t.Context(), name, moq.SubscribeOptions{}); return err }(), wire.RequestUnauthorized)
	open := c
	open.Access = config.Access{Anonymous: &config.Anonymous{Get: []string{""}, Put: []string{""}}}
	if _, err := n.Apply(open); err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Subscribe(t.Context(), name, moq.SubscribeOptions{}); err != nil {
		t.Errorf("when everybody may do everything: %v", err)
	}
}

// TestKeysStay: another configuration of access goes on with the keys that there are,
// also while their URL can not be reached; one with a URL that can not be is refused.
func TestKeysStay(t *testing.T) {
	key := newKey(t, "ES256")
	_, file := guarded(t, key)
	set, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var down atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = w.Write(set)
	}))
	defer server.Close()
	c := config.Config{Listen: anyPort, Access: config.Access{JWT: &config.JWT{Keys: server.URL}}}
	n := start(t, c)
	s := join(t, n, "moqt", "/?jwt="+signed(t, key, token.Claims{Put: token.Prefixes{"cam"}}), moq.Config{})
	p, err := s.PublishNamespace(t.Context(), wire.Namespace{"cam"})
	if err != nil {
		t.Fatal(err)
	}
	down.Store(true)
	next := c.Clone()
	next.Access.Anonymous = &config.Anonymous{Get: []string{"open"}}
	if _, err := n.Apply(next); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PublishNamespace(t.Context(), wire.Namespace{"cam", "too"}); err != nil {
		t.Error("without the URL:", err)
	}
	select {
	case <-p.Done():
		t.Error("it ended although its key is known")
	case <-s.Context().Done():
		t.Error("the session ended although its key is known")
	case <-time.After(300 * time.Millisecond):
	}
	next = next.Clone()
	next.Access.JWT.Keys = server.URL + "/other"
	if _, err := n.Apply(next); err == nil || !strings.HasPrefix(err.Error(), "access.jwt.keys: ") {
		t.Error("a URL that can not be reached:", err)
	}
}
