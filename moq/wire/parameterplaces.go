package wire

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
	inNamespaceOK // the answer to all three namespace requests
	inStateNotify
	inFill // inside FILL_PARAMETERS
	inSubscriptionUpdate
	inFetchUpdate
	inPublishNamespaceUpdate
	inNamespaceUpdate // of SUBSCRIBE_NAMESPACE
	inTracksUpdate    // of SUBSCRIBE_TRACKS

	inAnyOK        = inPublishOK | inTrackStatusOK | inUpdateOK | inNamespaceOK
	inPrefixUpdate = inNamespaceUpdate | inTracksUpdate
	inAnyUpdate    = inSubscriptionUpdate | inFetchUpdate | inPublishNamespaceUpdate | inPrefixUpdate

	// inDelivery is where a subscriber says what it wants, up to draft 19.
	inDelivery = inSubscribe | inPublishOK
	// inInitial is where the first parameters of a subscription stand from draft
	// 19 on: what is valid in SUBSCRIBE is in SUBSCRIBE_TRACKS (moqt-19 §10.19.1).
	inInitial = inSubscribe | inSubscribeTracks
	inRequest = inSubscribe | inTrackStatus | inPublish | inFetch |
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
	MsgSubscribeNamespace: inNamespaceUpdate,
	MsgSubscribeTracks:    inTracksUpdate,
}

// Message Parameters (moqt-18 §15.7, moqt-19 §15.7).
const (
	paramObjectDeliveryTimeout   = 0x02 // in draft 16 DELIVERY_TIMEOUT
	paramAuthorizationToken      = 0x03
	paramRendezvousTimeout       = 0x04
	paramSubgroupDeliveryTimeout = 0x06
	paramExpires                 = 0x08
	paramLargestObject           = 0x09
	paramFillTimeout             = 0x0A
	paramForward                 = 0x10
	paramSubscriberPriority      = 0x20
	paramFilter                  = 0x21 // SUBSCRIPTION_FILTER, later LOCATION_FILTER
	paramGroupOrder              = 0x22
	paramFill                    = 0x23
	paramNewGroupRequest         = 0x32
	paramTrackNamespacePrefix    = 0x34
	paramIncludeProperties       = 0x35
)

// places are the parameters that a draft has, with the places it allows them in.
type places map[uint64]scope

// places16 is moqt-16 §9.2.2. EXPIRES may be in every answer about a subscription:
// §9.2.2.6 leaves REQUEST_OK open, and §9.19 wants in the answer to TRACK_STATUS
// what a SUBSCRIBE_OK would have had.
var places16 = places{
	paramObjectDeliveryTimeout: inDelivery | inAnyUpdate,
	paramAuthorizationToken:    inRequest,
	paramExpires:               inSubscribeOK | inPublish | inPublishOK | inUpdateOK | inTrackStatusOK,
	paramLargestObject:         inSubscribeOK | inPublish | inUpdateOK | inTrackStatusOK,
	paramForward:               inDelivery | inPublish | inSubscribeNamespace | inSubscriptionUpdate,
	paramSubscriberPriority:    inDelivery | inFetch | inSubscriptionUpdate | inFetchUpdate,
	paramFilter:                inDelivery | inSubscriptionUpdate,
	paramGroupOrder:            inDelivery | inFetch,
	paramNewGroupRequest:       inDelivery | inSubscriptionUpdate,
}

// places18 is moqt-18 §10.2. Where it allows a REQUEST_UPDATE without saying of
// what, every kind is allowed. EXPIRES may be in the answer to TRACK_STATUS as
// §10.14 wants what a SUBSCRIBE_OK would have had.
var places18 = places{
	paramObjectDeliveryTimeout:   inDelivery | inAnyUpdate,
	paramAuthorizationToken:      inRequest,
	paramRendezvousTimeout:       inSubscribe,
	paramSubgroupDeliveryTimeout: inDelivery | inAnyUpdate,
	paramExpires:                 inSubscribeOK | inPublish | inPublishOK | inUpdateOK | inTrackStatusOK,
	paramLargestObject:           inSubscribeOK | inPublish | inUpdateOK | inTrackStatusOK,
	paramFillTimeout:             inFetch,
	paramForward:                 inDelivery | inPublish | inSubscribeTracks | inSubscriptionUpdate,
	paramSubscriberPriority:      inDelivery | inFetch | inSubscriptionUpdate | inFetchUpdate,
	paramFilter:                  inDelivery | inSubscriptionUpdate,
	paramGroupOrder:              inDelivery | inFetch,
	paramNewGroupRequest:         inDelivery | inSubscriptionUpdate,
	paramTrackNamespacePrefix:    inPrefixUpdate,
}

