package codec

import (
	"bytes"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
)

// AACConfig is what an AudioSpecificConfig says.
type AACConfig struct {
	ASC         []byte // as given
	ObjectType  int    // 2: LC, 5: HE-AAC, 29: HE-AAC v2
	CoreRate    int    // Hz: the clock in which FrameLength counts
	SampleRate  int    // Hz after decoding
	Channels    int    // 0: the stream itself says
	FrameLength int    // samples per access unit at CoreRate: 1024 or 960
}

// ParseAAC reads an AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1) of AAC-LC,
// HE-AAC or HE-AAC v2. The result does not alias asc.
func ParseAAC(asc []byte) (AACConfig, error) {
	var c mpeg4audio.AudioSpecificConfig
	if err := c.Unmarshal(asc); err != nil {
		return AACConfig{}, fmt.Errorf("AudioSpecificConfig: %w", err)
	}
	a := AACConfig{
		ASC: bytes.Clone(asc), ObjectType: int(c.Type), CoreRate: c.SampleRate, SampleRate: c.SampleRate,
		Channels: c.ChannelCount, FrameLength: mpeg4audio.SamplesPerAccessUnit,
	}
	if c.ExtensionType != 0 {
		a.ObjectType, a.SampleRate = int(c.ExtensionType), c.ExtensionSampleRate
	}
	if c.FrameLengthFlag {
		a.FrameLength = 960
	}
	if a.CoreRate < 1000 || a.SampleRate < 1000 || a.CoreRate > 192000 || a.SampleRate > 192000 {
		return AACConfig{}, fmt.Errorf("AudioSpecificConfig: sample rate %d Hz", c.SampleRate)
	}
	return a, nil
}

// CodecString returns the RFC 6381 string, e.g. "mp4a.40.2".
func (a AACConfig) CodecString() string { return fmt.Sprintf("mp4a.40.%d", a.ObjectType) }
