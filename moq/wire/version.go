package wire

import "strconv"

// Version is the number of an MOQT draft.
type Version uint8

// Draft18 is draft-ietf-moq-transport-18.
const Draft18 Version = 18

// draft is what one draft does differently from another. Everything in this
// package that depends on the version reads it from here; adding a draft is
// adding a row. The zero draft, used for versions we do not speak, knows no
// messages, parameters, stream types or datagram types at all.
type draft struct {
	version Version
	// messages holds how each message is written and read.
	messages map[MessageType]messageCodec
	// parameters are the Message Parameters in ascending order of type.
	parameters []parameter
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
		version:      Draft18,
		messages:     messages18,
		parameters:   parameters18,
		subgroupBits: 0x7F, // FIRST_OBJECT came with draft 18
		datagramBits: 0x2F,
		streams:      []StreamType{StreamFetch, StreamSetup, StreamPadding},
		endOfRange: []uint64{
			FetchItemEndNonExistent: 0x8C,
			FetchItemEndUnknown:     0x10C,
		},
	},
}

var unknownDraft draft

func (v Version) draft() *draft {
	for i := range drafts {
		if drafts[i].version == v {
			return &drafts[i]
		}
	}
	return &unknownDraft
}

const versionPrefix = "moqt-"

// String returns the ALPN and WT-Protocol token, for example "moqt-18"
// (moqt-18 §3.1).
func (v Version) String() string { return versionPrefix + strconv.Itoa(int(v)) }

// ParseVersion returns the version of a token; ok is false if this package does
// not speak it.
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