// places19 is moqt-19 §10.2 and §10.19.1. A PUBLISH tells the group order that a
// SUBSCRIBE_TRACKS asked for.
var places19 = places{
	paramObjectDeliveryTimeout:   inInitial | inPublishOK | inAnyUpdate,
	paramAuthorizationToken:      inRequest,
	paramRendezvousTimeout:       inInitial,
	paramSubgroupDeliveryTimeout: inInitial | inPublishOK | inAnyUpdate,
	paramExpires:                 inSubscribeOK | inPublish | inAnyOK,
	paramLargestObject:           inSubscribeOK | inPublish | inUpdateOK | inTrackStatusOK,
	paramFillTimeout:             inFetch,
	paramForward:                 inInitial | inPublishOK | inPublish | inSubscriptionUpdate,
	paramSubscriberPriority:      inInitial | inPublishOK | inFetch | inSubscriptionUpdate | inFetchUpdate,
	paramFilter:                  inInitial | inPublishOK | inSubscriptionUpdate,
	paramGroupOrder:              inInitial | inPublish | inFetch,
	uint64(RangeSubgroup):        inInitial | inPublishOK | inFetch | inSubscriptionUpdate,
	uint64(RangeObjectID):        inInitial | inPublishOK | inFetch | inSubscriptionUpdate,
	uint64(RangePriority):        inInitial | inPublishOK | inFetch | inSubscriptionUpdate,
	uint64(RangeObjectProperty):  inInitial | inPublishOK | inFetch | inSubscriptionUpdate,
	uint64(RangeTrackProperty):   inSubscribeTracks | inTracksUpdate,
	paramNewGroupRequest:         inInitial | inPublishOK | inSubscriptionUpdate,
	paramTrackNamespacePrefix:    inPrefixUpdate,
}

// places20 is §10.2 and §10.20.1 of the working copy that became draft 20, with
// FILL_PARAMETERS; the published wording was not at hand. PUBLISH_OK has nothing
// but EXPIRES, PUBLISH what a SUBSCRIBE_TRACKS asked for. Range filters inside
// FILL_PARAMETERS are from other implementations of 21 and 22.
var places20 = places{
	paramObjectDeliveryTimeout:   inInitial | inPublish | inAnyUpdate,
	paramAuthorizationToken:      inRequest,
	paramRendezvousTimeout:       inInitial,
	paramSubgroupDeliveryTimeout: inInitial | inPublish | inAnyUpdate,
	paramExpires:                 inSubscribeOK | inPublish | inAnyOK,
	paramLargestObject:           inSubscribeOK | inPublish | inUpdateOK | inTrackStatusOK | inStateNotify,
	paramFillTimeout:             inFetch | inFill,
	paramForward:                 inInitial | inPublish | inSubscriptionUpdate | inTracksUpdate | inStateNotify,
	paramSubscriberPriority:      inInitial | inPublish | inFetch | inSubscriptionUpdate | inFetchUpdate | inFill,
	paramFilter:                  inInitial | inPublish | inFetch | inSubscriptionUpdate | inStateNotify | inFill,
	paramGroupOrder:              inInitial | inPublish | inFetch | inFill,
	paramFill:                    inSubscribe | inSubscriptionUpdate,
	uint64(RangeSubgroup):        inInitial | inFetch | inSubscriptionUpdate | inFill,
	uint64(RangeObjectID):        inInitial | inFetch | inSubscriptionUpdate | inFill,
	uint64(RangePriority):        inInitial | inFetch | inSubscriptionUpdate | inFill,
	uint64(RangeObjectProperty):  inInitial | inFetch | inSubscriptionUpdate | inFill,
	uint64(RangeTrackProperty):   inSubscribeTracks | inTracksUpdate,
	paramNewGroupRequest:         inInitial | inSubscriptionUpdate,
	paramTrackNamespacePrefix:    inPrefixUpdate,
	paramIncludeProperties:       inInitial | inTrackStatus | inFetch,
}

// advice are the parameters that an encoder leaves out where its draft has no
// place for them and another one does: their loss changes when or in which order
// something comes, not what.
var advice = advisory(paramObjectDeliveryTimeout, paramRendezvousTimeout, paramSubgroupDeliveryTimeout, paramExpires,
	paramFillTimeout, paramForward, paramSubscriberPriority, paramGroupOrder, paramIncludeProperties)

func advisory(types ...uint64) places {
	all := places{}
	for _, p := range []places{places16, places18, places19, places20} {
		for _, t := range types {
			all[t] |= p[t]
		}
	}
	return all
}
