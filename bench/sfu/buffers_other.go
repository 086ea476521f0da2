//go:build !linux

package sfu

import "net"

const bufferSize = 7 << 20

// EnlargeBuffers gives a socket the buffers that QUIC gets, too, as far as the
// system's limit goes.
func EnlargeBuffers(c *net.UDPConn) {
	_ = c.SetReadBuffer(bufferSize)
	_ = c.SetWriteBuffer(bufferSize)
}
