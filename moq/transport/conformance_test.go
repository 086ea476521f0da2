package transport

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// conformance is what all transports have in common. Each case gets a fresh
// pair of connections; a is once the client and once the server, b the other.
var conformance = []struct {
	name string
	lim  limits
	run  func(t *testing.T, a, b Conn)
}{
	{"unidirectional stream with FIN", limits{}, testUni},
	{"bidirectional stream, halves end apart", limits{}, testBidi},
	{"more than all windows", limits{}, testBulk},
	{"empty stream", limits{}, testEmpty},
	{"many streams at once", limits{}, testMany},
	{"reset codes", limits{}, testReset},
	{"reset after close", limits{}, testResetAfterClose},
	{"stop codes", limits{}, testStop},
	{"misuse after the end", limits{}, testAfterEnd},
	{"write deadline leaves a prefix", limits{}, testWriteDeadline},
	{"deadlines reach blocked calls", limits{}, testMovedDeadlines},
	{"datagrams", limits{}, testDatagrams},
	{"waiting ends with the context", limits{}, testContexts},
	{"close with code and reason", limits{}, testClose},
	{"close with a long reason", limits{}, testLongReason},
}

func TestConformance(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.String(), func(t *testing.T) {
			for _, c := range conformance {
				t.Run(c.name, func(t *testing.T) {
					t.Run("client first", func(t *testing.T) {
						client, server := newPair(t, k, c.lim)
						c.run(t, client, server)
					})
					t.Run("server first", func(t *testing.T) {
						client, server := newPair(t, k, c.lim)
						c.run(t, server, client)
					})
				})
			}
		})
	}
}

func testUni(t *testing.T, a, b Conn) {
	ctx := patient(t)
	out := must(a.OpenUniStream(ctx))(t)
	write(t, out, "hello")
	in := must(b.AcceptUniStream(ctx))(t)
	buf := make([]byte, 5)
	if _, err := io.ReadFull(in, buf); err != nil || string(buf) != "hello" {
		t.Fatalf("read %q, %v", buf, err)
	}
	write(t, out, ", world")
	if out.Context().Err() != nil {
		t.Error("context done before the end")
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	<-out.Context().Done()
	if got, err := io.ReadAll(in); err != nil || string(got) != ", world" {
		t.Errorf("read %q, %v", got, err)
	}
	if n, err := in.Read(buf); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d, %v", n, err)
	}
	out = must(a.TryOpenUniStream())(t)
	write(t, out, "again")
	out.Close()
	if got, err := io.ReadAll(must(b.AcceptUniStream(ctx))(t)); err != nil || string(got) != "again" {
		t.Errorf("read %q, %v", got, err)
	}
}

func testBidi(t *testing.T, a, b Conn) {
	ctx := patient(t)
	s := must(a.OpenStream(ctx))(t)
	write(t, s, "question")
	s.Close()
	r := must(b.AcceptStream(ctx))(t)
	if got, err := io.ReadAll(r); err != nil || string(got) != "question" {
		t.Fatalf("read %q, %v", got, err)
	}
	if r.Context().Err() != nil {
		t.Error("the other half ended, too")
	}
	write(t, r, "answer")
	r.Close()
	if got, err := io.ReadAll(s); err != nil || string(got) != "answer" {
		t.Fatalf("read %q, %v", got, err)
	}
}

func testBulk(t *testing.T, a, b Conn) {
	data := random(3*maxStreamWindow + 12345)
	out := must(a.OpenUniStream(patient(t)))(t)
	go func() {
		defer out.Close()
		for chunk := data; len(chunk) > 0; {
			n := min(len(chunk), 1+rand.IntN(100_000))
			if _, err := out.Write(chunk[:n]); err != nil {
				t.Error(err)
				return
			}
			chunk = chunk[n:]
		}
	}()
	got, err := io.ReadAll(must(b.AcceptUniStream(patient(t)))(t))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d of %d bytes, equal %t: %v", len(got), len(data), bytes.Equal(got, data), err)
	}
}

