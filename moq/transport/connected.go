package transport

import "net"

// connected is a UDP socket that is connected to one server: the system tells
// it when nobody listens there any more (ICMP port unreachable), and quic-go
// ends the connection by that. A server process that was killed is noticed with
// the first packet that it does not take, not by the idle timeout. An
// unconnected socket is told nothing.
type connected struct{ *net.UDPConn }

// dialSocket opens a UDP socket for packets to and from one address.
func dialSocket(to *net.UDPAddr) (net.PacketConn, error) {
	udp, err := net.DialUDP("udp", nil, to)
	if err != nil {
		return nil, err
	}
	return connected{udp}, nil
}

// WriteTo implements net.PacketConn; there is one address to write to.
func (c connected) WriteTo(b []byte, _ net.Addr) (int, error) { return c.Write(b) }

// WriteMsgUDP implements quic.OOBCapablePacketConn.
func (c connected) WriteMsgUDP(b, oob []byte, _ *net.UDPAddr) (n, oobn int, err error) {
	return c.UDPConn.WriteMsgUDP(b, oob, nil)
}
