package link

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
)

// Tunnel puts a browser's TCP connections behind the link, as [Proxy] does with UDP:
// it connects to Addr instead of the server. It is connected at once, but what it sends
// waits for the handshake that [Emulator.Dial] makes, so that the answer comes as late as
// over the link. Close ends the goroutines: one, and four per connection.
type Tunnel struct {
	e      *Emulator
	server string
	front  net.Listener
	ctx    context.Context // done when closed
	cancel context.CancelFunc
	tasks  sync.WaitGroup
}

// Tunnel opens a TCP port of 127.0.0.1 that leads to the server.
func (e *Emulator) Tunnel(server netip.AddrPort) (*Tunnel, error) {
	front, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the port of a link: %w", err)
	}
	t := &Tunnel{e: e, server: server.String(), front: front}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.tasks.Go(t.accept)
	return t, nil
}

// Addr is what clients connect to.
func (t *Tunnel) Addr() netip.AddrPort { return t.front.Addr().(*net.TCPAddr).AddrPort() }

func (t *Tunnel) accept() {
	for {
		near, err := t.front.Accept()
		if err != nil {
			return
		}
		t.tasks.Go(func() { t.carry(near) })
	}
}

// carry connects a client to the server until one of them closes.
func (t *Tunnel) carry(near net.Conn) {
	defer near.Close()
	far, err := t.e.Dial(t.ctx, "tcp", t.server)
	if err != nil {
		return // the client sees that it is closed, as if refused
	}
	defer far.Close()
	defer context.AfterFunc(t.ctx, func() { near.Close(); far.Close() })()
	t.tasks.Go(func() {
		_, _ = io.Copy(far, near) // who closes ends both
		far.Close()
	})
	_, _ = io.Copy(near, far)
}

// Close ends the connections, and waits until they have.
func (t *Tunnel) Close() error {
	t.cancel()
	err := t.front.Close()
	t.tasks.Wait()
	return err
}
