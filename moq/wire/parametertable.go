package wire

import "time"

// scope is a set of places a Message Parameter may appear in (moqt-18 §10.2.1).
// REQUEST_OK and REQUEST_UPDATE count once per kind of request they belong to.
type scope uint32

const (
	inSubscribe scope = 1 << iota
	inTrackStatus
	inPublish
	inFetch
	inPublishNamespace
	inSubscribeNamespace
	inSubscribeTracks
	inSubscribeOK
	inFetchOK
	inPublishOK
	inTrackStatusOK
	inUpdateOK
	inStateNotify
	inNamespaceOK // the answer to all three namespace requests
	inSubscriptionUpdate
	inFetchUpdate
	inPublishNamespaceUpdate
	inPrefixUpdate // SUBSCRIBE_NAMESPACE and SUBSCRIBE_TRACKS

	inAnyOK     = inPublishOK | inTrackStatusOK | inUpdateOK | inNamespaceOK
	inAnyUpdate = inSubscriptionUpdate | inFetchUpdate | inPublishNamespaceUpdate | inPrefixUpdate

	inDelivery = inSubscribe | inPublishOK // where a subscriber says what it wants
	inRequest  = inSubscribe | inTrackStatus | inPublish | inFetch |
		inPublishNamespace | inSubscribeNamespace | inSubscribeTracks | inAnyUpdate
)

// okScopes tells where the parameters of a REQUEST_OK stand, by what it answers.
var okScopes = map[MessageType]scope{
	MsgPublish:            inPublishOK,
	MsgTrackStatus:        inTrackStatusOK,
	MsgRequestUpdate:      inUpdateOK,
	MsgPublishNamespace:   inNamespaceOK,
	MsgSubscribeNamespace: inNamespaceOK,
	MsgSubscribeTracks:    inNamespaceOK,
}

// updateScopes tells where the parameters of a REQUEST_UPDATE stand, by what it
// updates.
var updateScopes = map[MessageType]scope{
	MsgSubscribe:          inSubscriptionUpdate,
	MsgPublish:            inSubscriptionUpdate,
	MsgFetch:              inFetchUpdate,
	MsgPublishNamespace:   inPublishNamespaceUpdate,
	MsgSubscribeNamespace: inPrefixUpdate,
	MsgSubscribeTracks:    inPrefixUpdate,
}

