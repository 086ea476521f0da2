package deliver

import (
	"time"

	"moqedge/moq/wire"
)

// unit is something that can be sent now: a flow, or the datagrams of a subscription.
type unit interface {
	// step does one bounded piece of work. The error ends the session.
	step(now time.Time) error
	place() place
}

// place is what the order of units depends on (moqt-18 §7.2).
type place struct {
	subscriber, publisher uint8 // priorities: a lower number is more urgent
	kind                  kind
	order                 wire.GroupOrder // of the request
	group                 uint64
	id                    uint64 // subgroup ID, or object ID of a datagram
}

// kind of unit, the most urgent first of those that are otherwise equal: fills
// go before what their subscription brings of the same group (draft 20 §7.2),
// datagrams before subgroups (moqt-19 §7.2; earlier drafts leave it open).
type kind uint8

const (
	kindFill kind = iota
	kindDatagram
	kindSubgroup
)

// moreUrgent orders units of different requests; equals take turns.
func (p place) moreUrgent(q place) bool {
	if p.subscriber != q.subscriber {
		return p.subscriber < q.subscriber
	}
	return p.publisher < q.publisher
}

// before orders units of a subscription and its fills.
func (p place) before(q place) bool {
	switch {
	case p.moreUrgent(q) || q.moreUrgent(p):
		return p.moreUrgent(q)
	case p.group != q.group && p.order != q.order: // a fill in the other order
		return q.kind == kindFill
	case p.group != q.group:
		return (p.group < q.group) != (p.order == wire.GroupOrderDescending)
	case p.kind != q.kind:
		return p.kind < q.kind
	}
	return p.id < q.id
}
