package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

const (
	budget     = 64 << 20
	perSession = 4 << 20 // of resident memory: what QUIC holds for a publisher, or a subscriber that has stopped
)

// TestResidentMemory sends a relay of its own process twenty times what its cache
// may have: many tracks, large and small objects, some of them read, some by
// subscribers that have stopped. Its resident memory stays within the budget, a
// fifth of it, what an idle relay has, and 4 MiB for each session.
func TestResidentMemory(t *testing.T) {
	load := overfill(t, budget, 20*budget)
	s := load.stats
	t.Logf("%d MiB in: peak %d MiB, idle %d MiB, %d sessions, limit %d MiB; cache %d MiB in %d groups, %v", s.BytesIn>>20, load.peak>>20, load.idle>>20, s.Sessions,
		load.limit()>>20, s.Cache.Bytes>>20, s.Cache.Groups, s.Cache.Forgotten)
	if load.peak > load.limit() {
		t.Errorf("%d MiB resident, the limit is %d", load.peak>>20, load.limit()>>20)
	}
	if s.Cache.Bytes > budget+budget/16 || s.Cache.Bytes < budget/2 || s.Cache.Forgotten["evicted"] == 0 {
		t.Errorf("cache: %+v", s.Cache)
	}
	if load.read == 0 || load.lost > 0 {
		t.Errorf("subscribers got %d bytes, %d sessions were lost", load.read, load.lost)
	}
}

// TestResidentMemoryNegative: without eviction the same load does not stay within
// these limits.
func TestResidentMemoryNegative(t *testing.T) {
	load := overfill(t, 1<<40, 5*budget)
	if load.peak <= load.limit() {
		t.Errorf("%d MiB resident without eviction: the test above shows nothing", load.peak>>20)
	}
}

// loaded is how a relay stood a load.
type loaded struct {
	stats      relay.Stats
	idle, peak uint64 // bytes resident
	read       uint64 // bytes that subscribers got
	lost       int    // sessions
}

// limit is what is allowed with a cache of budget.
func (l *loaded) limit() uint64 {
	return l.idle + budget + budget/5 + uint64(l.stats.Sessions)*perSession
}

// overfill publishes bytes to a relay with a cache of a size.
func overfill(t *testing.T, cacheBytes, bytes uint64) *loaded {
	t.Helper()
	t.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true") // of the sockets that stop
	file := t.TempDir() + "/relay.yaml"
	conf := fmt.Sprintf("listen: 127.0.0.1:0\ncertificate: {development: true}\nadmin: {listen: '127.0.0.1:0'}\nlog: {level: error}\nretention: {cacheBytes: %d}\n", cacheBytes)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "serve", "-c", file, "--json")
	var at struct{ Relay, Admin, Fingerprint string }
	p.json("addresses", &at)
	dial := func(c moq.Config, socket net.PacketConn) *moq.Session {
		var pin [32]byte
		if _, err := hex.Decode(pin[:], []byte(at.Fingerprint)); err != nil {
			t.Fatal(err)
		}
		conn, err := transport.Dial(t.Context(), "moqt://"+at.Relay, &transport.DialConfig{Fingerprints: [][32]byte{pin}, PacketConn: socket})
		if err != nil {
			t.Fatal(err)
		}
		c.Logger = slog.New(slog.DiscardHandler)
		s, err := moq.NewSession(t.Context(), conn, c)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	l := &loaded{idle: resident(t, p.cmd.Process.Pid, "VmRSS")}
	f := &flooding{t: t, admin: "http://" + at.Admin + "/stats"}
	var sessions []*moq.Session
	for i := range 2 {
		s := dial(moq.Config{}, nil)
		sessions = append(sessions, s)
		f.publish(s, i, 16, 128<<10, 8) // 32 tracks of large objects, 1 MiB to a group
		f.publish(s, i, 16, 1<<10, 64)  // and 32 of small ones
	}
	var counters moq.Counters
	for i := range 4 {
		s := dial(moq.Config{Counters: &counters}, nil)
		sessions = append(sessions, s)
		f.subscribe(s, i)
	}
	for i := range 4 {
		socket := newStoppable(t)
		s := dial(moq.Config{}, socket)
		defer s.Close(wire.SessionNoError, "")
		f.subscribe(s, i)
		socket.stop()
	}
	f.run(bytes)
	l.stats, l.read = f.stats(), counters.Bytes.Load()
	l.peak = resident(t, p.cmd.Process.Pid, "VmHWM")
	for _, s := range sessions {
		if s.Context().Err() != nil {
			l.lost++
		}
		s.Close(wire.SessionNoError, "")
	}
	p.interrupt()
	return l
}

