package whip

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"moqedge/bridge"
)

const (
	// idleTick is how often a track without packets looks at key frame requests.
	idleTick = 200 * time.Millisecond
	// audioWait is Config.PacketWait for audio: browsers do not repeat lost audio,
	// so that only packets out of order are worth waiting for.
	audioWait = 30 * time.Millisecond
	// maxReadErrors in a row end a session: something is wrong for good.
	maxReadErrors = 1000
)

// assembler turns packets in order into frames; see h264Assembler.
type assembler interface {
	push(p *rtp.Packet, out []frame) []frame
	lost()
	waiting() bool
	coming() bool
}

// receiverTrack is one track of a session. Its fields belong to the goroutine of
// readMedia, except clock and what never changes.
type receiverTrack struct {
	session  *session
	media    *media
	track    *webrtc.TrackRemote
	receiver *webrtc.RTPReceiver
	clock    *trackClock

	reorder *reorder
	// video
	assembler assembler
	keys      keyRequests
	frames    []frame
	video     videoTrack
	// audio
	audio audioTrack
}

// readMedia reads packets until the track ends. A failed write ends the session.
func (r *receiverTrack) readMedia() {
	s := r.session
	wait := s.config.PacketWait
	if r.media.codec == bridge.Opus {
		wait = min(wait, audioWait)
	}
	r.reorder = newReorder(wait)
	r.keys = keyRequests{every: s.config.KeyFrameEvery, last: s.config.Now()}
	switch r.media.codec {
	case bridge.H264:
		r.assembler = newH264Assembler(r.media.params)
	case bridge.VP8:
		r.assembler = newVP8Assembler()
	}
	s.log.Info("receiving", "codec", r.media.codec.String(), "payload_type", r.media.payloadType, "ssrc", uint32(r.track.SSRC()))
	buf := make([]byte, receiveMTU)
	for bad := 0; bad < maxReadErrors; {
		r.setDeadline()
		n, _, err := r.track.Read(buf)
		now := s.config.Now()
		var timeout net.Error
		switch {
		case err == nil:
			if !r.packet(buf[:n], now) {
				bad++
				continue
			}
			bad = 0
		case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe), errors.Is(err, net.ErrClosed):
			return
		default:
			bad++ // a packet of a format that was not negotiated, for example
			continue
		}
		if err := r.drain(now); err != nil {
			s.End(err)
			return
		}
		r.requestKey(now)
	}
	s.End(errTooManyBad)
}

// setDeadline makes the next read return in time to give up on a lost packet.
func (r *receiverTrack) setDeadline() {
	wait := idleTick
	if at, ok := r.reorder.deadline(); ok {
		wait = min(wait, max(at.Sub(r.session.config.Now()), time.Millisecond))
	}
	// An error means that the track is closed, which the read will tell too.
	_ = r.track.SetReadDeadline(time.Now().Add(wait))
}

// packet takes one packet from the network; false if it cannot be parsed.
func (r *receiverTrack) packet(b []byte, now time.Time) bool {
	p := &rtp.Packet{}
	if err := p.Unmarshal(append([]byte(nil), b...)); err != nil {
		return false
	}
	if p.PayloadType != r.media.payloadType {
		return false
	}
	if len(p.Payload) > 0 {
		r.clock.arrived(p.Timestamp, now)
	}
	r.reorder.push(p, now)
	return true
}

// drain hands on what is in order, or not worth waiting for any more.
func (r *receiverTrack) drain(now time.Time) error {
	for {
		p, lost, ok := r.reorder.pop(now)
		if !ok {
			return nil
		}
		if err := r.deliver(p, lost, now); err != nil {
			return err
		}
	}
}

func (r *receiverTrack) deliver(p *rtp.Packet, lost int, now time.Time) error {
	if r.assembler == nil {
		return r.writeAudio(p)
	}
	if lost > 0 {
		r.assembler.lost()
	}
	r.frames = r.assembler.push(p, r.frames[:0])
	for _, f := range r.frames {
		if err := r.writeVideo(f, now); err != nil {
			return err
		}
	}
	return nil
}

func (r *receiverTrack) writeVideo(f frame, now time.Time) error {
	if f.key {
		r.keys.got(now)
	}
	if r.video == nil {
		track, err := r.session.pub.addVideo(bridge.VideoConfig{
			Codec: r.media.codec, ParameterSets: f.params, Width: f.width, Height: f.height,
		})
		if err != nil {
			return err
		}
		r.video = track
		r.session.added()
	}
	at := r.clock.stamp(f.rtpTime)
	return r.video.Write(bridge.VideoUnit{PTS: at, DTS: at, Key: f.key, NALUs: f.nalus, Frame: f.data})
}

func (r *receiverTrack) writeAudio(p *rtp.Packet) error {
	if len(p.Payload) == 0 {
		return nil
	}
	if r.audio == nil {
		track, err := r.session.pub.addAudio(bridge.AudioConfig{
			Codec: r.media.codec, SampleRate: int(r.media.clockRate), Channels: int(r.media.channels),
		})
		if err != nil {
			return err
		}
		r.audio = track
		r.session.added()
	}
	return r.audio.Write(bridge.AudioUnit{PTS: r.clock.stamp(p.Timestamp), Frame: p.Payload})
}

// requestKey asks for a key frame when one is due.
func (r *receiverTrack) requestKey(now time.Time) {
	if r.assembler == nil || !r.keys.due(now, r.assembler.waiting(), r.assembler.coming()) {
		return
	}
	pli := &rtcp.PictureLossIndication{MediaSSRC: uint32(r.track.SSRC())}
	if err := r.session.pc.WriteRTCP([]rtcp.Packet{pli}); err != nil {
		r.session.log.Debug("request a key frame", "error", err)
	}
}

// readReports reads RTCP until the track ends; pion's interceptors see it on
// the way, so it must be read even when nothing is of interest.
func (r *receiverTrack) readReports() {
	ssrc := uint32(r.track.SSRC())
	for bad := 0; bad < maxReadErrors; {
		packets, _, err := r.receiver.ReadRTCP()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe), errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			bad++ // malformed RTCP
			continue
		}
		bad = 0
		for _, p := range packets {
			if sr, ok := p.(*rtcp.SenderReport); ok && sr.SSRC == ssrc {
				r.session.clockChanged(r.clock.report(sr.RTPTime, sr.NTPTime))
			}
		}
	}
}
