package bridge

import "math"

// second and the defaults below are in microseconds.
const (
	second = 1_000_000
	// frameGuess is the duration of a frame before two have been seen.
	frameGuess = second / 30
	// maxStep is a step in time that is still a frame; beyond it is a gap or,
	// backwards, a new timeline.
	maxStep = second
)

// timeline keeps decode times ascending and guesses durations. The duration of
// a frame is known when the next one comes; waiting for that would cost a frame
// of latency, so it is taken to be as long as the one before.
type timeline struct {
	last     int64
	duration int64
	started  bool
}

// next returns the decode time to use for a frame at t, and its duration, both
// in microseconds.
func (l *timeline) next(t int64) (dts, duration int64) {
	t = max(t, 0)
	step := t - l.last
	switch {
	case !l.started:
		l.started = true
		if l.duration == 0 {
			l.duration = frameGuess
		}
	case step > 0 && step <= maxStep:
		l.duration = step
	case step <= 0 && step > -maxStep:
		t = l.last + 1 // the ingest went back a little
	}
	l.last = t
	return t, l.duration
}

// tolerance is how far timestamps and the count of samples may be apart; it is
// far below what ear and eye notice.
const tolerance = 5 * second / 1000

// samples counts audio time in samples since the Unix epoch. Timestamps in
// microseconds round differently from frame to frame; as long as they agree
// with the count within the tolerance the count goes on, so that players see
// frames that join without gaps.
type samples struct {
	last, next uint64 // of the frame before: its time, and the end of it
	started    bool
}

// place returns the decode time in samples of a frame of length samples at t
// microseconds. It ascends unless time goes back by more than a second.
func (s *samples) place(t int64, rate, length int) uint64 {
	t = max(t, 0)
	at := uint64(t/second*int64(rate) + (t%second*int64(rate)+second/2)/second)
	if s.started {
		off := int64(at) - int64(s.next)
		near := tolerance * int64(rate) / second
		switch {
		case off >= -near && off <= near:
			at = s.next
		case at <= s.last && off > -int64(rate):
			at = s.last + 1
		}
	}
	s.started, s.last, s.next = true, at, at+uint64(length)
	return at
}

// meter measures what passes in windows of at least a second of media time.
type meter struct {
	start, bytes int64
	frames       int
	started      bool

	most      int     // largest bits per second of a window; 0: none yet
	perSecond float64 // frames per second of the last window; 0: none yet
}

// add counts a frame at a time in microseconds.
func (m *meter) add(at int64, size int) {
	span := at - m.start
	switch {
	case !m.started || span < 0 || span > 3*second:
		m.start, m.bytes, m.frames, m.started = at, 0, 0, true
	case span >= second:
		m.most = max(m.most, int(m.bytes*8*second/span))
		m.perSecond = nearRate(float64(m.frames) * second / float64(span))
		m.start, m.bytes, m.frames = at, 0, 0
	}
	m.bytes += int64(size)
	m.frames++
}

// nearRate returns the whole number that a frame rate is within 2 % of, else
// the rate with one decimal.
func nearRate(fps float64) float64 {
	if whole := math.Round(fps); math.Abs(fps-whole) <= 0.02*whole {
		return whole
	}
	return math.Round(fps*10) / 10
}

// roundUp keeps two digits, so that a catalog does not change with every window.
func roundUp(n int) int {
	unit := 1
	for n/unit >= 100 {
		unit *= 10
	}
	return (n + unit - 1) / unit * unit
}
