package link

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"
)

// many reads a batch by one system call, recvmmsg(2), and allocates nothing.
type many struct {
	raw     syscall.RawConn
	headers [batch]mmsghdr
	parts   [batch]syscall.Iovec
	names   [batch]syscall.RawSockaddrInet6 // an address of IPv4 fits as well
	attempt func(fd uintptr) bool           // once made, so that it is not made for each call
	limit   int
	got     int
	errno   syscall.Errno
}

// mmsghdr is the struct of that name.
type mmsghdr struct {
	syscall.Msghdr
	size uint32 // of the packet; the compiler pads as that of C does
}

func newReader(c *net.UDPConn) (reader, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	m := &many{raw: raw}
	m.attempt = m.try
	return m, nil
}

func (m *many) read(in *inbox) (int, error) {
	m.limit = min(batch, len(in.packets))
	for i := range m.limit {
		m.parts[i].Base = &in.packets[i].buf[0]
		m.parts[i].SetLen(len(in.packets[i].buf))
		h := &m.headers[i]
		h.Name = (*byte)(unsafe.Pointer(&m.names[i]))
		h.Namelen = uint32(unsafe.Sizeof(m.names[i]))
		h.Iov, h.Iovlen = &m.parts[i], 1
	}
	if err := m.raw.Read(m.attempt); err != nil {
		return 0, err
	}
	if m.errno != 0 {
		return 0, m.errno
	}
	for i := range m.got {
		in.packets[i].size = int(m.headers[i].size)
		in.packets[i].from.udp = sender(&m.names[i])
	}
	return m.got, nil
}

// try reads what is there; false: nothing, call again when there is.
func (m *many) try(fd uintptr) bool {
	for {
		n, _, errno := syscall.Syscall6(syscall.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&m.headers[0])), uintptr(m.limit), syscall.MSG_DONTWAIT, 0, 0)
		switch m.got, m.errno = int(n), errno; errno {
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			return true
		}
	}
}

// sender converts an address as the kernel writes it.
func sender(name *syscall.RawSockaddrInet6) netip.AddrPort {
	if name.Family == syscall.AF_INET {
		v4 := (*syscall.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), networkOrder(&v4.Port))
	}
	ip := netip.AddrFrom16(name.Addr)
	if name.Scope_id != 0 {
		ip = ip.WithZone(strconv.Itoa(int(name.Scope_id)))
	}
	return netip.AddrPortFrom(ip, networkOrder(&name.Port))
}

func networkOrder(port *uint16) uint16 {
	return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(port))[:])
}
