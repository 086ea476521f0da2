package transport

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"testing"
)

// must fails the test on an error: must(f())(t).
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// openedUni opens a stream at from and accepts it at to.
func openedUni(t *testing.T, from, to Conn) (ReceiveStream, error) {
	t.Helper()
	out := must(from.OpenUniStream(patient(t)))(t)
	write(t, out, "x")
	return to.AcceptUniStream(patient(t))
}

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{})
	r.Read(b)
	return b
}

func write(t *testing.T, s SendStream, text string) {
	t.Helper()
	if n, err := s.Write([]byte(text)); err != nil || n != len(text) {
		t.Errorf("wrote %d of %d: %v", n, len(text), err)
	}
}

// writeForever returns the error that ends it.
func writeForever(s SendStream) error {
	b := make([]byte, 1<<16)
	for {
		if _, err := s.Write(b); err != nil {
			return err
		}
	}
}

// readError reads to the end and returns how it ended; io.EOF after FIN.
func readError(s ReceiveStream) error {
	b := make([]byte, 1<<16)
	for {
		if _, err := s.Read(b); err != nil {
			return err
		}
	}
}

func wantError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error %v (%T), want %v", got, got, want)
	}
}

func TestStreamLimits(t *testing.T) {
	// HTTP/3 takes some of the streams; how many is left does not matter.
	const most = 8
	for _, k := range kinds {
		t.Run(k.String(), func(t *testing.T) {
			t.Run("unidirectional", func(t *testing.T) {
				client, server := newPair(t, k, limits{uni: most})
				var open []SendStream
				for {
					s, err := client.TryOpenUniStream()
					if err != nil {
						wantError(t, err, ErrStreamLimit)
						break
					}
					write(t, s, "x")
					if open = append(open, s); len(open) > most {
						t.Fatal("no limit")
					}
				}
				if len(open) < most-3 {
					t.Fatalf("limit reached after %d streams", len(open))
				}
				ctx, cancel := context.WithCancel(patient(t))
				cancel()
				_, err := client.OpenUniStream(ctx)
				wantError(t, err, context.Canceled)
				opened := make(chan error)
				go func() {
					s, err := client.OpenUniStream(patient(t))
					if err == nil {
						err = s.Close()
					}
					opened <- err
				}()
				// A stream that ends gives its credit back. Which one is
				// accepted first is open.
				for _, s := range open {
					s.Close()
				}
				in := must(server.AcceptUniStream(patient(t)))(t)
				wantError(t, readError(in), io.EOF)
				if err := <-opened; err != nil {
					t.Error(err)
				}
			})
			t.Run("bidirectional", func(t *testing.T) {
				client, server := newPair(t, k, limits{bidi: most})
				var open []Stream
				blocked := make(chan error)
				go func() {
					for {
						s, err := client.OpenStream(patient(t))
						if err != nil {
							blocked <- err
							return
						}
						// A WebTransport stream shows before its first byte, so
						// it may be stopped already.
						if _, err := s.Write([]byte("x")); err != nil && !isA[*StreamError](err) {
							t.Error(err)
						}
						if open = append(open, s); len(open) > most {
							blocked <- nil
							return
						}
					}
				}()
				// Each pair of halves that ends lets one more come, so that
				// more than the limit get through, one after the other.
				for range 2 {
					s := must(server.AcceptStream(patient(t)))(t)
					s.Stop(1)
					s.Close()
				}
				for range most - 1 {
					must(server.AcceptStream(patient(t)))(t)
				}
				if err := <-blocked; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestReliableBoundary(t *testing.T) {
	for _, k := range []Kind{KindMemory, KindQUIC} {
		t.Run(k.String(), func(t *testing.T) {
			client, server := newPair(t, k, limits{})
			for range 50 {
				out := must(client.OpenUniStream(patient(t)))(t)
				if ok, err := out.WriteReliable([]byte("header")); !ok || err != nil {
					t.Fatal(ok, err)
				}
				write(t, out, "payload")
				out.Reset(5)
				in := must(server.AcceptUniStream(patient(t)))(t)
				got, err := io.ReadAll(in)
				wantError(t, err, &StreamError{Code: 5, Remote: true})
				if len(got) < 6 || string(got[:6]) != "header" {
					t.Fatalf("read %q", got)
				}
			}
		})
	}
	t.Run("webtransport has none", func(t *testing.T) {
		client, server := newPair(t, KindWebTransport, limits{})
		out := must(client.OpenUniStream(patient(t)))(t)
		if ok, err := out.WriteReliable([]byte("y")); ok || !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%v, %v", ok, err)
		}
		write(t, out, "x")
		out.Close()
		if got, err := io.ReadAll(must(server.AcceptUniStream(patient(t)))(t)); err != nil || string(got) != "x" {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

// TestResetWithoutCredit: a reset of a stream that flow control held up promises
// nothing that the peer has no room for, and the connection goes on.
func TestResetWithoutCredit(t *testing.T) {
	client, server := newPair(t, KindQUIC, limits{})
	chunk := make([]byte, 1000)
	var held []SendStream
	for full := false; !full; { // one stream after the other until there is no credit at all
		out := must(client.OpenUniStream(patient(t)))(t)
		held = append(held, out)
		ok := true
		for n := 0; ok && n < 400; n++ {
			var err error
			if ok, err = out.TryWrite(chunk); err != nil {
				t.Fatal(err)
			}
			full = !ok && n == 0
		}
	}
	for _, out := range held {
		if ok, err := out.WriteReliable(chunk); ok || err != nil {
			t.Errorf("%v, %v without credit", ok, err)
		}
		out.Reset(5)
	}
	for range held {
		_, err := io.ReadAll(must(server.AcceptUniStream(patient(t)))(t))
		wantError(t, err, &StreamError{Code: 5, Remote: true})
	}
	out := must(client.OpenUniStream(patient(t)))(t)
	write(t, out, "there is credit again")
	out.Close()
	if got := must(io.ReadAll(must(server.AcceptUniStream(patient(t)))(t)))(t); len(got) == 0 {
		t.Error("nothing was read")
	}
}

func TestInfoAndStats(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.String(), func(t *testing.T) {
			client, server := newPair(t, k, limits{})
			for c, isClient := range map[Conn]bool{client: true, server: false} {
				i := c.Info()
				if i.Kind != k || i.Protocol != "moqt-18" || i.Client != isClient || i.LocalAddr == nil || i.RemoteAddr == nil {
					t.Errorf("info %+v", i)
				}
			}
			// Raw QUIC carries the path in SETUP.
			if path := server.Info().Path; (path == "/live?a=b") != (k != KindQUIC) {
				t.Errorf("path %q", path)
			}
			if path := client.Info().Path; path != "/live?a=b" {
				t.Errorf("client path %q", path)
			}
			if k == KindWebTransport && server.Info().Authority != client.Info().Authority {
				t.Errorf("authority %q, want %q", server.Info().Authority, client.Info().Authority)
			}
			in := must(openedUni(t, client, server))(t)
			in.Stop(0)
			if s := client.Stats(); s.BytesSent == 0 || (k != KindMemory && (s.SmoothedRTT == 0 || s.CongestionWindow == 0 || s.PacketsReceived == 0)) {
				t.Errorf("stats %+v", s)
			}
		})
	}
	if memoryAddr(true).Network() != "memory" || net.Addr(memoryAddr(false)).String() != "memory:server" {
		t.Error("memory address")
	}
	if Kind(0).String() != "unknown" {
		t.Error("kind 0")
	}
}
