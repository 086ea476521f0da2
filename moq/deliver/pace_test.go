package deliver

import (
	"testing"
	"time"

	"moqedge/moq/transport"
)

// line is a link of varying rate with a peer that acknowledges every other packet.
type line struct {
	rate     func(at time.Duration) float64 // bit/s
	rtt      time.Duration
	governor governor
	stats    transport.Stats
	free     time.Duration // when all that was sent has left
	under    []crossing    // way, in the order of their acknowledgements
	odd      bool          // an acknowledgement waits for another packet
}

type crossing struct{ sent, acked time.Duration }

func newLine(rtt time.Duration, rate func(at time.Duration) float64) *line {
	l := &line{rate: rate, rtt: rtt, stats: transport.Stats{MinRTT: rtt, LatestRTT: rtt}}
	l.governor.stats = func() transport.Stats { return l.stats }
	return l
}

// send has n bytes pass, and returns how long they wait and take.
func (l *line) send(at time.Duration, n int) time.Duration {
	n += 30 // headers
	l.stats.BytesSent += uint64(n)
	l.free = max(l.free, at) + time.Duration(float64(8*n)/l.rate(at)*float64(time.Second))
	if l.odd = !l.odd; !l.odd {
		l.under = append(l.under, crossing{at, l.free + l.rtt})
	}
	return l.free - at
}

// hear takes in what was acknowledged.
func (l *line) hear(at time.Duration) {
	for len(l.under) > 0 && l.under[0].acked <= at {
		l.stats.PacketsReceived++
		l.stats.LatestRTT = l.under[0].acked - l.under[0].sent
		l.under = l.under[1:]
	}
}

// run sends sound, which is urgent, and whatever else may be sent, and calls each with what
// every packet of that is and how long it took.
func (l *line) run(until time.Duration, each func(at time.Duration, n int, took time.Duration)) {
	start := time.Unix(1e9, 0)
	again, sound := start, time.Duration(0)
	for at := time.Duration(0); at < until; at += 100 * time.Microsecond {
		now := start.Add(at)
		l.hear(at)
		if at >= sound {
			sound += 20 * time.Millisecond
			l.governor.sees(1, now)
			l.governor.spent(170, 0, now)
			each(at, 170, l.send(at, 170))
		}
		for !now.Before(again) {
			n, next := l.governor.allow(now)
			if n == 0 {
				again = now.Add(max(next.Sub(now), minSleep))
				break
			}
			n = min(n, 1400)
			l.governor.spent(n, 0, now)
			each(at, n, l.send(at, n))
		}
	}
}

// TestWider: a link carries half for five seconds. Soon after it is wide again it is used,
// at whatever moment between two attempts to find more that happens, and the queue that
// the attempts make stays short meanwhile.
func TestWider(t *testing.T) {
	const wide, narrow, rtt, lasts = 3e6, 1.5e6, 50 * time.Millisecond, 5 * time.Second
	var worst, longest time.Duration
	for k := range 50 {
		began := 3 * time.Second
		ends := began + lasts + time.Duration(k)*20*time.Millisecond
		l := newLine(rtt, func(at time.Duration) float64 {
			if at >= began && at < ends {
				return narrow
			}
			return wide
		})
		const span = 100 * time.Millisecond
		var sent [20]int // bytes in spans of time after the end
		l.run(ends+time.Duration(len(sent))*span, func(at time.Duration, n int, took time.Duration) {
			switch {
			case at >= ends:
				sent[(at-ends)/span] += n
			case at >= ends-lasts/2:
				longest = max(longest, took)
			}
		})
		took := time.Duration(len(sent)) * span
		for i, n := range sent {
			if float64(8*n) > 0.85*wide*span.Seconds() {
				took = time.Duration(i) * span
				break
			}
		}
		worst = max(worst, took)
	}
	t.Logf("the link is used after %v at most; the queue in front of the narrow one was %v at most", worst, round(longest))
	if worst > 900*time.Millisecond {
		t.Errorf("the link is used only after %v", worst)
	}
	if longest > 20*time.Millisecond {
		t.Errorf("in front of the narrow link was a queue of %v", longest)
	}
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
