//go:build unix

package srt

import "syscall"

// enlargeReceiveBuffer asks for room for a large key frame in one burst; the
// system grants what it allows. Without it SRT has to send the rest again.
func enlargeReceiveBuffer(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<20)
	})
}
