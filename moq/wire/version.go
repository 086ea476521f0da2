package wire

import (
	"slices"
	"strconv"
)

// Version is the number of an MOQT draft.
type Version uint8

// Drafts of draft-ietf-moq-transport. 21 only moved sections of 20. The published
// texts of 20, 21 and 22 were not at hand: 20 is written from the working copy of
// 2026-08-21 and the change that introduced FILL_PARAMETERS, 22 from what other
// implementations say about it.
const (
	Draft16 Version = 16
	Draft18 Version = 18
	Draft19 Version = 19
	Draft20 Version = 20
	Draft21 Version = 21
	Draft22 Version = 22
)

// draft is what one draft does differently from another. Everything in this
// package that depends on the version reads it from here; adding a draft is
// adding a row. The zero draft, used for versions we do not speak, knows no
// messages, parameters, stream types or datagram types at all.
type draft struct {
	version  Version
	features features
	// messages holds how each message is written and read, by its number in this
	// draft.
	messages map[MessageType]messageCodec
	// parameters are the Message Parameters in ascending order of type.
	parameters []parameter
	// ignoresMisplaced says that a receiver ignores parameters in messages they do
	// not belong in (moqt-16 §9.2.2).
	ignoresMisplaced bool
	// quicIntegers says that integers have the form of RFC 9000 instead of vi64,
	// those in Key-Value-Pairs too.
	quicIntegers bool
	// namespaceNotEmpty says that a Track Namespace has at least one field (moqt-16
	// §2.4.1); prefixes and suffixes may have none.
	namespaceNotEmpty bool
	// fetchDeltas says that the Group ID and the Object ID of an Object on a fetch
	// stream are differences from the item before it.
	fetchDeltas bool
	// setupNumbers are the Setup Options that are integers.
	setupNumbers []setupNumber
	// How the codes are numbered.
	requestErrors translation[RequestError]
	publishDone   translation[PublishDoneCode]
	resets        translation[ResetCode]
	// unknownStreamCount is UnknownStreamCount on the wire.
	unknownStreamCount uint64
	// subgroupBits are the bits a SUBGROUP_HEADER type may have set.
	subgroupBits StreamType
	// datagramBits are the bits an OBJECT_DATAGRAM type may have set.
	datagramBits uint64
	// streams are the other unidirectional stream types.
	streams []StreamType
	// endOfRange holds the Serialization Flags of the End of Range markers,
	// indexed by FetchItem; 0 where the item is no marker.
	endOfRange []uint64
}

// drafts lists what we speak, preferred first. It never changes.
var drafts = []draft{
	{
		version:            Draft18,
		features:           features18,
		messages:           messages18,
		parameters:         parameters18,
		setupNumbers:       setupNumbers18,
		requestErrors:      requestErrors18,
		unknownStreamCount: unknownStreamCount16,
		fetchDeltas:        true,
		subgroupBits:       0x7F, // FIRST_OBJECT came with draft 18
		datagramBits:       0x2F,
		streams:            []StreamType{StreamFetch, StreamSetup, StreamPadding},
		endOfRange: []uint64{
			FetchItemEndNonExistent: 0x8C,
			FetchItemEndUnknown:     0x10C,
		},
	},
	{
		version:            Draft16,
		features:           features16,
		messages:           messages16,
		parameters:         parameters16,
		ignoresMisplaced:   true,
		setupNumbers:       setupNumbers16,
		requestErrors:      requestErrors16,
		publishDone:        publishDone16,
		resets:             resets16,
		unknownStreamCount: unknownStreamCount16,
		quicIntegers:       true,
		namespaceNotEmpty:  true,
		subgroupBits:       0x3F, // moqt-16 §10.4.2 has no FIRST_OBJECT
		datagramBits:       0x2F,
		streams:            []StreamType{StreamFetch},
		endOfRange: []uint64{
			FetchItemEndNonExistent: 0x8C,
			FetchItemEndUnknown:     0x10C,
		},
	},
	later(Draft22, parameters22),
	later(Draft21, parameters20),
	later(Draft20, parameters20),
	{
		version:            Draft19,
		features:           features19,
		messages:           messages18,
		parameters:         parameters19,
		setupNumbers:       setupNumbers19,
		requestErrors:      requestErrors19,
		unknownStreamCount: unknownStreamCount16,
		fetchDeltas:        true,
		subgroupBits:       0x7F,
		datagramBits:       0x2F,
		streams:            []StreamType{StreamFetch, StreamSetup, StreamPadding},
		endOfRange: []uint64{
			FetchItemEndNonExistent: 0x8C,
			FetchItemEndUnknown:     0x10C,
		},
	},
}

// later is a draft from 20 on: they differ in their parameters alone.
func later(v Version, parameters []parameter) draft {
	return draft{
		version:            v,
		features:           features20,
		messages:           messages20,
		parameters:         parameters,
		setupNumbers:       setupNumbers19,
		requestErrors:      requestErrors20,
		publishDone:        publishDone20,
		unknownStreamCount: UnknownStreamCount,
		fetchDeltas:        true,
		subgroupBits:       0x7F,
		datagramBits:       0x2F,
		streams:            []StreamType{StreamFetch, StreamSetup, StreamPadding},
		endOfRange: []uint64{
			FetchItemEndNonExistent: 0x8C,
			FetchItemEndUnknown:     0x10C,
			FetchItemEndTimedOut:    0x20C,
		},
	}
}

// The drafts with what is private to peers of this kind, in the same order.
var (
	relayDrafts       = extended(drafts, addRelay)
	tracedDrafts      = extended(drafts, addTraceContext)
	tracedRelayDrafts = extended(relayDrafts, addTraceContext) // parameters in ascending order of type
)

// extended is a copy of drafts of which each is changed.
func extended(all []draft, change func(*draft)) []draft {
	all = slices.Clone(all)
	for i := range all {
		change(&all[i])
	}
	return all
}

var unknownDraft draft

func (v Version) draft() *draft {
	all := drafts
	switch v & (betweenRelays | traced) {
	case betweenRelays:
		all = relayDrafts
	case traced:
		all = tracedDrafts
	case betweenRelays | traced:
		all = tracedRelayDrafts
	}
	v &^= betweenRelays | traced
	for i := range all {
		if all[i].version == v {
			return &all[i]
		}
	}
	return &unknownDraft
}

const versionPrefix = "moqt-"

// String returns the ALPN and WT-Protocol token, for example "moqt-18"
// (moqt-18 §3.1).
func (v Version) String() string { return versionPrefix + strconv.Itoa(int(v)) }

// ParseVersion returns the version of a token; ok is false if it is not one of
// Versions.
func ParseVersion(token string) (v Version, ok bool) {
	for _, d := range drafts {
		if token == d.version.String() {
			return d.version, true
		}
	}
	return 0, false
}

// Versions returns what this package speaks, preferred first.
func Versions() []Version {
	vs := make([]Version, len(drafts))
	for i, d := range drafts {
		vs[i] = d.version
	}
	return vs
}
