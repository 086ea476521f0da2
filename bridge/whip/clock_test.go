package whip

import (
	"math/rand/v2"
	"testing"
	"time"
)

const wall = int64(1_780_000_000_000_000) // microseconds, some day in 2026

// ntpOf is the NTP timestamp of a Unix time in microseconds.
func ntpOf(us int64) uint64 {
	seconds, rest := us/1e6, us%1e6
	return uint64(seconds-ntpEpoch)<<32 | uint64(rest)<<32/1e6
}

func at(us int64) time.Time { return time.UnixMicro(us) }

// source simulates a sender: a track with a rate, a random start and a delay from
// capture to arrival.
type source struct {
	track *trackClock
	rate  int64
	start uint32
	delay int64 // microseconds
	skew  int64 // of the sender's wall clock, microseconds
}

func (s source) rtp(capture int64) uint32 {
	return s.start + uint32((capture-wall)*s.rate/1e6) //nolint:gosec // wraps
}

// frame arrives and is stamped; the result is how far the stamp is from capture.
func (s source) frame(capture, jitter int64) int64 {
	s.track.arrived(s.rtp(capture), at(capture+s.delay+jitter))
	return s.track.stamp(s.rtp(capture)) - capture
}

func (s source) report(capture int64) clockEvent {
	return s.track.report(s.rtp(capture), ntpOf(capture+s.skew))
}

func near(t *testing.T, what string, got, want, tolerance int64) {
	t.Helper()
	if got < want-tolerance || got > want+tolerance {
		t.Fatalf("%s: %d us, want %d +- %d", what, got, want, tolerance)
	}
}

func TestClockArrival(t *testing.T) {
	var c clock
	// The timestamp wraps after 100 frames.
	s := source{track: c.newTrack(90000), rate: 90000, start: ^uint32(0) - 300000, delay: 40000}
	for i := range int64(3000) {
		near(t, "off capture", s.frame(wall+i*33333, 0), 40000, 200)
	}
}

// With jitter the least delayed packets count, so the mapping settles on them.
func TestClockArrivalFollowsTheLeastDelayed(t *testing.T) {
	var c clock
	s := source{track: c.newTrack(90000), rate: 90000, delay: 20000}
	random := rand.New(rand.NewPCG(1, 2))
	last := int64(0)
	for i := range int64(600) {
		jitter := random.Int64N(60000)
		if i == 0 {
			jitter = 200000
		}
		off := s.frame(wall+i*33333, jitter)
		if stamp := wall + i*33333 + off; stamp <= last {
			t.Fatalf("frame %d: %d after %d", i, stamp, last)
		} else {
			last = stamp
		}
		if i > 300 {
			near(t, "off capture", off, 20000, 10000)
		}
	}
}

func TestClockMovesOnceEveryTrackHasAReport(t *testing.T) {
	var c clock
	video := source{track: c.newTrack(90000), rate: 90000, start: 7, delay: 120000}
	audio := source{track: c.newTrack(48000), rate: 48000, start: 99, delay: 60000}
	var lastVideo, lastAudio int64
	moves := 0
	for ms := int64(0); ms < 20000; ms += 20 {
		capture := wall + ms*1000
		offA := audio.frame(capture, 0)
		if capture+offA <= lastAudio {
			t.Fatalf("audio goes back at %d ms", ms)
		}
		lastAudio = capture + offA
		if ms%40 == 0 {
			offV := video.frame(capture, 0)
			if capture+offV <= lastVideo {
				t.Fatalf("video goes back at %d ms", ms)
			}
			lastVideo = capture + offV
			switch {
			case ms < 3000: // only video has reports
				near(t, "video before", offV, 120000, 100)
				near(t, "audio before", offA, 60000, 100)
			case ms > 10000:
				near(t, "video after", offV, 0, 1000)
				near(t, "audio after", offA, 0, 1000)
			}
		}
		if ms%1000 == 500 && video.report(capture) == clockMoved {
			moves++
		}
		if ms%1000 == 500 && ms > 3000 && audio.report(capture) == clockMoved {
			moves++
		}
	}
	if moves != 1 {
		t.Fatalf("moved %d times", moves)
	}
}

// The way to the new mapping is smooth: time passes at 0.5 to 1.5 of its speed.
func TestClockMoveIsSmooth(t *testing.T) {
	var c clock
	s := source{track: c.newTrack(48000), rate: 48000, delay: 3_000_000}
	last := int64(0)
	for i := range int64(1000) {
		capture := wall + i*20000
		stamp := capture + s.frame(capture, 0)
		if i == 50 && s.report(capture) != clockMoved {
			t.Fatal("not moved")
		}
		if passed := stamp - last; i > 0 && (passed < 9900 || passed > 30100) {
			t.Fatalf("frame %d: %d us after the one before", i, passed)
		}
		last = stamp
	}
	near(t, "off capture at the end", last-(wall+999*20000), 0, 1000)
}

