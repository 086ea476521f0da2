package wire

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// MaxVarintLen is the size in bytes of the longest vi64.
const MaxVarintLen = 9

// MaxInteger returns the largest integer that draft v can express: Groups, subgroups
// and Objects with a larger ID cannot be sent in it, and none are received.
func (v Version) MaxInteger() uint64 { return v.draft().maxInteger() }

func (d *draft) maxInteger() uint64 {
	if d.quicIntegers {
		return MaxQUICVarint
	}
	return math.MaxUint64
}

// FramingClass tells drafts with equal bytes apart from others: what
// AppendSubgroupObject makes of an Object is the same for all drafts of a class. It
// is 0 for draft 16 and 1 for those with vi64.
func (v Version) FramingClass() uint8 {
	if v.draft().quicIntegers {
		return 0
	}
	return 1
}

// VarintLen returns the number of bytes, 1 to 9, of the shortest vi64 of v.
func VarintLen(v uint64) int {
	if v < 1<<7 {
		return 1
	}
	if v >= 1<<56 {
		return MaxVarintLen
	}
	return (bits.Len64(v) + 6) / 7
}

// AppendVarint appends the shortest vi64 of v (moqt-18 §1.4.1): as many leading
// one bits as bytes follow the first, then the value in network byte order.
func AppendVarint(b []byte, v uint64) []byte {
	n := VarintLen(v)
	if n == 1 {
		return append(b, byte(v))
	}
	if n == MaxVarintLen {
		return binary.BigEndian.AppendUint64(append(b, 0xff), v)
	}
	// The length prefix sits above the 7*n value bits of the first byte.
	prefix := ^uint64(0) << (9 - n) & 0xff
	v |= prefix << (8 * (n - 1))
	for shift := 8 * (n - 1); shift >= 0; shift -= 8 {
		b = append(b, byte(v>>shift))
	}
	return b
}

// ParseVarint reads a vi64 from the front of b and the number of bytes it took.
// Longer encodings than necessary are accepted, as moqt-18 §1.4.1 demands.
// n is 0 if b ends before the integer does.
func ParseVarint(b []byte) (v uint64, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	first := b[0]
	if first < 0x80 {
		return uint64(first), 1
	}
	n = bits.LeadingZeros8(^first) + 1
	if len(b) < n {
		return 0, 0
	}
	if n == MaxVarintLen {
		return binary.BigEndian.Uint64(b[1:]), n
	}
	v = uint64(first) & (0x7f >> (n - 1))
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	return v, n
}
