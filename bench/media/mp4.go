package media

import (
	"fmt"
	"io"

	"moqedge/bridge/codec"
	"moqedge/bridge/file"
)

// readMP4 reads a progressive MP4 file.
func readMP4(r io.ReadSeeker) (recording, error) {
	clip, err := file.Load(r)
	if err != nil {
		return recording{}, fmt.Errorf("%w: %w", ErrFile, err)
	}
	pictures, sets := clip.Video()
	rec := recording{duration: clip.Duration, sets: sets}
	for _, p := range pictures {
		rec.video = append(rec.video, unit{pts: p.PTS, dts: p.DTS, key: p.Key, nalus: p.NALUs})
	}
	a := clip.Audio()
	if len(a.Frames) == 0 {
		return rec, nil
	}
	rec.sound = Track{Codec: "opus", SampleRate: a.Rate, Channels: a.Channels}
	if a.Codec == codec.AAC {
		aac, err := codec.ParseAAC(a.ASC)
		if err != nil {
			return recording{}, fmt.Errorf("%w: %w", ErrFile, err)
		}
		rec.sound = Track{Codec: aac.CodecString(), Config: aac.ASC, SampleRate: aac.SampleRate, Channels: aac.Channels}
	}
	for i, frame := range a.Frames {
		at := a.From + int64(i)*int64(a.FrameLength)*1_000_000/int64(a.Rate)
		rec.audio = append(rec.audio, unit{pts: at, dts: at, packet: frame})
	}
	return rec, nil
}
