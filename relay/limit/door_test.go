package limit_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"moqedge/certs"
	"moqedge/moq/transport"
	"moqedge/relay/limit"
)

// door is a listener with a limiter at its door, on a real socket.
type door struct {
	t        *testing.T
	limiter  *limit.Limiter
	listener *transport.Listener
	source   *certs.Source
}

func newDoor(t *testing.T, c limit.Config) *door {
	t.Helper()
	source, err := certs.Development("", nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	d := &door{t: t, limiter: limit.New(c), source: source}
	d.listener, err = transport.Listen(&transport.ListenConfig{Addr: "127.0.0.1:0", GetCertificate: source.GetCertificate, Door: d.limiter})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.listener.Close() })
	return d
}

// dial connects from an address of this machine.
func (d *door) dial(from string) (transport.Conn, error) {
	d.t.Helper()
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(from)})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { socket.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := transport.Dial(ctx, "moqt://"+d.listener.Addr().String(), &transport.DialConfig{
		Fingerprints: [][32]byte{d.source.Fingerprint()}, PacketConn: socket,
	})
	if err == nil {
		d.t.Cleanup(func() { conn.CloseWithError(0, "") })
	}
	return conn, err
}

// isRefused reports whether a connection was refused, and not just lost.
func isRefused(err error) bool {
	refused := &quic.TransportError{ErrorCode: quic.ConnectionRefused}
	return errors.As(err, &refused) && refused.ErrorCode == quic.ConnectionRefused
}

// dials counts what becomes of many connections at once.
func (d *door) dials(from string, n int) (taken, refused int) {
	d.t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			_, err := d.dial(from)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				taken++
			case isRefused(err):
				refused++
			default:
				d.t.Errorf("neither taken nor refused: %v", err)
			}
		})
	}
	all.Wait()
	return taken, refused
}

// TestHandshakes: connections beyond the rate of an address, or of all, are refused at
// once; those of another address are not, and none is without a limit.
func TestHandshakes(t *testing.T) {
	const slow = 0.01 // none comes back while the test runs
	d := newDoor(t, limit.Config{Address: limit.Limits{Handshakes: slow}})
	if taken, refused := d.dials("127.0.0.1", 6); taken != 1 || refused != 5 {
		t.Errorf("%d taken and %d refused of an address, want 1 and 5", taken, refused)
	}
	if taken, _ := d.dials("127.0.0.2", 1); taken != 1 {
		t.Error("one of another address is refused")
	}
	if n := d.limiter.Count(limit.Address, limit.Handshakes); n < 5 { // each packet of a hello counts
		t.Errorf("%d counted", n)
	}
	d.limiter.Set(limit.Config{Global: limit.Limits{Handshakes: slow}})
	if taken, refused := d.dials("127.0.0.3", 4); taken != 1 || refused != 3 {
		t.Errorf("%d taken and %d refused of all, want 1 and 3", taken, refused)
	}
	d.limiter.Set(limit.Config{Global: limit.Limits{Handshakes: limit.Unlimited}, Address: limit.Limits{Handshakes: limit.Unlimited}})
	if taken, _ := d.dials("127.0.0.3", 6); taken != 6 {
		t.Errorf("%d of 6 taken without limits", taken)
	}
}

// TestValidation: when handshakes flood, clients have to show that they are at their
// address, which costs them a round trip and nobody else anything.
func TestValidation(t *testing.T) {
	d := newDoor(t, limit.Config{Global: limit.Limits{Handshakes: 20}, Address: limit.Limits{Handshakes: limit.Unlimited}})
	if taken, refused := d.dials("127.0.0.1", 12); taken != 12 || refused != 0 { // 5 need not
		t.Errorf("%d taken and %d refused, want all of 12", taken, refused)
	}
	if n := d.limiter.Stats().Retries; n < 7 {
		t.Errorf("%d had to show that they are at their address, want 7 or more", n)
	}
	free := newDoor(t, limit.Config{Address: limit.Limits{Handshakes: limit.Unlimited}})
	if taken, _ := free.dials("127.0.0.1", 12); taken != 12 || free.limiter.Stats().Retries > 0 {
		t.Errorf("%d taken, %d Retries without a flood", taken, free.limiter.Stats().Retries)
	}
}

// TestRefusedAtOnce: while nobody would be taken, nobody is asked to show that it is at its
// address (TestValidation has those for whom there is room).
func TestRefusedAtOnce(t *testing.T) {
	d := newDoor(t, limit.Config{Global: limit.Limits{Handshakes: 0.01}, Address: limit.Limits{Handshakes: limit.Unlimited}})
	if taken, refused := d.dials("127.0.0.1", 6); taken != 1 || refused != 5 {
		t.Errorf("%d taken and %d refused, want 1 and 5", taken, refused)
	}
	if n := d.limiter.Stats().Retries; n != 0 {
		t.Errorf("%d were asked for nothing", n)
	}
}

// TestSessionsAtTheDoor: an address that has all its sessions is refused before a
// handshake costs anything; what asks for one by WebTransport is told by HTTP.
func TestSessionsAtTheDoor(t *testing.T) {
	d := newDoor(t, limit.Config{Address: limit.Limits{Sessions: 1}, Global: limit.Limits{Sessions: 2}})
	from := func(ip string) net.Addr { return &net.UDPAddr{IP: net.ParseIP(ip), Port: 1} }
	first, refused := d.limiter.Open(from("127.0.0.1"))
	if refused != nil {
		t.Fatal(refused)
	}
	if _, err := d.dial("127.0.0.1"); !isRefused(err) {
		t.Errorf("a second one: %v, want CONNECTION_REFUSED", err)
	}
	if _, err := d.dial("127.0.0.2"); err != nil {
		t.Errorf("one of another address: %v", err)
	}
	told := d.limiter.Session(from("127.0.0.1"))
	if told == nil || told.Status != http.StatusTooManyRequests || told.RetryAfter < time.Second || !strings.Contains(told.Error(), "of the address") {
		t.Errorf("told %+v", told)
	}
	if _, refused := d.limiter.Open(from("127.0.0.2")); refused != nil {
		t.Fatal(refused)
	}
	if told := d.limiter.Session(from("127.0.0.3")); told == nil || told.Status != http.StatusServiceUnavailable {
		t.Errorf("told %+v when there is no room for anybody", told)
	}
	first.Close()
	if told := d.limiter.Session(from("127.0.0.3")); told != nil {
		t.Errorf("told %+v with room again", told)
	}
}

// TestNetworksOfIPv6: a host has a /64 to itself, so that counts as one.
func TestNetworksOfIPv6(t *testing.T) {
	l := limit.New(limit.Config{Address: limit.Limits{Sessions: 1}})
	for _, c := range []struct {
		ip string
		ok bool
	}{{"2001:db8::1", true}, {"2001:db8::ffff:1", false}, {"2001:db8:0:1::1", true}, {"192.0.2.1", true}, {"::ffff:192.0.2.1", false}, {"192.0.2.2", true}} {
		if _, refused := l.Open(&net.UDPAddr{IP: net.ParseIP(c.ip)}); (refused == nil) != c.ok {
			t.Errorf("%s: %v", c.ip, refused)
		}
	}
}
