package wire

import (
	"cmp"
	"slices"
)

// Setup Options (moqt-18 §15.4). The numbers are the same in every draft.
const (
	setupPath                  = 0x01
	setupAuthToken             = 0x03
	setupMaxAuthTokenCacheSize = 0x04
	setupAuthority             = 0x05
	setupImplementation        = 0x07
)

// Setup is SETUP (moqt-18 §10.3). Path and Authority are checked against the
// grammar of RFC 3986; whether this side may send or receive them is for the
// session to know.
type Setup struct {
	Path, Authority, Implementation Option[string]
	// MaxAuthTokenCacheSize is in bytes; unset means 0: no aliases.
	MaxAuthTokenCacheSize Option[uint64]
	AuthTokens            []Token
	// Unknown are the options we do not know, in order, repeats included. A
	// receiver ignores them.
	Unknown []KeyValue
}

// Type returns MsgSetup.
func (*Setup) Type() MessageType { return MsgSetup }

func encodeSetup(e *encoder, m *Setup) {
	var options []KeyValue
	text := func(t uint64, o Option[string], check func(string) *Error) {
		if !o.Set {
			return
		}
		if err := check(o.Value); err != nil {
			e.fail("%w", err)
		}
		options = append(options, KeyValue{Type: t, Bytes: []byte(o.Value)})
	}
	text(setupPath, m.Path, checkPath)
	text(setupAuthority, m.Authority, checkAuthority)
	text(setupImplementation, m.Implementation, acceptText)
	if m.MaxAuthTokenCacheSize.Set {
		options = append(options, KeyValue{Type: setupMaxAuthTokenCacheSize, Value: m.MaxAuthTokenCacheSize.Value})
	}
	for _, t := range m.AuthTokens {
		inner := encoder{draft: e.draft}
		inner.token(t)
		if inner.err != nil {
			e.fail("%w", inner.err)
		}
		options = append(options, KeyValue{Type: setupAuthToken, Bytes: inner.b})
	}
	for _, o := range m.Unknown {
		if knownSetupOption(o.Type) {
			e.fail("setup option %#x has a field of its own", o.Type)
		}
		options = append(options, o)
	}
	slices.SortStableFunc(options, func(a, b KeyValue) int { return cmp.Compare(a.Type, b.Type) })
	e.pairs(options)
}

func decodeSetup(d *decoder, m *Setup) {
	prev := uint64(0)
	for d.err == nil && len(d.b) > 0 {
		o := d.pair(prev)
		if d.err != nil {
			return
		}
		prev = o.Type
		switch o.Type {
		case setupPath:
			d.setupText(&m.Path, o, checkPath)
		case setupAuthority:
			d.setupText(&m.Authority, o, checkAuthority)
		case setupImplementation:
			d.setupText(&m.Implementation, o, acceptText)
		case setupMaxAuthTokenCacheSize:
			if m.MaxAuthTokenCacheSize.Set {
				d.fail(violation("setup option %#x is repeated", o.Type))
			}
			m.MaxAuthTokenCacheSize = Some(o.Value)
		case setupAuthToken:
			t, err := parseToken(d.draft, o.Bytes)
			if err != nil {
				d.fail(err)
			}
			m.AuthTokens = append(m.AuthTokens, t)
		default:
			o.Bytes = append([]byte(nil), o.Bytes...)
			m.Unknown = append(m.Unknown, o)
		}
	}
}

func (d *decoder) setupText(field *Option[string], o KeyValue, check func(string) *Error) {
	if field.Set {
		d.fail(violation("setup option %#x is repeated", o.Type))
	}
	*field = Some(string(o.Bytes))
	if err := check(field.Value); err != nil {
		d.fail(err)
	}
}

// acceptText is for text without a grammar.
func acceptText(string) *Error { return nil }

func knownSetupOption(t uint64) bool {
	switch t {
	case setupPath, setupAuthToken, setupMaxAuthTokenCacheSize, setupAuthority, setupImplementation:
		return true
	}
	return false
}
