package transport

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"
)

// TestKilledServerIsNoticed: a server whose socket is gone without a word, like
// that of a killed process, is noticed by what the system says of its port and
// not by the idle timeout, and nobody dials it for long.
func TestKilledServerIsNoticed(t *testing.T) {
	source := certificate(t)
	for _, k := range networks {
		t.Run(k.String(), func(t *testing.T) {
			socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				t.Fatal(err)
			}
			l := listen(t, source, ListenConfig{PacketConn: socket, IdleTimeout: time.Hour})
			d := pinning(source)
			d.IdleTimeout, d.KeepAlive, d.HandshakeTimeout = time.Hour, 20*time.Millisecond, time.Hour
			client, _ := connect(t, k, l, d)
			socket.Close() // nothing can be sent any more
			select {
			case <-client.Context().Done():
			case <-patient(t).Done():
				t.Fatal("the client did not notice")
			}
			if err := context.Cause(client.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("the connection ended with %v", err)
			}
			wantText(t, refused(t, urlOf(k, socket.LocalAddr(), "/"), d), "connection refused", "check that a server listens")
		})
	}
}
