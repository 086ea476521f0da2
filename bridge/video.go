package bridge

import (
	"fmt"
	"math"
	"time"

	"moqedge/bridge/codec"
	"moqedge/moq/cmaf"
	"moqedge/moq/loc"
)

// keyFrameWarning is how long pictures may be dropped for want of a key frame
// before the log says so.
const keyFrameWarning = 10 * time.Second

// maxConfig bounds a decoder configuration in object properties, which share
// 64 KiB (moqt-18 §11.2.1.2); a larger one travels in the payload only.
const maxConfig = 16 << 10

// VideoTrack takes the pictures of one video track. It holds the state of one
// publication; its fields are guarded by the station's mu.
type VideoTrack struct {
	broadcast *Broadcast
	codec     Codec
	output    *output // nil until the picture size is known

	sets     codec.ParameterSets // H264
	changed  bool                // sets differ from what output describes
	avcC     []byte
	started  bool // a key frame has come
	timeline timeline

	droppingSince time.Time // zero: not dropping for want of a key frame
	warned        bool      // the log has told of it
	warnedSets    bool      // the log has told of unreadable parameter sets
}

// picture is a frame on its way to the objects.
type picture struct {
	key, discardable bool
	size             int // bytes in CMAF, without header
	config           []byte
	pack             func(header []byte) [packagings][]byte
}

// Write packages one picture. Pictures before the first key frame are dropped
// and counted. Errors: ErrClosed after the broadcast ended, ErrTooLarge (which
// ends it).
func (v *VideoTrack) Write(u VideoUnit) error {
	b := v.broadcast
	s := b.station
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := b.begin(); err != nil {
		return err
	}
	var p picture
	var err error
	if v.codec == H264 {
		p, err = v.readH264(u)
	} else {
		p, err = v.readVP8(u)
	}
	if err != nil || p.pack == nil {
		return err
	}
	v.started = true
	v.droppingSince = time.Time{}
	s.settle(b, s.hub.config.Now())
	return b.fail(v.publish(u, p))
}

// readH264 updates the configuration and sorts the picture. A result without
// pack is nothing to publish.
func (v *VideoTrack) readH264(u VideoUnit) (picture, error) {
	parsed := codec.ParsePicture(u.NALUs)
	changed, err := v.sets.Update(parsed.ParameterSets)
	v.changed = v.changed || changed
	if err != nil && !v.warnedSets {
		v.warnedSets = true
		v.broadcast.station.log.Warn("unreadable H.264 parameter sets are ignored", "error", err)
	}
	if parsed.Size == 0 {
		return picture{}, nil
	}
	key := u.Key && parsed.IDR && v.sets.Complete()
	if !key && !v.started {
		v.drop()
		return picture{}, nil
	}
	p := picture{key: key, discardable: parsed.Discardable, size: parsed.Size}
	var sets [][]byte
	if key {
		if v.output == nil || v.changed {
			if err := v.configureH264(); err != nil {
				return picture{}, v.broadcast.fail(err)
			}
		}
		sets = v.sets.NALUs()
		if len(v.avcC) <= maxConfig {
			p.config = v.avcC
		}
	}
	if err := v.broadcast.count(p.size + setsSize(sets)); err != nil {
		return picture{}, err
	}
	p.pack = func(header []byte) [packagings][]byte { return avcPayloads(parsed, sets, header) }
	return p, nil
}

func (v *VideoTrack) readVP8(u VideoUnit) (picture, error) {
	if len(u.Frame) == 0 {
		return picture{}, nil
	}
	width, height, key := codec.VP8KeyFrame(u.Frame)
	key = key && u.Key
	if !key && !v.started {
		v.drop()
		return picture{}, nil
	}
	if err := v.broadcast.count(len(u.Frame)); err != nil {
		return picture{}, err
	}
	if key && (v.output == nil || v.output.description.width != width || v.output.description.height != height) {
		if err := v.configureVP8(width, height); err != nil {
			return picture{}, v.broadcast.fail(err)
		}
	}
	return picture{key: key, size: len(u.Frame), pack: func(header []byte) [packagings][]byte {
		return [packagings][]byte{
			packLOC:  append([]byte(nil), u.Frame...),
			packCMAF: append(append(make([]byte, 0, len(header)+len(u.Frame)), header...), u.Frame...),
		}
	}}, nil
}

