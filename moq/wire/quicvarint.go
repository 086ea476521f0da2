package wire

import "encoding/binary"

// Draft 16 writes integers as QUIC does (RFC 9000 §16): the two highest bits of
// the first byte say that 1, 2, 4 or 8 bytes are used, 62 bits are the value.

// MaxQUICVarint is the largest integer of RFC 9000.
const MaxQUICVarint = 1<<62 - 1

// AppendQUICVarint appends the shortest form of v. It appends nothing if v is
// larger than MaxQUICVarint: there is no form of it.
func AppendQUICVarint(b []byte, v uint64) []byte {
	switch {
	case v < 1<<6:
		return append(b, byte(v))
	case v < 1<<14:
		return binary.BigEndian.AppendUint16(b, uint16(v)|1<<14)
	case v < 1<<30:
		return binary.BigEndian.AppendUint32(b, uint32(v)|2<<30)
	case v <= MaxQUICVarint:
		return binary.BigEndian.AppendUint64(b, v|3<<62)
	}
	return b
}

// ParseQUICVarint reads an integer from the front of b and the number of bytes it
// took. Longer forms than necessary are accepted. n is 0 if b ends before the
// integer does.
func ParseQUICVarint(b []byte) (v uint64, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	n = 1 << (b[0] >> 6)
	if len(b) < n {
		return 0, 0
	}
	switch n {
	case 1:
		return uint64(b[0]), 1
	case 2:
		return uint64(binary.BigEndian.Uint16(b)) & (1<<14 - 1), 2
	case 4:
		return uint64(binary.BigEndian.Uint32(b)) & (1<<30 - 1), 4
	}
	return binary.BigEndian.Uint64(b) & MaxQUICVarint, 8
}
