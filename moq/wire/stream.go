package wire

import "slices"

// StreamType is the first integer of a unidirectional stream (moqt-18 §3.4).
type StreamType uint64

// Unidirectional stream types; those of subgroups are many, see IsSubgroup. Draft
// 16 has those of data streams alone (moqt-16 §10).
const (
	StreamFetch   StreamType = 0x05
	StreamSetup   StreamType = 0x2F00
	StreamPadding StreamType = 0x132B3E28
)

// Bits of a SUBGROUP_HEADER type (moqt-18 §11.4.2).
const (
	subgroupProperties      StreamType = 0x01
	subgroupModeMask        StreamType = 0x06
	subgroupModeShift                  = 1
	subgroupEndOfGroup      StreamType = 0x08
	subgroupMarker          StreamType = 0x10 // set in all of them
	subgroupDefaultPriority StreamType = 0x20
	subgroupFirstObject     StreamType = 0x40
)

// IsSubgroup reports whether a stream of this type carries a subgroup.
func (t StreamType) IsSubgroup() bool {
	return t < 0x80 && t&subgroupMarker != 0 && t&subgroupModeMask != subgroupModeMask
}

func (t StreamType) known(d *draft) bool {
	if t.IsSubgroup() {
		return t&^d.subgroupBits == 0
	}
	return slices.Contains(d.streams, t)
}

// hasPadding reports whether there are streams and datagrams to be discarded.
func (d *draft) hasPadding() bool { return slices.Contains(d.streams, StreamPadding) }

// ParseStreamType reads the type at the start of a unidirectional stream and the
// number of bytes it took. Errors are [ErrShort], or an [*Error] for a type that
// does not exist (moqt-18 §3.4). The headers are parsed from the type on.
func ParseStreamType(v Version, b []byte) (t StreamType, n int, err error) {
	d := decoder{draft: v.draft(), b: b}
	t = d.streamType()
	if d.err != nil {
		return 0, 0, d.err
	}
	return t, len(b) - len(d.b), nil
}

func (d *decoder) streamType() StreamType {
	t := StreamType(d.varint())
	if d.err == nil && !t.known(d.draft) {
		d.fail(violation("unknown stream type %#x", uint64(t)))
	}
	return t
}

// appended returns what was encoded after b, or b as it was if something cannot be
// expressed in the draft. Headers of the data plane have no other error.
func (e *encoder) appended(b []byte) []byte {
	if e.err != nil {
		return b
	}
	return e.b
}
