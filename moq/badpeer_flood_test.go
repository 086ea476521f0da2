package moq_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// flooder is a client that does one thing without end and reads nothing. Its
// methods return false when the session is over.
type flooder struct {
	t       *testing.T
	conn    transport.Conn
	v       wire.Version
	control transport.SendStream
	next    uint64
	real    bool // it is not in a bubble
}

// flood is what it does.
type flood struct {
	name         string
	since, until wire.Version
	config       func(*moq.Config)
	limits       transport.MemoryConfig // of the flooder's streams and buffers
	run          func(f *flooder)       // returns when the session is over, or there is no more to do
	produce      bool                   // the session's track gets objects meanwhile
	within       time.Duration          // the session is over then; 0: it goes on
	want         wire.SessionError
	bound        uint64 // bytes of heap that the session may take
}

// connect begins a session as the client.
func (f *flooder) setup() {
	m := &wire.Setup{}
	if f.v.Has(wire.FeatureControlStream) {
		m.MaxRequestID = wire.Some(uint64(1 << 20))
		s, err := f.conn.OpenStream(f.t.Context())
		if err != nil {
			f.t.Fatal(err)
		}
		f.control = s
	} else {
		s, err := f.conn.OpenUniStream(f.t.Context())
		if err != nil {
			f.t.Fatal(err)
		}
		f.control = s
	}
	f.write(f.control, f.encode(m))
	if !f.real {
		synctest.Wait()
	}
}

func (f *flooder) encode(m wire.Message) []byte {
	b, err := wire.AppendMessage(nil, f.v, m)
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

func (f *flooder) over() bool { return f.conn.Context().Err() != nil }

// write writes all of b, however long that takes.
func (f *flooder) write(s transport.SendStream, b []byte) bool {
	_, err := s.Write(b)
	var stopped *transport.StreamError
	return err == nil || errors.As(err, &stopped)
}

// slowly writes one byte a second.
func (f *flooder) slowly(s transport.SendStream, b []byte) bool {
	for i := range b {
		if !f.write(s, b[i:i+1]) {
			return false
		}
		time.Sleep(time.Second)
	}
	return !f.over()
}

func (f *flooder) id() uint64 {
	f.next += 2
	return f.next - 2
}

// uni opens a unidirectional stream with b. It waits for credit.
func (f *flooder) uni(b []byte) bool {
	s, err := f.conn.OpenUniStream(f.conn.Context())
	return err == nil && f.write(s, b)
}

// request makes a request; nil when the session is over or no more fit.
func (f *flooder) request(m wire.Message) transport.SendStream {
	if _, own := m.(*wire.SubscribeNamespace); f.v.Has(wire.FeatureControlStream) && !own {
		if !f.write(f.control, f.encode(m)) {
			return nil
		}
		return f.control
	}
	ctx, cancel := context.WithTimeout(f.conn.Context(), 20*time.Second)
	defer cancel()
	s, err := f.conn.OpenStream(ctx)
	if err != nil || !f.write(s, f.encode(m)) {
		return nil
	}
	return s
}

// endless calls do every millisecond until it returns false, the session is
// over, or n times.
func (f *flooder) endless(n int, do func(i int) bool) {
	for i := range n {
		if f.over() || !do(i) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// published offers a track with alias 7, which is taken.
func (f *flooder) published() {
	f.request(&wire.Publish{RequestID: f.id(), Track: name("video"), TrackAlias: 7})
	synctest.Wait()
}

func (f *flooder) subgroup(alias, group uint64) []byte {
	return wire.AppendSubgroupHeader(nil, f.v, &wire.SubgroupHeader{TrackAlias: alias, Group: group, FirstObject: f.v.Has(wire.FeatureFirstObject), Priority: wire.Some(uint8(1))})
}

func (f *flooder) object(c *wire.ObjectCursor, id, size uint64) []byte {
	return wire.AppendSubgroupObject(nil, f.v, c, false, &wire.Object{ID: id, PayloadLen: size})
}

// heap is what is in use, stacks included.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// TestFloods: a peer that does too much, or too little, takes a bounded amount of
// memory, and where it is at fault it is gone within its timeout. All of it is
// in virtual time.
func TestFloods(t *testing.T) {
	for _, x := range floods() {
		t.Run(x.name, func(t *testing.T) {
			eachVersion(t, func(t *testing.T, v wire.Version) {
				if raced && v != max(x.since, slices.Min(wire.Versions())) && v != cmp.Or(x.until, slices.Max(wire.Versions())) {
					return // those between differ in encoding alone, which does not race
				}
				if v >= x.since && (x.until == 0 || v <= x.until) {
					x.test(t, v)
				}
			})
		})
	}
}

func (x *flood) test(t *testing.T, v wire.Version) {
	handler := newAccepting()
	c := moq.Config{Handler: handler, Logger: slog.New(slog.DiscardHandler)}
	if x.config != nil {
		x.config(&c)
	}
	limits := x.limits
	limits.Protocol = v.String()
	theirs, mine := limits.Pair()
	go func() {
		if s, err := moq.NewSession(context.Background(), mine, c); err == nil {
			s.Wait()
		}
	}()
	heap() // what pools hold is gone at the second time
	before, started := heap(), time.Now()
	f := &flooder{t: t, conn: theirs, v: v}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.setup()
		x.run(f)
	}()
	ended := theirs.Context().Done()
	ticks := time.NewTicker(5 * time.Second)
	defer ticks.Stop()
	soon := time.After(400 * time.Millisecond)
	limit := time.After(max(x.within, time.Minute))
	most := uint64(0)
	for group, running := uint64(0), true; running; {
		measure := true
		select {
		case <-ended:
			running = false
		case <-soon:
		case <-limit:
			running = false
		case <-ticks.C:
			if x.produce {
				handler.produce(t, group)
			}
			measure = group%4 == 0 // collecting garbage takes real time
			group++
		}
		if measure {
			most = max(most, heap())
		}
	}
	most -= min(most, before)
	if most > x.bound {
		t.Errorf("the session took %d KiB, the bound is %d KiB", most>>10, x.bound>>10)
	}
	var closed *transport.CloseError
	switch cause := context.Cause(theirs.Context()); {
	case x.within == 0 && cause != nil:
		t.Errorf("the session ended with %q after %v, want it to go on", cause, time.Since(started))
	case x.within == 0:
	case cause == nil:
		t.Errorf("the session lives after %v", x.within)
	case !errors.As(cause, &closed) || wire.SessionError(closed.Code) != x.want:
		t.Errorf("the session ended with %q, want %v", cause, x.want)
	}
	t.Logf("%d KiB, %v", most>>10, time.Since(started))
	_ = theirs.CloseWithError(0, "")
	<-done
}

// produce appends a group of 1 MB.
func (a *accepting) produce(t *testing.T, group uint64) {
	w, err := a.track.OpenSubgroup(live.SubgroupInfo{Group: group, Priority: 128, FirstObject: true})
	if err != nil {
		t.Fatal(err)
	}
	for id := range uint64(10) {
		if err := w.Append(live.WholeObject{ID: id, Payload: make([]byte, 100_000)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	a.AddNamespace(wire.Namespace{"n", fmt.Sprint(group)})
}
