package srt

import (
	"math"
	"math/rand/v2"
	"testing"
)

// timeline is one virtual publisher: frames at 30 per second, the wall clock
// of capture being stream time + truth(t).
type timeline struct {
	name   string
	length float64 // seconds
	truth  func(t float64) float64
	delay  func(t float64, r *rand.Rand) float64 // ms between capture and the buffer's end, besides hold
	hold   func(t float64) float64               // ms that delay has on top and the clock is told
	// what must hold
	settled float64 // from this second on
	worst   float64 // the error in ms stays below this
	resyncs int
	back    bool // sessions tell the clock of steps back
}

func constant(v float64) func(float64) float64 { return func(float64) float64 { return v } }

func jitter(mean float64) func(float64, *rand.Rand) float64 {
	return func(_ float64, r *rand.Rand) float64 { return 2 + r.ExpFloat64()*mean }
}

var timelines = []timeline{
	{name: "exact", length: 10, truth: constant(5000), delay: func(float64, *rand.Rand) float64 { return 0 }, hold: constant(120), worst: 0.1},
	{name: "jitter", length: 60, truth: constant(5000), delay: jitter(10), hold: constant(120), settled: 1, worst: 12},
	{name: "first pictures late", length: 60, truth: constant(0), hold: constant(120), settled: 0.4, worst: 8,
		delay: func(t float64, r *rand.Rand) float64 { return 2 + max(0, 400-t*2000) + r.ExpFloat64()*2 }},
	{name: "drift of 100 ppm", length: 1200, truth: func(t float64) float64 { return t * 0.0001 * 1000 }, delay: jitter(3), hold: constant(120), settled: 10, worst: 8},
	{name: "drift the other way", length: 1200, truth: func(t float64) float64 { return -t * 0.0001 * 1000 }, delay: jitter(3), hold: constant(120), settled: 10, worst: 8},
	{name: "a stall of 900 ms", length: 30, truth: constant(0), hold: constant(120), settled: 1, worst: 6,
		delay: func(t float64, _ *rand.Rand) float64 { return 2 + max(0, min(900, 900-(t-10)*1500))*step(t >= 10) }},
	{name: "100 ms more delay for good", length: 200, truth: constant(0), hold: constant(120), settled: 1, worst: 105,
		delay: func(t float64, _ *rand.Rand) float64 { return 2 + 100*step(t >= 10) }},
	{name: "the buffer holds 100 ms more for good", length: 200, truth: constant(0), delay: jitter(1), hold: func(t float64) float64 { return 120 + 100*step(t >= 10) },
		settled: 1, worst: 105},
	{name: "stream time jumps an hour ahead", length: 30, truth: func(t float64) float64 { return -3_600_000 * step(t >= 10) }, delay: jitter(3), hold: constant(120),
		settled: 1, worst: 25, resyncs: 1},
	{name: "stream time starts again", length: 30, truth: func(t float64) float64 { return 10_000 * step(t >= 10) }, delay: jitter(3), hold: constant(120),
		settled: 1, worst: 25, resyncs: 1, back: true},
	{name: "5 s more delay for good", length: 60, truth: constant(0), delay: func(t float64, _ *rand.Rand) float64 { return 2 + 5000*step(t >= 10) }, hold: constant(120),
		settled: 1, worst: 5010, resyncs: 1},
}

func step(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

func TestClock(t *testing.T) {
	const epoch = 1_800_000_000_000_000.0
	for _, l := range timelines {
		t.Run(l.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(7, 7))
			var c clock
			resyncs := 0
			lastStream, lastOffset, lastArrival := math.Inf(-1), int64(0), 0.0
			for i := range int(l.length * 30) {
				at := float64(i) / 30
				capture := epoch + at*1e6
				stream := at*1e6 - l.truth(at)*1e3
				hold := l.hold(at) * 1e3
				arrival := max(capture+l.delay(at, r)*1e3+hold, lastArrival)
				var moved event
				if l.back && stream < lastStream && c.set {
					c.jump(int64(arrival), int64(stream), int64(hold))
					moved = eventResync
				} else {
					moved = c.observe(int64(arrival), int64(stream), int64(hold))
				}
				if moved == eventResync {
					resyncs++
				}
				if c.set && moved == eventNone {
					limit := int64((arrival-lastArrival)*slewMax/1e6) + 2
					if d := c.offset - lastOffset; d > limit || d < -limit {
						t.Fatalf("at %.2f s the mapping moved by %d us in %.0f us", at, d, arrival-lastArrival)
					}
				}
				lastStream, lastOffset, lastArrival = stream, c.offset, arrival
				if at < l.settled || !c.set {
					continue
				}
				if wrong := (float64(c.wall(int64(stream))) - capture) / 1e3; math.Abs(wrong) > l.worst {
					t.Fatalf("at %.2f s the mapping is wrong by %.1f ms, more than %.1f", at, wrong, l.worst)
				}
			}
			if resyncs != l.resyncs {
				t.Errorf("%d resyncs, want %d", resyncs, l.resyncs)
			}
		})
	}
}

// A lasting change is followed to its end.
func TestClockConverges(t *testing.T) {
	var c clock
	wrong := int64(0)
	for i := range int64(180 * 30) {
		stream := i * 33333
		delay := int64(0)
		if i > 300 {
			delay = 100_000
		}
		c.observe(stream+1_000_000+delay, stream, 0)
		wrong = 1_000_000 + delay - c.offset
	}
	if wrong > 2_000 || wrong < -2_000 {
		t.Fatalf("three minutes after the change the mapping is wrong by %d us", wrong)
	}
}

func TestClockSettles(t *testing.T) {
	var c clock
	if c.fix(0) != eventNone {
		t.Fatal("a clock without samples was set")
	}
	c.observe(1_000_000, 0, 0)
	if c.set || c.broken(1_033_333, 20_000) {
		t.Fatal("set, or broken, by one ordinary sample")
	}
	if !c.broken(1_033_333, 3_000_000) {
		t.Fatal("a time line that jumps while settling goes unnoticed")
	}
	if c.fix(400_000) != eventSet || c.wall(0) != 600_000 {
		t.Fatalf("wall(0) = %d", c.wall(0))
	}
}