// parameters18 is moqt-18 §15.7. Where §10.2 allows a REQUEST_UPDATE without
// saying of what, every kind is allowed. EXPIRES may be in the answer to
// TRACK_STATUS because §10.14 wants what a SUBSCRIBE_OK would have had.
var parameters18 = []parameter{
	millisParameter(0x02, "OBJECT_DELIVERY_TIMEOUT", inDelivery|inAnyUpdate,
		func(p *Parameters) *Option[time.Duration] { return &p.ObjectDeliveryTimeout }),
	tokenParameter(0x03, "AUTHORIZATION_TOKEN", inRequest),
	millisParameter(0x04, "RENDEZVOUS_TIMEOUT", inSubscribe,
		func(p *Parameters) *Option[time.Duration] { return &p.RendezvousTimeout }),
	millisParameter(0x06, "SUBGROUP_DELIVERY_TIMEOUT", inDelivery|inAnyUpdate,
		func(p *Parameters) *Option[time.Duration] { return &p.SubgroupDeliveryTimeout }),
	millisParameter(0x08, "EXPIRES", inSubscribeOK|inPublish|inPublishOK|inUpdateOK|inTrackStatusOK,
		func(p *Parameters) *Option[time.Duration] { return &p.Expires }),
	optionParameter(0x09, "LARGEST_OBJECT", inSubscribeOK|inPublish|inUpdateOK|inTrackStatusOK,
		func(p *Parameters) *Option[Location] { return &p.LargestObject },
		(*encoder).location, (*decoder).location),
	millisParameter(0x0A, "FILL_TIMEOUT", inFetch,
		func(p *Parameters) *Option[time.Duration] { return &p.FillTimeout }),
	optionParameter(0x10, "FORWARD", inDelivery|inPublish|inSubscribeTracks|inSubscriptionUpdate,
		func(p *Parameters) *Option[bool] { return &p.Forward },
		(*encoder).flag, func(d *decoder) bool { return d.flag("FORWARD") }),
	optionParameter(0x20, "SUBSCRIBER_PRIORITY", inDelivery|inFetch|inSubscriptionUpdate|inFetchUpdate,
		func(p *Parameters) *Option[uint8] { return &p.SubscriberPriority },
		(*encoder).uint8, (*decoder).uint8),
	optionParameter(0x21, "SUBSCRIPTION_FILTER", inDelivery|inSubscriptionUpdate,
		func(p *Parameters) *Option[Filter] { return &p.Filter },
		typedFilter(true).encode, typedFilter(true).decode),
	optionParameter(0x22, "GROUP_ORDER", inDelivery|inFetch,
		func(p *Parameters) *Option[GroupOrder] { return &p.GroupOrder },
		(*encoder).groupOrder, (*decoder).groupOrder),
	optionParameter(0x32, "NEW_GROUP_REQUEST", inDelivery|inSubscriptionUpdate,
		func(p *Parameters) *Option[uint64] { return &p.NewGroupRequest },
		(*encoder).varint, (*decoder).varint),
	optionParameter(0x34, "TRACK_NAMESPACE_PREFIX", inPrefixUpdate,
		func(p *Parameters) *Option[Namespace] { return &p.TrackNamespacePrefix },
		(*encoder).namespace, (*decoder).namespace),
}

func optionParameter[T any](t uint64, name string, allowed scope, field func(*Parameters) *Option[T],
	encode func(*encoder, T), decode func(*decoder) T) parameter {
	return parameter{
		typ: t, name: name, allowed: allowed,
		count: func(p *Parameters) int {
			if field(p).Set {
				return 1
			}
			return 0
		},
		encode: func(e *encoder, p *Parameters, _ int) { encode(e, field(p).Value) },
		decode: func(d *decoder, p *Parameters) { *field(p) = Some(decode(d)) },
	}
}

func millisParameter(t uint64, name string, allowed scope, field func(*Parameters) *Option[time.Duration]) parameter {
	return optionParameter(t, name, allowed, field,
		func(e *encoder, v time.Duration) { e.millis(name, v) }, (*decoder).millis)
}

func tokenParameter(t uint64, name string, allowed scope) parameter {
	return parameter{
		typ: t, name: name, allowed: allowed, repeats: true,
		count: func(p *Parameters) int { return len(p.AuthTokens) },
		encode: func(e *encoder, p *Parameters, i int) {
			inner := encoder{draft: e.draft}
			inner.token(p.AuthTokens[i])
			e.nested(&inner)
		},
		decode: func(d *decoder, p *Parameters) {
			raw := d.prefixed(name, MaxMessagePayload)
			if d.err != nil {
				return
			}
			token, err := parseToken(d.draft, raw)
			if err != nil {
				d.fail(err)
			}
			p.AuthTokens = append(p.AuthTokens, token)
		},
	}
}

// flag reads a uint8 that must be 0 or 1.
func (d *decoder) flag(what string) bool {
	v := d.uint8()
	if v > 1 {
		d.fail(violation("%s is %d, not 0 or 1", what, v))
	}
	return v == 1
}

func (e *encoder) flag(v bool) {
	if v {
		e.uint8(1)
	} else {
		e.uint8(0)
	}
}

func (d *decoder) groupOrder() GroupOrder {
	o := GroupOrder(d.uint8())
	if !o.valid() {
		d.fail(violation("group order %d does not exist", o))
	}
	return o
}

func (e *encoder) groupOrder(o GroupOrder) {
	if !o.valid() {
		e.fail("group order %d does not exist", o)
	}
	e.uint8(uint8(o))
}
