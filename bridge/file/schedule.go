package file

// schedule walks through the endless loop of a clip. Times are microseconds
// since the Unix epoch. It holds no clock.
type schedule struct {
	clip *Clip

	loop  int64 // number of the video's loop since the epoch
	index int   // of the next picture in it

	slot int64 // number of the next audio frame since the epoch
}

// newSchedule starts at the last key frame shown at or before now, and at the
// sound of now.
func newSchedule(c *Clip, now int64) *schedule {
	s := &schedule{clip: c, loop: now / c.Duration, slot: c.slotAt(now)}
	position := now % c.Duration
	for i, p := range c.video {
		if p.Key && p.PTS <= position {
			s.index = i
		}
	}
	return s
}

// slotAt returns the first audio frame that starts at or after t.
func (c *Clip) slotAt(t int64) int64 {
	if len(c.audio.Frames) == 0 {
		return 0
	}
	rate, length := int64(c.audio.Rate), int64(c.audio.FrameLength)
	samples := t/second*rate + (t%second*rate+second-1)/second
	return (samples + length - 1) / length
}

// slotTime returns when audio frame n of the publication starts.
func (c *Clip) slotTime(n int64) int64 {
	rate := int64(c.audio.Rate)
	samples := n * int64(c.audio.FrameLength)
	return samples/rate*second + samples%rate*second/rate
}

// frameAt returns the audio frame of the clip that belongs to a time; see the
// package comment. It returns nil where the clip has no sound.
func (c *Clip) frameAt(t int64) []byte {
	position := t%c.Duration - c.audio.From
	rate, length := int64(c.audio.Rate), int64(c.audio.FrameLength)
	half := c.frameDuration() / 2
	if position >= c.Duration-half {
		position -= c.Duration // the start of the next loop is nearer
	}
	if position < -half {
		return nil
	}
	i := (position + half) * rate / (length * second)
	if i < 0 || i >= int64(len(c.audio.Frames)) {
		return nil
	}
	return c.audio.Frames[i]
}

// video returns the next picture and its times.
func (s *schedule) video() (p Picture, pts, dts int64) {
	p = s.clip.video[s.index]
	start := s.loop * s.clip.Duration
	return p, start + p.PTS, start + p.DTS
}

// videoDue returns when the next picture is to be sent; false without video.
// With B-frames decoding is ahead of showing; no picture is sent before the
// time at which it is shown, as a camera could not.
func (s *schedule) videoDue() (int64, bool) {
	if len(s.clip.video) == 0 {
		return 0, false
	}
	_, _, dts := s.video()
	return dts + s.clip.delay, true
}

func (s *schedule) audioDue() (int64, bool) {
	if len(s.clip.audio.Frames) == 0 {
		return 0, false
	}
	return s.clip.slotTime(s.slot), true
}

// nextVideo moves to the next picture.
func (s *schedule) nextVideo() {
	if s.index++; s.index == len(s.clip.video) {
		s.index = 0
		s.loop++
	}
}

// skipTo moves forward to what a new schedule would start with at now, as far
// as that is ahead.
func (s *schedule) skipTo(now int64) {
	there := newSchedule(s.clip, now)
	if there.loop > s.loop || (there.loop == s.loop && there.index > s.index) {
		s.loop, s.index = there.loop, there.index
	}
	s.slot = max(s.slot, there.slot)
}
