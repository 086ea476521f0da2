package whip

import (
	"sync"
	"time"
)

const (
	// maxClockLead and maxClockLag bound what is believed of a sender's wall
	// clock: its sender reports may say that media was captured up to maxClockLag
	// before it arrived (network, encoder) but not after (with some tolerance
	// for two machines that both keep time by NTP).
	maxClockLead = 50 * time.Millisecond
	maxClockLag  = 5 * time.Second
	// clockSettle is how fast timestamps approach a better mapping: a distance
	// shrinks to a third in this time, so the mapping never steps back.
	clockSettle = time.Second
	// clockJump is the distance ahead from which timestamps jump instead.
	clockJump = time.Second
	// clockBreak is a difference between what RTP time and arrival time say has
	// passed that no network explains: the sender changed its RTP clock.
	clockBreak = 10 * time.Second
	// lagWindow is half the time over which the least delayed packet counts: long
	// enough for one that was not held up, short enough to follow a sender whose
	// media falls behind because its machine is busy.
	lagWindow = time.Second
)

// ntpEpoch is the Unix time, negative, of NTP time 0 (RFC 5905 §6), in seconds.
const ntpEpoch = -2208988800

// clock maps the RTP timestamps of the tracks of one session to microseconds
// since the Unix epoch. At first a track's mapping is the arrival of its least
// delayed packet. Once every track that carries media has a believable sender
// report (RFC 3550 §6.4.1), all move to the sender's wall clock together, which
// makes timestamps those of capture and audio and video agree. Stamps of a track
// always ascend. It reads no time itself. Safe for concurrent use.
type clock struct {
	mu     sync.Mutex
	tracks []*trackClock // guarded by mu, as are the fields of each
}

// trackClock is the mapping of one track. The offset of a mapping is wall time
// minus RTP time, both in microseconds.
type trackClock struct {
	clock *clock
	rate  int64 // RTP ticks per second

	started bool
	high    int64 // latest RTP time, without wrap, in ticks
	highAt  int64 // when it arrived

	// The smallest arrival offsets of this window and the one before.
	windowMin, windowOldMin, windowEnd int64
	// lead is taken off the arrival offset: how long before arrival capture was,
	// as far as an earlier mapping knew.
	lead int64

	reported  bool
	reportRTP uint32
	reportNTP int64
	believed  bool // the latest report was plausible
	follows   bool // moved to reports
	ntpOffset int64

	stamped bool
	offset  int64 // in force
	lastRTP int64 // microseconds of RTP time of the latest stamp
	last    int64 // the latest stamp
}

// clockEvent says what a sender report changed, for the log.
type clockEvent int

const (
	clockSame    clockEvent = iota
	clockMoved              // all tracks follow sender reports from now on
	clockRefused            // the report's wall clock is not believable
)

func (c *clock) newTrack(rate uint32) *trackClock {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &trackClock{clock: c, rate: int64(rate)}
	c.tracks = append(c.tracks, t)
	return t
}

// arrived notes a packet with media, in order of arrival.
func (t *trackClock) arrived(rtpTime uint32, at time.Time) {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	now := at.UnixMicro()
	if !t.started {
		t.started = true
		t.high = int64(rtpTime)
		t.anchor(now)
		if t.reported {
			t.clock.settle(t)
		}
		return
	}
	ticks := t.unwrap(rtpTime)
	passed := (t.micros(ticks) - t.micros(t.high)) - (now - t.highAt)
	if passed > clockBreak.Microseconds() || passed < -clockBreak.Microseconds() {
		t.restart(ticks, now)
		return
	}
	if ticks > t.high {
		t.high, t.highAt = ticks, now
	}
	if now >= t.windowEnd {
		t.windowOldMin, t.windowMin = t.windowMin, now-t.micros(ticks)
		t.windowEnd = now + lagWindow.Microseconds()
	}
	t.windowMin = min(t.windowMin, now-t.micros(ticks))
}

// anchor starts the arrival mapping at the latest packet.
func (t *trackClock) anchor(now int64) {
	t.highAt = now
	t.windowMin = now - t.micros(t.high)
	t.windowOldMin = t.windowMin
	t.windowEnd = now + lagWindow.Microseconds()
}

