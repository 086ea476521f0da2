package wire

// TokenAliasType says how a Token is serialised and what to do with it
// (moqt-18 §10.2.2).
type TokenAliasType uint64

// Alias types.
const (
	TokenDelete   TokenAliasType = 0 // Alias
	TokenRegister TokenAliasType = 1 // Alias, TokenType, Value
	TokenUseAlias TokenAliasType = 2 // Alias
	TokenUseValue TokenAliasType = 3 // TokenType, Value
)

var tokenAliasNames = map[TokenAliasType]string{
	TokenDelete:   "DELETE",
	TokenRegister: "REGISTER",
	TokenUseAlias: "USE_ALIAS",
	TokenUseValue: "USE_VALUE",
}

// String returns the name in the draft, or the number in hex.
func (t TokenAliasType) String() string { return codeName(tokenAliasNames, t) }

func (t TokenAliasType) hasAlias() bool { return t != TokenUseValue }
func (t TokenAliasType) hasValue() bool { return t == TokenRegister || t == TokenUseValue }

// Token authorises a request or a session (moqt-18 §10.2.2). Fields that its
// AliasType does not have are ignored when sending and zero when received. Whether
// an alias is registered is for the session to know.
type Token struct {
	AliasType TokenAliasType
	Alias     uint64 // chosen by the sender, for the session
	TokenType uint64 // says what Value means (moqt-18 §10.2.2)
	Value     []byte // opaque; the whole parameter must fit its message
}

func (e *encoder) token(t Token) {
	if t.AliasType > TokenUseValue {
		e.fail("token alias type %v does not exist", t.AliasType)
	}
	e.varint(uint64(t.AliasType))
	if t.AliasType.hasAlias() {
		e.varint(t.Alias)
	}
	if t.AliasType.hasValue() {
		e.varint(t.TokenType)
		e.raw(t.Value)
	}
}

// parseToken reads a Token that fills b. Any fault is a
// KEY_VALUE_FORMATTING_ERROR (moqt-18 §10.2.2).
func parseToken(dr *draft, b []byte) (Token, error) {
	d := decoder{draft: dr, b: b}
	t := Token{AliasType: TokenAliasType(d.varint())}
	if d.err == nil && t.AliasType > TokenUseValue {
		return Token{}, badKeyValue("token alias type %v does not exist", t.AliasType)
	}
	if t.AliasType.hasAlias() {
		t.Alias = d.varint()
	}
	if t.AliasType.hasValue() {
		t.TokenType = d.varint()
		t.Value = d.rest()
	}
	if d.err != nil {
		return Token{}, badKeyValue("token ends inside a field")
	}
	if len(d.b) > 0 {
		return Token{}, badKeyValue("%d bytes after a %v token", len(d.b), t.AliasType)
	}
	return t, nil
}
