package link

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// piped is a stream over a link in a bubble, and its other end.
func piped(t *testing.T, l Link) (viewer *stream, server net.Conn) {
	t.Helper()
	if err := l.Validate(); err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	return l.Emulate(1, time.Now()).stream(near), far
}

func TestStreamDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		viewer, server := piped(t, Link{Delay: 50 * time.Millisecond})
		defer drain(viewer, server)
		start := time.Now()
		go server.Write([]byte("hello"))
		b := make([]byte, 3)
		for _, want := range []string{"hel", "lo"} { // what does not fit stays
			n, err := viewer.Read(b)
			if err != nil || string(b[:n]) != want {
				t.Errorf("read %q, %v", b[:n], err)
			}
			near(t, "down", time.Since(start).Seconds(), 0.05)
		}
		start = time.Now()
		if _, err := viewer.Write([]byte("hello")); err != nil || time.Since(start) != 0 {
			t.Errorf("written after %v, %v", time.Since(start), err)
		}
		if _, err := io.ReadFull(server, b); err != nil {
			t.Error(err)
		}
		near(t, "up", time.Since(start).Seconds(), 0.05)
		io.ReadFull(server, b[:2])
	})
}

// The ends of a stream come in their order and with the delay.
func TestStreamEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		viewer, server := piped(t, Link{Delay: 50 * time.Millisecond})
		start := time.Now()
		go func() {
			server.Write([]byte("last"))
			server.Close()
		}()
		if b, err := io.ReadAll(viewer); err != nil || string(b) != "last" {
			t.Errorf("%q, %v", b, err)
		}
		near(t, "end after", time.Since(start).Seconds(), 0.05)
		viewer.Close()

		viewer, server = piped(t, Link{Delay: 50 * time.Millisecond})
		start = time.Now()
		server.Close()
		if _, err := viewer.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		near(t, "end alone after", time.Since(start).Seconds(), 0.05)
		viewer.Close()

		viewer, server = piped(t, Link{Delay: 50 * time.Millisecond})
		start = time.Now()
		viewer.Write([]byte("last"))
		if err := viewer.Close(); err != nil || time.Since(start) != 0 {
			t.Errorf("closed after %v: %v", time.Since(start), err)
		}
		if b, err := io.ReadAll(server); err != nil || string(b) != "last" {
			t.Errorf("%q, %v", b, err)
		}
		near(t, "end after", time.Since(start).Seconds(), 0.05)
		for what, err := range map[string]error{
			"read":  second(viewer.Read(make([]byte, 1))),
			"write": second(viewer.Write(make([]byte, 1))),
			"close": viewer.Close(),
		} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s after Close: %v", what, err)
			}
		}
		server.Close()
	})
}

// drain closes both ends after all that is on its way has come, as a bubble's time ends
// with the test.
func drain(viewer, server net.Conn) {
	viewer.Close()
	time.Sleep(time.Minute)
	server.Close()
}

func second(_ int, err error) error { return err }

// A megabyte takes the time it needs, both ways at once; who writes waits.
func TestStreamRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		viewer, server := piped(t, Link{Delay: 20 * time.Millisecond, Rate: 8e6, Up: 4e6})
		sent := bytes.Repeat([]byte("0123456789"), 100_000)
		start := time.Now()
		var wrote time.Duration
		go server.Write(sent)
		go func() {
			viewer.Write(sent)
			wrote = time.Since(start)
		}()
		ends := make(chan time.Duration)
		read := func(r io.Reader) {
			got := make([]byte, len(sent))
			if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("the bytes differ: %v", err)
			}
			ends <- time.Since(start)
		}
		const headers = 1 + tcpHeaders/float64(maxSegment)
		go read(viewer)
		near(t, "down", (<-ends).Seconds(), 1*headers)
		go read(server)
		// Up was blocked by nobody reading, after what is on the way.
		end := (<-ends).Seconds()
		near(t, "up", end, 1*headers+2*headers)
		synctest.Wait()
		near(t, "written before", end-wrote.Seconds(), 8*maxFlight*headers/4e6)
		drain(viewer, server)
	})
}

func TestStreamDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		viewer, server := piped(t, Link{Delay: 50 * time.Millisecond})
		start := time.Now()
		viewer.SetReadDeadline(start.Add(10 * time.Millisecond))
		if _, err := viewer.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 10*time.Millisecond {
			t.Errorf("read %v after %v", err, time.Since(start))
		}
		time.AfterFunc(500*time.Millisecond, func() { viewer.SetWriteDeadline(time.Now()) })
		n, err := viewer.Write(make([]byte, 1<<20))
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 510*time.Millisecond {
			t.Errorf("written %v after %v", err, time.Since(start))
		}
		if n < maxFlight || n > maxFlight+2*maxSegment {
			t.Errorf("written %d bytes", n)
		}
		server.Close()
		synctest.Wait()
		if _, err := viewer.Write([]byte("x")); err == nil {
			t.Error("written to a stream that has ended")
		}
		viewer.Close()
	})
}

