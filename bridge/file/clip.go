package file

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/Eyevinn/mp4ff/mp4"

	"moqedge/bridge/codec"
	"moqedge/moq/loc"
)

// maxMedia bounds the bytes of a clip: it is kept in memory.
const maxMedia = 512 << 20

// ErrClip reports a file that cannot be played.
var ErrClip = errors.New("file: cannot play")

// Clip is a file in memory, ready to be played. It is never written to after
// Load, so several goroutines may play it.
type Clip struct {
	// Title names the file, for the log.
	Title string
	// Duration of the loop in microseconds.
	Duration int64
	// Skipped says what in the file is not played, for the log.
	Skipped []string

	video []Picture
	sets  [][]byte // SPS and PPS
	delay int64    // microseconds that decoding is ahead of showing at most

	longest int64 // microseconds between two frames at most

	audio Sound
}

// Picture is one video frame; times are microseconds in the clip.
type Picture struct {
	PTS, DTS int64
	Key      bool
	NALUs    [][]byte
}

// Sound is the audio of a clip.
type Sound struct {
	Codec       codec.ID // AAC or Opus
	ASC         []byte   // AudioSpecificConfig of AAC
	Channels    int
	Rate        int      // of the clock that FrameLength counts, in Hz
	FrameLength int      // samples in each frame
	From        int64    // microseconds in the clip, when the first frame starts
	Frames      [][]byte // consecutive
}

// Video returns the frames, in decoding order, and the SPS and PPS that they need.
// All of it is shared with the clip.
func (c *Clip) Video() (pictures []Picture, sets [][]byte) { return c.video, c.sets }

// Audio returns the sound, without frames when there is none. It is shared with the
// clip.
func (c *Clip) Audio() Sound { return c.audio }

// Load reads a progressive MP4 file. Tracks other than the first H.264 and the
// first AAC or Opus track are skipped.
func Load(src io.ReadSeeker) (*Clip, error) {
	f, err := mp4.DecodeFile(src, mp4.WithDecodeMode(mp4.DecModeLazyMdat))
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrClip, err)
	}
	if f.IsFragmented() || f.Moov == nil {
		return nil, fmt.Errorf("%w: it is not a progressive MP4 file (remux it with ffmpeg -c copy)", ErrClip)
	}
	c := &Clip{Title: "clip"}
	if named, ok := src.(interface{ Name() string }); ok {
		c.Title = filepath.Base(named.Name())
	}
	budget := int64(maxMedia)
	for i, trak := range f.Moov.Traks {
		if trak.Mdia == nil || trak.Mdia.Mdhd == nil || trak.Mdia.Minf == nil || trak.Mdia.Minf.Stbl == nil || trak.Mdia.Minf.Stbl.Stsd == nil {
			return nil, fmt.Errorf("%w: track %d lacks its tables", ErrClip, i+1)
		}
		stsd := trak.Mdia.Minf.Stbl.Stsd
		switch {
		case stsd.AvcX != nil && stsd.AvcX.AvcC != nil && c.video == nil:
			err = c.loadVideo(src, trak, &budget)
		case stsd.Mp4a != nil && c.audio.Frames == nil:
			if c.audio, err = aacSound(stsd.Mp4a); err == nil {
				err = c.loadAudio(src, trak, &budget)
			}
		case stsd.Opus != nil && c.audio.Frames == nil:
			if c.audio, err = opusSound(stsd.Opus); err == nil {
				err = c.loadAudio(src, trak, &budget)
			}
		default:
			c.Skipped = append(c.Skipped, fmt.Sprintf("track %d", i+1))
		}
		if err != nil {
			return nil, fmt.Errorf("%w: track %d: %v", ErrClip, i+1, err)
		}
	}
	if c.video == nil && c.audio.Frames == nil {
		return nil, fmt.Errorf("%w: it has neither H.264 nor AAC nor Opus", ErrClip)
	}
	if c.Duration < second/10 || c.Duration > 24*3600*second {
		return nil, fmt.Errorf("%w: it lasts %d ms, want 100 ms to 24 h", ErrClip, c.Duration/1000)
	}
	if err := c.checkTimes(); err != nil {
		return nil, err
	}
	return c, nil
}

// checkTimes sees to it that decode times ascend within the loop and over its seam.
func (c *Clip) checkTimes() error {
	c.longest = second
	for i, p := range c.video {
		next := c.video[0].DTS + c.Duration
		if i+1 < len(c.video) {
			next = c.video[i+1].DTS
		}
		if next <= p.DTS || p.PTS < p.DTS-c.Duration || p.PTS > p.DTS+c.Duration {
			return fmt.Errorf("%w: the times of picture %d make no sense", ErrClip, i)
		}
		c.longest = max(c.longest, next-p.DTS)
	}
	return nil
}

func (c *Clip) loadVideo(src io.ReadSeeker, trak *mp4.TrakBox, budget *int64) error {
	samples, end, err := readSamples(src, trak, budget)
	if err != nil {
		return err
	}
	if !samples[0].sync {
		return errors.New("the first picture is no key frame")
	}
	for i, s := range samples {
		nalus, err := loc.SplitNALUs(s.data)
		if err != nil {
			return fmt.Errorf("picture %d: %v", i, err)
		}
		c.video = append(c.video, Picture{PTS: s.pts, DTS: s.dts, Key: s.sync, NALUs: nalus})
		c.delay = max(c.delay, s.pts-s.dts)
	}
	avcC := trak.Mdia.Minf.Stbl.Stsd.AvcX.AvcC
	c.sets = append(append(c.sets, avcC.SPSnalus...), avcC.PPSnalus...)
	c.Duration = end
	return nil
}
