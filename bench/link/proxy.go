package link

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// maxClients of a proxy: a browser opens a few sockets; more are not served.
const maxClients = 64

// Proxy puts a program that opens its own UDP sockets, a browser, behind the link: it
// sends to Addr instead of the server. Each of its sockets is seen by the server as
// one of the proxy. Close ends the goroutines: one, and three per client.
type Proxy struct {
	e      *Emulator
	server *net.UDPAddr
	front  *net.UDPConn

	tasks sync.WaitGroup

	mu      sync.Mutex // guards what follows
	clients map[netip.AddrPort]net.PacketConn
	closed  bool
}

// Proxy opens a UDP port of 127.0.0.1 that leads to the server. All clients share
// the line.
func (e *Emulator) Proxy(server netip.AddrPort) (*Proxy, error) {
	front, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("open the port of a link: %w", err)
	}
	p := &Proxy{
		e: e, server: net.UDPAddrFromAddrPort(server), front: front,
		clients: map[netip.AddrPort]net.PacketConn{},
	}
	p.tasks.Go(p.serve)
	return p, nil
}

// Addr is what clients send to.
func (p *Proxy) Addr() netip.AddrPort { return p.front.LocalAddr().(*net.UDPAddr).AddrPort() }

// serve carries packets from the clients.
func (p *Proxy) serve() {
	buf := make([]byte, maxDatagram+1)
	for {
		n, from, err := p.front.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if back := p.client(from); back != nil {
			_, _ = back.WriteTo(buf[:n], p.server) // what cannot be sent is lost
		}
	}
}

// client returns the socket for packets of one client, nil if there is none.
func (p *Proxy) client(from netip.AddrPort) net.PacketConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	back := p.clients[from]
	if back != nil || p.closed || len(p.clients) == maxClients {
		return back
	}
	host := &net.UDPAddr{}
	if p.server.IP.IsLoopback() {
		host.IP = p.server.IP
	}
	socket, err := net.ListenUDP("udp", host)
	if err != nil {
		return nil
	}
	back = p.e.Packets(socket)
	p.clients[from] = back
	p.tasks.Go(func() { p.answer(back, from) })
	return back
}

// answer carries packets to a client.
func (p *Proxy) answer(back net.PacketConn, client netip.AddrPort) {
	buf := make([]byte, maxDatagram+1)
	for {
		n, from, err := back.ReadFrom(buf)
		if err != nil {
			return
		}
		if udp, ok := from.(*net.UDPAddr); !ok || udp.Port != p.server.Port || !udp.IP.Equal(p.server.IP) {
			continue // not from the server
		}
		_, _ = p.front.WriteToUDPAddrPort(buf[:n], client) // what cannot be sent is lost
	}
}

// Close ends the proxy, and waits until it has.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	for _, back := range p.clients {
		back.Close()
	}
	p.mu.Unlock()
	err := p.front.Close()
	p.tasks.Wait()
	return err
}
