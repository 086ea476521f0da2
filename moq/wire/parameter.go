package wire

import "time"

// Parameters are the Message Parameters of one message (moqt-18 §10.2). Which of
// them may be set depends on the message; see parametertable.go. Times are in
// whole milliseconds on the wire.
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
	// RangeFilters restrict what passes further (moqt-19 §5.1.3).
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
	// InvalidFilter is set by the decoder alone: why the request must be refused
	// with RequestInvalidFilter. The session goes on (moqt-19 §5.1.3).
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
	typ     uint64
	name    string
	allowed scope
	repeats bool // AUTHORIZATION_TOKEN alone
	// count returns how many of it are set.
	count func(*Parameters) int
	// encode writes the value of the i-th.
	encode func(e *encoder, p *Parameters, i int)
	decode func(*decoder, *Parameters)
}

func (e *encoder) parameters(p *Parameters, where scope) {
	total := 0
	for i := range e.draft.parameters {
		spec := &e.draft.parameters[i]
		n := spec.count(p)
		if n > 0 && spec.allowed&where == 0 {
			e.fail("parameter %s does not belong in this message", spec.name)
		}
		total += n
	}
	e.varint(uint64(total))
	prev := uint64(0)
	for i := range e.draft.parameters {
		spec := &e.draft.parameters[i]
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
		spec := d.draft.parameter(t)
		switch {
		case spec == nil:
			d.fail(violation("unknown parameter %#x", t))
			return
		case spec.allowed&where == 0:
			d.fail(violation("parameter %s does not belong in this message", spec.name))
			return
		case !spec.repeats && spec.count(p) > 0:
			d.fail(violation("parameter %s is repeated", spec.name))
			return
		}
		spec.decode(d, p)
		prev = t
	}
}

// check returns an error if a parameter of p has no place in any of the scopes.
func (p *Parameters) check(v Version, where scope, what string) error {
	if name := v.draft().misplaced(p, where); name != "" {
		return violation("parameter %s does not belong in a %s", name, what)
	}
	return nil
}

// misplaced returns the name of the first parameter that is set and has no place
// in where, or "".
func (dr *draft) misplaced(p *Parameters, where scope) string {
	for i := range dr.parameters {
		if spec := &dr.parameters[i]; spec.allowed&where == 0 && spec.count(p) > 0 {
			return spec.name
		}
	}
	return ""
}

func (dr *draft) parameter(t uint64) *parameter {
	for i := range dr.parameters {
		if dr.parameters[i].typ == t {
			return &dr.parameters[i]
		}
	}
	return nil
}
