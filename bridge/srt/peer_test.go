package srt

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	gosrt "github.com/datarhei/gosrt"
)

// dial connects with the library's caller and sends what a test wants.
func dial(t *testing.T, r *running, streamID string) gosrt.Conn {
	t.Helper()
	c := gosrt.DefaultConfig()
	c.StreamId = streamID
	conn, err := gosrt.Dial("srt", r.Addr().String(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// write sends a transport stream at once.
func write(t *testing.T, conn gosrt.Conn, stream []byte) {
	t.Helper()
	for ; len(stream) >= 1316; stream = stream[1316:] {
		if _, err := conn.Write(stream[:1316]); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSendsNothing(t *testing.T) {
	r := serve(t, Config{HandshakeLimit: 300 * time.Millisecond})
	conn := dial(t, r, "publish:cam1")
	if _, err := conn.ReadPacket(); err == nil {
		t.Error("the server sent something")
	}
	wait(t, "the end", func() bool { return r.hub.publications("cam1")[0].isClosed() })
	r.log.want(t, 1, "SRT publisher left", "nothing plays after 300ms; it sent nothing")
}

func TestSendsNoise(t *testing.T) {
	r := serve(t, Config{HandshakeLimit: 2 * time.Second})
	conn := dial(t, r, "publish:cam1")
	noise := make([]byte, 1316)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	wait(t, "the end", func() bool {
		_, _ = conn.Write(noise)
		return r.hub.publications("cam1")[0].isClosed()
	})
	r.log.want(t, 1, "SRT publisher left", "nothing plays after 2s; no programme (PAT and PMT) was found")
	r.log.want(t, 1, "transport stream is damaged")
}

func TestFallsSilent(t *testing.T) {
	stream := makeTS(t, join(sources, []string{"-t", "0.5"}, encodings)...) // before the publisher's silence counts
	r := serve(t, Config{SilenceLimit: 500 * time.Millisecond})
	write(t, dial(t, r, "publish:cam1"), stream)
	wait(t, "the end", func() bool { return r.hub.publications("cam1")[0].isClosed() })
	r.log.want(t, 1, "SRT publisher left", "no media for 500ms")
	if video, _ := r.hub.publications("cam1")[0].counts(); video == 0 {
		t.Error("what came before the silence was not played")
	}
}

// handshake builds a handshake packet (SRT draft §3.2.1) with raw extensions.
func handshake(kind, cookie, mtu, version uint32, encryption, extension uint16, extensions []byte) []byte {
	b := make([]byte, 16+48)
	b[0] = 0x80
	h := b[16:]
	binary.BigEndian.PutUint32(h, version)
	binary.BigEndian.PutUint16(h[4:], encryption)
	binary.BigEndian.PutUint16(h[6:], extension)
	binary.BigEndian.PutUint32(h[12:], mtu)
	binary.BigEndian.PutUint32(h[16:], 8192)
	binary.BigEndian.PutUint32(h[20:], kind)
	binary.BigEndian.PutUint32(h[24:], rand.Uint32())
	binary.BigEndian.PutUint32(h[28:], cookie)
	return append(b, extensions...)
}

const (
	induction  = 1
	conclusion = 0xffffffff
)

// extensions are a proper handshake extension and the stream id "publish:evil".
func extensions() []byte {
	b := []byte{0, 1, 0, 3, 0, 1, 4, 1, 0, 0, 0, 0x3f, 0, 120, 0, 120, 0, 5, 0, 3}
	id := []byte("publish:evil")
	for i := 0; i < len(id); i += 4 {
		b = append(b, id[i+3], id[i+2], id[i+1], id[i])
	}
	return b
}

// Whatever comes to the port, the server and its publishers live.
func TestHostileDatagrams(t *testing.T) {
	r := serve(t, Config{})
	e := publish(t, r.url("publish:cam1"))
	rec := r.media(t, "cam1", 0, 10, 0)

	port, err := net.Dial("udp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	send := func(b []byte) {
		if _, err := port.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	send(handshake(induction, 0, 1500, 4, 0, 2, nil))
	answer := make([]byte, 1500)
	_ = port.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := port.Read(answer); err != nil {
		t.Fatal(err)
	}
	cookie := binary.BigEndian.Uint32(answer[16+28:])

	proper := handshake(conclusion, cookie, 1500, 5, 0, 5, extensions())
	for n := range proper { // cut short everywhere
		send(proper[:n])
	}
	for range 300 {
		b := make([]byte, rand.IntN(1500))
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		send(b)
	}
	for i := 16; i < len(proper); i++ { // one byte wrong everywhere
		b := append([]byte(nil), proper...)
		b[i] ^= 0x81
		send(b)
	}
	wait(t, "the line about malformed handshakes", func() bool { return r.log.count("SRT request ignored", "malformed SRT handshake") > 0 })
	// A packet size below the headers makes the library allocate 4 GB. Requests
	// with another version have no stream id and make it call what it never set.
	// The limiter of log lines has room again after a moment.
	wait(t, "the refusal of the impossible size", func() bool {
		send(handshake(conclusion, cookie, 20, 5, 0, 5, extensions()))
		time.Sleep(20 * time.Millisecond)
		return r.log.count("SRT publisher refused", "packet size in the handshake is impossible") > 0
	})
	wait(t, "the refusal of version 4", func() bool {
		send(handshake(conclusion, cookie, 1500, 4, 0, 2, nil))
		time.Sleep(20 * time.Millisecond)
		return r.log.count("SRT publisher refused", "handshake version 4") > 0
	})
	before, _ := rec.counts()
	r.media(t, "cam1", 0, before+30, 0)
	e.stop(syscall.SIGTERM)
	wait(t, "the end", rec.isClosed)
}

// lossy relays datagrams to the server and loses one in a few of those with media.
func lossy(t *testing.T, r *running, oneIn int) net.Addr {
	t.Helper()
	front, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	back, err := net.Dial("udp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var client atomic.Pointer[net.Addr]
	wg.Go(func() {
		b := make([]byte, 2000)
		for n := 1; ; n++ {
			size, from, err := front.ReadFrom(b)
			if err != nil {
				return
			}
			client.Store(&from)
			if media := b[0]&0x80 == 0; !media || n%oneIn != 0 {
				_, _ = back.Write(b[:size])
			}
		}
	})
	wg.Go(func() {
		b := make([]byte, 2000)
		for {
			size, err := back.Read(b)
			if err != nil {
				return
			}
			_, _ = front.WriteTo(b[:size], *client.Load())
		}
	})
	t.Cleanup(func() {
		front.Close()
		back.Close()
		wg.Wait()
	})
	return front.LocalAddr()
}

// SRT sends lost packets again; nothing of it shows in the media. The encoder asks
// for a latency (in us) that is enough when the machine is busy.
func TestLossyNetwork(t *testing.T) {
	r := serve(t, Config{})
	e := publish(t, fmt.Sprintf("srt://%s?streamid=publish:cam1&latency=1000000", lossy(t, r, 25)))
	rec := r.media(t, "cam1", 0, 150, 150)
	e.stop(syscall.SIGTERM)
	wait(t, "the end", rec.isClosed)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	units := rec.video[0].units
	for i, u := range units[1:] {
		if !near(u.DTS-units[i].DTS, 33333, 2000) {
			t.Errorf("picture %d is %d us after the one before", i+1, u.DTS-units[i].DTS)
		}
	}
	r.log.want(t, 0, "WARN")
	r.log.want(t, 1, "SRT publisher left", "srtRetransmitted=")
}
