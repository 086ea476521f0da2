package bare

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"go.uber.org/goleak"

	"moqedge/certs"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink notes what a client gets.
type sink struct {
	mu   sync.Mutex
	seen map[string]int // by track, group, ID and payload's size
}

func (s *sink) got(o Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, b := range o.Payload {
		if b != contentOf(o, i) {
			s.seen[fmt.Sprintf("bad content of %d/%d/%d", o.Track, o.Group, o.ID)]++
			return
		}
	}
	s.seen[fmt.Sprintf("%d/%d/%d:%d", o.Track, o.Group, o.ID, len(o.Payload))]++
}

func (s *sink) has(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[key] > 0
}

// bad is what a client got that was not for it, or twice.
func (s *sink) bad(tracks ...int) (bad []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, n := range s.seen {
		wanted := false
		for _, t := range tracks {
			wanted = wanted || strings.HasPrefix(key, fmt.Sprintf("%d/", t))
		}
		if !wanted || n > 1 {
			bad = append(bad, fmt.Sprintf("%d times %s", n, key))
		}
	}
	return bad
}

func contentOf(o Object, i int) byte { return byte(o.Track*31 + int(o.Group)*7 + int(o.ID)*3 + i) }

func object(track int, group, id uint64, last bool, size int) Object {
	o := Object{Track: track, Group: group, ID: id, Last: last, Properties: wire.Properties{2, 1}, Payload: make([]byte, size)}
	for i := range o.Payload {
		o.Payload[i] = contentOf(o, i)
	}
	return o
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// wants is what clients want in tests: all of them track 0, odd ones track 1 too.
func wants(client uint64) []int {
	if client%2 == 1 {
		return []int{0, 1}
	}
	return []int{0}
}

// Clients of a loop get what they want, in the order in which they come or by the
// number that they say, from the next group on.
func TestLoop(t *testing.T) {
	for _, overWebTransport := range []bool{false, true} {
		t.Run(fmt.Sprintf("WebTransport %v", overWebTransport), func(t *testing.T) {
			source, err := certs.Development("", nil, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer source.Close()
			l, err := Listen(Config{GetCertificate: source.GetCertificate, WebTransport: overWebTransport, Tracks: wants, Numbered: true})
			if err != nil {
				t.Fatal(err)
			}
			url := "moqt://" + l.Addr().String()
			if overWebTransport {
				url = "https://" + l.Addr().String() + "/moq"
			}
			ctx, cancel := context.WithCancel(t.Context())
			sinks := make([]*sink, 3)
			ended := make(chan error, len(sinks))
			watch := func(i int) {
				sinks[i] = &sink{seen: map[string]int{}}
				go func() {
					c, err := transport.Dial(ctx, url, &transport.DialConfig{Versions: []string{Version.String()}, Fingerprints: [][32]byte{source.Fingerprint()}})
					if err == nil {
						err = Watch(ctx, c, uint64(i), sinks[i].got)
					}
					ended <- err
				}()
			}
			watch(0)
			watch(1)
			eventually(t, "two clients", func() bool { return len(l.clients.of(0)) == 2 && len(l.clients.of(1)) == 1 })
			encoders := make([]Encoder, 3)
			give := func(o Object) { l.Give(encoders[o.Track].Piece(o)) }
			give(object(0, 0, 0, false, 20_000))
			watch(2)
			eventually(t, "a third", func() bool { return len(l.clients.of(0)) == 3 })
			give(object(0, 0, 1, true, 0))
			give(object(1, 5, 0, true, 100))
			give(object(0, 1, 0, false, 3000))
			give(object(2, 0, 0, true, 100)) // nobody wants it
			l.Give(Piece{Last: true})
			datagram := object(1, 9, 4, false, 200)
			datagram.Datagram = true
			give(datagram)
			eventually(t, "all objects", func() bool {
				return sinks[0].has("0/0/0:20000") && sinks[0].has("0/0/1:0") && sinks[0].has("0/1/0:3000") &&
					sinks[1].has("0/1/0:3000") && sinks[1].has("1/5/0:100") && sinks[1].has("1/9/4:200") &&
					sinks[2].has("0/1/0:3000")
			})
			if sinks[2].has("0/0/1:0") {
				t.Error("a late client got the rest of a group")
			}
			for i, s := range sinks {
				if bad := s.bad(wants(uint64(i))...); len(bad) > 0 {
					t.Errorf("client %d got %q", i, bad)
				}
			}
			cancel()
			for range sinks {
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
			eventually(t, "nobody", func() bool { return len(l.clients.of(0))+len(l.clients.of(1)) == 0 })
			for i := range uint64(2 * queued) { // to nobody, at once
				give(object(0, 2+i, 0, true, 10))
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A loop that ends ends its clients with an error.
func TestLoopEnds(t *testing.T) {
	source, err := certs.Development("", nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	l, err := Listen(Config{GetCertificate: source.GetCertificate})
	if err != nil {
		t.Fatal(err)
	}
	c, err := transport.Dial(t.Context(), "moqt://"+l.Addr().String(), &transport.DialConfig{Versions: []string{Version.String()}, Fingerprints: [][32]byte{source.Fingerprint()}})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- Watch(t.Context(), c, 0, func(Object) {}) }()
	eventually(t, "a client", func() bool { return len(l.clients.of(0)) == 1 })
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("no error")
	}
	if _, err := Listen(Config{}); err == nil {
		t.Error("a loop without a certificate")
	}
}

func socket(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Clients of packets get what they want, however it is sent.
func TestPackets(t *testing.T) {
	for _, c := range []PacketsConfig{{}, {Segments: true}, {Encrypt: true}, {Segments: true, Encrypt: true}} {
		t.Run(fmt.Sprintf("segments %v, encrypted %v", c.Segments, c.Encrypt), func(t *testing.T) {
			c.Conn, c.Tracks = socket(t), wants
			p, err := NewPackets(c)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			sinks := make([]*sink, 2)
			ended := make(chan error, len(sinks))
			for i := range sinks {
				sinks[i] = &sink{seen: map[string]int{}}
				own := socket(t)
				defer own.Close()
				go func() { ended <- Catch(ctx, own, p.Addr(), uint64(i), c.Encrypt, sinks[i].got) }()
			}
			eventually(t, "two clients", func() bool { return len(p.clients.of(0)) == 2 && len(p.clients.of(1)) == 1 })
			sizes := []int{0, 1, 1400, packetSize, 12_500, 70_000} // the last is more than a message
			for id, size := range sizes {                          // one after the other: sockets have small buffers
				for track, to := range [][]*sink{sinks, sinks[1:]} {
					p.Send(object(track, 3, uint64(id), false, size))
					key := fmt.Sprintf("%d/3/%d:%d", track, id, size)
					eventually(t, key, func() bool { return !slices.ContainsFunc(to, func(s *sink) bool { return !s.has(key) }) })
				}
			}
			for i, s := range sinks {
				if bad := s.bad(wants(uint64(i))...); len(bad) > 0 {
					t.Errorf("client %d got %q", i, bad)
				}
			}
			cancel()
			for range sinks {
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Objects are put together from parts in any order; what lacks a part, and what is
// none of the loop's, is left out.
func TestCatcher(t *testing.T) {
	sealer, err := seal(7)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{sealer: sealer}
	whole := object(0, 1, 2, false, 3000)
	lost := object(0, 1, 3, false, 3000)
	s := &sink{seen: map[string]int{}}
	k := &catcher{opener: sealer, parts: map[location]*parts{}, got: s.got}
	for _, span := range [][2]int{{2000, 3000}, {0, 1000}, {1000, 2000}} {
		k.take(r.packet(nil, whole, span[0], span[1]))
	}
	k.take(r.packet(nil, lost, 0, 1000))
	damaged := r.packet(nil, object(0, 1, 4, false, 100), 0, 100)
	damaged[len(damaged)-1]++
	k.take(damaged)
	k.take([]byte("short"))
	if !s.has("0/1/2:3000") || len(s.seen) != 1 {
		t.Errorf("got %v", s.seen)
	}
	for id := range uint64(3 * pending) {
		k.take(r.packet(nil, object(0, 2, id, false, 3000), 0, 1000))
	}
	if len(k.parts) > pending {
		t.Errorf("parts of %d objects are kept", len(k.parts))
	}
}

// The bytes are those of a relay, and are read however they come.
func TestStream(t *testing.T) {
	var e Encoder
	var b []byte
	for id := range uint64(3) {
		p := e.Piece(object(2, 7, id, id == 2, 5000))
		if p.First != (id == 0) || p.Last != (id == 2) || p.Track != 2 {
			t.Errorf("object %d: %+v", id, p)
		}
		b = append(b, p.Bytes...)
	}
	h, _, err := wire.ParseSubgroupHeader(Version, b)
	if err != nil || h.Group != 7 || h.TrackAlias != 2 || !h.EndOfGroup || !h.FirstObject || !h.HasProperties {
		t.Fatalf("%+v, %v", h, err)
	}
	for _, c := range []struct {
		name    string
		r       io.Reader
		objects int
		failed  bool
	}{
		{"at once", bytes.NewReader(b), 3, false},
		{"byte by byte", iotest.OneByteReader(bytes.NewReader(b)), 3, false},
		{"cut in a payload", bytes.NewReader(b[:len(b)-1]), 2, true},
		{"cut in a header", bytes.NewReader(b[:1]), 0, true},
		{"a datagram's type", bytes.NewReader([]byte{0x3F, 0, 0, 0, 0}), 0, true},
		{"nothing", bytes.NewReader(nil), 0, true},
	} {
		s := &sink{seen: map[string]int{}}
		err := watchStream(c.r, s.got)
		if (err != nil) != c.failed || len(s.seen) != c.objects || len(s.bad(2)) > 0 {
			t.Errorf("%s: %v, %v", c.name, s.seen, err)
		}
	}
}
