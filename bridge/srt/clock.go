package srt

// All times in this file are microseconds: wall times since the Unix epoch,
// stream times on the scale of the transport stream's PTS.
const (
	// settle is how long the clock listens before it maps the first time. The
	// first pictures of a publisher are the ones most likely late (encoder
	// start, connection set-up); a mapping fixed to one of them would need
	// minutes of slewing to come right.
	settle = 300_000
	// window is how long one half of the minimum's memory lasts. Two halves
	// hold at least one key frame interval of ordinary encoders, so that a
	// stretch of large, slow pictures does not look like a changed clock.
	window = 2_000_000
	// resync is the error that is a broken time line and not drift.
	resync = 1_000_000
	// slewTime is how long an error would take to go away if the rate were not
	// bounded: long against jitter, short against the life of a stream.
	slewTime = 20_000_000
	// slewMax bounds the rate, in microseconds per second. 0.5 % moves an audio
	// frame by a tenth of a millisecond; crystals drift fifty times slower.
	slewMax = 5_000
)

// clock maps stream time to the wall clock of capture. One mapping serves all
// streams of a programme, so that it cannot pull picture and sound apart. One
// goroutine uses it.
//
// Delay is only ever added on the way: the least (arrival - stream time) in the
// window is the best evidence, and the mean would follow the load. Therefore a
// smaller delay is believed at once and a larger one only when a whole window
// agrees; either way the mapping moves slowly, because every frame's timestamp
// moves with it.
type clock struct {
	set    bool
	offset int64 // wall = stream + offset

	began         int64 // arrival of the first sample
	last          int64 // arrival of the latest one
	halfBegan     int64
	current, past int64 // least delay of this half of the window and the one before
	havePast      bool
}

// event is what an observation did to the mapping.
type event int

const (
	eventNone   event = iota
	eventSet          // the mapping exists now
	eventResync       // it jumped
)

// observe takes a sample: at arrival the stream had come to the time stream,
// and hold is how long the way here and the receive buffer kept it.
func (c *clock) observe(arrival, stream, hold int64) event {
	delay := arrival - stream
	if c.began == 0 {
		c.began, c.last = arrival, arrival
		c.restart(arrival, delay)
	}
	elapsed := min(max(arrival-c.last, 0), 1_000_000)
	c.last = max(c.last, arrival)
	if !c.set {
		c.current = min(c.current, delay)
		if arrival-c.began < settle {
			return eventNone
		}
		return c.fix(hold)
	}
	if delay-hold < c.offset-resync {
		// Nothing arrives before it is made: the stream's time line jumped.
		c.restart(arrival, delay)
		c.offset = delay - hold
		return eventResync
	}
	c.current = min(c.current, delay)
	if arrival-c.halfBegan >= window {
		c.past, c.havePast = c.current, true
		c.current, c.halfBegan = delay, arrival
	}
	least := c.current
	if c.havePast {
		least = min(least, c.past)
	}
	wrong := least - hold - c.offset
	switch {
	case wrong > 0 && !c.havePast:
		return eventNone
	case wrong > resync:
		c.offset += wrong
		return eventResync
	}
	// Both factors are at most a second, so the product fits.
	step := wrong * elapsed / slewTime
	limit := slewMax * elapsed / 1_000_000
	c.offset += min(max(step, -limit), limit)
	return eventNone
}

// fix ends the settling with what is known. Without any sample it does nothing.
func (c *clock) fix(hold int64) event {
	if c.set || c.began == 0 {
		return eventNone
	}
	c.set, c.offset = true, c.current-hold
	return eventSet
}

// broken says that a sample of the settling time belongs to another time line
// than those before it: nothing arrives before it is made.
func (c *clock) broken(arrival, stream int64) bool {
	return !c.set && c.began != 0 && arrival-stream < c.current-resync
}

// fits says that a set clock maps a sample to about when it must have been taken.
func (c *clock) fits(arrival, stream, hold int64) bool {
	wrong := arrival - stream - hold - c.offset
	return c.set && -resync < wrong && wrong < resync
}

// jump tells a set clock that the stream's time line broke: the sample starts a
// new mapping.
func (c *clock) jump(arrival, stream, hold int64) {
	c.restart(arrival, arrival-stream)
	c.last = max(c.last, arrival)
	c.offset = arrival - stream - hold
}

func (c *clock) restart(arrival, delay int64) {
	c.halfBegan, c.current, c.havePast = arrival, delay, false
}

// wall returns the capture time of a stream time; the clock must be set.
func (c *clock) wall(stream int64) int64 { return stream + c.offset }
