package sfu

import (
	"net"

	"golang.org/x/sys/unix"
)

// bufferSize holds what a process that is not given the processor for a while gets,
// and what all viewers are sent of one key frame. QUIC stacks ask for as much.
const bufferSize = 7 << 20

// EnlargeBuffers gives a socket the buffers that QUIC gets, too: more than the
// system's limit if the process is allowed to. What it does not get is lost as
// packets are.
func EnlargeBuffers(c *net.UDPConn) {
	_ = c.SetReadBuffer(bufferSize)
	_ = c.SetWriteBuffer(bufferSize)
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bufferSize)
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, bufferSize)
	})
}
