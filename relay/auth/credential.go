package auth

import (
	"encoding/base64"
	"net/url"
	"strings"

	"moqedge/moq/wire"
)

// ParseText reads a token that is text, as in a header or a stream ID: a Common
// Access Token in base64, whose first byte says that it is CBOR (moq-c4m), or three
// parts of which the first is, as in the test vectors there; or else a JSON Web Token.
// false means that there is none.
func ParseText(text string) (t wire.Token, ok bool) {
	if text == "" {
		return wire.Token{}, false
	}
	if cat, ok := decodeCBOR(text); ok {
		return wire.Token{AliasType: wire.TokenUseValue, TokenType: TypeCAT, Value: cat}, true
	}
	kind := TypeOther
	if header, _, dotted := strings.Cut(text, "."); dotted {
		if b, err := base64.RawURLEncoding.DecodeString(header); err == nil && len(b) > 0 && b[0]>>5 == 5 {
			kind = TypeCAT // its header is a map of CBOR; that of a JSON Web Token begins with a brace
		}
	}
	return wire.Token{AliasType: wire.TokenUseValue, TokenType: kind, Value: []byte(text)}, true
}

// decodeCBOR decodes base64, of either alphabet, of a tagged CBOR item or an array, as
// COSE messages are (RFC 9052 §2). Text with a dot is no base64.
func decodeCBOR(text string) ([]byte, bool) {
	text = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(text, "="))
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) == 0 {
		return nil, false
	}
	major := b[0] >> 5
	return b, major == 4 || major == 6
}

// FromPath returns the tokens in the query of a path that a client asked for: those
// of "jwt" and "token", as in https://host/path?jwt=..., in the order in which they are
// there.
// What cannot be decoded is left out, as it names nothing.
func FromPath(path string) []wire.Token {
	_, query, found := strings.Cut(path, "?")
	if !found {
		return nil
	}
	var out []wire.Token
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if key != "jwt" && key != "token" {
			continue
		}
		if text, err := url.QueryUnescape(value); err == nil {
			if t, ok := ParseText(text); ok {
				out = append(out, t)
			}
		}
	}
	return out
}

// FromBearer returns the token of an HTTP Authorization header of the Bearer scheme
// (RFC 6750 §2.1, RFC 9725 §4.7).
func FromBearer(header string) (wire.Token, bool) {
	scheme, text, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return wire.Token{}, false
	}
	return ParseText(strings.TrimSpace(text))
}
