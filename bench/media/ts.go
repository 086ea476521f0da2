package media

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/codecs"

	"moqedge/bridge/codec"
)

// maxStep bounds the time from one picture to the next, in microseconds: behind a
// larger step the recording is another one.
const maxStep = 10_000_000

// transport reads an MPEG transport stream.
type transport struct {
	rec      recording
	pictures bool // there is a track of them
	times    mpegts.TimeDecoder
}

// readTS reads an MPEG transport stream from its first key frame on. What is
// damaged in it is left out.
func readTS(r io.ReadSeeker) (recording, error) {
	if size, err := r.Seek(0, io.SeekEnd); err != nil {
		return recording{}, fmt.Errorf("%w: %w", ErrFile, err)
	} else if size > maxFile {
		return recording{}, fmt.Errorf("%w: it is larger than %d MiB", ErrFile, maxFile>>20)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return recording{}, fmt.Errorf("%w: %w", ErrFile, err)
	}
	reader := mpegts.Reader{R: r}
	if err := reader.Initialize(); err != nil {
		return recording{}, fmt.Errorf("%w: no MPEG transport stream: %w", ErrFile, err)
	}
	var t transport
	t.choose(&reader)
	for {
		err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return recording{}, fmt.Errorf("%w: %w", ErrFile, err)
		}
	}
	return t.rec, t.measure()
}

// choose selects the first track of each kind.
func (t *transport) choose(r *mpegts.Reader) {
	var audio bool
	for _, track := range r.Tracks() {
		switch c := track.Codec.(type) {
		case *codecs.H264:
			if !t.pictures {
				t.pictures = true
				r.OnDataH264(track, t.picture)
			}
		case *codecs.MPEG4Audio:
			if !audio {
				audio = t.aac(r, track, c)
			}
		case *codecs.Opus:
			if !audio {
				audio = true
				t.opus(r, track, c)
			}
		}
	}
}

// micros unwraps a time of 33 bits at 90 kHz.
func (t *transport) micros(raw int64) int64 { return t.times.Decode(raw) * 100 / 9 }

func (t *transport) picture(pts, dts int64, au [][]byte) error {
	u := unit{dts: t.micros(dts), pts: t.micros(pts)}
	for _, n := range au {
		u.nalus = append(u.nalus, bytes.Clone(n))
	}
	p := codec.ParsePicture(u.nalus)
	u.key = p.IDR
	if len(p.Slices) == 0 || len(t.rec.video) == 0 && !startsHere(p) {
		return nil
	}
	t.rec.video = append(t.rec.video, u)
	return nil
}

// startsHere reports whether decoding can begin with a picture that nothing is
// known before.
func startsHere(p codec.Picture) bool {
	var sets codec.ParameterSets
	_, err := sets.Update(p.ParameterSets)
	return p.IDR && err == nil && sets.Complete()
}

func (t *transport) aac(r *mpegts.Reader, track *mpegts.Track, c *codecs.MPEG4Audio) bool {
	asc, err := c.Config.Marshal()
	if err != nil {
		return false
	}
	aac, err := codec.ParseAAC(asc)
	if err != nil {
		return false
	}
	t.rec.sound = Track{Codec: aac.CodecString(), Config: asc, SampleRate: aac.SampleRate, Channels: aac.Channels}
	r.OnDataMPEG4Audio(track, func(pts int64, aus [][]byte) error {
		at := t.micros(pts)
		for i, au := range aus {
			t.sound(at+int64(i)*mpeg4audio.SamplesPerAccessUnit*1_000_000/int64(aac.CoreRate), au)
		}
		return nil
	})
	return true
}

func (t *transport) opus(r *mpegts.Reader, track *mpegts.Track, c *codecs.Opus) {
	t.rec.sound = Track{Codec: "opus", SampleRate: codec.OpusRate, Channels: c.Desc.ChannelCount()}
	r.OnDataOpus(track, func(pts int64, packets [][]byte) error {
		at := t.micros(pts)
		for _, p := range packets {
			t.sound(at, p)
			at += int64(codec.OpusDuration(p)) * 1_000_000 / codec.OpusRate
		}
		return nil
	})
}

func (t *transport) sound(at int64, packet []byte) {
	t.rec.audio = append(t.rec.audio, unit{pts: at, dts: at, packet: bytes.Clone(packet)})
}

// measure finds how long the loop is: from the first picture to the last, and one
// mean step more; of sound alone likewise.
func (t *transport) measure() error {
	units := t.rec.video
	if !t.pictures {
		units = t.rec.audio
	}
	if len(units) < 2 {
		return fmt.Errorf("%w: it has no two frames from a key frame (IDR with SPS and PPS) on", ErrFile)
	}
	for i, u := range units[1:] {
		if step := u.dts - units[i].dts; step <= 0 || step > maxStep {
			return fmt.Errorf("%w: the times of frame %d do not follow those before (remux it with ffmpeg -c copy)", ErrFile, i+1)
		}
	}
	span := units[len(units)-1].dts - units[0].dts
	t.rec.duration = span + span/int64(len(units)-1)
	return nil
}
