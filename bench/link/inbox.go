package link

import "net"

// inbox is what was read from a socket at once.
type inbox struct {
	packets []arrived
}

// arrived is a packet in an inbox. The buffer is the receiver's to swap for another.
type arrived struct {
	buf  []byte // all of it
	size int    // of the packet; more than fits if it was cut off
	from address
}

// batch is how many packets are read by one system call. A frame of 3 Mbit/s has ten.
const batch = 16

func newInbox(packets int) *inbox {
	in := &inbox{packets: make([]arrived, packets)}
	for i := range in.packets {
		in.packets[i].buf = newBuffer()
	}
	return in
}

// newBuffer holds a packet, and shows one that is too large by one byte more.
func newBuffer() []byte { return make([]byte, maxDatagram+1) }

// reader waits for packets and reads as many as there are, but not more than the inbox
// holds.
type reader interface {
	read(in *inbox) (packets int, err error)
}

// single reads one packet at a time, from whatever there is.
type single struct{ net.PacketConn }

func (s single) read(in *inbox) (int, error) {
	p := &in.packets[0]
	var err error
	p.size, p.from.other, err = s.ReadFrom(p.buf)
	return 1, err
}
