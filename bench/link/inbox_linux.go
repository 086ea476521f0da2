package link

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batch is how many messages are read by one system call.
const batch = 8

const (
	maxMessage  = 1 << 16 // no message is larger, however many packets it has
	controlSize = 128     // of control messages; quic-go has as much
)

// many reads a batch by one system call, recvmmsg(2), and allocates nothing.
type many struct {
	raw      syscall.RawConn
	headers  [batch]mmsghdr
	parts    [batch]syscall.Iovec
	names    [batch]syscall.RawSockaddrInet6 // an address of IPv4 fits as well
	controls [batch][controlSize]byte
	messages [batch]message
	attempt  func(fd uintptr) bool // once made, so that it is not made for each call
	got      int
	errno    syscall.Errno
}

// mmsghdr is the struct of that name.
type mmsghdr struct {
	syscall.Msghdr
	size uint32 // of the message; the compiler pads as that of C does
}

// newReader asks the system not to take apart what was sent as one (UDP_GRO), and says
// whether it will. Who reads the socket in another way gets several packets as one then.
func newReader(c *net.UDPConn) (r reader, coalesces bool, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, false, err
	}
	if err := raw.Control(func(fd uintptr) {
		coalesces = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_GRO, 1) == nil
	}); err != nil {
		return nil, false, err
	}
	size := maxDatagram + 1
	if coalesces {
		size = maxMessage
	}
	m := &many{raw: raw, got: batch}
	m.attempt = m.try
	for i := range batch {
		m.messages[i].buf = make([]byte, size) // memory is used as far as packets fill it
		m.parts[i].Base = &m.messages[i].buf[0]
		m.parts[i].SetLen(size)
		h := &m.headers[i]
		h.Name, h.Control = (*byte)(unsafe.Pointer(&m.names[i])), &m.controls[i][0]
		h.Iov, h.Iovlen = &m.parts[i], 1
	}
	return m, coalesces, nil
}

func (m *many) read() ([]message, error) {
	for i := range m.got { // which the system wrote to
		m.headers[i].Namelen = uint32(unsafe.Sizeof(m.names[i]))
		m.headers[i].SetControllen(controlSize)
	}
	m.got = 0
	if err := m.raw.Read(m.attempt); err != nil {
		return nil, err
	}
	if m.errno != 0 {
		return nil, os.NewSyscallError("recvmmsg", m.errno)
	}
	for i := range m.got {
		in, h := &m.messages[i], &m.headers[i]
		in.size = int(h.size)
		in.from.udp = sender(&m.names[i])
		in.control = m.controls[i][:h.Controllen]
		in.segment = segmentOf(in.control)
	}
	return m.messages[:m.got], nil
}

// segmentOf finds the control message UDP_GRO and returns the size of packets that it
// tells; 0: there is none.
func segmentOf(control []byte) int {
	for len(control) >= unix.CmsgLen(0) {
		h, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			return 0
		}
		if h.Level == unix.IPPROTO_UDP && h.Type == unix.UDP_GRO && len(data) >= 4 {
			return max(0, int(int32(binary.NativeEndian.Uint32(data))))
		}
		control = rest
	}
	return 0
}

// try reads what is there; false: nothing, call again when there is.
func (m *many) try(fd uintptr) bool {
	for {
		n, _, errno := syscall.Syscall6(syscall.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&m.headers[0])), batch, syscall.MSG_DONTWAIT, 0, 0)
		switch m.got, m.errno = max(0, int(n)), errno; errno {
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
