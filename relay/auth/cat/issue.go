package cat

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"

	"moqedge/moq/wire"
	"moqedge/relay/auth"
	"moqedge/relay/auth/token"
)

// Issue makes a token: a COSE_Mac0 in the tag of a CWT. The header names the key, when
// that has an ID. Text writes it for URLs and headers.
func Issue(k token.Key, c Claims) ([]byte, error) {
	secret, ok := k.Secret()
	switch {
	case !ok:
		return nil, errors.New("the key is no secret: Common Access Tokens are made with HMAC keys")
	case len(c.Scopes) == 0:
		return nil, errors.New("it permits nothing: name actions")
	}
	payload, err := encoding.Marshal(c.items())
	if err != nil {
		return nil, err
	}
	headers := map[int64]any{labelAlgorithm: algorithmOf(k)}
	if k.ID != "" {
		headers[labelKeyID] = []byte(k.ID)
	}
	protected, err := encoding.Marshal(headers)
	if err != nil {
		return nil, err
	}
	over, err := encoding.Marshal([]any{"MAC0", protected, []byte{}, payload})
	if err != nil {
		return nil, err
	}
	mac, err := sum(algorithmOf(k), secret, over)
	if err != nil {
		return nil, err
	}
	t, err := encoding.Marshal(cbor.Tag{Number: tagCWT, Content: cbor.Tag{Number: tagMAC0, Content: []any{protected, map[int64]any{}, payload, mac}}})
	if err == nil && len(t) > maxToken {
		err = fmt.Errorf("%d bytes, at most %d", len(t), maxToken)
	}
	return t, err
}

// Text is a token in base64url (moq-c4m, Adding a token to a URL).
func Text(t []byte) string { return base64.RawURLEncoding.EncodeToString(t) }

// items are the claims as they are written.
func (c Claims) items() map[int64]any {
	items := map[int64]any{keyVersion: 1}
	for key, text := range map[int64]string{keyIssuer: c.Issuer, keySubject: c.Subject} {
		if text != "" {
			items[key] = text
		}
	}
	if c.ID != "" {
		items[keyID] = []byte(c.ID)
	}
	if len(c.Audience) > 0 {
		items[keyAudience] = c.Audience
	}
	for key, at := range map[int64]time.Time{keyExpires: c.Expires, keyNotYet: c.NotBefore, keyIssued: c.Issued} {
		if !at.IsZero() {
			items[key] = at.Unix()
		}
	}
	if c.Revalidate > 0 {
		items[keyReval] = c.Revalidate.Seconds()
	}
	if c.Networks != nil {
		var all []any
		for _, p := range c.Networks {
			tag := uint64(54)
			if p.Addr().Is4() {
				tag = 52
			}
			all = append(all, cbor.Tag{Number: tag, Content: []any{p.Bits(), p.Masked().Addr().AsSlice()}})
		}
		items[keyNetworks] = all
	}
	var scopes []any
	for _, s := range c.Scopes {
		scopes = append(scopes, s.item())
	}
	items[keyMOQT] = scopes
	return items
}

func (s Scope) item() any {
	item := []any{s.Actions}
	fields := []any{}
	for _, m := range s.Namespace {
		fields = append(fields, m.item())
	}
	switch {
	case s.Whole:
		fields = append(fields, nil)
	case len(fields) == 0 && s.Track != nil: // a match for the track needs one before it
		fields = append(fields, Match{Kind: Prefix}.item())
	}
	if len(fields) > 0 {
		item = append(item, fields)
	}
	if s.Track != nil {
		item = append(item, s.Track.item())
	}
	return item
}

func (m Match) item() any {
	if m.Kind == Exact {
		return []byte(m.Value)
	}
	return []any{int(m.Kind), []byte(m.Value)}
}

// Inspection is what a token says, believed or not.
type Inspection struct {
	Algorithm int64  `json:"alg"`
	KeyID     string `json:"kid,omitempty"`
	Claims    Shown  `json:"claims"`
	// Trouble is what is wrong with its claims or its times; "": nothing.
	Trouble string `json:"trouble,omitempty"`
	// Signed says whether one of the keys has made its MAC; nil: there were none.
	Signed *bool `json:"signed,omitempty"`
	// Key is the ID of that key.
	Key string `json:"key,omitempty"`
}

// Shown are claims in the words of people.
type Shown struct {
	Issuer     string     `json:"iss,omitempty"`
	Subject    string     `json:"sub,omitempty"`
	Audience   []string   `json:"aud,omitempty"`
	Expires    *time.Time `json:"exp,omitempty"`
	NotBefore  *time.Time `json:"nbf,omitempty"`
	ID         string     `json:"cti,omitempty"`
	Revalidate string     `json:"moqt-reval,omitempty"`
	Networks   []string   `json:"catnip,omitempty"`
	Scopes     []string   `json:"moqt,omitempty"`
}

// Inspect says what a token of type CAT is, and whether one of the keys made it. An
// error is about bytes that are no token at all.
func Inspect(t wire.Token, keys []token.Key, now time.Time) (Inspection, error) {
	var out Inspection
	if t.TokenType != auth.TypeCAT {
		return out, auth.ErrNotMine
	}
	m, err := parseMessage(t.Value)
	if err != nil {
		return out, err
	}
	out.Algorithm, out.KeyID = m.algorithm, m.keyID
	if c, err := parseClaims(m.payload); err != nil {
		out.Trouble = err.Error()
	} else {
		out.Claims = c.shown()
		if err := c.check(now, "", ""); err != nil {
			out.Trouble = err.Error()
		}
	}
	if len(keys) > 0 {
		k, err := m.signer(keys)
		signed := err == nil
		out.Signed, out.Key = &signed, k.ID
	}
	return out, nil
}

func (c *Claims) shown() Shown {
	s := Shown{Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience, ID: c.ID}
	for _, at := range []struct {
		from time.Time
		to   **time.Time
	}{{c.Expires, &s.Expires}, {c.NotBefore, &s.NotBefore}} {
		if !at.from.IsZero() {
			utc := at.from.UTC()
			*at.to = &utc
		}
	}
	if c.Revalidate > 0 {
		s.Revalidate = c.Revalidate.String()
	}
	for _, p := range c.Networks {
		s.Networks = append(s.Networks, p.String())
	}
	for _, scope := range c.Scopes {
		s.Scopes = append(s.Scopes, scope.String())
	}
	return s
}

// String writes a scope for people.
func (s Scope) String() string {
	ns := fmt.Sprint(s.Namespace)
	switch {
	case !s.Whole && len(s.Namespace) == 0:
		ns = "any namespace"
	case !s.Whole:
		ns += " and below"
	}
	track := "any track"
	if s.Track != nil {
		track = "track " + s.Track.String()
	}
	return fmt.Sprintf("%v on %s, %s", s.Actions, ns, track)
}
