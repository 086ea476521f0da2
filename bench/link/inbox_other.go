//go:build !linux

package link

import "net"

// one reads packets one by one where there is no recvmmsg(2), and allocates nothing.
type one struct{ *net.UDPConn }

func newReader(c *net.UDPConn) (reader, error) { return one{c}, nil }

func (o one) read(in *inbox) (int, error) {
	p := &in.packets[0]
	var err error
	p.size, p.from.udp, err = o.ReadFromUDPAddrPort(p.buf)
	return 1, err
}
