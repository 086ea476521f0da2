package glass

import (
	"slices"
	"time"

	"moqedge/bench/tally"
)

// sample is one look at the page.
type sample struct {
	at      int64 // ms since the Unix epoch
	picture int64 // since the Unix epoch; -1: what was there is no picture of the clip
}

// noPicture is a sample's picture when there is none.
const noPicture = -1

// samplesOf reads the pictures that look.js saw. What makes no sense is left out.
func samplesOf(looks [][]float64) []sample {
	var all []sample
	for _, look := range looks {
		if len(look) == 0 {
			continue
		}
		s := sample{at: int64(look[0]), picture: noPicture}
		if n, ok := readCells(look[1:]); ok {
			s.picture = nearest(n, s.at)
		}
		all = append(all, s)
	}
	return all
}

const (
	// stallAfter is how long a picture stands before it is a stall: six times as long as it
	// should. (A browser's own count of freezes begins at 183 ms for 30 pictures a second.)
	stallAfter = 200 * time.Millisecond
	// blindAfter is how far apart two looks are when what was between them is unknown.
	blindAfter = 100 * time.Millisecond
	// grid is how often the age of the picture counts.
	grid = 10 * time.Millisecond
	// step of the series.
	step = 250 * time.Millisecond
)

// Sight is what was to be seen in the window of a round.
type Sight struct {
	// Age of the picture that is there, a hundred times a second: what a clock beside the
	// screen would show. It grows while a picture stands.
	Age tally.Quantiles `json:"age"`
	// Latency of each picture when it is first there.
	Latency tally.Quantiles `json:"latency"`
	Stalls  []Stall         `json:"stalls"`
	Frozen  time.Duration   `json:"frozen_ns"` // in stalls
	// Shown pictures were there, Missed ones were not, though an earlier one and a
	// later one were.
	Shown  int `json:"shown"`
	Missed int `json:"missed"`
	// Looks are how often the page was looked at; Blind is the share of the window in
	// which looks were so far apart that the browser was busy with something else;
	// Unread the share of the looks that found no picture of the clip.
	Looks  int     `json:"looks"`
	Blind  float64 `json:"blind"`
	Unread float64 `json:"unread"`
	// Series is the largest age in each quarter of a second.
	Series []Point `json:"series"`
}

// Stall is a picture that stood still.
type Stall struct {
	At  time.Duration `json:"at_ns"` // since the window began, below 0 for one that stood before
	For time.Duration `json:"for_ns"`
}

// Point is one of a series.
type Point struct {
	At  time.Duration `json:"at_ns"` // since the window began, its end
	Age time.Duration `json:"age_ns"`
}

// see makes figures of what was sampled between two times (ms since the Unix epoch).
// The samples are in order; those before the window tell what stood when it began.
func see(samples []sample, from, to int64) Sight {
	v := view{from: from, to: to, seen: map[int64]bool{}}
	for i, s := range samples {
		if s.at >= to {
			break
		}
		until := to
		if i+1 < len(samples) {
			until = min(to, samples[i+1].at)
		}
		v.look(s, until)
	}
	return v.sight()
}

// view is what has been looked at so far. Times are ms since the Unix epoch.
type view struct {
	from, to int64

	picture int64 // that is there; 0: there was none yet
	since   int64 // it is
	unknown int64 // ms since then in which it could not be seen

	seen         map[int64]bool // pictures that came in the window
	lowest, last int64
	age, latency tally.Histogram
	looks        int
	unread       int
	blind        int64
	covered      int64 // until when something was looked at
	stalls       []Stall
	series       []Point
}

// look takes a sample and what stands until the next one.
func (v *view) look(s sample, until int64) {
	within := s.at >= v.from
	if within {
		v.looks++
		if v.covered == 0 { // nothing was looked at before
			v.blind += s.at - v.from
		}
		if s.picture == noPicture {
			v.unread++
		}
	}
	if s.picture != noPicture && s.picture != v.picture {
		v.stood(s.at)
		v.picture, v.since, v.unknown = s.picture, s.at, 0
		if within {
			v.came(s)
		}
	}
	v.covered = until
	if until <= v.from {
		return
	}
	begin := max(s.at, v.from)
	if until-s.at > blindAfter.Milliseconds() {
		v.blind += until - begin
		v.unknown += until - s.at
		return
	}
	v.stand(begin, until)
}

// came counts a picture that is there for the first time.
func (v *view) came(s sample) {
	if v.seen[s.picture] {
		return
	}
	if len(v.seen) == 0 {
		v.lowest, v.last = s.picture, s.picture
	}
	v.seen[s.picture] = true
	v.lowest, v.last = min(v.lowest, s.picture), max(v.last, s.picture)
	v.latency.Add(milliseconds(float64(s.at) - sent(s.picture)))
}

// stand counts the age of the picture from one time to another.
func (v *view) stand(from, until int64) {
	if v.picture == 0 {
		return
	}
	every := grid.Milliseconds()
	for at := v.from + (from-v.from+every-1)/every*every; at < until; at += every {
		age := milliseconds(float64(at) - sent(v.picture))
		v.age.Add(age)
		v.plot(at, age)
	}
}

// plot puts an age into the series.
func (v *view) plot(at int64, age time.Duration) {
	end := (time.Duration(at-v.from)*time.Millisecond/step + 1) * step
	if n := len(v.series); n > 0 && v.series[n-1].At == end {
		v.series[n-1].Age = max(v.series[n-1].Age, age)
		return
	}
	v.series = append(v.series, Point{end, age})
}

// stood ends the picture that was there. Only what was in the window, and was to be
// seen, counts.
func (v *view) stood(until int64) {
	if v.picture == 0 || until <= v.from {
		return
	}
	begin := max(v.since, v.from)
	length := time.Duration(until-begin-min(v.unknown, until-begin)) * time.Millisecond
	if length > stallAfter {
		v.stalls = append(v.stalls, Stall{At: time.Duration(begin-v.from) * time.Millisecond, For: length})
	}
}

func (v *view) sight() Sight {
	v.stood(v.to)
	x := Sight{
		Age: v.age.Quantiles(), Latency: v.latency.Quantiles(), Stalls: v.stalls, Shown: len(v.seen),
		Looks: v.looks, Series: v.series,
	}
	if x.Stalls == nil {
		x.Stalls = []Stall{}
	}
	for _, s := range v.stalls {
		x.Frozen += s.For
	}
	if x.Shown > 0 {
		x.Missed = int(v.last-v.lowest) + 1 - x.Shown
	}
	if x.Looks > 0 {
		x.Unread = float64(v.unread) / float64(x.Looks)
	}
	v.blind += v.to - max(v.covered, v.from)
	x.Blind = float64(v.blind) / float64(v.to-v.from)
	return x
}

// longest stall, 0 when there is none.
func (x Sight) longest() time.Duration {
	if len(x.Stalls) == 0 {
		return 0
	}
	return slices.MaxFunc(x.Stalls, func(a, b Stall) int { return int(a.For - b.For) }).For
}

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
