package bare

import (
	"net"

	"golang.org/x/sys/unix"
)

// segment has the kernel split messages into packets of a size (udp(7)).
func segment(c *net.UDPConn, size int) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT, size) }); err != nil {
		return err
	}
	return failed
}
