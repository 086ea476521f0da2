package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"
)

// echo answers each packet with what is in it.
func echo(t *testing.T) netip.AddrPort {
	t.Helper()
	c := loopback(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1500)
		for {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			c.WriteToUDPAddrPort(b[:n], from)
		}
	}()
	t.Cleanup(func() { c.Close(); <-done })
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// ask sends a packet and says how long the answer took.
func ask(t *testing.T, c *net.UDPConn, to netip.AddrPort) time.Duration {
	t.Helper()
	start, question := time.Now(), []byte(c.LocalAddr().String())
	if _, err := c.WriteToUDPAddrPort(question, to); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(start.Add(patience))
	b := make([]byte, 1500)
	n, from, err := c.ReadFromUDPAddrPort(b)
	if err != nil || from != to || string(b[:n]) != string(question) {
		t.Fatalf("%q from %v, %v", b[:n], from, err)
	}
	return time.Since(start)
}

// Two clients of a proxy are told apart and have the round trip of the link.
func TestProxy(t *testing.T) {
	const rtt = 200 * ms
	p, err := Link{Delay: rtt / 2}.Emulate(1, time.Now()).Proxy(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	clients := []*net.UDPConn{loopback(t), loopback(t)}
	for i, c := range clients {
		within(t, fmt.Sprintf("round trip of client %d", i), rtt.Seconds(), func() float64 { return ask(t, c, p.Addr()).Seconds() })
	}
	// The server's packets alone get through.
	stranger := loopback(t)
	p.mu.Lock()
	for _, back := range p.clients {
		stranger.WriteTo([]byte("stranger"), back.LocalAddr())
	}
	p.mu.Unlock()
	ask(t, clients[0], p.Addr())
	// More clients than there may be are not served, and disturb nobody.
	for range maxClients {
		c := loopback(t)
		c.WriteToUDPAddrPort([]byte("me too"), p.Addr())
	}
	ask(t, clients[1], p.Addr())
	p.mu.Lock()
	if len(p.clients) > maxClients {
		t.Errorf("%d clients", len(p.clients))
	}
	p.mu.Unlock()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
}

// The negative control: a proxy of a clean link adds next to nothing.
func TestProxyClean(t *testing.T) {
	p, err := Link{}.Emulate(1, time.Now()).Proxy(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, least := loopback(t), time.Hour
	for range 20 {
		least = min(least, ask(t, c, p.Addr()))
	}
	if least > 20*ms {
		t.Errorf("a round trip takes at least %v", least)
	}
}