func testEmpty(t *testing.T, a, b Conn) {
	must(a.OpenUniStream(patient(t)))(t).Close()
	if got, err := io.ReadAll(must(b.AcceptUniStream(patient(t)))(t)); err != nil || len(got) != 0 {
		t.Errorf("uni: %q, %v", got, err)
	}
	s := must(a.OpenStream(patient(t)))(t)
	if n, err := s.Write(nil); n != 0 || err != nil {
		t.Errorf("empty write: %d, %v", n, err)
	}
	s.Close()
	if got, err := io.ReadAll(must(b.AcceptStream(patient(t)))(t)); err != nil || len(got) != 0 {
		t.Errorf("bidi: %q, %v", got, err)
	}
}

func testMany(t *testing.T, a, b Conn) {
	const streams = 300
	var wg sync.WaitGroup
	wg.Go(func() { // echo
		for range streams {
			s, err := b.AcceptStream(patient(t))
			if err != nil {
				t.Error(err)
				return
			}
			wg.Go(func() {
				defer s.Close()
				if _, err := io.Copy(struct{ io.Writer }{s}, struct{ io.Reader }{s}); err != nil {
					t.Error(err)
				}
			})
		}
	})
	for i := range streams {
		wg.Go(func() {
			s, err := a.OpenStream(patient(t))
			if err != nil {
				t.Error(err)
				return
			}
			want := strings.Repeat(fmt.Sprint(i), i)
			wg.Go(func() {
				write(t, s, want)
				s.Close()
			})
			if got, err := io.ReadAll(s); err != nil || string(got) != want {
				t.Errorf("stream %d: %d of %d bytes, %v", i, len(got), len(want), err)
			}
		})
	}
	wg.Wait()
}

// codes are around the numbers that the mapping of WebTransport codes into
// those of HTTP/3 leaves out (one in 31).
var codes = []uint64{0, 1, 0x12, 0x1d, 0x1e, 0x1f, 0x20, 0x3b, 0x3c, 0xffff, 0xfffffffe, 0xffffffff}

func testReset(t *testing.T, a, b Conn) {
	for _, code := range codes {
		out := must(a.OpenUniStream(patient(t)))(t)
		write(t, out, "x")
		in := must(b.AcceptUniStream(patient(t)))(t)
		out.Reset(code)
		wantError(t, readError(in), &StreamError{Code: code, Remote: true})
		wantError(t, readError(in), &StreamError{Code: code, Remote: true})
		_, err := out.Write([]byte("y"))
		wantError(t, err, &StreamError{Code: code})
		<-out.Context().Done()

		// The acceptor resets its half; the other one still works.
		s := must(a.OpenStream(patient(t)))(t)
		write(t, s, "x")
		r := must(b.AcceptStream(patient(t)))(t)
		r.Reset(code)
		wantError(t, readError(s), &StreamError{Code: code, Remote: true})
		write(t, s, "y")
		s.Close()
		if got, err := io.ReadAll(r); err != nil || string(got) != "xy" {
			t.Errorf("the other half: %q, %v", got, err)
		}
	}
}

func testResetAfterClose(t *testing.T, a, b Conn) {
	out := must(a.OpenUniStream(patient(t)))(t)
	write(t, out, "x")
	in := must(b.AcceptUniStream(patient(t)))(t)
	out.Close()
	out.Reset(7)
	// Which one arrives is open; that one does is not.
	if err := readError(in); err != io.EOF {
		wantError(t, err, &StreamError{Code: 7, Remote: true})
	}
}

func testStop(t *testing.T, a, b Conn) {
	for _, code := range codes {
		out := must(a.OpenUniStream(patient(t)))(t)
		write(t, out, "x")
		in := must(b.AcceptUniStream(patient(t)))(t)
		in.Stop(code)
		wantError(t, readError(in), &StreamError{Code: code})
		<-out.Context().Done()
		_, err := out.Write([]byte("y"))
		wantError(t, err, &StreamError{Code: code, Remote: true})
		if err := out.Close(); err != nil {
			t.Errorf("Close after the peer stopped: %v", err)
		}

		// A write that waits for the reader ends as well.
		s := must(a.OpenStream(patient(t)))(t)
		write(t, s, "x")
		r := must(b.AcceptStream(patient(t)))(t)
		blocked := make(chan error)
		go func() { blocked <- writeForever(s) }()
		r.Stop(code)
		wantError(t, <-blocked, &StreamError{Code: code, Remote: true})
		write(t, r, "still open")
		r.Close()
		if got, err := io.ReadAll(s); err != nil || string(got) != "still open" {
			t.Errorf("the other half: %q, %v", got, err)
		}
	}
}

