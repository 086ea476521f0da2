package moq

import (
	"fmt"
	"sync"

	"moqedge/moq/wire"
)

// tokenOverhead is what a registered token counts beside its value (moqt-18 §10.3.1.3).
const tokenOverhead = 16

// tokenCache holds the authorization tokens that the peer registered under
// aliases, up to the MAX_AUTH_TOKEN_CACHE_SIZE of this side (moqt-18 §10.2.2).
type tokenCache struct {
	mu     sync.Mutex
	tokens map[uint64]wire.Token
	size   uint64
}

// resolve applies the tokens of one message in their order. What it returns are
// tokens with their values (USE_VALUE). Tokens that are registered stay so
// whatever becomes of the message.
func (c *tokenCache) resolve(tokens []wire.Token, limit uint64) ([]wire.Token, error) {
	if len(tokens) == 0 {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []wire.Token
	for _, t := range tokens {
		known, isKnown := c.tokens[t.Alias]
		switch t.AliasType {
		case wire.TokenRegister:
			if isKnown {
				return nil, &wire.Error{Code: wire.SessionDuplicateAuthTokenAlias, Reason: fmt.Sprintf("token alias %d is registered already", t.Alias)}
			}
			if !c.register(t, limit) {
				return nil, &wire.Error{Code: wire.SessionAuthTokenCacheOverflow, Reason: fmt.Sprintf("the token cache holds %d bytes", limit)}
			}
		case wire.TokenUseAlias, wire.TokenDelete:
			if !isKnown {
				return nil, &wire.Error{Code: wire.SessionUnknownAuthTokenAlias, Reason: fmt.Sprintf("token alias %d is not registered", t.Alias)}
			}
			if t.AliasType == wire.TokenDelete {
				delete(c.tokens, t.Alias)
				c.size -= tokenOverhead + uint64(len(known.Value))
				continue
			}
			t = known
		}
		out = append(out, wire.Token{AliasType: wire.TokenUseValue, TokenType: t.TokenType, Value: t.Value})
	}
	return out, nil
}

// register keeps a token; false means that there is no room for it.
func (c *tokenCache) register(t wire.Token, limit uint64) bool {
	size := tokenOverhead + uint64(len(t.Value))
	if c.size+size > limit {
		return false
	}
	if c.tokens == nil {
		c.tokens = map[uint64]wire.Token{}
	}
	c.tokens[t.Alias] = t
	c.size += size
	return true
}

// acceptSetupTokens applies the tokens of the peer's SETUP. A client's cannot
// refer to aliases; what does not fit the cache is used without being
// registered (moqt-18 §10.3.1.4).
func (s *Session) acceptSetupTokens(m *wire.Setup) error {
	c := &s.tokens
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, t := range m.AuthTokens {
		switch t.AliasType {
		case wire.TokenDelete, wire.TokenUseAlias:
			return violation("SETUP refers to a token alias")
		case wire.TokenRegister:
			if _, known := c.tokens[t.Alias]; known {
				return &wire.Error{Code: wire.SessionDuplicateAuthTokenAlias, Reason: fmt.Sprintf("token alias %d is registered twice", t.Alias)}
			}
			c.register(t, s.config.MaxTokenCache)
		}
		m.AuthTokens[i] = wire.Token{AliasType: wire.TokenUseValue, TokenType: t.TokenType, Value: t.Value}
	}
	return nil
}

// resolveTokens replaces the tokens of a message by their values.
func (s *Session) resolveTokens(p *wire.Parameters) error {
	tokens, err := s.tokens.resolve(p.AuthTokens, s.config.MaxTokenCache)
	if err == nil {
		p.AuthTokens = tokens
	}
	return err
}
