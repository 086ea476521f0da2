//go:build unix

package transport

import (
	"errors"
	"net"
	"syscall"
)

// queued reports whether a packet waits to be read, without waiting for one.
func queued(socket *net.UDPConn) (found bool) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Read(func(fd uintptr) bool { // it fails when the socket is closed: nothing is read then
		for {
			_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
			if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EINTR) {
				continue // told once; what is queued comes after it
			}
			found = err == nil
			return true
		}
	})
	return found
}