// drop counts a picture that cannot be decoded without a key frame.
func (v *VideoTrack) drop() {
	b := v.broadcast
	b.dropped++
	now := b.station.hub.config.Now()
	switch {
	case v.droppingSince.IsZero():
		v.droppingSince = now
	case !v.warned && now.Sub(v.droppingSince) >= keyFrameWarning:
		v.warned = true
		b.station.log.Warn("video has no key frame with parameter sets, nothing can be shown", "codec", v.codec.String(), "dropped_frames", b.dropped)
	}
}

// publish appends the picture to both packagings.
func (v *VideoTrack) publish(u VideoUnit, p picture) error {
	o := v.output
	if p.key || !o.open {
		if err := o.startGroup(); err != nil {
			return err
		}
	}
	dts, duration := v.timeline.next(u.DTS)
	pts := max(u.PTS, 0)
	o.sequence++
	header := cmaf.AppendFragmentHeader(make([]byte, 0, cmaf.FragmentHeaderLen), cmaf.Sample{
		Sequence: o.sequence, DecodeTime: uint64(dts), Duration: uint32(duration), Sync: p.key,
		CompositionOffset: int32(min(max(pts-dts, math.MinInt32), math.MaxInt32)),
	}, p.size)
	return o.append(frame{
		at:         dts,
		properties: loc.AppendProperties(nil, loc.Header{Timestamp: uint64(pts), VideoConfig: p.config, Marking: loc.MarkFrame(p.key, p.discardable)}),
		payload:    p.pack(header),
	})
}

// adopt makes an output the track's own.
func (v *VideoTrack) adopt(o *output) {
	v.output = o
	v.broadcast.claimed++
}

// configureH264 makes the output say what the parameter sets say.
func (v *VideoTrack) configureH264() error {
	avcC := v.sets.AVCC()
	width, height := v.sets.Size()
	init, err := cmaf.AVCInit(width, height, avcC)
	if err != nil {
		return err
	}
	v.avcC, v.changed = avcC, false
	v.configure(description{
		codec: [packagings]string{packLOC: v.sets.CodecString("avc3"), packCMAF: v.sets.CodecString("avc1")},
		width: width, height: height, framerate: roundRate(v.sets.FrameRate()), init: init,
	})
	return nil
}

func (v *VideoTrack) configureVP8(width, height int) error {
	init, err := cmaf.VP8Init(width, height)
	if err != nil {
		return err
	}
	v.configure(description{
		codec: [packagings]string{packLOC: "vp8", packCMAF: cmaf.VP8Codec},
		width: width, height: height, init: init,
	})
	return nil
}

// configure finds or makes the output and describes it.
func (v *VideoTrack) configure(d description) {
	s := v.broadcast.station
	d.timescale = cmaf.VideoTimescale
	d.guess = d.width * d.height * 3 // a tenth of a bit per pixel at 30 frames per second
	if v.output == nil {
		v.adopt(s.claim(v.broadcast, v.codec, func() *output {
			return s.newOutput(fmt.Sprintf("video_%d_%v", d.height, v.codec), v.codec, priorityVideo)
		}))
	}
	if v.output.describe(d) {
		s.dirty = true
		s.log.Info("video configured", "track", v.output.name, "codec", d.codec[packLOC], "width", d.width, "height", d.height)
	}
}

// roundRate keeps three decimals, which tell 30000/1001 from 30.
func roundRate(fps float64) float64 { return math.Round(fps*1000) / 1000 }
