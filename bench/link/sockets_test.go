package link

import (
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"slices"
	"testing"
	"time"
)

// over real sockets: a property is measured up to rounds times, as other processes may
// have the processor; once has to do.
const rounds = 6

// passage is a packet's way over real sockets: when it was sent, and how long it took.
type passage struct{ sent, took time.Duration }

// throw sends packets over loopback to a viewer behind the link.
func throw(t *testing.T, l Link, count, size int, pace time.Duration) (all []passage, counted Direction) {
	t.Helper()
	e := l.Emulate(1, time.Now())
	server, viewer := loopback(t), e.Packets(loopback(t))
	to := viewer.LocalAddr()
	start := time.Now()
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
	viewer.SetReadDeadline(time.Now().Add(l.Delay + l.Jitter + 500*time.Millisecond))
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
	for _, delay := range []time.Duration{25 * time.Millisecond, 100 * time.Millisecond} {
		within(t, fmt.Sprintf("median delay of %v", delay), delay.Seconds(), func() float64 {
			all, _ := throw(t, Link{Delay: delay}, 200, 1200, 2*time.Millisecond)
			if len(all) != 200 {
				t.Fatalf("%d of 200 packets came", len(all))
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
}

// Twice what the line carries is sent for a second; half of it comes, in twice the time
// that the queue is long for.
func TestSocketRate(t *testing.T) {
	const rate, size, count = 4e6, 1172, 833
	l := Link{Delay: 10 * time.Millisecond, Rate: rate}
	within(t, "rate", rate, func() float64 {
		all, counted := throw(t, l, count, size, 1200*time.Microsecond)
		if len(all) != int(counted.Arrived) || counted.Dropped == 0 {
			t.Errorf("%d packets came: %+v", len(all), counted)
		}
		first, last := all[0].sent+all[0].took, all[len(all)-1].sent+all[len(all)-1].took
		return float64(len(all)-1) * (size + udpHeaders) * 8 / (last - first).Seconds()
	})
	within(t, "queue", (200*time.Millisecond + l.Delay).Seconds(), func() float64 {
		all, _ := throw(t, l, count, size, 1200*time.Microsecond)
		return all[len(all)-1].took.Seconds()
	})
}

func TestSocketLoss(t *testing.T) {
	all, counted := throw(t, Link{Delay: time.Millisecond, Loss: 0.5}, 4000, 100, 100*time.Microsecond)
	// A busy machine may lose some before they enter.
	if counted.Packets < 2000 || int(counted.Arrived) != len(all) {
		t.Fatalf("%d packets came: %+v", len(all), counted)
	}
	near(t, "loss", float64(counted.Lost)/float64(counted.Packets), 0.5)
}

// The negative control: without a link nothing of it is measured.
func TestSocketClean(t *testing.T) {
	all, _ := throw(t, Link{}, 200, 1200, time.Millisecond)
	quick := 0
	for _, p := range all {
		if p.took < 5*time.Millisecond {
			quick++
		}
	}
	if len(all) != 200 || quick < 100 {
		t.Errorf("%d of 200 packets came, %d within 5 ms", len(all), quick)
	}
}

var _ net.PacketConn = (*packets)(nil)
