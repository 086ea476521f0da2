package wire

import "time"

// Parameters are the Message Parameters of one message (moqt-18 §10.2). Which of
// them may be set depends on the message; see parameterplaces.go. Those that are
// advice are left out in drafts that lack them there, the others cannot be sent.
// Times are in whole milliseconds on the wire.
type Parameters struct {
	// AuthTokens may hold any number of tokens.
	AuthTokens []Token
	// The two delivery timeouts; 0 and unset mean none (moqt-18 §8).
	ObjectDeliveryTimeout, SubgroupDeliveryTimeout Option[time.Duration]
	// RendezvousTimeout is how long to wait for a publisher; unset means 0.
	RendezvousTimeout Option[time.Duration]
	// FillTimeout is how long a relay may look for Objects upstream; 0 means not
	// at all, unset leaves it to the relay.
	FillTimeout Option[time.Duration]
	// Expires is advisory; 0 and unset mean never or unknown.
	Expires Option[time.Duration]
	// LargestObject is unset if there are no Objects yet.
	LargestObject Option[Location]
	// Forward defaults to true, in REQUEST_UPDATE to no change.
	Forward Option[bool]
	// SubscriberPriority defaults to 128; lower is more important.
	SubscriberPriority Option[uint8]
	// Filter defaults to everything; in REQUEST_UPDATE to no change.
	Filter Option[Filter]
	// RangeFilters restrict what passes further (moqt-19 §5.1.3). They are received
	// in ascending order of type.
	RangeFilters []RangeFilter
	// FillParameters ask for what was published before (draft 20).
	FillParameters Option[FillParameters]
	// IncludeProperties asks a publisher to tell its Track Properties (draft 20).
	IncludeProperties Option[bool]
	// GroupOrder defaults to the publisher's, in FETCH to ascending.
	GroupOrder Option[GroupOrder]
	// NewGroupRequest is the largest Group ID known plus 1, or 0.
	NewGroupRequest Option[uint64]
	// TrackNamespacePrefix replaces the prefix of a namespace subscription.
	TrackNamespacePrefix Option[Namespace]
	// RelayPath are the relays that depend on the answer, one that
	// finds itself among them is asked in a circle. It is for relays
	// ([Version.BetweenRelays]), for others it is left out.
	RelayPath Option[[]string]
	// TraceContext is what the request is a part of; nil: nothing that is known. It is
	// for peers that understand it ([Version.WithTraceContext]), for others it is left
	// out. It must not be changed.
	TraceContext *TraceContext
	// InvalidFilter is set by the decoder alone: why the request must be refused
	// with RequestInvalidFilter. RangeFilters are incomplete then; the session goes
	// on (moqt-19 §5.1.3).
	InvalidFilter string
}

// GroupOrder says which groups come first (moqt-18 §10.2.8).
type GroupOrder uint8

// Group orders.
const (
	GroupOrderAscending  GroupOrder = 1
	GroupOrderDescending GroupOrder = 2
)

func (o GroupOrder) valid() bool {
	return o == GroupOrderAscending || o == GroupOrderDescending
}

// parameter is how one Message Parameter is written, read and placed.
type parameter struct {
	typ  uint64
	name string
	// allowed is where it may stand; nowhere if the draft does not have it.
	allowed scope
	// advice is where it is left out if it is not allowed there.
	advice  scope
	repeats bool // AUTHORIZATION_TOKEN and the range filters
	// count returns how many of it are set.
	count func(*Parameters) int
	// encode writes the value of the i-th.
	encode func(e *encoder, p *Parameters, i int)
	decode func(*decoder, *Parameters)
	clear  func(*Parameters)
}

func (e *encoder) parameters(p *Parameters, where scope) {
	total := 0
	for i := range e.draft.parameters {
		spec := &e.draft.parameters[i]
		n := spec.count(p)
		switch {
		case spec.allowed&where != 0:
			total += n
		case n > 0 && spec.advice&where == 0:
			e.fail("parameter %s does not belong in this message", spec.name)
		}
	}
	e.checkRangeFilters(p.RangeFilters, where)
	e.varint(uint64(total))
	prev := uint64(0)
	for i := range e.draft.parameters {
		spec := &e.draft.parameters[i]
		if spec.allowed&where == 0 {
			continue
		}
		for j := range spec.count(p) {
			e.varint(spec.typ - prev)
			prev = spec.typ
			spec.encode(e, p, j)
		}
	}
}

func (d *decoder) parameters(p *Parameters, where scope) {
	prev := uint64(0)
	for range d.varint() {
		delta := d.varint()
		if d.err != nil {
			return
		}
		t := prev + delta
		if t < prev {
			d.fail(violation("parameter type %#x + %#x is more than 64 bits", prev, delta))
			return
		}
		prev = t
		spec := d.draft.parameter(t)
		switch {
		case spec == nil:
			d.fail(violation("unknown parameter %#x", t))
			return
		case spec.allowed&where == 0 && d.draft.ignoresMisplaced:
			d.skipPair(t)
			continue
		case spec.allowed&where == 0:
			d.fail(violation("parameter %s does not belong in this message", spec.name))
			return
		case !spec.repeats && delta == 0: // types ascend, and 0 is none
			d.fail(violation("parameter %s is repeated", spec.name))
			return
		}
		spec.decode(d, p)
	}
	p.checkRangeFilters(where)
}

// skipPair passes over the value of a parameter in the form of a Key-Value-Pair.
func (d *decoder) skipPair(t uint64) {
	if t%2 == 0 {
		d.varint()
	} else {
		d.prefixed("parameter", MaxKeyValueLen)
	}
}

// misplaced returns the first parameter that is set and has no place in where, or
// nil.
func (dr *draft) misplaced(p *Parameters, where scope) *parameter {
	for i := range dr.parameters {
		if spec := &dr.parameters[i]; spec.allowed&where == 0 && spec.count(p) > 0 {
			return spec
		}
	}
	return nil
}

// parameter returns what a type means, nil if the draft does not have it.
func (dr *draft) parameter(t uint64) *parameter {
	for i := range dr.parameters {
		if spec := &dr.parameters[i]; spec.typ == t && spec.allowed != 0 {
			return spec
		}
	}
	return nil
}
