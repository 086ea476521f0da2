package transport

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
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

// TestQueuedBeforeRefused: what a server sent before it was gone is read first,
// however late the reader is, and only then that its port is closed.
func TestQueuedBeforeRefused(t *testing.T) {
	server := loopback(t)
	socket, err := dialSocket(server.LocalAddr().(*net.UDPAddr), nil)
	if err != nil {
		t.Fatal(err)
	}
	client := socket.(*connected)
	defer client.Close()
	read := func() (string, error) {
		ms := []ipv4.Message{{Buffers: [][]byte{make([]byte, 100)}}}
		n, err := client.ReadBatch(ms, 0)
		if err != nil {
			return "", err
		}
		return string(ms[0].Buffers[0][:ms[0].N]), map[bool]error{true: nil, false: errors.New("not one packet")}[n == 1]
	}
	to := client.LocalAddr()
	for _, text := range []string{"first", "why it ends", "and more"} {
		if _, err := server.WriteTo([]byte(text), to); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := read(); text != "first" || err != nil {
		t.Fatalf("%q, %v", text, err)
	}
	server.Close()
	for range 2 { // the second write, if not the reader, is told what became of the first
		if _, err := client.WriteTo([]byte("anybody there?"), nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"why it ends", "and more"} {
		time.Sleep(2 * maxTurns * turn) // the reader does not run
		if text, err := read(); text != want || err != nil {
			t.Fatalf("%q, %v, want %q", text, err, want)
		}
		if _, err := client.WriteTo([]byte("anybody there?"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := read(); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%q, %v after all was read", text, err)
	}
}
