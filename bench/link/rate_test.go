package link

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

const packetSize = 1172 // of payload: 1200 bytes on the line

// pace of packets of packetSize at a rate in bit/s.
func pace(rate float64) time.Duration {
	return time.Duration((packetSize + udpHeaders) * 8 / rate * float64(time.Second))
}

// rateOf what arrived from one time to another, in bit/s.
func rateOf(all []arrival, from, to time.Duration) float64 {
	n := 0
	for _, a := range all {
		if a.at >= from && a.at < to {
			n++
		}
	}
	return float64(n) * (packetSize + udpHeaders) * 8 / (to - from).Seconds()
}

func TestRate(t *testing.T) {
	for _, rate := range []float64{100e3, 3e6, 50e6} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			l := Link{Delay: 20 * time.Millisecond, Rate: rate, Up: rate}
			bothWays(t, l, func(t *testing.T, x ends, send, receive net.PacketConn, counted func() Direction) {
				const length = 10 * time.Second
				count := int(length / pace(2*rate))
				got := flow(t, send, receive, count, packetSize, pace(2*rate))
				near(t, "rate", rateOf(got, time.Second, length), rate)
				d := counted()
				near(t, "dropped", float64(d.Dropped), float64(count)/2-0.2*float64(count)/length.Seconds()/2)
				if int(d.Dropped)+len(got) != count || d.Lost != 0 || int(d.Arrived) != len(got) {
					t.Errorf("%d of %d packets came: %+v", len(got), count, d)
				}
				last := got[len(got)-1]
				near(t, "delay and full queue", (last.at - time.Duration(last.n)*pace(2*rate)).Seconds(), 0.22)
			})
			// Below the rate a packet takes its own time alone.
			bothWays(t, l, func(t *testing.T, x ends, send, receive net.PacketConn, counted func() Direction) {
				got := flow(t, send, receive, 100, packetSize, pace(0.9*rate))
				if len(got) != 100 {
					t.Fatalf("%d of 100 packets came", len(got))
				}
				for i, a := range got {
					near(t, "delay", (a.at - time.Duration(i)*pace(0.9*rate)).Seconds(), (l.Delay + pace(rate)).Seconds())
				}
			})
		})
	}
}

// Rate is the one to the viewer, Up the other; neither limits both.
func TestAsymmetric(t *testing.T) {
	const mark = 2 * time.Second
	bothWays(t, Link{Rate: 8e6, Up: 1e6}, func(t *testing.T, x ends, send, receive net.PacketConn, _ func() Direction) {
		want := 8e6
		if send == x.viewer {
			want = 1e6
		}
		got := flow(t, send, receive, int(mark/pace(16e6)), packetSize, pace(16e6))
		near(t, "rate", rateOf(got, 500*time.Millisecond, mark), want)
	})
}

// A burst fills the queue: what finds no room is dropped, and the rest leaves one by
// one.
func TestQueue(t *testing.T) {
	for queue, want := range map[time.Duration]int{0: 62, 50 * time.Millisecond: 15, time.Second: 200, time.Millisecond: 1} {
		t.Run(queue.String(), func(t *testing.T) {
			l := Link{Rate: 3e6, Up: 3e6, Queue: queue}
			bothWays(t, l, func(t *testing.T, x ends, send, receive net.PacketConn, counted func() Direction) {
				got := flow(t, send, receive, 200, packetSize, 0)
				if len(got) != want || int(counted().Dropped) != 200-want {
					t.Fatalf("%d of 200 packets came, want %d: %+v", len(got), want, counted())
				}
				for i, a := range got {
					if a.n != i {
						t.Fatalf("packet %d came in place of %d", a.n, i)
					}
					near(t, "arrival", a.at.Seconds(), (time.Duration(i+1) * pace(3e6)).Seconds())
				}
			})
		})
	}
}

// overTime has a named link carry a rate for 30 s.
func overTime(t *testing.T, name string, rate float64, test func(t *testing.T, all []arrival)) {
	t.Helper()
	l, err := Parse(name, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		x := connect(t, l, 1)
		defer x.close()
		test(t, flow(t, x.server, x.viewer, int(30*time.Second/pace(rate)), packetSize, pace(rate)))
	})
}

func TestBottleneck(t *testing.T) {
	const s = time.Second
	overTime(t, "bottleneck", 4e6, func(t *testing.T, all []arrival) {
		for _, c := range []struct {
			from, to time.Duration
			rate     float64
			age      time.Duration // of what arrives at the end
		}{
			{1 * s, 10 * s, 3e6, 225 * time.Millisecond},
			{10*s + lineDelay, 20*s + lineDelay, 1.5e6, 425 * time.Millisecond}, // the same bytes are twice as long
			{20*s + lineDelay, 29 * s, 3e6, 225 * time.Millisecond},
		} {
			near(t, fmt.Sprintf("rate from %v to %v", c.from, c.to), rateOf(all, c.from, c.to), c.rate)
			last := arrival{}
			for _, a := range all {
				if a.at < c.to {
					last = a
				}
			}
			near(t, fmt.Sprintf("age at %v", c.to), (last.at - time.Duration(last.n)*pace(4e6)).Seconds(), c.age.Seconds())
		}
		// The change comes at its time, not with the next packet or second.
		near(t, "rate just before", rateOf(all, 9900*time.Millisecond+lineDelay, 10*s+lineDelay), 3e6)
		near(t, "rate just after", rateOf(all, 10*s+lineDelay, 10200*time.Millisecond+lineDelay), 1.5e6)
	})
	// The negative control: what fits at all times is as on the link without changes.
	overTime(t, "bottleneck", 1.4e6, func(t *testing.T, all []arrival) {
		if want := int(30 * s / pace(1.4e6)); len(all) != want {
			t.Errorf("%d of %d packets came", len(all), want)
		}
	})
}

