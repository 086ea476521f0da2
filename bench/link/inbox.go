package link

import "net"

// message is what a socket hands out at once: a packet, or several packets of one
// sender that the system did not take apart (UDP_GRO of udp(7)), which have one size
// but for the last, which may be shorter.
type message struct {
	buf     []byte
	size    int // of all of it; more than maxDatagram if a packet was cut off
	segment int // the size of its packets; 0: it is one
	from    address
	control []byte // what else the system says of it
}

// cut returns the packet that begins at an offset, and the offset of the next one.
// One that is not below size says that there is none. An empty message is a packet.
func (m *message) cut(at int) (packet []byte, next int) {
	next = m.size
	if m.segment > 0 {
		next = min(at+m.segment, m.size)
	}
	return m.buf[at:next], next
}

// reader waits for messages and reads as many as there are, but not more than it has
// buffers for. They are the caller's until it reads again.
type reader interface {
	read() ([]message, error)
}

// newBuffer holds a packet, and shows one that is too large by one byte more.
func newBuffer() []byte { return make([]byte, maxDatagram+1) }

// single reads one packet at a time, from whatever there is.
type single struct {
	net.PacketConn
	messages [1]message
}

func newSingle(c net.PacketConn) *single {
	return &single{c, [1]message{{buf: newBuffer()}}}
}

func (s *single) read() ([]message, error) {
	m := &s.messages[0]
	var err error
	m.size, m.from.other, err = s.ReadFrom(m.buf)
	return s.messages[:], err
}
