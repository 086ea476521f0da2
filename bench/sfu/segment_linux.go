package sfu

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// canSegment says whether the system splits messages into packets.
const canSegment = true

// appendSegmentSize appends the control message UDP_SEGMENT (udp(7)): the kernel
// is to split the message into packets of size bytes.
func appendSegmentSize(oob []byte, size int) []byte {
	start := len(oob)
	oob = append(oob, make([]byte, unix.CmsgSpace(2))...)
	h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[start]))
	h.Level = unix.IPPROTO_UDP
	h.Type = unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(oob[start+unix.CmsgLen(0):], uint16(size))
	return oob
}