func TestOutage(t *testing.T) {
	const rate, from, to = 1e6, 13500 * time.Millisecond, 16500 * time.Millisecond
	overTime(t, "outage", rate, func(t *testing.T, all []arrival) {
		next := 0
		for i := range int(30 * time.Second / pace(rate)) {
			sent := time.Duration(i) * pace(rate)
			lost := sent >= from && sent < to
			if came := next < len(all) && all[next].n == i; came == lost {
				t.Fatalf("packet sent after %v came: %v", sent, came)
			} else if came {
				near(t, "delay", (all[next].at - sent).Seconds(), lineDelay.Seconds())
				next++
			}
		}
	})
	// The negative control.
	overTime(t, "50ms", rate, func(t *testing.T, all []arrival) {
		if want := int(30 * time.Second / pace(rate)); len(all) != want {
			t.Errorf("%d of %d packets came", len(all), want)
		}
	})
}

// An outage takes what is in the queue with it; the line is free when it is back. It
// is one of both directions.
func TestOutageOfQueue(t *testing.T) {
	const ms = time.Millisecond
	l := Link{Rate: 960e3, Up: 960e3, Queue: time.Second, Changes: []Change{{At: 105 * ms, Down: true}, {At: 2000 * ms}}}
	bothWays(t, l, func(t *testing.T, x ends, send, receive net.PacketConn, counted func() Direction) {
		start := time.Now()
		if got := flow(t, send, receive, 50, packetSize, 0); len(got) != 10 { // 10 ms each
			t.Errorf("%d packets left before the outage, want 10", len(got))
		}
		if d := counted(); d.Lost != 40 || d.Dropped != 0 {
			t.Errorf("%+v", d)
		}
		time.Sleep(time.Until(start.Add(6 * time.Second)))
		receive.SetReadDeadline(time.Time{})
		begin := time.Now()
		if _, err := send.WriteTo(make([]byte, packetSize), receive.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := receive.ReadFrom(make([]byte, 1500)); err != nil || time.Since(begin) > 11*ms {
			t.Errorf("after the outage a packet took %v, %v", time.Since(begin), err)
		}
	})
}

// Before its start a clock is below zero, and the link as without changes.
func TestFutureStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := connect(t, Link{}, 1)
		defer x.close()
		e := Link{Delay: time.Millisecond, Rate: 1e6, Changes: []Change{{At: 0, Down: true}}}.Emulate(1, time.Now().Add(time.Second))
		viewer := e.Packets(x.bare)
		defer viewer.Close()
		got := flow(t, x.server, viewer, 100, packetSize, 20*time.Millisecond)
		if len(got) != 50 {
			t.Errorf("%d of 50 packets came", len(got))
		}
		for i, a := range got {
			near(t, "arrival", (a.at - time.Duration(i)*20*time.Millisecond).Seconds(), (time.Millisecond + pace(1e6)).Seconds())
		}
	})
}

// What a timetable says to send in a time it says to carry in that time.
func TestTimetable(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		l := Link{}
		for at := time.Duration(0); len(l.Changes) < 10; at += time.Duration(random.Int64N(int64(time.Second))) {
			l.Changes = append(l.Changes, Change{At: at, Rate: 1e6 * (1 + random.Float64()), Down: random.IntN(4) == 0})
		}
		table, highest := l.timetable(1e6, true)
		if highest < 1e6 || highest > 2e6 {
			t.Fatalf("highest rate %v", highest)
		}
		from, bits := random.Int64N(int64(4*time.Second))-int64(time.Second), 1e6*random.Float64()
		left, cut := table.send(from, bits, true)
		if cut || left == never {
			if l.Changes[9].Down {
				continue // for good
			}
			t.Fatalf("sent at %v, cut %v", left, cut)
		}
		if got := table.carries(from, left); math.Abs(got-bits) > 1 {
			t.Fatalf("%v bits from %v take until %v, in which time %v are carried", bits, from, left, got)
		}
		down := false
		for at := from; at <= left; at += int64(time.Millisecond) {
			down = down || table[table.at(at)].rate == 0
		}
		if at, cut := table.send(from, bits, false); down && !cut || !cut && at != left || cut && at > left {
			t.Fatalf("%v bits from %v: down %v, cut %v at %v, and otherwise sent at %v", bits, from, down, cut, at, left)
		}
	}
}
