package rtc

import (
	"math"
	"testing"
	"time"

	"moqedge/bench/tally"
)

// What an observer says of frames whose arrivals are made up: 30 pictures a second, of
// which number 10 is 120 ms late, and 20 and 21 never come.
func TestObserver(t *testing.T) {
	o := new(Observer)
	v := o.viewer()
	start := time.Now()
	v.note(&v.began, start)
	v.note(&v.connected, start.Add(40*time.Millisecond))
	track := v.track("video", "video/H264", 90000)
	const step = time.Second / 30
	for i := range 60 {
		at := start.Add(time.Second + time.Duration(i)*step)
		if i == 20 || i == 21 {
			continue
		}
		if i == 10 {
			at = at.Add(120 * time.Millisecond)
		}
		track.packet()
		// The timestamps wrap in the middle, and number 10 comes after number 13.
		track.frame(arrival{timestamp: math.MaxUint32 - 30*3000 + uint32(i)*3000, at: at, captured: at.Add(-5 * time.Millisecond), size: 1000, key: i%30 == 0})
	}
	track.gave(7, 1)
	sound := v.track("audio", "audio/opus", 48000)
	sound.frame(arrival{at: start.Add(90 * time.Millisecond), size: 120})

	got := o.Window(start, start.Add(3*time.Second))
	near := func(a, b time.Duration) bool { return (a - b).Abs() < time.Millisecond }
	if !near(got.Connect.Max, 40*time.Millisecond) || !near(got.Startup.Max, time.Second) || got.Viewers != 1 {
		t.Errorf("viewers %d, connect %v, startup %v", got.Viewers, got.Connect.Max, got.Startup.Max)
	}
	k := got.Kinds["video"]
	if k.Frames != 58 || k.Missing != 2 || k.Keys != 2 || k.Bytes != 58000 || k.Packets != 58 || k.Lost != 7 || k.Broken != 1 || k.Silent != 0 {
		t.Errorf("%+v", k)
	}
	if !near(k.Delay.Max, 120*time.Millisecond) || !near(k.Delay.P90, 0) || !near(k.Latency.P50, 5*time.Millisecond) {
		t.Errorf("delay %v, latency %v", k.Delay, k.Latency)
	}
	for delay, want := range map[string]float64{"50ms": 57. / 60, "100ms": 57. / 60, "200ms": 58. / 60} {
		if math.Abs(k.InTime[delay]-want) > 1e-9 {
			t.Errorf("in time for %s: %v, want %v", delay, k.InTime[delay], want)
		}
	}
	for target, want := range map[string]tally.Freeze{
		"50ms":  {Count: 2, Missing: 3, Frozen: 3 * step},
		"100ms": {Count: 2, Missing: 3, Frozen: 2*step + 20*time.Millisecond},
		"200ms": {Count: 1, Missing: 2, Frozen: 2 * step},
	} {
		f := k.Stalls[target]
		if f.Count != want.Count || f.Missing != want.Missing || !near(f.Frozen, want.Frozen) || !near(f.Played, 2*time.Second) {
			t.Errorf("stalls at %s: %+v, want %+v", target, f, want)
		}
	}
	if part := o.Window(start, start.Add(time.Second+5*step)).Kinds["video"]; part.Frames != 5 {
		t.Errorf("%d frames in a part of the time", part.Frames)
	}
	if nothing := o.Window(start.Add(time.Hour), start.Add(2*time.Hour)).Kinds["video"]; nothing.Frames != 0 || len(nothing.InTime) != 0 || nothing.Silent != 1 {
		t.Errorf("frames of no time: %+v", nothing)
	}
}

// A stream that stops is not all that there was to see: what would have come until the
// end of the window is missing, late and a stall.
func TestObserverStopped(t *testing.T) {
	o := new(Observer)
	track := o.viewer().track("video", "video/H264", 90000)
	start := time.Now()
	for i := range 60 {
		track.frame(arrival{timestamp: uint32(i) * 3000, at: start.Add(time.Duration(i) * time.Second / 30), size: 1})
	}
	for _, c := range []struct {
		to              time.Duration
		silent, missing uint64
		inTime          float64
	}{
		{2500 * time.Millisecond, 0, 0, 1}, // it may go on yet
		{4 * time.Second, 1, 60, 0.5},
	} {
		k := o.Window(start, start.Add(c.to)).Kinds["video"]
		if k.Silent != c.silent || k.Missing != c.missing || k.InTime["1s"] != c.inTime || k.Stalls["1s"].Missing != c.missing {
			t.Errorf("until %s: %+v, want %+v", c.to, k, c)
		}
	}
}

// Timestamps that begin anew, in either direction, are no delay and no loss.
func TestObserverJumps(t *testing.T) {
	o := new(Observer)
	track := o.viewer().track("video", "video/VP8", 90000)
	start := time.Now()
	for i := range 150 {
		timestamp := uint32(i * 3000)
		switch {
		case i >= 120:
			timestamp += 90000 * 3600
		case i >= 60:
			timestamp -= 60 * 3000
		}
		track.frame(arrival{timestamp: timestamp, at: start.Add(time.Duration(i) * time.Second / 30), size: 1})
	}
	k := o.Window(start, start.Add(5*time.Second)).Kinds["video"]
	if k.Jumps != 2 || k.Frames != 150 || k.Missing != 0 || k.Delay.Max > time.Millisecond || k.InTime["50ms"] != 1 {
		t.Errorf("%+v", k)
	}
}
