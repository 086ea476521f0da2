package link

import (
	"time"
)

// Emulator is one viewer's end of a [Link]: what passes its sockets, and only
// that, shares the line. It has no goroutines of its own; those of the sockets end
// when they are closed. It is safe for concurrent use.
type Emulator struct {
	link  Link
	start time.Time
	down  *path // to the viewer
	up    *path // from it
}

// Emulate makes the end of one viewer. The link has to be valid, see
// [Link.Validate]. The same seed gives the same losses, per direction and number of
// the packet. The clock that Link.Changes refer to is zero at start, which may be
// in the future: until then the link is as it is without changes.
func (l Link) Emulate(seed uint64, start time.Time) *Emulator {
	return &Emulator{
		link: l, start: start,
		down: newPath(l, l.Rate, true, seed),
		up:   newPath(l, l.Up, false, seed),
	}
}

// Link returns what is emulated.
func (e *Emulator) Link() Link { return e.link }

// now is the emulator's clock, in nanoseconds.
func (e *Emulator) now() int64 { return int64(time.Since(e.start)) }

// Counters say what went through an emulator. A clean link counts nothing.
type Counters struct {
	Down Direction `json:"down"` // to the viewer
	Up   Direction `json:"up"`   // from the viewer
}

// Direction is one half of Counters. Bytes are those of IP packets: payload and 28
// bytes for IPv4 and UDP (40 for TCP). Packets = Arrived + Lost + Dropped + Overrun,
// but that a stream's segments that were lost are sent again as part of the same.
type Direction struct {
	Packets      uint64 `json:"packets"` // that entered the line
	Bytes        uint64 `json:"bytes"`
	Arrived      uint64 `json:"arrived"` // of these, at the other end, or on their way there
	ArrivedBytes uint64 `json:"arrived_bytes"`
	Lost         uint64 `json:"lost"`    // by chance, or by an outage
	Dropped      uint64 `json:"dropped"` // by the queue, which was full
	// Overrun counts what arrived while 4096 packets were waiting for the program to read them: it
	// is too slow, and what it measures is of no use.
	Overrun uint64 `json:"overrun"`
}

// Add sums up the counters of several viewers.
func (c *Counters) Add(other Counters) {
	c.Down.add(other.Down)
	c.Up.add(other.Up)
}

func (d *Direction) add(o Direction) {
	d.Packets += o.Packets
	d.Bytes += o.Bytes
	d.Arrived += o.Arrived
	d.ArrivedBytes += o.ArrivedBytes
	d.Lost += o.Lost
	d.Dropped += o.Dropped
	d.Overrun += o.Overrun
}

// Counters returns what has passed so far.
func (e *Emulator) Counters() Counters {
	return Counters{Down: e.down.counters(), Up: e.up.counters()}
}

// headers of IPv4 and UDP, and of IPv4 and TCP, which a line carries as well.
const (
	udpHeaders = 28
	tcpHeaders = 40
)

// slack is how much earlier than due a packet may be handed over. A timer of Go
// ends on a whole millisecond where nothing else wakes the process (epoll), half a
// millisecond late on average, so half a millisecond is taken off; at most 2 % of a
// short delay.
func (l Link) slack() int64 { return int64(min(500*time.Microsecond, l.Delay/50)) }
