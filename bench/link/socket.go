package link

import (
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
)

// Socket is a UDP socket of a viewer without a line, which the system hands several
// packets at once if they were sent as one (UDP_SEGMENT and UDP_GRO of udp(7)). It
// hands them on one by one, as they would have come, and waits for nothing besides the
// socket. One goroutine reads at a time, as quic-go and pion do; all else may be called
// by any.
//
// It has what a net.UDPConn has, each way of reading included: what reads the
// descriptor itself would get several packets as one, so quic-go is given ReadBatch.
type Socket struct {
	*net.UDPConn
	from     reader
	messages []message // that were read, from the one that is handed on
	at       int       // the offset of its next packet
	sender   *net.UDPAddr
}

// Coalesce makes a Socket of one that nobody reads; false: the system can not hand out
// several packets at once, and the socket is as it was.
func Coalesce(c *net.UDPConn) (*Socket, bool) {
	r, coalesces, err := newReader(c)
	if err != nil || !coalesces {
		return nil, false
	}
	return &Socket{UDPConn: c, from: r}, true
}

// coalesce is that of whatever socket there is.
func coalesce(c net.PacketConn) net.PacketConn {
	if udp, ok := c.(*net.UDPConn); ok {
		if s, ok := Coalesce(udp); ok {
			return s
		}
	}
	return c
}

// next returns a packet and the message that it is from, which are valid until the
// next one. It waits if none is there.
func (s *Socket) next() ([]byte, *message, error) {
	if len(s.messages) == 0 {
		messages, err := s.from.read()
		if err != nil {
			return nil, nil, err
		}
		s.messages = messages
	}
	m := &s.messages[0]
	packet, at := m.cut(s.at)
	if s.at = at; at >= m.size {
		s.messages, s.at = s.messages[1:], 0
	}
	return packet, m, nil
}

// addr returns a message's sender, mostly without allocation: there is but one.
func (s *Socket) addr(m *message) *net.UDPAddr {
	if s.sender == nil || s.sender.AddrPort() != m.from.udp {
		s.sender = net.UDPAddrFromAddrPort(m.from.udp)
	}
	return s.sender
}

// ReadBatch fills messages with packets, at least one, as ipv4.PacketConn does; quic-go
// looks for it. It waits whatever the flags are.
func (s *Socket) ReadBatch(ms []ipv4.Message, _ int) (n int, err error) {
	for n < len(ms) && (n == 0 || len(s.messages) > 0) {
		packet, m, err := s.next()
		if err != nil {
			return 0, err
		}
		to := &ms[n]
		to.N = 0
		for _, b := range to.Buffers {
			to.N += copy(b, packet[to.N:])
		}
		to.NN, to.Flags, to.Addr = copy(to.OOB, m.control), 0, s.addr(m)
		n++
	}
	return n, nil
}

// Read implements net.Conn.
func (s *Socket) Read(b []byte) (int, error) {
	packet, _, err := s.next()
	return copy(b, packet), err
}

// ReadFrom implements net.PacketConn.
func (s *Socket) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := s.ReadFromUDP(b)
	if err != nil {
		return 0, nil, err
	}
	return n, from, nil
}

// ReadFromUDP is that of net.UDPConn. The address is not to be changed.
func (s *Socket) ReadFromUDP(b []byte) (int, *net.UDPAddr, error) {
	packet, m, err := s.next()
	if err != nil {
		return 0, nil, err
	}
	return copy(b, packet), s.addr(m), nil
}

// ReadFromUDPAddrPort is that of net.UDPConn.
func (s *Socket) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	packet, m, err := s.next()
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	return copy(b, packet), m.from.udp, nil
}

// ReadMsgUDP is that of net.UDPConn.
func (s *Socket) ReadMsgUDP(b, oob []byte) (n, oobn, flags int, from *net.UDPAddr, err error) {
	packet, m, err := s.next()
	if err != nil {
		return 0, 0, 0, nil, err
	}
	return copy(b, packet), copy(oob, m.control), 0, s.addr(m), nil
}

// ReadMsgUDPAddrPort is that of net.UDPConn.
func (s *Socket) ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, from netip.AddrPort, err error) {
	packet, m, err := s.next()
	if err != nil {
		return 0, 0, 0, netip.AddrPort{}, err
	}
	return copy(b, packet), copy(oob, m.control), 0, m.from.udp, nil
}

// ReadFromAddrPort is ReadFrom for pion's ICE, which looks for it.
func (s *Socket) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	return s.ReadFromUDPAddrPort(b)
}

// WriteToAddrPort is WriteTo for pion's ICE, which looks for it.
func (s *Socket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return s.WriteToUDPAddrPort(b, to)
}
