package link

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"

	"moqedge/certs"
)

// quicServer sends so many bytes to each client, until the test ends.
func quicServer(t *testing.T, socket net.PacketConn, bytes int) (stop func()) {
	t.Helper()
	source, err := certs.Development("", []string{"127.0.0.1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := &quic.Transport{Conn: socket}
	l, err := tr.Listen(&tls.Config{GetCertificate: source.GetCertificate, NextProtos: []string{"test"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			s, err := c.OpenUniStream()
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.Write(make([]byte, bytes)); err != nil {
				t.Error(err)
			}
			s.Close()
			<-c.Context().Done()
		}
	}()
	return func() {
		l.Close()
		<-done
		tr.Close()
		source.Close()
	}
}

// fetch connects, reads what the server sends and says how long it took.
func fetch(t *testing.T, socket net.PacketConn, server net.Addr) (handshake, transfer time.Duration, bytes int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tr := &quic.Transport{Conn: socket}
	defer tr.Close()
	start := time.Now()
	c, err := tr.Dial(ctx, server, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"test"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseWithError(0, "")
	handshake = time.Since(start)
	s, err := c.AcceptUniStream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.SetReadDeadline(start.Add(patience))
	if bytes, err = io.Copy(io.Discard, s); err != nil {
		t.Fatal(err)
	}
	return handshake, time.Since(start), bytes
}

// QUIC fills a line: 3 Mbit/s of packets, 90 % of it payload.
func TestQUIC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := connect(t, Link{Delay: 25 * time.Millisecond, Rate: 3e6}, 1)
		defer x.close()
		const size = 3_000_000
		defer quicServer(t, x.server, size)()
		handshake, transfer, bytes := fetch(t, x.viewer, x.server.LocalAddr())
		if bytes != size {
			t.Fatalf("%d of %d bytes came", bytes, size)
		}
		if handshake < 49*time.Millisecond || handshake > 60*time.Millisecond { // the certificate has to pass
			t.Errorf("a handshake of one round trip of 50 ms took %v", handshake)
		}
		rate := float64(bytes) * 8 / transfer.Seconds()
		t.Logf("handshake %v, %.2f Mbit/s, %+v", handshake, rate/1e6, x.e.Counters().Down)
		if rate < 0.9*3e6 || rate > 3e6 {
			t.Errorf("%.0f bit/s on a link of 3 Mbit/s", rate)
		}
	})
}

// The same over real sockets: quic-go reads through the emulator and its batches.
func TestQUICSockets(t *testing.T) {
	const size, rate = 1_500_000, 10e6
	server := loopback(t)
	defer quicServer(t, server, size)()
	best := 0.0
	for range rounds {
		e := Link{Delay: 10 * ms, Rate: rate}.Emulate(1, time.Now())
		viewer := e.Packets(loopback(t))
		handshake, transfer, bytes := fetch(t, viewer, server.LocalAddr())
		viewer.Close()
		if bytes != size || handshake < 19*ms {
			t.Fatalf("%d of %d bytes came, after a handshake of %v", bytes, size, handshake)
		}
		got := float64(bytes) * 8 / transfer.Seconds()
		t.Logf("handshake %v, %.2f Mbit/s, %+v", handshake, got/1e6, e.Counters().Down)
		if got > rate {
			t.Fatalf("%.0f bit/s on a link of %.0f", got, rate)
		}
		if best = max(best, got); best > 0.9*rate {
			return
		}
	}
	t.Errorf("%.0f bit/s on a link of %.0f", best, rate)
}
