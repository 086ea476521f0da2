//go:build !unix

package transport

import "net"

// queued is not known: sockets of other systems tell of a closed port after what
// is queued, if at all.
func queued(*net.UDPConn) bool { return false }
