//go:build !linux

package link

import "net"

// one reads packets one by one where there is no recvmmsg(2), and allocates nothing.
type one struct {
	*net.UDPConn
	messages [1]message
}

func newReader(c *net.UDPConn) (r reader, coalesced bool, err error) {
	return &one{c, [1]message{{buf: newBuffer()}}}, false, nil
}

func (o *one) read() ([]message, error) {
	m := &o.messages[0]
	var err error
	m.size, m.from.udp, err = o.ReadFromUDPAddrPort(m.buf)
	return o.messages[:], err
}
