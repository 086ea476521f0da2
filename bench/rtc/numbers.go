package rtc

import (
	"math"
	"time"

	"moqedge/bench/media"
)

// stamp is the RTP timestamp of a frame, before it wraps at 32 bits.
func stamp(due time.Duration, hz uint32) uint64 {
	whole := uint64(due / time.Second)
	rest := uint64(due % time.Second)
	return whole*uint64(hz) + (rest*uint64(hz)+uint64(time.Second)/2)/uint64(time.Second)
}

// numbers tells which frame of a track a timestamp is of. Not safe for concurrent
// use.
type numbers struct {
	source media.Source
	track  int
	rate   float64
	hz     uint32
	start  time.Time

	n    uint64 // the frame that was found last
	time uint64 // its timestamp
}

func newNumbers(o Options, track int, hz uint32) *numbers {
	return &numbers{source: o.Source, track: track, rate: o.Source.Tracks()[track].Rate, hz: hz, start: o.Start}
}

// maxSteps bounds the search for a frame: rates of files are averages.
const maxSteps = 1000

// find returns the number of the frame with a timestamp, which was seen at a time.
// It fails if there is none.
func (c *numbers) find(timestamp uint32, at time.Time) (uint64, bool) {
	// The timestamp is the one nearest to the clock of all that wrap to it.
	now := uint64(max(at.Sub(c.start), 0).Seconds() * float64(c.hz))
	full := int64(now) + int64(int32(timestamp-uint32(now)))
	if full < 0 {
		return 0, false
	}
	t := uint64(full)
	n := c.n
	if ahead := (float64(t) - float64(c.time)) / float64(c.hz) * c.rate; ahead >= 0 {
		n += uint64(math.Round(ahead))
	} else {
		n -= min(n, uint64(math.Round(-ahead)))
	}
	step := 0
	for range maxSteps {
		have := stamp(c.source.Slot(c.track, n).Due, c.hz)
		switch {
		case have == t:
			c.n, c.time = n, t
			return n, true
		case have < t && step >= 0:
			step = 1
			n++
		case have > t && step <= 0 && n > 0:
			step = -1
			n--
		default:
			return 0, false // it lies between two frames
		}
	}
	return 0, false
}
