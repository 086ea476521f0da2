package conformance_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/wire"
)

// gatekeeper refuses every TRACK_STATUS and says which tokens it had.
type gatekeeper chan []wire.Token

func (g gatekeeper) Serve(_ context.Context, r moq.Request) {
	if s, ok := r.(*moq.TrackStatusRequest); ok {
		g <- s.Params.AuthTokens
		s.Reject(wire.RequestUnauthorized, "not you", moq.NoRetry())
	}
}

// statusWith makes a TRACK_STATUS with tokens.
func statusWith(p *peer.Peer, tokens ...wire.Token) *peer.Request {
	return p.Request(&wire.TrackStatus{RequestID: p.ID(), Track: video, Params: wire.Parameters{AuthTokens: tokens}})
}

func register(alias uint64, value string) wire.Token {
	return wire.Token{AliasType: wire.TokenRegister, Alias: alias, TokenType: 1, Value: []byte(value)}
}

func useAlias(alias uint64) wire.Token {
	return wire.Token{AliasType: wire.TokenUseAlias, Alias: alias}
}

func deleteAlias(alias uint64) wire.Token {
	return wire.Token{AliasType: wire.TokenDelete, Alias: alias}
}

func useValue(value string) wire.Token {
	return wire.Token{AliasType: wire.TokenUseValue, TokenType: 1, Value: []byte(value)}
}

// TestTokens: what a handler sees of tokens, message by message, in a session
// whose cache has room for two of ten bytes (rules 48 to 51, 55).
func TestTokens(t *testing.T) {
	const cache = 2 * (16 + 10)
	ten, other := strings.Repeat("x", 10), strings.Repeat("y", 10)
	tests := []struct {
		name     string
		messages [][]wire.Token
		want     []string // the tokens of each message, those in one joined by +
		closed   wire.SessionError
	}{
		{"value", [][]wire.Token{{useValue("a")}}, []string{"a"}, 0},
		{"two values", [][]wire.Token{{useValue("a"), useValue("b")}}, []string{"a+b"}, 0},
		{"registered by a message that fails", [][]wire.Token{{register(1, "a")}, {useAlias(1)}, {useAlias(1)}}, []string{"a", "a", "a"}, 0},
		{"value and alias", [][]wire.Token{{register(1, "a")}, {useAlias(1), useValue("b")}}, []string{"a", "a+b"}, 0},
		{"registered twice", [][]wire.Token{{register(1, "a")}, {register(1, "a")}}, []string{"a"}, wire.SessionDuplicateAuthTokenAlias},
		{"unknown alias", [][]wire.Token{{useAlias(1)}}, nil, wire.SessionUnknownAuthTokenAlias},
		{"unknown alias deleted", [][]wire.Token{{deleteAlias(1)}}, nil, wire.SessionUnknownAuthTokenAlias},
		{"used after it was deleted", [][]wire.Token{{register(1, "a")}, {deleteAlias(1)}, {useAlias(1)}}, []string{"a", ""}, wire.SessionUnknownAuthTokenAlias},
		{"registered anew", [][]wire.Token{{register(1, "a")}, {deleteAlias(1)}, {register(1, "b")}}, []string{"a", "", "b"}, 0},
		{"cache full", [][]wire.Token{{register(1, ten)}, {register(2, other)}}, []string{ten, other}, 0},
		{"cache too small", [][]wire.Token{{register(1, ten)}, {register(2, other+"y")}}, []string{ten}, wire.SessionAuthTokenCacheOverflow},
		{"room made by deleting", [][]wire.Token{{register(1, ten)}, {register(2, other)}, {deleteAlias(1), register(3, ten)}}, []string{ten, other, ten}, 0},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				seen := make(gatekeeper, len(x.messages))
				p := served(t, v, moq.Config{Handler: seen, MaxTokenCache: cache})
				for i, tokens := range x.messages {
					r := statusWith(p, tokens...)
					if i == len(x.want) {
						p.ExpectClose(x.closed)
						return
					}
					r.ExpectError(wire.RequestUnauthorized)
					if got := tokenText(<-seen); got != x.want[i] {
						t.Errorf("message %d: the handler saw %q, want %q", i, got, x.want[i])
					}
				}
				p.ExpectOpen()
			})
		})
	}
}

func tokenText(tokens []wire.Token) string {
	var out []string
	for _, t := range tokens {
		out = append(out, string(t.Value))
	}
	return strings.Join(out, "+")
}

