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

	shift uint32 // what is added to timestamps that a server has changed
	n     uint64 // the frame that was found last
	time  uint64 // its timestamp
}

func newNumbers(o Options, track int, hz uint32) *numbers {
	return &numbers{source: o.Source, track: track, rate: o.Source.Tracks()[track].Rate, hz: hz, start: o.Start}
}

const (
	// maxSteps bounds the search for a frame: rates of files are averages.
	maxSteps = 1000
	// maxLate is how late a frame is at most, and maxEarly how early; what is not
	// between is no frame that was sent.
	maxLate  = time.Minute
	maxEarly = time.Second
	// maxLearnt is how late a frame is at most that a shift is learnt from.
	maxLearnt = 10 * time.Second
)

// learn finds out which frame a payload is that has a timestamp that no frame has,
// and by how much the server shifts timestamps. It fails if it is none.
func (c *numbers) learn(timestamp uint32, payload []byte, at time.Time) bool {
	now := at.Sub(c.start)
	checker := media.NewChecker(c.source)
	for n := first(c.source, c.track, max(now-maxLearnt, 0)); ; n++ {
		slot := c.source.Slot(c.track, n)
		if slot.Due > now+maxEarly {
			return false
		}
		if slot.Size == len(payload) && checker.Check(c.track, n, payload) {
			c.shift = uint32(stamp(slot.Due, c.hz)) - timestamp
			return true
		}
	}
}

// find returns the number of the frame with a timestamp, which was seen at a time.
// It fails if there is none.
func (c *numbers) find(timestamp uint32, at time.Time) (uint64, bool) {
	timestamp += c.shift
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
		due := c.source.Slot(c.track, n).Due
		have := stamp(due, c.hz)
		switch {
		case have == t:
			late := at.Sub(c.start) - due
			c.n, c.time = n, t
			return n, late <= maxLate && late >= -maxEarly
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
