package file

import "testing"

// TestAudioOverTheSeam: timestamps have no gaps, sound is never more than half
// a frame from its place, no frame is played twice, and at most one, the last,
// is left out of a loop.
func TestAudioOverTheSeam(t *testing.T) {
	c := load(t, demoClip)
	number := make(map[*byte]int, len(c.audio.Frames))
	for i, f := range c.audio.Frames {
		number[&f[0]] = i
	}
	const half = 1024 * second / 48000 / 2
	first := c.slotAt(1_790_000_000 * second)
	played := make([]int, len(c.audio.Frames))
	last := -1
	const loops = 40
	for slot := first; slot < first+loops*46875/100; slot++ {
		at := c.slotTime(slot)
		if step := c.slotTime(slot+1) - at; step < 21333 || step > 21334 {
			t.Fatalf("slot %d lasts %d", slot, step)
		}
		f := c.frameAt(at)
		if f == nil {
			t.Fatalf("no sound at %d", at)
		}
		i := number[&f[0]]
		played[i]++
		off := at%c.Duration - int64(i)*1024*second/48000
		if off > c.Duration/2 {
			off -= c.Duration
		}
		if off > half+1 || off < -half-1 {
			t.Errorf("frame %d is %d µs off", i, off)
		}
		if last >= 0 && i != last+1 && (i != 0 || last < len(c.audio.Frames)-2) {
			t.Errorf("frame %d after %d", i, last)
		}
		last = i
	}
	for i, n := range played[:len(played)-1] {
		if n != loops {
			t.Errorf("frame %d played %d times in %d loops", i, n, loops)
		}
	}
	if n := played[len(played)-1]; n != loops*3/4 {
		t.Errorf("the last frame played %d times in %d loops", n, loops)
	}
}

func TestScheduleStartsAtTheKeyFrame(t *testing.T) {
	c := load(t, demoClip)
	const loop = 179_000_000 // starts at 1 790 000 000 s
	for _, tc := range []struct {
		now   int64
		index int
	}{{0, 0}, {1, 0}, {999_999, 0}, {second, 30}, {9_999_999, 270}} {
		s := newSchedule(c, loop*c.Duration+tc.now)
		if s.loop != loop || s.index != tc.index {
			t.Errorf("at %d: loop %d, picture %d", tc.now, s.loop, s.index)
		}
		if at, _ := s.audioDue(); at < loop*c.Duration+tc.now || at > loop*c.Duration+tc.now+21334 {
			t.Errorf("at %d: sound at %d", tc.now, at)
		}
	}
}

func TestSkipTo(t *testing.T) {
	c := load(t, demoClip)
	start := 179_000_000 * c.Duration
	s := newSchedule(c, start)
	s.skipTo(start + 5*second + 500_000)
	if s.index != 150 || s.loop != 179_000_000 {
		t.Errorf("forward: picture %d of loop %d", s.index, s.loop)
	}
	slot := s.slot
	s.index = 160
	s.skipTo(start + 5*second + 900_000) // no key frame between: goes on where it is
	if s.index != 160 || s.slot <= slot {
		t.Errorf("within a group: picture %d, slot %d after %d", s.index, s.slot, slot)
	}
	s.skipTo(start + 21*second)
	if s.index != 30 || s.loop != 179_000_002 {
		t.Errorf("over the seam: picture %d of loop %d", s.index, s.loop)
	}
}