// stoppable is a socket that hears nothing any more once it is stopped, as that of a
// process that does not run.
type stoppable struct {
	net.PacketConn
	stopped chan struct{}
}

func newStoppable(t *testing.T) *stoppable {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stoppable{c, make(chan struct{})}
	t.Cleanup(func() { c.Close() })
	return s
}

func (s *stoppable) stop() { close(s.stopped) }

// ReadFrom implements net.PacketConn.
func (s *stoppable) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := s.PacketConn.ReadFrom(b)
		select {
		case <-s.stopped:
			if err == nil {
				continue
			}
		default:
		}
		return n, from, err
	}
}

// resident reads a field of the memory of a process, in bytes.
func resident(t *testing.T, pid int, field string) uint64 {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == field+":" {
			n, err := strconv.ParseUint(fields[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatalf("no %s of process %d", field, pid)
	return 0
}

// flooding is a number of tracks that are published to a relay.
type flooding struct {
	t      *testing.T
	admin  string
	tracks []*flood1
}

// flood1 is one of them.
type flood1 struct {
	track   *live.Track
	size, n int // of objects, in a group
}

func (f *flooding) name(i, n, size int) wire.FullTrackName {
	return wire.FullTrackName{Namespace: wire.Namespace{"flood", strconv.Itoa(i)}, Name: fmt.Sprintf("%d-%d", size, n)}
}

func (f *flooding) publish(s *moq.Session, i, tracks, size, n int) {
	f.t.Helper()
	for k := range tracks {
		x := &flood1{live.NewTrack(f.name(i, k, size), live.Options{}), size, n}
		f.tracks = append(f.tracks, x)
		if _, err := s.Publish(f.t.Context(), x.track, moq.PublishOptions{}); err != nil {
			f.t.Fatal(err)
		}
	}
}

// subscribe reads a track of large and one of small objects, and drops them.
func (f *flooding) subscribe(s *moq.Session, i int) {
	f.t.Helper()
	for _, size := range []int{128 << 10, 1 << 10} {
		if _, err := s.Subscribe(f.t.Context(), f.name(i%2, i/2, size), moq.SubscribeOptions{}); err != nil {
			f.t.Fatal(err)
		}
	}
}

// run produces until the relay has got as many bytes, never far ahead of it.
func (f *flooding) run(bytes uint64) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 50*time.Second)
	defer cancel()
	var produced uint64
	for g := uint64(0); ; g++ {
		var wait sync.WaitGroup
		for _, x := range f.tracks {
			wait.Go(func() {
				w, err := x.track.OpenSubgroup(live.SubgroupInfo{Group: g, Priority: 128, FirstObject: true})
				if err != nil {
					f.t.Error(err)
					return
				}
				for id := range uint64(x.n) {
					if err := w.Append(live.WholeObject{ID: id, Payload: make([]byte, x.size)}); err != nil {
						f.t.Error(err)
					}
				}
				if err := w.Close(); err != nil {
					f.t.Error(err)
				}
			})
			produced += uint64(x.size * x.n)
		}
		wait.Wait()
		for got := f.stats().BytesIn; got < produced; got = f.stats().BytesIn {
			if got >= bytes {
				return
			}
			select {
			case <-time.After(5 * time.Millisecond):
			case <-ctx.Done():
				f.t.Fatalf("%d of %d bytes in time, %d produced", got, bytes, produced)
			}
		}
	}
}

func (f *flooding) stats() relay.Stats {
	f.t.Helper()
	rsp, err := http.Get(f.admin)
	if err != nil {
		f.t.Fatal(err)
	}
	defer rsp.Body.Close()
	var s relay.Stats
	if err := json.NewDecoder(rsp.Body).Decode(&s); err != nil {
		f.t.Fatal(err)
	}
	return s
}
