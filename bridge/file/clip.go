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

	video []picture
	sets  [][]byte // SPS and PPS
	delay int64    // microseconds that decoding is ahead of showing at most

	longest int64 // microseconds between two frames at most

	audio     [][]byte // consecutive frames
	audioFrom int64    // microseconds, when the first of them starts
	aac       codec.AACConfig
}

// picture is one video frame; times are microseconds in the clip.
type picture struct {
	pts, dts int64
	key      bool
	nalus    [][]byte
}

// Load reads a progressive MP4 file. Tracks other than the first H.264 and the
// first AAC track are skipped.
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
		case stsd.Mp4a != nil && c.audio == nil:
			err = c.loadAudio(src, trak, &budget)
		default:
			c.Skipped = append(c.Skipped, fmt.Sprintf("track %d", i+1))
		}
		if err != nil {
			return nil, fmt.Errorf("%w: track %d: %v", ErrClip, i+1, err)
		}
	}
	if c.video == nil && c.audio == nil {
		return nil, fmt.Errorf("%w: it has neither H.264 nor AAC", ErrClip)
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
		next := c.video[0].dts + c.Duration
		if i+1 < len(c.video) {
			next = c.video[i+1].dts
		}
		if next <= p.dts || p.pts < p.dts-c.Duration || p.pts > p.dts+c.Duration {
			return fmt.Errorf("%w: the times of picture %d make no sense", ErrClip, i)
		}
		c.longest = max(c.longest, next-p.dts)
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
		c.video = append(c.video, picture{pts: s.pts, dts: s.dts, key: s.sync, nalus: nalus})
		c.delay = max(c.delay, s.pts-s.dts)
	}
	avcC := trak.Mdia.Minf.Stbl.Stsd.AvcX.AvcC
	c.sets = append(append(c.sets, avcC.SPSnalus...), avcC.PPSnalus...)
	c.Duration = end
	return nil
}

func (c *Clip) loadAudio(src io.ReadSeeker, trak *mp4.TrakBox, budget *int64) error {
	esds := trak.Mdia.Minf.Stbl.Stsd.Mp4a.Esds
	if esds == nil || esds.DecConfigDescriptor == nil || esds.DecConfigDescriptor.DecSpecificInfo == nil {
		return errors.New("no AAC configuration")
	}
	var err error
	if c.aac, err = codec.ParseAAC(esds.DecConfigDescriptor.DecSpecificInfo.DecConfig); err != nil {
		return err
	}
	samples, end, err := readSamples(src, trak, budget)
	if err != nil {
		return err
	}
	half := c.frameDuration() / 2
	for _, s := range samples {
		if s.pts < -half {
			continue // priming: the frame before, as played, takes its place
		}
		if len(c.audio) == 0 {
			c.audioFrom = s.pts
		}
		c.audio = append(c.audio, s.data)
	}
	if len(c.audio) == 0 {
		return errors.New("no audio frame to play")
	}
	if c.Duration == 0 { // replaced by the video's, if that comes later
		c.Duration = end
	}
	return nil
}

// frameDuration is the length of an audio frame in microseconds, rounded down.
func (c *Clip) frameDuration() int64 {
	return int64(c.aac.FrameLength) * second / int64(c.aac.CoreRate)
}
