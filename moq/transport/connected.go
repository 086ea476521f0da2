package transport

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
)

// connected is a UDP socket that is connected to one server: the system tells
// it when nobody listens there any more (ICMP port unreachable), and quic-go
// ends the connection by that. A server process that was killed is noticed with
// the first packet that it does not take, not by the idle timeout. An
// unconnected socket is told nothing.
//
// The system tells so before it hands out what has arrived, which may say why
// the server closed the connection before it was gone. So a server that was heard
// of is believed to be gone when all that is queued was read, and quic-go has had
// its turns to act on that.
type connected struct {
	*net.UDPConn
	packets BatchReader
	heard   atomic.Bool // a packet came
	doubted atomic.Bool // refused is set

	mu      sync.Mutex // guards what follows, and the read deadline
	refused error      // a packet was, since the last one came
	turns   int        // how often nothing was queued since then
	theirs  bool       // quic-go has set the deadline, to end reading
}

// A turn is a moment in which nothing came from a server that refused a packet.
// Turns are counted, not time: while this process does not run, neither does what
// acts on the packets that were read.
const (
	turn     = 10 * time.Millisecond
	maxTurns = 5
)

// BatchReader reads packets from a socket. It returns how many of the messages it
// filled, as ipv4.PacketConn does.
type BatchReader interface {
	// ReadBatch fills messages as ipv4.PacketConn.ReadBatch does, and returns how many.
	ReadBatch(ms []ipv4.Message, flags int) (int, error)
}

// dialSocket opens a UDP socket for packets to and from one address. batches: see
// DialConfig.
func dialSocket(to *net.UDPAddr, batches func(*net.UDPConn) BatchReader) (net.PacketConn, error) {
	udp, err := net.DialUDP("udp", nil, to)
	if err != nil {
		return nil, err
	}
	c := &connected{UDPConn: udp}
	if batches != nil {
		c.packets = batches(udp)
	}
	if c.packets == nil {
		c.packets = ipv4.NewPacketConn(udp)
	}
	return c, nil
}

// ReadBatch is what quic-go reads by.
func (c *connected) ReadBatch(ms []ipv4.Message, flags int) (int, error) {
	for {
		n, err := c.packets.ReadBatch(ms, flags)
		switch {
		case err == nil:
			c.heard.Store(true)
			if c.doubted.Load() {
				c.trust()
			}
			return n, nil
		case c.doubted.Load() && errors.Is(err, os.ErrDeadlineExceeded):
			if over := c.passed(); over != nil {
				return 0, over
			}
		case !c.doubts(err):
			return n, err
		}
	}
}

// doubts takes in an error; false means that it is none to wait for.
func (c *connected) doubts(err error) bool {
	if !c.heard.Load() || !errors.Is(err, syscall.ECONNREFUSED) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused == nil {
		c.refused, c.turns = err, 0
		c.doubted.Store(true)
		c.bound(time.Now().Add(turn))
	}
	return true
}

// passed notes a turn in which nothing was read, and returns why nothing will be.
func (c *connected) passed() error {
	c.mu.Lock()
	if c.theirs {
		c.mu.Unlock()
		return os.ErrDeadlineExceeded
	}
	c.bound(time.Time{}) // who is late finds no packet, whatever is queued
	c.mu.Unlock()
	if queued(c.UDPConn) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turns++; c.turns >= maxTurns {
		return c.refused
	}
	c.bound(time.Now().Add(turn))
	return nil
}

// trust ends the doubts.
func (c *connected) trust() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused = nil
	c.doubted.Store(false)
	c.bound(time.Time{})
}

// bound sets the read deadline unless quic-go has. The caller holds mu.
func (c *connected) bound(t time.Time) {
	if !c.theirs {
		_ = c.UDPConn.SetReadDeadline(t) // a socket that is closed is not read
	}
}

// SetReadDeadline implements net.PacketConn.
func (c *connected) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.theirs = !t.IsZero()
	return c.UDPConn.SetReadDeadline(t)
}

// WriteTo implements net.PacketConn; there is one address to write to.
func (c *connected) WriteTo(b []byte, _ net.Addr) (int, error) {
	n, err := c.Write(b)
	if c.doubts(err) { // the packet is lost
		return len(b), nil
	}
	return n, err
}

// WriteMsgUDP implements quic.OOBCapablePacketConn.
func (c *connected) WriteMsgUDP(b, oob []byte, _ *net.UDPAddr) (n, oobn int, err error) {
	n, oobn, err = c.UDPConn.WriteMsgUDP(b, oob, nil)
	if c.doubts(err) {
		return len(b), len(oob), nil
	}
	return n, oobn, err
}