// TestTokenCacheSize: it is told in SETUP, and 0 by default (rule 51).
func TestTokenCacheSize(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p, _ := client(t, v, moq.Config{MaxTokenCache: 300})
		if got := p.Hello().MaxAuthTokenCacheSize; got != wire.Some(uint64(300)) {
			t.Errorf("SETUP says %+v, want 300", got)
		}
		p = served(t, v, moq.Config{Handler: make(gatekeeper, 1)})
		statusWith(p, register(1, ""))
		p.ExpectClose(wire.SessionAuthTokenCacheOverflow)
	})
}

// TestUnreadableToken: KEY_VALUE_FORMATTING_ERROR (rule 48).
func TestUnreadableToken(t *testing.T) {
	tests := []struct {
		name  string
		token []byte
	}{
		{"empty", nil},
		{"unknown alias type", []byte{4, 0}},
		{"alias cut off", []byte{byte(wire.TokenUseAlias)}},
		{"type cut off", []byte{byte(wire.TokenUseValue)}},
		{"more behind the alias", []byte{byte(wire.TokenDelete), 1, 1}},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				p := alone(t, v)
				m := &wire.TrackStatus{RequestID: p.ID(), Track: video}
				payload := p.Payload(m)
				bad := append([]byte{1, 0x03, byte(len(x.token))}, x.token...)
				p.RequestRaw(p.Bytes(m, append(payload[:len(payload)-1], bad...)))
				p.ExpectClose(wire.SessionKeyValueFormattingError)
			})
		})
	}
}

// TestTokensInSetup: aliases may be registered there, not used; what does not fit
// the cache is a value (rules 52, 53).
func TestTokensInSetup(t *testing.T) {
	tests := []struct {
		name   string
		tokens []wire.Token
		want   wire.SessionError
		alias  bool // alias 1 is registered afterwards
	}{
		{"registered", []wire.Token{register(1, "a")}, 0, true},
		{"registered beyond the cache", []wire.Token{register(1, strings.Repeat("x", 100))}, 0, false},
		{"used", []wire.Token{useAlias(1)}, wire.SessionProtocolViolation, false},
		{"deleted", []wire.Token{deleteAlias(1)}, wire.SessionProtocolViolation, false},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				seen := make(gatekeeper, 1)
				p, session := serving(t, v, moq.Config{Handler: seen, MaxTokenCache: 60})
				m := p.DefaultSetup()
				m.AuthTokens = x.tokens
				p.SendSetup(m)
				if x.want != 0 {
					p.ExpectClose(x.want)
					return
				}
				p.ReceiveSetup()
				got := session().PeerTokens()
				if len(got) != 1 || !slices.Equal(got[0].Value, x.tokens[0].Value) {
					t.Errorf("the session saw %+v", got)
				}
				r := statusWith(p, useAlias(1))
				if !x.alias {
					p.ExpectClose(wire.SessionUnknownAuthTokenAlias)
					return
				}
				r.ExpectError(wire.RequestUnauthorized)
				if got := tokenText(<-seen); got != "a" {
					t.Errorf("the alias stands for %q", got)
				}
			})
		})
	}
}

// TestNoPublishUnasked: tracks are offered to who asked for such tracks (rule 47).
func TestNoPublishUnasked(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		idle, others, watcher := n.connect(v), n.connect(v), n.connect(v)
		peer.Expect[*wire.RequestOK](others.Tracks(wire.Parameters{}, "other"))
		peer.Expect[*wire.RequestOK](watcher.Namespaces("room"))
		offer(n.connect(v), t)
		idle.Quiet()
		others.Quiet()
		watcher.Quiet()
	})
}

// TestTokensAreNotCopied: what came with SUBSCRIBE_TRACKS does not go back with
// PUBLISH (rule 57).
func TestTokensAreNotCopied(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		taker := n.connect(v)
		peer.Expect[*wire.RequestOK](taker.Tracks(wire.Parameters{AuthTokens: []wire.Token{useValue("secret")}}, "room"))
		offer(n.connect(v), t)
		if _, m := peer.Accept[*wire.Publish](taker); len(m.Params.AuthTokens) > 0 {
			t.Errorf("PUBLISH has tokens: %+v", m.Params.AuthTokens)
		}
	})
}

// silent answers nothing while a request lasts.
type silent struct{}

func (silent) Serve(ctx context.Context, _ moq.Request) { <-ctx.Done() }