// What is lost comes two round trips later, and holds up what is behind it; an outage
// is waited for.
func TestStreamLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const delay, loss, count = 50 * time.Millisecond, 0.3, 10_000
		viewer, server := piped(t, Link{Delay: delay, Loss: loss})
		late := 0
		for range count {
			start := time.Now()
			go server.Write([]byte("x"))
			if _, err := viewer.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > delay {
				late++
				if took < 5*delay-time.Millisecond {
					t.Errorf("a segment that was lost came after %v", took)
				}
			}
		}
		near(t, "lost", float64(late)/count, loss)
		drain(viewer, server)

		down := Link{Delay: delay, Changes: []Change{{At: 0, Down: true}, {At: time.Second}}}
		viewer, server = piped(t, down)
		start := time.Now()
		go server.Write([]byte("x"))
		if _, err := viewer.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		near(t, "outage", time.Since(start).Seconds(), 1+delay.Seconds())
		drain(viewer, server)
	})
}

// A line that stays down keeps nobody from closing.
func TestStreamForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		viewer, server := piped(t, Link{Changes: []Change{{At: 0, Down: true}}})
		viewer.Write([]byte("x"))
		time.Sleep(time.Hour)
		viewer.Close()
		if b, err := io.ReadAll(server); err != nil || len(b) > 0 {
			t.Errorf("%q, %v", b, err)
		}
		server.Close()
	})
}

func TestHandshake(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		link Link
		want time.Duration
	}{
		"a round trip":   {Link{Delay: 25 * ms}, 50 * ms},
		"at a rate":      {Link{Delay: 25 * ms, Rate: 32e3, Up: 32e3}, 70 * ms},
		"repeated once":  {Link{Delay: 25 * ms, Changes: []Change{{At: 0, Down: true}, {At: 500 * ms}}}, 1050 * ms},
		"repeated twice": {Link{Delay: 25 * ms, Changes: []Change{{At: 20 * ms, Down: true}, {At: 1500 * ms}}}, 3050 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				if err := c.link.Emulate(1, start).handshake(t.Context()); err != nil {
					t.Fatal(err)
				}
				near(t, "handshake", time.Since(start).Seconds(), c.want.Seconds())
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		e := Link{Changes: []Change{{At: 0, Down: true}}}.Emulate(1, time.Now())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := e.Dial(ctx, "tcp", "127.0.0.1:1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	if _, err := (Link{Delay: ms}).Emulate(1, time.Now()).Dial(t.Context(), "udp", "127.0.0.1:1"); err == nil {
		t.Error("a stream over udp")
	}
}

// An exchange over HTTP takes a round trip, and one for the handshake before. The
// negative control takes next to nothing.
func TestHTTP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Write(b)
	}))
	defer server.Close()
	offer := bytes.Repeat([]byte("v=0\r\n"), 600)
	exchangeAt := func(c *http.Client, addr net.Addr) float64 {
		start := time.Now()
		r, err := c.Post("http://"+addr.String(), "application/sdp", bytes.NewReader(offer))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if answer, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(answer, offer) {
			t.Errorf("%d bytes of %d, %v", len(answer), len(offer), err)
		}
		return time.Since(start).Seconds()
	}
	exchange := func(c *http.Client) float64 { return exchangeAt(c, server.Listener.Addr()) }
	const delay = 100 * time.Millisecond
	transport := &http.Transport{DialContext: Link{Delay: delay}.Emulate(1, time.Now()).Dial}
	client := &http.Client{Transport: transport}
	within(t, "first exchange", 4*delay.Seconds(), func() float64 {
		transport.CloseIdleConnections()
		return exchange(client)
	})
	within(t, "next exchange", 2*delay.Seconds(), func() float64 { return exchange(client) })
	transport.CloseIdleConnections()

	clean := &http.Transport{DialContext: Link{}.Emulate(1, time.Now()).Dial}
	if took := exchange(&http.Client{Transport: clean}); took > delay.Seconds() {
		t.Errorf("a clean link took %v s", took)
	}
	clean.CloseIdleConnections()

	// A browser gets the same by a tunnel.
	tunnel, err := Link{Delay: delay}.Emulate(1, time.Now()).Tunnel(server.Listener.Addr().(*net.TCPAddr).AddrPort())
	if err != nil {
		t.Fatal(err)
	}
	defer tunnel.Close()
	within(t, "first exchange through a tunnel", 4*delay.Seconds(), func() float64 {
		clean.CloseIdleConnections()
		return exchangeAt(&http.Client{Transport: clean}, tunnel.front.Addr())
	})
	within(t, "next exchange through a tunnel", 2*delay.Seconds(), func() float64 {
		return exchangeAt(&http.Client{Transport: clean}, tunnel.front.Addr())
	})
	idle, err := net.Dial("tcp", tunnel.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	other, err := Link{Delay: time.Hour}.Emulate(1, time.Now()).Tunnel(tunnel.Addr())
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := net.Dial("tcp", other.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	if err := other.Close(); err != nil { // also while it connects
		t.Error(err)
	}
	server.Close() // ends the connections behind it
	if r, err := (&http.Client{Transport: clean}).Get("http://" + tunnel.Addr().String()); err == nil {
		r.Body.Close()
		t.Error("a server that is gone answers")
	}
	if err := tunnel.Close(); err != nil {
		t.Error(err)
	}
	idle.SetReadDeadline(time.Now().Add(patience))
	if _, err := idle.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a connection of a tunnel that is closed: %v", err)
	}
}
