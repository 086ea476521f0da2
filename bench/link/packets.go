package link

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// maxDatagram is what fits into an IP packet of 1500 bytes, which is what a line
// carries; larger ones are lost, as with the Don't Fragment bit.
const maxDatagram = 1500 - udpHeaders

// socketBuffer is what the kernel is asked to hold while a busy machine does other
// things, so that it loses nothing that the line would not. pion asks for nothing.
const socketBuffer = 1 << 20

// Packets puts a socket at the end of the link. What comes back is used, and closed,
// in its place. A clean link returns a [Socket], or c itself if it can not be one.
//
// Closing returns at once; what was written before is still sent, and then the
// socket is closed. Deadlines are those of the emulated socket. It has neither
// SyscallConn nor batches on purpose: those would go round the link.
func (e *Emulator) Packets(c net.PacketConn) net.PacketConn {
	if e.link.Clean() {
		return coalesce(c)
	}
	p := &packets{
		e: e, socket: c,
		down: newQueue(e.now, e.link.slack()),
		up:   newQueue(e.now, e.link.slack()),
	}
	p.writeBy.Store(never)
	var from reader = newSingle(c)
	if udp, ok := c.(*net.UDPConn); ok {
		_ = udp.SetReadBuffer(socketBuffer) // as much of it as the system grants
		if many, _, err := newReader(udp); err == nil {
			p.udp, from = udp, many
		}
	}
	go p.receive(from)
	go p.send()
	return p
}

// packets is a socket at the end of a link. Its two goroutines end after Close;
// that which reads also when the socket fails.
type packets struct {
	e        *Emulator
	socket   net.PacketConn
	udp      *net.UDPConn // the same, if it is one
	down, up *queue
	writeBy  atomic.Int64 // the write deadline
	failed   atomic.Pointer[error]
	from     atomic.Pointer[net.UDPAddr] // the last one that ReadFrom returned: mostly there is but one
	closing  sync.Once
}

// receive puts what the socket gets on the line as it comes: the server is not
// slowed down by the rate of the line.
func (p *packets) receive(socket reader) {
	for {
		messages, err := socket.read()
		if err != nil {
			p.down.finish(p.e.now(), err)
			return
		}
		now := p.e.now()
		for i := range messages {
			m := &messages[i]
			packet, at := m.cut(0)
			for p.enter(now, packet, m.from); at < m.size; p.enter(now, packet, m.from) {
				packet, at = m.cut(at)
			}
		}
	}
}

// enter has a packet pass the line, also if others came with it.
func (p *packets) enter(now int64, packet []byte, from address) {
	if len(packet) > maxDatagram {
		return
	}
	due, arrives := p.e.down.pass(now, len(packet)+udpHeaders)
	if arrives && !p.down.copy(due, packet, from) {
		p.e.down.overrun(len(packet) + udpHeaders)
	}
}

// send writes what has crossed the line, and closes the socket in the end.
func (p *packets) send() {
	defer p.socket.Close()
	buf := make([]byte, maxDatagram)
	for {
		n, a, err := p.up.take(buf, true)
		if err != nil {
			return
		}
		if p.udp != nil {
			_, err = p.udp.WriteToUDPAddrPort(buf[:n], a.udp)
		} else {
			_, err = p.socket.WriteTo(buf[:n], a.other)
		}
		if err != nil {
			p.failed.Store(&err)
		}
	}
}

// ReadFrom implements net.PacketConn.
func (p *packets) ReadFrom(b []byte) (int, net.Addr, error) {
	n, a, err := p.down.take(b, true)
	if err != nil {
		return 0, nil, err
	}
	if a.other != nil {
		return n, a.other, nil
	}
	from := p.from.Load()
	if from == nil || from.AddrPort() != a.udp {
		from = net.UDPAddrFromAddrPort(a.udp)
		p.from.Store(from)
	}
	return n, from, nil
}

// ReadFromAddrPort is ReadFrom for pion's ICE, which looks for it.
func (p *packets) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, a, err := p.down.take(b, true)
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	if udp, ok := a.other.(*net.UDPAddr); ok {
		a.udp = udp.AddrPort()
	}
	return n, a.udp, nil
}

var errNotUDP = errors.New("a UDP socket sends to UDP addresses")

// WriteTo implements net.PacketConn. It does not block. That the socket cannot
// send is told by a later call, as the packet has the line before it.
func (p *packets) WriteTo(b []byte, to net.Addr) (int, error) {
	a := address{other: to}
	if p.udp != nil {
		udp, ok := to.(*net.UDPAddr)
		if !ok {
			return 0, p.writeError(errNotUDP)
		}
		a = address{udp: udp.AddrPort()}
	}
	return p.write(b, a)
}

// WriteToAddrPort is WriteTo for pion's ICE, which looks for it.
func (p *packets) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	a := address{udp: to}
	if p.udp == nil {
		a = address{other: net.UDPAddrFromAddrPort(to)}
	}
	return p.write(b, a)
}

func (p *packets) write(b []byte, a address) (int, error) {
	now := p.e.now()
	if p.writeBy.Load() <= now {
		return 0, p.writeError(os.ErrDeadlineExceeded)
	}
	if failed := p.failed.Swap(nil); failed != nil {
		return 0, *failed
	}
	if p.up.isFinished() {
		return 0, p.writeError(net.ErrClosed)
	}
	if len(b) > maxDatagram {
		return len(b), nil
	}
	a.udp = netip.AddrPortFrom(a.udp.Addr().Unmap(), a.udp.Port())
	due, arrives := p.e.up.pass(now, len(b)+udpHeaders)
	if arrives && !p.up.copy(due, b, a) {
		p.e.up.overrun(len(b) + udpHeaders)
	}
	return len(b), nil
}

func (p *packets) writeError(err error) error {
	return &net.OpError{Op: "write", Net: "udp", Source: p.LocalAddr(), Err: err}
}

// Close implements net.PacketConn.
func (p *packets) Close() error {
	err := net.ErrClosed
	p.closing.Do(func() {
		err = p.socket.SetReadDeadline(time.Now()) // ends receive
		p.down.abort(net.ErrClosed)
		p.up.finish(p.e.now(), net.ErrClosed) // ends send
	})
	return err
}

// LocalAddr implements net.PacketConn.
func (p *packets) LocalAddr() net.Addr { return p.socket.LocalAddr() }

// SetDeadline implements net.PacketConn.
func (p *packets) SetDeadline(t time.Time) error {
	return errors.Join(p.SetReadDeadline(t), p.SetWriteDeadline(t))
}

// SetReadDeadline implements net.PacketConn.
func (p *packets) SetReadDeadline(t time.Time) error {
	p.down.setDeadline(p.e.deadlineOf(t))
	return nil
}

// SetWriteDeadline implements net.PacketConn.
func (p *packets) SetWriteDeadline(t time.Time) error {
	p.writeBy.Store(p.e.deadlineOf(t))
	return nil
}

// SetReadBuffer sizes the buffer of the socket; quic-go wants to.
func (p *packets) SetReadBuffer(bytes int) error {
	if c, ok := p.socket.(interface{ SetReadBuffer(int) error }); ok {
		return c.SetReadBuffer(bytes)
	}
	return nil
}

// SetWriteBuffer sizes the buffer of the socket; quic-go wants to.
func (p *packets) SetWriteBuffer(bytes int) error {
	if c, ok := p.socket.(interface{ SetWriteBuffer(int) error }); ok {
		return c.SetWriteBuffer(bytes)
	}
	return nil
}
