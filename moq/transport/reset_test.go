package transport

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
)

// TestRestartedServerResets: an idle client of a server that was killed learns
// from the one that took its place, at its first PING, that its connection is
// gone. A server with another key, as one at another address has though its certificate
// is the same, can not tell it.
func TestRestartedServerResets(t *testing.T) {
	source := certificate(t)
	for _, k := range networks {
		for name, c := range map[string]struct {
			second  ListenConfig
			noticed bool
		}{
			"same certificate": {ListenConfig{}, true},
			"another key":      {ListenConfig{StatelessResetKey: &quic.StatelessResetKey{1}}, false},
		} {
			t.Run(k.String()+"/"+name, func(t *testing.T) {
				socket := loopback(t)
				l := listen(t, source, ListenConfig{PacketConn: socket, IdleTimeout: time.Hour})
				d := pinning(source)
				d.PacketConn = loopback(t) // not connected: the system tells it nothing
				d.IdleTimeout, d.KeepAlive = time.Hour, 20*time.Millisecond
				client, _ := connect(t, k, l, d)
				socket.Close() // nothing can be sent any more
				c.second.Addr = socket.LocalAddr().String()
				listen(t, source, c.second)
				sent := client.Stats().PacketsSent
				for ctx := patient(t); client.Context().Err() == nil; {
					if !c.noticed && client.Stats().PacketsSent > sent+8 {
						return
					}
					select {
					case <-client.Context().Done():
					case <-time.After(5 * time.Millisecond):
					case <-ctx.Done():
						t.Fatal("the client did not notice")
					}
				}
				if !c.noticed {
					t.Fatalf("the client was told: %v", context.Cause(client.Context()))
				}
				if _, ok := errors.AsType[*quic.StatelessResetError](context.Cause(client.Context())); !ok {
					t.Errorf("the connection ended with %v", context.Cause(client.Context()))
				}
			})
		}
	}
}

func loopback(t *testing.T) *net.UDPConn {
	t.Helper()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return socket
}

// TestResetAnswer: only small packets with a short header for connections of
// others are answered, and by less than there was.
func TestResetAnswer(t *testing.T) {
	r := &resetting{tag: [4]byte{1, 2, 3, 4}, key: &quic.StatelessResetKey{}}
	packet := func(first byte, tag byte, n int) []byte {
		b := make([]byte, n)
		b[0], b[1], b[2], b[3], b[4] = first, tag, 2, 3, 4
		return b
	}
	for _, c := range []struct {
		name   string
		packet []byte
		want   int
	}{
		{"ours", packet(0x40, 1, 30), 0},
		{"of a predecessor", packet(0x40, 9, 30), 29},
		{"of a predecessor, smallest", packet(0x7f, 9, 22), 21},
		{"too small", packet(0x40, 9, 21), 0},
		{"largest", packet(0x40, 9, 42), 41},
		{"answered by quic-go", packet(0x40, 9, 43), 0},
		{"long header", packet(0xc0, 9, 30), 0},
		{"not QUIC", packet(0x00, 9, 30), 0},
	} {
		answer := r.answer(c.packet)
		if len(answer) != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, len(answer), c.want)
		}
		for len(answer) > 0 { // another server answers that, and so on
			next := (&resetting{key: r.key}).answer(answer)
			if len(next) >= len(answer) {
				t.Fatalf("%s: %d bytes are answered by %d", c.name, len(answer), len(next))
			}
			answer = next
		}
	}
	if r.answer(nil) != nil {
		t.Error("an answer to nothing")
	}
}

func TestResetKey(t *testing.T) {
	one, other := certificate(t), certificate(t)
	first, _ := one.GetCertificate(nil)
	second, _ := other.GetCertificate(nil)
	if *resetKey(first, "here") != *resetKey(first, "here") {
		t.Error("the key of a certificate changes")
	}
	for name, same := range map[string]bool{
		"another certificate": *resetKey(first, "here") == *resetKey(second, "here"),
		"another place":       *resetKey(first, "here") == *resetKey(first, "there"),
		"no certificate":      *resetKey(nil, "here") == *resetKey(nil, "here"),
	} {
		if same {
			t.Errorf("%s has the same key", name)
		}
	}
}
