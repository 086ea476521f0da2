package loc

import (
	"encoding/binary"
	"errors"
)

// ErrPayload reports a payload whose lengths do not fit.
var ErrPayload = errors.New("loc: invalid NAL unit lengths")

// AppendNALUs appends NAL units with 4-byte length prefixes, the canonical
// format of H.264 (LOC "Length Prefixes in Payload").
func AppendNALUs(b []byte, nalus ...[]byte) []byte {
	for _, n := range nalus {
		b = binary.BigEndian.AppendUint32(b, uint32(len(n)))
		b = append(b, n...)
	}
	return b
}

// SplitNALUs returns the NAL units of a payload with 4-byte length prefixes;
// they alias it.
func SplitNALUs(payload []byte) ([][]byte, error) {
	var nalus [][]byte
	for len(payload) > 0 {
		if len(payload) < 4 {
			return nil, ErrPayload
		}
		n := binary.BigEndian.Uint32(payload)
		if n == 0 || uint64(n) > uint64(len(payload)-4) {
			return nil, ErrPayload
		}
		nalus = append(nalus, payload[4:4+n])
		payload = payload[4+n:]
	}
	return nalus, nil
}
