package wire

import "slices"

// What relays of this kind say to each other besides MOQT. None of it is
// registered: a relay says that it is one by a Setup Option, which others
// ignore (moqt-18 §10.3), and what follows is written and read only in the
// [Version.BetweenRelays] of a draft, when both sides have said so.
const (
	// setupRelay is the Setup Option: ASCII "moqe", which is odd, so its value
	// has bytes, and no grease (moqt-18 §14).
	setupRelay = 0x6D6F7165
	// setupRegion is the Setup Option with the region of a relay: ASCII "moqg".
	setupRegion = 0x6D6F7167
	// paramRelayPath is the Message Parameter RELAY_PATH.
	paramRelayPath = 0x6D6F7165
)

// The messages of relays: ROUTE stands in the place of NAMESPACE, SUPPLY is about a
// subscription, on its request stream. The latter is ASCII "moqs", and no grease.
const (
	MsgRoute  MessageType = 0x6D6F7165
	MsgSupply MessageType = 0x6D6F7173
)

// Limits of what relays say to each other.
const (
	MaxRelayID = 64 // bytes
	MaxRegion  = 64 // bytes
	MaxHops    = 32 // relays that a route leads through, or that a request has passed
	// MaxRouteCost is what the integers of all drafts can hold; more cannot be told.
	MaxRouteCost = MaxQUICVarint
)

// betweenRelays marks a Version.
const betweenRelays Version = 0x80

// BetweenRelays is the draft with ROUTE, SUPPLY and RELAY_PATH.
func (v Version) BetweenRelays() Version { return v | betweenRelays }

// addRelay gives a draft what relays add.
func addRelay(d *draft) {
	d.messages = with(d.messages, map[MessageType]messageCodec{
		MsgRoute:  codecFor(encodeRoute, decodeRoute),
		MsgSupply: codecFor(encodeSupply, decodeSupply),
	})
	path := optionParameter(paramRelayPath, "RELAY_PATH", func(p *Parameters) *Option[[]string] { return &p.RelayPath },
		(*encoder).relayPath, (*decoder).relayPath)
	path.allowed = inSubscribe | inTrackStatus | inFetch
	d.parameters = append(slices.Clone(d.parameters), path)
}

// RelayOption is what the Setup Options of relays say: that the sender is one, and where.
type RelayOption struct {
	// ID is the relay's, the same for all its sessions: 1 to 64 bytes.
	ID string
	// Cost of the hop over this session; 0 leaves it to the other side.
	Cost uint64
	// Region that the relay is in; "" does not say. It is an option of its own, as
	// relays that do not know it take the rest of the other one for the ID. One of more
	// than 64 bytes is not told, and not believed.
	Region string
}

// Options are o as some of [Setup.Unknown].
func (o RelayOption) Options() []KeyValue {
	all := []KeyValue{{Type: setupRelay, Bytes: append(AppendVarint(nil, o.Cost), o.ID...)}}
	if o.Region != "" && len(o.Region) <= MaxRegion {
		all = append(all, KeyValue{Type: setupRegion, Bytes: []byte(o.Region)})
	}
	return all
}

// Relay returns what the sender says as a relay; false means that it is none, or
// that the option cannot be read.
func (m *Setup) Relay() (o RelayOption, relay bool) {
	for _, x := range m.Unknown {
		switch x.Type {
		case setupRelay:
			d := decoder{b: x.Bytes}
			o.Cost = d.varint()
			o.ID = string(d.rest())
			if d.err != nil || o.ID == "" || len(o.ID) > MaxRelayID {
				return RelayOption{}, false
			}
			relay = true
		case setupRegion:
			if len(x.Bytes) <= MaxRegion {
				o.Region = string(x.Bytes)
			}
		}
	}
	return o, relay
}

// Route is ROUTE: the way from its sender to a namespace under the prefix
// subscribed to. It takes the place of the one told before; NAMESPACE_DONE ends it.
type Route struct {
	Suffix Namespace // what follows the prefix
	Cost   uint64    // of the whole way from the sender to the publisher
	// Hops are the relays on the way, the sender first: 1 to 32.
	Hops []string
	// Held says that the way is broken, but may be back soon.
	Held bool
	// Hidden says that nobody announced the namespace: tracks in it were published.
	Hidden bool
	// Foreign says that the last hop had it from a relay that tells no routes.
	Foreign bool
}

// Flags of ROUTE.
const (
	routeHeld = 1 << iota
	routeHidden
	routeForeign
	routeFlags = routeHeld | routeHidden | routeForeign
)

// Type returns MsgRoute.
func (*Route) Type() MessageType { return MsgRoute }

func encodeRoute(e *encoder, m *Route) {
	e.namespace(m.Suffix)
	flags := uint64(0)
	for bit, set := range map[uint64]bool{routeHeld: m.Held, routeHidden: m.Hidden, routeForeign: m.Foreign} {
		if set {
			flags |= bit
		}
	}
	e.varint(flags)
	e.varint(m.Cost)
	e.hops(m.Hops)
}

func decodeRoute(d *decoder, m *Route) {
	m.Suffix = d.namespace()
	flags := d.varint()
	if flags&^routeFlags != 0 {
		d.fail(violation("route flags %#x do not exist", flags))
	}
	m.Held, m.Hidden, m.Foreign = flags&routeHeld != 0, flags&routeHidden != 0, flags&routeForeign != 0
	m.Cost = d.varint()
	m.Hops = d.hops()
}

// Supply is SUPPLY: the sender, who serves a subscription or is about to answer the
// request for it, says whether it has the track from anywhere. It may be sent any
// number of times, the last one holds. Without one the track is supplied.
type Supply struct {
	RequestID uint64 // of the subscription; draft 16 alone sends it
	// Stranded says that nothing comes for now, and that the sender has nobody else to
	// ask. The subscription stays as it is.
	Stranded bool
}

// Type returns MsgSupply.
func (*Supply) Type() MessageType { return MsgSupply }

func encodeSupply(e *encoder, m *Supply) {
	e.requestID(m.RequestID)
	state := uint64(0)
	if m.Stranded {
		state = 1
	}
	e.varint(state)
}

func decodeSupply(d *decoder, m *Supply) {
	m.RequestID = d.requestID()
	state := d.varint()
	if state > 1 {
		d.fail(violation("supply %d, want 0 or 1", state))
	}
	m.Stranded = state == 1
}

// hops appends the number of relays and their IDs.
func (e *encoder) hops(ids []string) {
	if len(ids) == 0 || len(ids) > MaxHops {
		e.fail("%d hops, want 1 to %d", len(ids), MaxHops)
	}
	e.varint(uint64(len(ids)))
	for _, id := range ids {
		if id == "" {
			e.fail("a relay without ID")
		}
		e.text("relay ID", id, MaxRelayID)
	}
}

func (d *decoder) hops() []string {
	n := d.varint()
	if n == 0 || n > MaxHops {
		d.fail(violation("%d hops, want 1 to %d", n, MaxHops))
	}
	if d.err != nil {
		return nil
	}
	ids := make([]string, 0, n)
	for range n {
		id := d.prefixed("relay ID", MaxRelayID)
		if d.err == nil && len(id) == 0 {
			d.fail(violation("a relay without ID"))
		}
		ids = append(ids, string(id))
	}
	return ids
}

// relayPath is the value of RELAY_PATH: hops after their length in bytes.
func (e *encoder) relayPath(ids []string) {
	inner := encoder{draft: e.draft}
	inner.hops(ids)
	e.nested(&inner)
}

func (d *decoder) relayPath() []string { return nested(d, "relay path", (*decoder).hops) }
