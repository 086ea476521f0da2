package link

import (
	"encoding/binary"
	"math"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// over real sockets: a property is measured up to rounds times, as other processes may
// have the processor; once has to do.
const rounds = 12

// passage is a packet's way over real sockets: when it was sent, and how long it took.
type passage struct{ sent, took time.Duration }

// throw sends packets over loopback to a viewer behind the link.
func throw(t *testing.T, l Link, count, size int, pace time.Duration) (all []passage, counted Direction) {
	t.Helper()
	e := l.Emulate(1, time.Now())
	server, viewer := loopback(t), e.Packets(loopback(t))
	to := viewer.LocalAddr()
	start := time.Now()
	var came atomic.Uint64
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1500)
		for {
			n, from, err := viewer.ReadFrom(b)
			if err != nil {
				return
			}
			if n != size || from.String() != server.LocalAddr().String() {
				t.Errorf("%d bytes from %v", n, from)
			}
			sent := time.Duration(binary.BigEndian.Uint64(b))
			all = append(all, passage{sent, time.Since(start) - sent})
			came.Add(1)
		}
	}()
	b := make([]byte, size)
	for i := range count {
		time.Sleep(time.Until(start.Add(time.Duration(i) * pace)))
		binary.BigEndian.PutUint64(b, uint64(time.Since(start)))
		if _, err := server.WriteTo(b, to); err != nil {
			t.Fatal(err)
		}
	}
	// All is over the line, unless the kernel lost some.
	over := func() bool {
		d := e.Counters().Down
		return d.Packets == uint64(count) && came.Load() == d.Arrived
	}
	for deadline := time.Now().Add(time.Second + l.Delay); !over() && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	viewer.SetReadDeadline(time.Now())
	<-done
	counted = e.Counters().Down
	viewer.Close()
	return all, counted
}

// within tries until a value is within 5 % of what it should be.
func within(t *testing.T, what string, want float64, measure func() float64) {
	t.Helper()
	var got []float64
	for range rounds {
		got = append(got, measure())
		if math.Abs(got[len(got)-1]-want) <= 0.05*want {
			t.Logf("%s: %.4g, want %.4g", what, got[len(got)-1], want)
			return
		}
	}
	t.Errorf("%s: %v, want %v within 5 %%", what, got, want)
}

func TestSocketDelay(t *testing.T) {
	const delay = 100 * time.Millisecond
	within(t, "median delay", delay.Seconds(), func() float64 {
		all, _ := throw(t, Link{Delay: delay}, 200, 1200, 2*time.Millisecond)
		if len(all) != 200 {
			return math.NaN()
		}
		took := []time.Duration{}
		for _, p := range all {
			took = append(took, p.took)
		}
		slices.Sort(took)
		if took[0] < delay*98/100 {
			t.Errorf("a packet came after %v, and the delay is %v", took[0], delay)
		}
		t.Logf("min %v p10 %v p50 %v p90 %v p99 %v max %v", took[0], took[20], took[100], took[180], took[198], took[199])
		return took[100].Seconds()
	})
}

// Twice what the line carries is sent for a second; half of it comes, in twice the time
// that the queue is long for.
func TestSocketRate(t *testing.T) {
	const rate, size, count = 4e6, 1172, 833
	l := Link{Delay: 10 * time.Millisecond, Rate: rate}
	within(t, "rate", rate, func() float64 {
		all, counted := throw(t, l, count, size, 1200*time.Microsecond)
		if len(all) != int(counted.Arrived) || counted.Dropped == 0 {
			return math.NaN()
		}
		first, last := all[0].sent+all[0].took, all[len(all)-1].sent+all[len(all)-1].took
		return float64(len(all)-1) * (size + udpHeaders) * 8 / (last - first).Seconds()
	})
	within(t, "queue", (200*time.Millisecond + l.Delay).Seconds(), func() float64 {
		all, counted := throw(t, l, count, size, 1200*time.Microsecond)
		if len(all) != int(counted.Arrived) || counted.Dropped == 0 {
			return math.NaN()
		}
		return all[len(all)-1].took.Seconds()
	})
}

func TestSocketLoss(t *testing.T) {
	within(t, "loss", 0.5, func() float64 {
		all, counted := throw(t, Link{Delay: time.Millisecond, Loss: 0.5}, 4000, 100, 100*time.Microsecond)
		if int(counted.Lost) != 4000-len(all) {
			return math.NaN()
		}
		return float64(4000-len(all)) / 4000
	})
}

// The negative control: without a link nothing of it is measured.
func TestSocketClean(t *testing.T) {
	all, counted := throw(t, Link{}, 200, 1200, time.Millisecond)
	least := time.Hour
	for _, p := range all {
		least = min(least, p.took)
	}
	if least > 20*time.Millisecond || counted != (Direction{}) {
		t.Errorf("%d of 200 packets came, the first after %v: %+v", len(all), least, counted)
	}
}

var _ net.PacketConn = (*packets)(nil)
