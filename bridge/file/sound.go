package file

import (
	"errors"
	"fmt"
	"io"

	"github.com/Eyevinn/mp4ff/mp4"

	"moqedge/bridge/codec"
)

// aacSound returns what a sample entry says of AAC, without frames.
func aacSound(entry *mp4.AudioSampleEntryBox) (Sound, error) {
	esds := entry.Esds
	if esds == nil || esds.DecConfigDescriptor == nil || esds.DecConfigDescriptor.DecSpecificInfo == nil {
		return Sound{}, errors.New("no AAC configuration")
	}
	aac, err := codec.ParseAAC(esds.DecConfigDescriptor.DecSpecificInfo.DecConfig)
	if err != nil {
		return Sound{}, err
	}
	return Sound{Codec: codec.AAC, ASC: aac.ASC, Channels: aac.Channels, Rate: aac.CoreRate, FrameLength: aac.FrameLength}, nil
}

// opusSound returns what a sample entry says of Opus, without frames. Their length
// is in the packets themselves.
func opusSound(entry *mp4.AudioSampleEntryBox) (Sound, error) {
	if entry.Dops == nil {
		return Sound{}, errors.New("no Opus configuration")
	}
	if n := entry.Dops.OutputChannelCount; entry.Dops.ChannelMappingFamily != 0 || n < 1 || n > 2 {
		return Sound{}, fmt.Errorf("Opus of %d channels", n)
	}
	return Sound{Codec: codec.Opus, Channels: int(entry.Dops.OutputChannelCount), Rate: codec.OpusRate}, nil
}

func (c *Clip) loadAudio(src io.ReadSeeker, trak *mp4.TrakBox, budget *int64) error {
	samples, end, err := readSamples(src, trak, budget)
	if err != nil {
		return err
	}
	if c.audio.Codec == codec.Opus {
		if err := c.measureOpus(samples); err != nil {
			return err
		}
	}
	half := c.frameDuration() / 2
	for _, s := range samples {
		if s.pts < -half {
			continue // priming: the frame before, as played, takes its place
		}
		if len(c.audio.Frames) == 0 {
			c.audio.From = s.pts
		}
		c.audio.Frames = append(c.audio.Frames, s.data)
	}
	if len(c.audio.Frames) == 0 {
		return errors.New("no audio frame to play")
	}
	if c.Duration == 0 { // replaced by the video's, if that comes later
		c.Duration = end
	}
	return nil
}

// measureOpus finds how long the packets are. The schedule needs them to be equal.
func (c *Clip) measureOpus(samples []sample) error {
	for i, s := range samples {
		length := codec.OpusDuration(s.data)
		if length == 0 {
			return fmt.Errorf("packet %d is not Opus", i)
		}
		if i > 0 && length != c.audio.FrameLength {
			return errors.New("Opus packets of different lengths")
		}
		c.audio.FrameLength = length
	}
	return nil
}

// frameDuration is the length of an audio frame in microseconds, rounded down.
func (c *Clip) frameDuration() int64 {
	return int64(c.audio.FrameLength) * second / int64(c.audio.Rate)
}
