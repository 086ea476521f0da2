package rtc

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"

	"moqedge/bench/link"
	"moqedge/bench/sfu"
)

// line is the network of one peer, for pion: its UDP sockets have large buffers and
// are at the end of an emulated link, if there is one.
type line struct {
	*stdnet.Net
	link *link.Emulator // or nil
}

func newLine(e *link.Emulator) (*line, error) {
	n, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("rtc: network: %w", err)
	}
	return &line{n, e}, nil
}

// ListenUDP opens a socket at the end of the link.
func (l *line) ListenUDP(network string, at *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := net.ListenUDP(network, at)
	if err != nil {
		return nil, err
	}
	sfu.EnlargeBuffers(conn)
	if l.link == nil || l.link.Link().Clean() {
		if socket, ok := link.Coalesce(conn); ok {
			return socket, nil
		}
		return conn, nil
	}
	return &lineConn{UDPConn: conn, emulated: l.link.Packets(conn).(emulated)}, nil
}

// emulated is what a socket behind a link does.
type emulated interface {
	net.PacketConn
	ice.AddrPortReaderWriter
}

// lineConn is such a socket as pion wants it. Everything that ice uses goes through
// the link; the embedded socket is there for what it never calls.
type lineConn struct {
	*net.UDPConn
	emulated emulated
}

func (c *lineConn) ReadFrom(b []byte) (int, net.Addr, error) { return c.emulated.ReadFrom(b) }

func (c *lineConn) WriteTo(b []byte, to net.Addr) (int, error) { return c.emulated.WriteTo(b, to) }

func (c *lineConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	return c.emulated.ReadFromAddrPort(b)
}

func (c *lineConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return c.emulated.WriteToAddrPort(b, to)
}

func (c *lineConn) Close() error { return c.emulated.Close() }

func (c *lineConn) SetDeadline(t time.Time) error { return c.emulated.SetDeadline(t) }

func (c *lineConn) SetReadDeadline(t time.Time) error { return c.emulated.SetReadDeadline(t) }

func (c *lineConn) SetWriteDeadline(t time.Time) error { return c.emulated.SetWriteDeadline(t) }
