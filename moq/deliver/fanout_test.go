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

// BenchmarkFanOut: what an object costs for each of 1, 10, 100 and 1000 subscribers,
// over connections that cost nothing. An operation is 20,000 objects to one subscriber, 2000
// to ten and so on, so that all have the same heap and the same noise. Figures are medians
// of CPU time, as other work on the machine does not count, without what an object costs
// that nobody gets: the append, its header, and waking up who waits until all have it.
func BenchmarkFanOut(b *testing.B) {
	const pairs = 20_000
	payload := make([]byte, 1200)
	var fans []*fanOut
	for _, n := range audiences {
		f := newFanOut(b, n)
		defer f.stop()
		f.send(b, payload, n)
		fans = append(fans, f)
	}
	nobody := newFanOut(b, 0)
	defer nobody.stop()
	there, back := make(chan struct{}), make(chan struct{})
	defer close(there)
	go func() { // ends with there
		for range there {
			back <- struct{}{}
		}
	}()
	var objects, wakes []float64
	shares := make([][]float64, len(audiences))
	measure := func(to *[]float64, f func()) {
		began := cpuTime(b)
		f()
		*to = append(*to, float64(cpuTime(b)-began)/pairs)
	}
	runtime.GC()
	for b.Loop() {
		measure(&objects, func() {
			for range pairs {
				nobody.send(b, payload, 0)
			}
		})
		measure(&wakes, func() {
			for range pairs / 2 { // each wakes two
				there <- struct{}{}
				<-back
			}
		})
		for i, n := range audiences {
			measure(&shares[i], func() {
				for range pairs / n {
					fans[i].send(b, payload, n)
				}
			})
		}
	}
	alone := median(objects) + median(wakes)
	b.ReportMetric(alone, "cpu-ns/object")
	for i, n := range audiences {
		b.ReportMetric(median(shares[i])-alone/float64(n), fmt.Sprintf("cpu-ns/subscriber-of-%d", n))
	}
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
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
			objects := max(200, 5000/max(n, 1))
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