func TestClockBelief(t *testing.T) {
	for name, c := range map[string]struct {
		delay, skew int64
		want        clockEvent
		off         int64 // from capture, in the end
	}{
		"same clock":              {delay: 80000, skew: 0, want: clockMoved, off: 0},
		"a little ahead":          {delay: 10000, skew: 30000, want: clockMoved, off: 30000},
		"in the future":           {delay: 10000, skew: 100000, want: clockRefused, off: 10000},
		"an hour ahead":           {delay: 10000, skew: 3_600_000_000, want: clockRefused, off: 10000},
		"late by the network":     {delay: 4_900_000, skew: 0, want: clockMoved, off: 0},
		"more than 5 s behind":    {delay: 10000, skew: -5_100_000, want: clockRefused, off: 10000},
		"without a clock (1900)":  {delay: 10000, skew: ntpEpoch*1e6 - wall, want: clockRefused, off: 10000},
		"behind, but believable ": {delay: 10000, skew: -2_000_000, want: clockMoved, off: -2_000_000},
	} {
		t.Run(name, func(t *testing.T) {
			var clk clock
			s := source{track: clk.newTrack(90000), rate: 90000, delay: c.delay, skew: c.skew}
			off := int64(0)
			for i := range int64(900) {
				capture := wall + i*33333
				off = s.frame(capture, 0)
				if i == 10 {
					if got := s.report(capture); got != c.want {
						t.Fatalf("event %v, want %v", got, c.want)
					}
				}
			}
			near(t, "off capture", off, c.off, 1000)
		})
	}
}

// One track with an unbelievable clock keeps all on arrival.
func TestClockAllOrNone(t *testing.T) {
	var c clock
	video := source{track: c.newTrack(90000), rate: 90000, delay: 90000}
	audio := source{track: c.newTrack(48000), rate: 48000, delay: 50000, skew: 60_000_000}
	for i := range int64(500) {
		capture := wall + i*20000
		near(t, "video", video.frame(capture, 0), 90000, 200)
		near(t, "audio", audio.frame(capture, 0), 50000, 200)
		if i%50 == 0 && (video.report(capture) != clockSame || audio.report(capture) != clockRefused) {
			t.Fatal("moved to half a clock")
		}
	}
}

// A report may come before the first packet, and a track may start late.
func TestClockLateTrack(t *testing.T) {
	var c clock
	video := source{track: c.newTrack(90000), rate: 90000, delay: 90000}
	audio := source{track: c.newTrack(48000), rate: 48000, delay: 50000}
	if audio.report(wall) != clockSame {
		t.Fatal("a track without media moved")
	}
	off := int64(0)
	for i := range int64(500) {
		capture := wall + i*20000
		off = video.frame(capture, 0)
		if i == 10 && video.report(capture) != clockMoved {
			t.Fatal("a track without media holds the others up")
		}
	}
	near(t, "video", off, 0, 1000)
	for i := int64(500); i < 1000; i++ {
		off = audio.frame(wall+i*20000, 0)
	}
	near(t, "audio", off, 0, 1000)
}

// The drift between a sound card and the system clock is followed.
func TestClockFollowsDrift(t *testing.T) {
	var c clock
	track := c.newTrack(48000)
	off := int64(0)
	for i := range int64(50 * 3600) { // an hour
		capture := wall + i*20000
		ticks := uint32(i * 960 * 10001 / 10000) // 100 ppm fast
		track.arrived(ticks, at(capture+30000))
		off = track.stamp(ticks) - capture
		if i%250 == 0 {
			track.report(ticks, ntpOf(capture))
		}
	}
	near(t, "off capture after an hour", off, 0, 2000)
}

// A sender that restarts its RTP clock keeps its place in time.
func TestClockRestart(t *testing.T) {
	for name, jump := range map[string]uint32{"ahead": 90000 * 3600, "back": ^uint32(90000*3600) + 1} {
		t.Run(name, func(t *testing.T) {
			var c clock
			s := source{track: c.newTrack(90000), rate: 90000, delay: 100000}
			last := int64(0)
			for i := range int64(1200) {
				capture := wall + i*33333
				if i == 500 {
					s.start += jump
				}
				off := s.frame(capture, 0)
				if capture+off <= last {
					t.Fatalf("frame %d goes back", i)
				}
				last = capture + off
				switch {
				case i == 10 || i == 700:
					if s.report(capture) != clockMoved {
						t.Fatalf("frame %d: not moved", i)
					}
				case i > 400:
					near(t, "off capture", off, 0, 1000)
				}
			}
		})
	}
}

// A sender that stands still and goes on where its RTP clock was.
func TestClockPause(t *testing.T) {
	var c clock
	s := source{track: c.newTrack(90000), rate: 90000, delay: 20000}
	for i := range int64(100) {
		s.frame(wall+i*33333, 0)
	}
	const pause = 20_000_000
	for i := int64(100); i < 200; i++ {
		capture := wall + i*33333
		s.track.arrived(s.rtp(capture), at(capture+pause+20000))
		near(t, "after the pause", s.track.stamp(s.rtp(capture))-capture, pause+20000, 1000)
	}
}

// One packet with a senseless timestamp must not push all later stamps ahead.
func TestClockStrayTimestamp(t *testing.T) {
	var c clock
	s := source{track: c.newTrack(90000), rate: 90000, delay: 20000}
	for i := range int64(300) {
		capture := wall + i*33333
		off := s.frame(capture, 0)
		if i == 100 {
			s.track.stamp(s.rtp(capture + 8_000_000))
		}
		if i > 110 {
			near(t, "off capture", off, 20000, 60000)
		}
	}
}

func TestNTPMicros(t *testing.T) {
	for _, us := range []int64{wall, wall + 1, wall + 999_999, 0} {
		near(t, "ntp", ntpMicros(ntpOf(us)), us, 1)
	}
}
