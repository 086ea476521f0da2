package bridge

import (
	"moqedge/bridge/codec"
	"moqedge/moq/cmaf"
	"moqedge/moq/loc"
)

// AudioTrack takes the frames of one audio track. It holds the state of one
// publication; its fields are guarded by the station's mu.
type AudioTrack struct {
	broadcast *Broadcast
	codec     Codec
	output    *output

	aac                  codec.AACConfig // AAC
	rate                 int             // Hz, the clock of CMAF
	sampleRate, channels int

	timeline timeline
	samples  samples
	start    int64 // timestamp of the open group's first frame
}

// Write packages one audio frame; one that cannot be read is dropped and
// counted. Errors as VideoTrack.Write.
func (a *AudioTrack) Write(u AudioUnit) error {
	b := a.broadcast
	s := b.station
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := b.begin(); err != nil {
		return err
	}
	length := a.aac.FrameLength
	if a.codec == Opus {
		length = codec.OpusDuration(u.Frame)
	}
	if len(u.Frame) == 0 || length == 0 {
		b.dropped++
		return nil
	}
	if err := b.count(len(u.Frame)); err != nil {
		return err
	}
	s.settle(b, s.hub.config.Now())
	return b.fail(a.publish(u, length))
}

func (a *AudioTrack) publish(u AudioUnit, length int) error {
	o := a.output
	pts, _ := a.timeline.next(u.PTS)
	group := a.broadcast.station.hub.config.AudioGroup.Microseconds()
	if !o.open || pts < a.start || pts-a.start >= group {
		if err := o.startGroup(); err != nil {
			return err
		}
		a.start = pts
	}
	o.sequence++
	inCMAF := cmaf.AppendFragmentHeader(make([]byte, 0, cmaf.FragmentHeaderLen+len(u.Frame)), cmaf.Sample{
		Sequence: o.sequence, DecodeTime: a.samples.place(pts, a.rate, length), Duration: uint32(length), Sync: true,
	}, len(u.Frame))
	h := loc.Header{Timestamp: uint64(pts)}
	if o.object == 0 {
		h.AudioConfig = a.aac.ASC
	}
	return o.append(frame{
		at:         pts,
		properties: loc.AppendProperties(nil, h),
		payload: [packagings][]byte{
			packLOC:  append([]byte(nil), u.Frame...),
			packCMAF: append(inCMAF, u.Frame...),
		},
	})
}

// initSegment returns the CMAF header; an error says why the track cannot be carried.
func (a *AudioTrack) initSegment() ([]byte, error) {
	if a.codec == Opus {
		return cmaf.OpusInit(a.channels)
	}
	return cmaf.AACInit(a.rate, a.channels, a.aac.ASC)
}

// describe makes the output say what the track is. The caller holds the station's mu.
func (a *AudioTrack) describe(init []byte) {
	name := "opus"
	if a.codec == AAC {
		name = a.aac.CodecString()
	}
	s := a.broadcast.station
	d := description{
		codec: [packagings]string{packLOC: name, packCMAF: name}, sampleRate: a.sampleRate, channels: a.channels,
		init: init, timescale: a.rate, guess: 64_000 * a.channels,
	}
	if a.output.describe(d) {
		s.dirty = true
		s.log.Info("audio configured", "track", a.output.name, "codec", name, "sample_rate", a.sampleRate, "channels", a.channels)
	}
}