// restart follows a sender that changed its RTP clock: reports about the old
// one say nothing any more, but how long media takes to arrive is kept.
func (t *trackClock) restart(ticks, now int64) {
	if t.stamped {
		t.lead = min(max(t.windowLow()-t.offset, 0), maxClockLag.Microseconds())
	}
	t.high = ticks
	t.anchor(now)
	t.reported, t.believed, t.follows = false, false, false
	t.offset = t.target()
	t.lastRTP = t.micros(ticks)
}

// report notes a sender report: rtpTime on the track's clock was ntp (64-bit
// NTP format) on the sender's wall clock.
func (t *trackClock) report(rtpTime uint32, ntp uint64) clockEvent {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	t.reported = true
	t.reportRTP = rtpTime
	t.reportNTP = ntpMicros(ntp)
	if !t.started {
		return clockSame
	}
	return t.clock.settle(t)
}

// settle judges the latest report of t and moves the tracks if all can.
func (c *clock) settle(t *trackClock) clockEvent {
	offset := t.reportNTP - t.micros(t.unwrap(t.reportRTP))
	lag := t.windowLow() - offset
	t.believed = lag >= -maxClockLead.Microseconds() && lag <= maxClockLag.Microseconds()
	if !t.believed {
		return clockRefused
	}
	t.ntpOffset = offset
	moved := clockSame
	for _, other := range c.tracks {
		if other.started && !other.follows && !other.believed {
			return clockSame
		}
	}
	for _, other := range c.tracks {
		if other.started && !other.follows {
			other.follows = true
			moved = clockMoved
		}
	}
	return moved
}

// stamp is the wall clock of capture, in microseconds since the Unix epoch, of
// a frame with this RTP timestamp. Frames are stamped in decode order; stamps
// ascend strictly. Call arrived for the frame's packets first.
func (t *trackClock) stamp(rtpTime uint32) int64 {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	rtp := t.micros(t.unwrap(rtpTime))
	if !t.stamped {
		t.offset = t.target()
	} else {
		t.approach(rtp - t.lastRTP)
	}
	// Nothing is captured after it arrived. The tolerance keeps steps even while
	// the mapping settles; the bound limits the damage of a timestamp that makes
	// no sense, which would otherwise hold all later ones up.
	at := min(t.offset+rtp, t.highAt+maxClockLead.Microseconds())
	if t.stamped && at <= t.last {
		at = t.last + 1
	}
	t.stamped = true
	t.lastRTP = max(t.lastRTP, rtp)
	t.last = at
	return at
}

// approach moves the mapping in force towards the target while elapsed
// microseconds of media pass: slowly, so that time never stands still, except
// that it jumps ahead over long distances.
func (t *trackClock) approach(elapsed int64) {
	distance := t.target() - t.offset
	if distance > clockJump.Microseconds() {
		t.offset += distance
		return
	}
	if elapsed <= 0 {
		return
	}
	settle := clockSettle.Microseconds()
	step := distance * min(elapsed, settle) / settle
	t.offset += max(min(step, elapsed/2), -elapsed/2)
}

// target is the best mapping known now.
func (t *trackClock) target() int64 {
	if t.follows {
		return t.ntpOffset
	}
	return t.windowLow() - t.lead
}

// windowLow is the offset of the least delayed packet of late.
func (t *trackClock) windowLow() int64 { return min(t.windowMin, t.windowOldMin) }

// unwrap extends a 32-bit RTP timestamp to the value nearest to the latest.
func (t *trackClock) unwrap(rtpTime uint32) int64 {
	return t.high + int64(int32(rtpTime-uint32(t.high))) //nolint:gosec // the wrap is the point
}

// micros converts ticks without overflow for centuries of media.
func (t *trackClock) micros(ticks int64) int64 {
	seconds, rest := ticks/t.rate, ticks%t.rate
	return seconds*1e6 + rest*1e6/t.rate
}

// ntpMicros converts the 64-bit NTP timestamp format to Unix microseconds.
func ntpMicros(ntp uint64) int64 {
	fraction := (ntp & 0xffffffff) * 1e6 >> 32
	return (int64(ntp>>32)+ntpEpoch)*1e6 + int64(fraction) //nolint:gosec // below 2^32
}
