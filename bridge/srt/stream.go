package srt

import (
	"bytes"
	"errors"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/substructs"

	"moqedge/bridge"
	"moqedge/bridge/codec"
	"moqedge/bridge/srt/ts"
)

// otherLimit is how many AAC frames of another format in a row are a change of
// format: a fifth of a second.
const otherLimit = 10

// stream is one elementary stream that plays. Its track is added with the first
// unit that says what the stream carries. The session's goroutine uses it.
type stream struct {
	ts.Stream
	off bool // left out: the bridge does not carry it

	video videoTrack // of H.264
	audio audioTrack // of AAC and Opus

	haveDTS bool
	lastDTS int64 // stream time of the latest unit
	lastOut int64 // wall time of the latest unit given to the track

	// H.264
	keyAt   int64 // arrival of the latest key frame, or of the first unit before any
	keyLate bool  // the log has said so

	// AAC
	adts   adts
	config aacConfig
	other  int   // frames of another format in a row
	next   int64 // stream time of the frame after the latest
}

// added says that the stream's track exists, or never will.
func (st *stream) added() bool { return st.off || st.video != nil || st.audio != nil }

func (st *stream) take(s *session, pts, dts int64, u ts.Unit) error {
	if st.off {
		return nil
	}
	switch st.Codec {
	case ts.H264:
		return st.takeH264(s, pts, dts, u.Data)
	case ts.AAC:
		if u.AfterLoss {
			st.adts = adts{} // the frame it had begun will not go on
		}
		return st.takeAAC(s, pts, u.Data)
	default:
		return st.takeOpus(s, pts, u.Data)
	}
}

func (st *stream) takeH264(s *session, pts, dts int64, data []byte) error {
	p, ok := parsePicture(data)
	if !ok {
		s.broken++
		return nil
	}
	st.watchKeyFrames(s, p.key && (st.video != nil || p.complete))
	if st.video == nil {
		if !p.key || !p.complete {
			return nil
		}
		sets := make([][]byte, len(p.sets))
		for i, set := range p.sets {
			sets[i] = bytes.Clone(set)
		}
		video, err := s.out.addVideo(bridge.VideoConfig{Codec: bridge.H264, ParameterSets: sets})
		if errors.Is(err, bridge.ErrUnsupported) {
			// Parameter sets can be damaged: the next key frame may do.
			s.omit(string(st.Codec), err.Error())
			return nil
		}
		if err != nil {
			return s.refused(st, err)
		}
		st.video = video
		s.checkReady()
	}
	// A picture arrives after it was taken, whatever its place in decoding
	// order: with B-frames it is the PTS that comes closest to the arrival.
	if err := s.observe(st, dts, pts); err != nil {
		return err
	}
	return s.put(sample{to: st, pts: pts, dts: dts, key: p.key, nalus: p.nalus})
}

func (st *stream) watchKeyFrames(s *session, key bool) {
	if key || st.keyAt == 0 {
		st.keyAt = s.arrival
		return
	}
	if !st.keyLate && s.arrival-st.keyAt > keyFrameLimit.Microseconds() {
		st.keyLate = true
		s.log.Warn("no H.264 key frame (IDR with SPS and PPS) for 10 s: viewers cannot join; set the encoder's key frame interval to 1-2 s")
	}
}

func (st *stream) takeAAC(s *session, pts int64, data []byte) error {
	frames := st.adts.frames(data)
	skipped := st.adts.skipped > 0
	if skipped {
		st.adts.skipped = 0
		s.broken++
	}
	if len(frames) == 0 || skipped && st.audio == nil {
		return nil // a format read behind garbage is not one to start with
	}
	own := int64(0) // samples since the PTS, which belongs to the first frame that begins here
	times := make([]int64, len(frames))
	for i, f := range frames {
		if f.carried && st.haveDTS {
			times[i] = st.next
			continue
		}
		times[i] = pts + own*1_000_000/int64(f.config.rate)
		own += samplesPerFrame
	}
	last := frames[len(frames)-1]
	st.next = times[len(times)-1] + samplesPerFrame*1_000_000/int64(last.config.rate)
	if st.audio == nil {
		c := frames[0].config
		if c.channels == 0 {
			st.off = true
			s.omit(string(st.Codec), "its channel layout is described in the stream only; encode mono, stereo or 5.1")
			s.checkReady()
			return nil
		}
		audio, err := s.out.addAudio(bridge.AudioConfig{Codec: bridge.AAC, SampleRate: c.rate, Channels: c.channelCount(), ASC: c.asc()})
		if err != nil {
			return s.refused(st, err)
		}
		st.audio, st.config = audio, c
		s.checkReady()
	}
	// The packet came no earlier than its last frame was there. A microphone
	// has it at the frame's end; file and test sources at its beginning.
	if err := s.observe(st, times[0], times[len(times)-1]); err != nil {
		return err
	}
	for i, f := range frames {
		if f.config != st.config {
			// Damage can look like another format, but not for long.
			if st.other++; st.other >= otherLimit {
				return errAudioChanged
			}
			s.broken++
			continue
		}
		st.other = 0
		if err := s.put(sample{to: st, pts: times[i], dts: times[i], frame: f.data}); err != nil {
			return err
		}
	}
	return nil
}

func (st *stream) takeOpus(s *session, pts int64, data []byte) error {
	if st.audio == nil {
		audio, err := s.out.addAudio(bridge.AudioConfig{Codec: bridge.Opus, SampleRate: 48000, Channels: opusChannels(st.Stream)})
		if err != nil {
			return s.refused(st, err)
		}
		st.audio = audio
		s.checkReady()
	}
	var packets [][]byte
	var times []int64
	next := pts
	for len(data) > 0 {
		var au substructs.OpusAccessUnit
		n, err := au.Unmarshal(data)
		if err != nil {
			s.broken++
			break
		}
		packets, times = append(packets, au.Packet), append(times, next)
		next += int64(codec.OpusDuration(au.Packet)) * 1_000_000 / 48000
		data = data[n:]
	}
	if len(packets) == 0 {
		return nil
	}
	if err := s.observe(st, pts, times[len(times)-1]); err != nil {
		return err
	}
	for i, p := range packets {
		if err := s.put(sample{to: st, pts: times[i], dts: times[i], frame: p}); err != nil {
			return err
		}
	}
	return nil
}

// opusChannels reads the stream's descriptor; 0: it has none that is valid.
func opusChannels(s ts.Stream) int {
	var d substructs.OpusAudioDescriptor
	if d.Unmarshal(s.Setup) != nil {
		return 0
	}
	return d.ChannelCount()
}

// write maps a sample to the wall clock and gives it to its track. Times ascend
// whatever the stream does.
func (st *stream) write(s *session, x sample) error {
	dts := max(s.clock.wall(x.dts), st.lastOut+1)
	st.lastOut = dts
	pts := max(s.clock.wall(x.pts), dts)
	if st.video != nil {
		return st.video.Write(bridge.VideoUnit{PTS: pts, DTS: dts, Key: x.key, NALUs: x.nalus})
	}
	return st.audio.Write(bridge.AudioUnit{PTS: dts, Frame: x.frame})
}

// sameAs says that a stream of a changed programme map continues st.
func (st *stream) sameAs(n ts.Stream) bool {
	return st.Codec == n.Codec && bytes.Equal(st.Setup, n.Setup)
}
