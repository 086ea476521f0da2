package wire

import (
	"cmp"
	"slices"
)

// Setup Options (moqt-18 §15.4). The numbers mean the same in every draft that
// has the option.
const (
	setupPath                  = 0x01
	setupMaxRequestID          = 0x02 // draft 16
	setupAuthToken             = 0x03
	setupMaxAuthTokenCacheSize = 0x04
	setupAuthority             = 0x05
	setupMaxFilterRanges       = 0x06 // draft 19
	setupImplementation        = 0x07
	setupMaxRequestUpdates     = 0x08 // draft 19
)

// maxUnknownOptions bounds the memory that options of two bytes can take.
const maxUnknownOptions = 64

// Setup is SETUP (moqt-18 §10.3), in draft 16 CLIENT_SETUP or SERVER_SETUP
// (moqt-16 §9.3). Options that the draft lacks are left out. Path and Authority are checked against the
// grammar of RFC 3986; whether this side may send or receive them is for the
// session to know.
type Setup struct {
	// Server says that it is a SERVER_SETUP; in draft 16 alone it is told.
	Server bool

	// Path, with its query, and Authority, a host with its port, are sent by the
	// client of a raw QUIC connection (moqt-18 §10.3.1.2, §10.3.1.1);
	// Implementation is for people: quote what a peer sent.
	Path, Authority, Implementation Option[string]
	// MaxAuthTokenCacheSize is in bytes; unset means 0: no aliases.
	MaxAuthTokenCacheSize Option[uint64]
	// MaxRequestID is the smallest Request ID that the peer must not use; unset
	// means 0. Draft 16 alone has it.
	MaxRequestID Option[uint64]
	// MaxFilterRanges is how many ranges the filters of a request may have
	// together, MaxRequestUpdates how many REQUEST_UPDATEs of a request may be
	// unanswered; unset means 0, and no limit of updates (draft 19).
	MaxFilterRanges, MaxRequestUpdates Option[uint64]
	// AuthTokens may hold any number of tokens (moqt-18 §10.3.1.4).
	AuthTokens []Token
	// Unknown are the options we do not know, in order, repeats included. A
	// receiver ignores them, and keeps the first 64 alone.
	Unknown []KeyValue
}

// Type returns MsgSetup.
func (*Setup) Type() MessageType { return MsgSetup }

// setupNumber is an option of even type.
type setupNumber struct {
	typ   uint64
	field func(*Setup) *Option[uint64]
}

// The numbers that a draft has as options.
var (
	setupNumbers18 = []setupNumber{
		{setupMaxAuthTokenCacheSize, func(m *Setup) *Option[uint64] { return &m.MaxAuthTokenCacheSize }},
	}
	setupNumbers16 = append([]setupNumber{
		{setupMaxRequestID, func(m *Setup) *Option[uint64] { return &m.MaxRequestID }},
	}, setupNumbers18...)
	setupNumbers19 = append([]setupNumber{
		{setupMaxFilterRanges, func(m *Setup) *Option[uint64] { return &m.MaxFilterRanges }},
		{setupMaxRequestUpdates, func(m *Setup) *Option[uint64] { return &m.MaxRequestUpdates }},
	}, setupNumbers18...)
)

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
	for _, n := range e.draft.setupNumbers {
		if o := n.field(m); o.Set {
			options = append(options, KeyValue{Type: n.typ, Value: o.Value})
		}
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
		if e.draft.knowsSetupOption(o.Type) {
			e.fail("setup option %#x has a field of its own", o.Type)
		}
		options = append(options, o)
	}
	slices.SortStableFunc(options, func(a, b KeyValue) int { return cmp.Compare(a.Type, b.Type) })
	if e.onControlStream() {
		e.varint(uint64(len(options)))
	}
	e.pairs(options)
}

func decodeSetup(d *decoder, m *Setup) {
	counted, count := d.onControlStream(), uint64(0)
	if counted {
		count = d.varint()
	}
	prev := uint64(0)
	for seen := uint64(0); counted && seen < count || !counted && len(d.b) > 0; seen++ {
		if len(d.b) == 0 {
			d.fail(ErrShort)
		}
		o := d.pair(prev)
		if d.err != nil {
			return
		}
		prev = o.Type
		d.setupOption(m, o)
	}
}

func (d *decoder) setupOption(m *Setup, o KeyValue) {
	switch o.Type {
	case setupPath:
		d.setupText(&m.Path, o, checkPath)
		return
	case setupAuthority:
		d.setupText(&m.Authority, o, checkAuthority)
		return
	case setupImplementation:
		d.setupText(&m.Implementation, o, acceptText)
		return
	case setupAuthToken:
		t, err := parseToken(d.draft, o.Bytes)
		if err != nil {
			d.fail(err)
		}
		m.AuthTokens = append(m.AuthTokens, t)
		return
	}
	for _, n := range d.draft.setupNumbers {
		if n.typ == o.Type {
			field := n.field(m)
			if field.Set {
				d.fail(violation("setup option %#x is repeated", o.Type))
			}
			*field = Some(o.Value)
			return
		}
	}
	if len(m.Unknown) < maxUnknownOptions {
		o.Bytes = append([]byte(nil), o.Bytes...)
		m.Unknown = append(m.Unknown, o)
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

func (dr *draft) knowsSetupOption(t uint64) bool {
	switch t {
	case setupPath, setupAuthToken, setupAuthority, setupImplementation:
		return true
	}
	return slices.ContainsFunc(dr.setupNumbers, func(n setupNumber) bool { return n.typ == t })
}
