package deliver_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq/deliver"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// countConn takes all that is written to it, and counts it.
type countConn struct {
	transport.Conn
	fan *fanOut
}

// countStream is a stream of it.
type countStream struct {
	ctx context.Context
	fan *fanOut
}

func (c *countConn) TryOpenUniStream() (transport.SendStream, error) {
	return countStream{c.Context(), c.fan}, nil
}
func (c *countConn) SendDatagram([]byte) error { c.fan.count(); return nil }

func (s countStream) Write(b []byte) (int, error)      { s.fan.count(); return len(b), nil }
func (countStream) TryWrite([]byte) (bool, error)      { return true, nil }
func (countStream) WriteReliable([]byte) (bool, error) { return true, nil }
func (countStream) Close() error                       { return nil }
func (countStream) Reset(uint64)                       {}
func (countStream) SetUrgency(transport.Urgency)       {}
func (countStream) SetWriteDeadline(time.Time) error   { return nil }
func (s countStream) Context() context.Context         { return s.ctx }

// fanOut is one track and schedulers that send it.
type fanOut struct {
	track  *live.Track
	writer *live.SubgroupWriter
	id     uint64
	left   atomic.Int64  // who have not sent the current object
	all    chan struct{} // all have
	stop   func()
}

// count notes a write: an object, or a datagram, is one.
func (f *fanOut) count() {
	if f.left.Add(-1) == 0 {
		f.all <- struct{}{}
	}
}

func newFanOut(tb testing.TB, subscribers int) *fanOut {
	f := &fanOut{track: live.NewTrack(name, live.Options{}), all: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	var conns []transport.Conn
	for i := range subscribers {
		a, _ := transport.MemoryPair(wire.Draft18.String())
		conns = append(conns, a)
		s := deliver.New(&countConn{a, f}, wire.Draft18, deliver.Config{})
		s.Subscribe(deliver.Subscribe{Track: f.track, Alias: uint64(i), Forward: true})
		tasks.Go(func() { _ = s.Run(ctx) })
	}
	f.stop = func() {
		cancel()
		tasks.Wait()
		for _, c := range conns {
			_ = c.CloseWithError(0, "")
		}
	}
	w, err := f.track.OpenSubgroup(live.SubgroupInfo{Priority: 128, FirstObject: true})
	if err != nil {
		tb.Fatal(err)
	}
	f.writer = w
	return f
}

// send appends an object and waits until all have sent it.
func (f *fanOut) send(tb testing.TB, payload []byte, subscribers int) {
	f.left.Store(int64(subscribers))
	if err := f.writer.Append(live.WholeObject{ID: f.id, Payload: payload}); err != nil {
		tb.Fatal(err)
	}
	f.id++
	<-f.all
}

// BenchmarkFanOut: an operation is one object sent to all subscribers, over
// connections that cost nothing.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("subscribers=%d", n), func(b *testing.B) {
			f := newFanOut(b, n)
			defer f.stop()
			payload := make([]byte, 1200)
			f.send(b, payload, n)
			b.ReportAllocs()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := cpuTime(b)
			for b.Loop() {
				f.send(b, payload, n)
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(cpuTime(b)-began)/float64(b.N)/float64(n), "cpu-ns/subscriber")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(b.N)/float64(n), "allocs/subscriber")
		})
	}
}

// cpuTime is what the process has used: other work on the machine does not count.
func cpuTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// TestFanOutDoesNotAllocate: an object costs its subscribers no allocation, on a
// stream or as a datagram. What the object itself takes is shared by all.
func TestFanOutDoesNotAllocate(t *testing.T) {
	const subscribers, objects = 100, 200
	f := newFanOut(t, subscribers)
	defer f.stop()
	payload := make([]byte, 1200)
	for name, send := range map[string]func(){
		"streams": func() { f.send(t, payload, subscribers) },
		"datagrams": func() {
			f.left.Store(subscribers)
			if err := f.track.AppendDatagram(wire.Datagram{Group: 1, ID: f.id, Payload: payload[:200]}); err != nil {
				t.Fatal(err)
			}
			f.id++
			<-f.all
		},
	} {
		for range objects {
			send()
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range objects {
			send()
		}
		runtime.ReadMemStats(&after)
		per := float64(after.Mallocs-before.Mallocs) / objects
		t.Logf("%s: %.1f allocations per object, %.3f per object and subscriber", name, per, per/subscribers)
		if per/subscribers > 0.5 { // with the race detector, sync.Pool forgets a quarter
			t.Errorf("%s: %.2f allocations per object and subscriber", name, per/subscribers)
		}
	}
}

// TestStoppedSubscriber: of 100 subscribers one stops reading; what the others
// get stays as old as it was before. Each has a link of 10 Mbit/s to itself.
func TestStoppedSubscriber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const subscribers, size = 100, 12_500
		track := prioritized("a", 128)
		ctx, cancel := context.WithCancel(t.Context())
		var tasks sync.WaitGroup
		var stopped atomic.Bool
		var mu sync.Mutex
		ages := map[bool][]time.Duration{}
		var born sync.Map // by object number
		for i := range subscribers {
			a, b := transport.MemoryConfig{Protocol: wire.Draft18.String(), StreamBuffer: 2 * size}.Pair()
			s := deliver.New(&slowConn{Conn: a, rate: 1_250_000, bytes: map[uint64]int{}}, wire.Draft18, deliver.Config{})
			s.Subscribe(deliver.Subscribe{Track: track, Forward: true})
			tasks.Go(func() { _ = s.Run(ctx) })
			tasks.Go(func() {
				st, err := b.AcceptUniStream(ctx)
				if err != nil {
					return
				}
				buffer := make([]byte, 64<<10)
				for total, next := 0, 0; ; {
					if i == 0 && stopped.Load() {
						return // nothing is read any more
					}
					n, err := st.Read(buffer)
					if err != nil {
						return
					}
					for total += n; total >= (next+1)*size; next++ {
						at, ok := born.Load(next)
						if i > 0 && ok {
							mu.Lock()
							ages[stopped.Load()] = append(ages[stopped.Load()], time.Since(at.(time.Time)))
							mu.Unlock()
						}
					}
				}
			})
		}
		w, err := track.OpenSubgroup(live.SubgroupInfo{Priority: 128, FirstObject: true})
		if err != nil {
			t.Fatal(err)
		}
		const objects = 120
		for id := range objects {
			stopped.Store(id >= objects/2)
			born.Store(id, time.Now())
			if err := w.Append(live.WholeObject{ID: uint64(id), Payload: make([]byte, size)}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second / 30)
		}
		cancel()
		tasks.Wait()
		p99 := func(of []time.Duration) time.Duration {
			slices.Sort(of)
			return of[len(of)*99/100]
		}
		before, after := p99(ages[false]), p99(ages[true])
		t.Logf("p99 of the others: %v before and %v after one stopped", before, after)
		if after > before*11/10 || before > after*11/10 || len(ages[true]) < 5000 {
			t.Errorf("the p99 of %d objects of others changed from %v to %v", len(ages[true]), before, after)
		}
	})
}
