package tally

import (
	"maps"
	"math"
	"time"
)

// Metrics say what viewers got of the frames due in a window. Keys of durations
// are written as time.Duration has them: "50ms", "1s". Kinds are "video", "audio"
// and "data"; there are those alone of which frames were owed.
type Metrics struct {
	Duration time.Duration `json:"duration_ns"`
	Viewers  int           `json:"viewers"` // that began to connect before the end of the window
	Absent   int           `json:"absent"`  // of these, who never joined some track that they want
	Gone     int           `json:"gone"`    // of these, who left before the end of the window
	// Strays are frames since the beginning that can not be: of a number that was
	// not due by then, or of no track.
	Strays uint64 `json:"strays"`

	Counts                   // of all kinds
	Kinds  map[string]Counts `json:"kinds"` // by kind
	// Goodput is the payload that was complete, in bits per second, of all viewers
	// together.
	Goodput float64 `json:"goodput_bps"`

	Latency map[string]Quantiles `json:"latency"` // of what was handed over, by kind and "all"
	Stalls  map[string]Stalls    `json:"stalls"`  // by target latency
	Series  map[string][]Point   `json:"series"`  // by kind

	// Startup is from when a viewer began to connect to its first complete key
	// frame (who wants no video: frame), for all who have one by now; it does not
	// depend on the window. Ready is the same to what Viewer.Ready notes.
	Startup Quantiles `json:"startup"`
	Ready   Quantiles `json:"ready"`
}

// Counts are of frames that were owed to viewers.
type Counts struct {
	Frames      uint64 `json:"frames"`      // owed: Complete and Lost
	Complete    uint64 `json:"complete"`    //
	Undecodable uint64 `json:"undecodable"` // complete, but something before it in its group never was
	Lost        uint64 `json:"lost"`        // never complete
	Broken      uint64 `json:"broken"`      // lost, and something came that differs from what was sent
	Bytes       uint64 `json:"bytes"`       // of payload that was complete
	// InTime is, by playout delay, the share of Frames that were handed over in
	// time. It is empty when nothing was owed.
	InTime map[string]float64 `json:"in_time"`
}

// Stalls are freezes by kind: "video", "audio".
type Stalls map[string]Freeze

// Freeze is what a player with a fixed target latency could not show or play.
type Freeze struct {
	Count   uint64        `json:"count"`     // of stalls; those that touch are one
	Missing uint64        `json:"missing"`   // frames that were not there at their time
	Frozen  time.Duration `json:"frozen_ns"` // all together
	Played  time.Duration `json:"played_ns"` // what should have been played, of all tracks of all viewers
}

// PerMinute returns stalls, and how long they were, per minute of one viewer.
func (f Freeze) PerMinute() (count float64, frozen time.Duration) {
	if f.Played <= 0 {
		return 0, 0
	}
	minutes := f.Played.Minutes()
	return float64(f.Count) / minutes, time.Duration(float64(f.Frozen) / minutes)
}

// Interval is the distance of two points of a series.
const Interval = 250 * time.Millisecond

// Point is what became of the frames due in one Interval.
type Point struct {
	At     time.Duration      `json:"at_ns"`   // beginning, since that of the window
	Frames uint64             `json:"frames"`  // owed
	Handed uint64             `json:"handed"`  // over to the decoder
	P50    time.Duration      `json:"p50_ns"`  // latency of these, to within 1 %
	P99    time.Duration      `json:"p99_ns"`  //
	InTime map[string]float64 `json:"in_time"` // as in Counts
}

// settled is how long frames have to be in time for a viewer to be back at live, and
// which share of them.
const (
	settled      = time.Second
	settledShare = 0.99
)

// Recovery is how long after a moment of the window, such as the end of an outage,
// frames of a kind were in time for a playout delay again and stayed so for a
// second: counted to when the first of these frames was due, in steps of Interval;
// 0 if they were from that moment on. It is false when they never were, or when the
// window ends less than a second after.
func (m Metrics) Recovery(kind string, after time.Duration, delay string) (time.Duration, bool) {
	var since time.Duration // when the frames in time began
	good := false
	for _, p := range m.Series[kind] {
		if p.At+Interval <= after || p.Frames == 0 {
			continue
		}
		if p.InTime[delay] < settledShare {
			good = false
			continue
		}
		if !good {
			good, since = true, max(p.At, after)
		}
		if min(p.At+Interval, m.Duration)-since >= settled {
			return since - after, true
		}
	}
	return 0, false
}

// Merge returns the metrics of several rounds as if they had been one: counts and
// durations are added, histograms merged, shares weighted by frames; Viewers is the
// largest. Windows of different rounds have no common time, so there is no series.
func Merge(all ...Metrics) (Metrics, error) {
	sum := Metrics{Kinds: map[string]Counts{}, Latency: map[string]Quantiles{}, Stalls: map[string]Stalls{}}
	latency := make(map[string][]Quantiles)
	var startup, ready []Quantiles
	for _, m := range all {
		sum.Duration += m.Duration
		sum.Viewers = max(sum.Viewers, m.Viewers)
		sum.Absent += m.Absent
		sum.Gone += m.Gone
		sum.Strays += m.Strays
		sum.Counts = sum.Counts.plus(m.Counts)
		for kind, c := range m.Kinds {
			sum.Kinds[kind] = sum.Kinds[kind].plus(c)
		}
		for kind, q := range m.Latency {
			latency[kind] = append(latency[kind], q)
		}
		for target, s := range m.Stalls {
			if sum.Stalls[target] == nil {
				sum.Stalls[target] = Stalls{}
			}
			for kind, f := range s {
				sum.Stalls[target][kind] = sum.Stalls[target][kind].plus(f)
			}
		}
		startup, ready = append(startup, m.Startup), append(ready, m.Ready)
	}
	var err error
	for kind, q := range latency {
		if sum.Latency[kind], err = MergeQuantiles(q...); err != nil {
			return Metrics{}, err
		}
	}
	if sum.Startup, err = MergeQuantiles(startup...); err != nil {
		return Metrics{}, err
	}
	sum.Ready, err = MergeQuantiles(ready...)
	sum.Goodput = goodput(sum.Bytes, sum.Duration)
	return sum, err
}

func goodput(bytes uint64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return 8 * float64(bytes) / d.Seconds()
}

// plus adds. A share of a whole number of frames gives that number back.
func (c Counts) plus(d Counts) Counts {
	sum := Counts{
		Frames: c.Frames + d.Frames, Complete: c.Complete + d.Complete, Undecodable: c.Undecodable + d.Undecodable,
		Lost: c.Lost + d.Lost, Broken: c.Broken + d.Broken, Bytes: c.Bytes + d.Bytes,
		InTime: make(map[string]float64),
	}
	if sum.Frames == 0 {
		return sum
	}
	maps.Copy(sum.InTime, c.InTime)
	maps.Copy(sum.InTime, d.InTime)
	for delay := range sum.InTime {
		in := math.Round(c.InTime[delay]*float64(c.Frames)) + math.Round(d.InTime[delay]*float64(d.Frames))
		sum.InTime[delay] = in / float64(sum.Frames)
	}
	return sum
}

func (f Freeze) plus(g Freeze) Freeze {
	return Freeze{Count: f.Count + g.Count, Missing: f.Missing + g.Missing, Frozen: f.Frozen + g.Frozen, Played: f.Played + g.Played}
}
