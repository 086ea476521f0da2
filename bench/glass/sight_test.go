package glass

import (
	"math"
	"testing"
	"time"
)

// epoch of the tests: pictures are counted from it, ms since the Unix epoch.
const epoch = 1_700_000_000_000

// pictureAt is the number of the picture that was sent at or before a time.
func pictureAt(at int64) int64 { return at * clipRate / 1000 }

// watching makes looks, each 10 ms of those from one time to another, at what show says.
func watching(from, to int64, show func(at int64) int64) (all []sample) {
	for at := from; at < to; at += 10 {
		all = append(all, sample{epoch + at, show(at)})
	}
	return all
}

// late shows pictures 100 ms after they were sent.
func late(at int64) int64 { return pictureAt(epoch + at - 100) }

func TestSeeSteady(t *testing.T) {
	x := see(watching(-1000, 5000, late), epoch, epoch+5000)
	if len(x.Stalls) != 0 || x.Frozen != 0 || x.Missed != 0 || x.Unread != 0 || x.Blind > 0.01 {
		t.Errorf("%d stalls, %v frozen, %d missed, unread %v, blind %v", len(x.Stalls), x.Frozen, x.Missed, x.Unread, x.Blind)
	}
	if x.Looks != 500 || x.Shown < 149 || x.Shown > 151 || len(x.Series) != 20 {
		t.Errorf("%d looks, %d pictures, %d points", x.Looks, x.Shown, len(x.Series))
	}
	// A picture is 100 ms old when it comes, or up to 10 ms older as looks have it, and
	// stays for 33 ms.
	if p := x.Latency.P50; p < 99*time.Millisecond || p > 111*time.Millisecond {
		t.Errorf("latency %v", p)
	}
	if p := x.Age.P50; p < 110*time.Millisecond || p > 125*time.Millisecond {
		t.Errorf("age %v", p)
	}
	if x.Age.Max > 145*time.Millisecond || x.Age.Count != 500 {
		t.Errorf("age of at most %v, counted %d times", x.Age.Max, x.Age.Count)
	}
}

func TestSee(t *testing.T) {
	for what, c := range map[string]struct {
		samples []sample
		stalls  []Stall
		missed  int
		blind   float64
		unread  float64
		max     time.Duration // age
	}{
		"a picture that stands": {
			samples: watching(-500, 5000, func(at int64) int64 {
				if at >= 2000 && at < 3000 {
					return late(2000)
				}
				return late(at)
			}),
			stalls: []Stall{{2 * time.Second, time.Second}}, missed: 29, max: 1110 * time.Millisecond,
		},
		"a delay that grows is no stall": {
			samples: watching(-500, 5000, func(at int64) int64 { return pictureAt(epoch + at - 100 - max(0, at-2000)/2) }),
			max:     1650 * time.Millisecond,
		},
		"standing before the window and after it": {
			samples: watching(-1000, 6000, func(at int64) int64 {
				switch {
				case at < 500:
					return late(-1000)
				case at > 4600:
					return late(4600)
				}
				return late(at)
			}),
			stalls: []Stall{{0, 500 * time.Millisecond}, {4600 * time.Millisecond, 400 * time.Millisecond}}, max: 1630 * time.Millisecond,
		},
		"standing up to 200 ms": {
			samples: watching(-500, 5000, func(at int64) int64 { return late(at / 200 * 200) }),
			missed:  115, max: 330 * time.Millisecond,
		},
		"no picture any more": {
			samples: watching(-500, 5000, func(at int64) int64 {
				if at >= 4000 {
					return noPicture
				}
				return late(at)
			}),
			stalls: []Stall{{3980 * time.Millisecond, 1020 * time.Millisecond}}, unread: 0.2, max: 1130 * time.Millisecond,
		},
		"nobody looked": { // the page was busy: it is not known that the picture stood
			samples: append(watching(-500, 2000, late), watching(3000, 5000, late)...),
			missed:  30, blind: 0.2, max: 140 * time.Millisecond,
		},
		"nobody looked at the end": {samples: watching(-500, 4000, late), blind: 0.2, max: 140 * time.Millisecond},
		"nobody looked at first":   {samples: watching(1000, 5000, late), blind: 0.2, max: 140 * time.Millisecond},
		"nobody ever looked":       {blind: 1},
		"a picture again":          {samples: watching(-500, 5000, func(at int64) int64 { return late(at) - at/10%2 }), max: 180 * time.Millisecond},
	} {
		t.Run(what, func(t *testing.T) {
			x := see(c.samples, epoch, epoch+5000)
			if len(x.Stalls) != len(c.stalls) {
				t.Fatalf("stalls %v, want %v", x.Stalls, c.stalls)
			}
			var frozen time.Duration
			for i, s := range x.Stalls {
				frozen += s.For
				if (s.At-c.stalls[i].At).Abs() > 40*time.Millisecond || (s.For-c.stalls[i].For).Abs() > 40*time.Millisecond {
					t.Errorf("stall %v, want %v", s, c.stalls[i])
				}
			}
			if x.Frozen != frozen {
				t.Errorf("frozen for %v in all, the stalls are %v", x.Frozen, frozen)
			}
			if d := x.Missed - c.missed; d < -2 || d > 2 {
				t.Errorf("%d pictures missed, want %d", x.Missed, c.missed)
			}
			if math.Abs(x.Blind-c.blind) > 0.005 || math.Abs(x.Unread-c.unread) > 0.005 {
				t.Errorf("blind %v and unread %v, want %v and %v", x.Blind, x.Unread, c.blind, c.unread)
			}
			if x.Age.Max > c.max || x.Age.Max < c.max-60*time.Millisecond {
				t.Errorf("age of at most %v, want %v", x.Age.Max, c.max)
			}
		})
	}
}

func TestSamplesOf(t *testing.T) {
	got := samplesOf([][]float64{append([]float64{epoch + 50}, levelsOf(1)...), {epoch + 60, 1, 2}, {}})
	want := []sample{{epoch + 50, epoch*clipRate/1000 + 1}, {epoch + 60, noPicture}}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%v, want %v", got, want)
	}
}
