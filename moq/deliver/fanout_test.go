package deliver_test

import (
	"context"
	"fmt"
	"math"
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
	nobody *live.Subgroup    // what is written, when nobody else reads it
	cursor wire.ObjectCursor // likewise
	left   atomic.Int64      // who have not sent the current object
	all    chan struct{}     // all have
	stop   func()
}

// count notes a write: an object, or a datagram, is one.
func (f *fanOut) count() {
	if f.left.Add(-1) == 0 {
		f.all <- struct{}{}
	}
}

func newFanOut(tb testing.TB, subscribers int) *fanOut {
	f := &fanOut{track: live.NewTrack(name, live.Options{MaxBytes: 1 << 20}), all: make(chan struct{}, 1)}
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
	if subscribers > 0 {
		<-f.all
		return
	}
	if f.nobody == nil {
		f.nobody, _ = f.track.NewFeed(wire.Location{}).Subgroup()
	}
	f.nobody.Newest().Framing(wire.Draft18, &f.cursor, false) // which all subscribers share
}

// post is send for a datagram.
func (f *fanOut) post(tb testing.TB, payload []byte, subscribers int) {
	f.left.Store(int64(subscribers))
	if err := f.track.AppendDatagram(wire.Datagram{Group: 1, ID: f.id, Payload: payload}); err != nil {
		tb.Fatal(err)
	}
	f.id++
	if subscribers > 0 {
		<-f.all
	}
}

// audiences are the numbers of subscribers that are compared.
var audiences = [...]int{1, 10, 100, 1000}

// BenchmarkFanOut: an operation is 2000 objects to one subscriber, or 200 to ten and so
// on, over connections that cost nothing. Figures are medians over the operations of CPU
// time, as other work on the machine does not count. A further subscriber costs what an
// object costs more than with the audience before, for each that is more: the object
// itself, and waking up who waits until all have it, are not in that.
func BenchmarkFanOut(b *testing.B) {
	const pairs = 2000
	payload := make([]byte, 1200)
	fewer, least := 0, 0.0
	for _, n := range audiences {
		best := math.Inf(1)
		b.Run(fmt.Sprintf("subscribers=%d", n), func(b *testing.B) {
			f := newFanOut(b, n)
			defer f.stop()
			batch := func() time.Duration {
				began := cpuTime(b)
				for range pairs / n {
					f.send(b, payload, n)
				}
				return cpuTime(b) - began
			}
			for range 20 {
				batch()
			}
			runtime.GC()
			var took []time.Duration
			for b.Loop() {
				took = append(took, batch())
			}
			slices.Sort(took)
			object := float64(took[len(took)/2]) / (pairs / float64(n))
			best = min(best, object)
			b.ReportMetric(object, "cpu-ns/object")
			b.ReportMetric((object-least)/float64(n-fewer), "cpu-ns/further-subscriber")
		})
		fewer, least = n, best
	}
}

// cpuTime is what the process has used.
func cpuTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// TestFanOutDoesNotAllocate: an object costs its subscribers no allocation, on a
// stream or as a datagram, whatever their number. What the object itself takes is shared.
func TestFanOutDoesNotAllocate(t *testing.T) {
	payload := make([]byte, 1200)
	for name, send := range map[string]func(*fanOut, int){
		"streams":   func(f *fanOut, n int) { f.send(t, payload, n) },
		"datagrams": func(f *fanOut, n int) { f.post(t, payload[:200], n) },
	} {
		shared := 0.0
		for _, n := range slices.Concat([]int{0}, audiences[:]) {
			f := newFanOut(t, n)
			objects := max(20, 2000/max(n, 1))
			var before, after runtime.MemStats
			for range 2 { // first what is made once
				runtime.ReadMemStats(&before)
				for range objects {
					send(f, n)
				}
				runtime.ReadMemStats(&after)
			}
			f.stop()
			each := float64(after.Mallocs-before.Mallocs) / float64(objects)
			if n == 0 {
				shared = each
				continue
			}
			per := (each - shared) / float64(n)
			t.Logf("%s to %d: %.1f allocations per object, %.3f more for each subscriber", name, n, each, per)
			if per > 0.5 { // with the race detector, sync.Pool forgets a quarter
				t.Errorf("%s to %d: %.2f allocations per object and subscriber", name, n, per)
			}
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