func testAfterEnd(t *testing.T, a, b Conn) {
	out := must(a.OpenUniStream(patient(t)))(t)
	write(t, out, "x")
	out.Close()
	if n, err := out.Write([]byte("y")); n != 0 || err == nil {
		t.Errorf("write after Close: %d, %v", n, err)
	}
	out.Close()
	in := must(b.AcceptUniStream(patient(t)))(t)
	if got, err := io.ReadAll(in); err != nil || string(got) != "x" {
		t.Errorf("read %q, %v", got, err)
	}
	in.Stop(1)
	in.Stop(2)
	out = must(a.OpenUniStream(patient(t)))(t)
	out.Reset(3)
	out.Reset(4)
	if err := out.Close(); err != nil {
		t.Errorf("Close after Reset: %v", err)
	}
	wantError(t, readError(must(b.AcceptUniStream(patient(t)))(t)), &StreamError{Code: 3, Remote: true})
}

func testWriteDeadline(t *testing.T, a, b Conn) {
	data := random(2 * maxConnectionWindow) // nobody reads: it can not all be taken
	out := must(a.OpenUniStream(patient(t)))(t)
	out.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	n, err := out.Write(data)
	if err != os.ErrDeadlineExceeded || n == 0 || n == len(data) {
		t.Fatalf("wrote %d of %d: %v", n, len(data), err)
	}
	if n, err := out.Write(data); n != 0 || err != os.ErrDeadlineExceeded {
		t.Errorf("past the deadline: wrote %d: %v", n, err)
	}
	// The stream goes on after the bytes that were taken.
	out.SetWriteDeadline(time.Time{})
	go func() {
		write(t, out, "the end")
		out.Close()
	}()
	got, err := io.ReadAll(must(b.AcceptUniStream(patient(t)))(t))
	if want := append(data[:n:n], "the end"...); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes, want %d: %v", len(got), len(want), err)
	}
}

func testMovedDeadlines(t *testing.T, a, b Conn) {
	s := must(a.OpenStream(patient(t)))(t)
	write(t, s, "x")
	r := must(b.AcceptStream(patient(t)))(t)
	done := make(chan error, 2)
	go func() { done <- readError(s) }()
	go func() { done <- writeForever(s) }()
	past := time.Now().Add(-time.Second)
	s.SetReadDeadline(past)
	s.SetWriteDeadline(past)
	for range 2 {
		wantError(t, <-done, os.ErrDeadlineExceeded)
	}
	s.SetReadDeadline(time.Time{})
	write(t, r, "late")
	r.Close()
	if got, err := io.ReadAll(s); err != nil || string(got) != "late" {
		t.Errorf("read %q, %v", got, err)
	}
}

func testDatagrams(t *testing.T, a, b Conn) {
	for _, size := range []int{0, 1, 1000} {
		want := random(size)
		// They may be lost, even here.
		ctx, cancel := context.WithCancel(patient(t))
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := a.SendDatagram(want); err != nil {
					t.Error(err)
				}
				select {
				case <-ctx.Done():
				case <-time.After(10 * time.Millisecond):
				}
			}
		})
		for {
			got, err := b.ReceiveDatagram(ctx)
			if err != nil {
				t.Fatalf("size %d: %v", size, err)
			}
			if bytes.Equal(got, want) {
				break
			}
		}
		cancel()
		wg.Wait()
	}
	wantError(t, a.SendDatagram(make([]byte, 70_000)), ErrDatagramTooLarge)
	wantError(t, a.SendDatagram(make([]byte, 1500)), ErrDatagramTooLarge)
}
