package rtc

import (
	"context"
	"strings"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// captureURI is the RTP header extension with the time when a frame was captured.
const captureURI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"

// Watch receives the video and the sound of any WHEP server, whose source nobody
// here knows, and notes what comes in an Observer, until ctx ends, which is no
// error, or the connection fails. Options.Source, Tracks and Start are not used.
func Watch(ctx context.Context, o Options, into *Observer) error {
	o.Source = nil
	o, err := o.validate()
	if err != nil {
		return err
	}
	w := &watching{viewer: into.viewer()}
	r, err := newReceiver(o, []bool{true, false}, w.track)
	if err != nil {
		return err
	}
	w.viewer.note(&w.viewer.began, time.Now())
	if err = r.connect(ctx); err == nil {
		w.viewer.note(&w.viewer.connected, time.Now())
		err = r.stay(ctx)
	}
	if ctx.Err() != nil {
		err = nil
	}
	r.leave(ctx)
	return err
}

// watching is a viewer of a foreign server.
type watching struct{ viewer *observed }

// track begins one of the tracks.
func (w *watching) track(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) packetReader {
	codec := remote.Codec()
	t := w.viewer.track(remote.Kind().String(), codec.MimeType, codec.ClockRate)
	in := &watched{track: t}
	for _, e := range receiver.GetParameters().HeaderExtensions {
		if e.URI == captureURI {
			in.captureID = uint8(e.ID)
		}
	}
	switch {
	case strings.EqualFold(codec.MimeType, webrtc.MimeTypeH264):
		in.assembler = newAssembler(&avc{})
	case remote.Kind() == webrtc.RTPCodecTypeVideo:
		in.assembler = newAssembler(&marked{})
	}
	return in.packet
}

// watched is one track of a viewer. Its fields belong to packet.
type watched struct {
	track     *observedTrack
	assembler *assembler // nil where a packet is a frame
	captureID uint8      // of the header extension, 0: none
	captured  map[uint32]time.Time
}

// maxCaptured bounds the frames whose capture times are kept until they are complete.
const maxCaptured = 256

func (in *watched) packet(p *rtp.Packet, now time.Time) {
	in.noteCapture(p)
	in.track.packet()
	if in.assembler == nil {
		if len(p.Payload) > 0 {
			in.complete(p.Timestamp, len(p.Payload), true, now)
		}
		return
	}
	for _, f := range in.assembler.push(p) {
		in.complete(f.timestamp, len(f.payload), f.key, now)
	}
	in.track.gave(in.assembler.lost, in.assembler.broken)
}

func (in *watched) noteCapture(p *rtp.Packet) {
	if in.captureID == 0 {
		return
	}
	var e rtp.AbsCaptureTimeExtension
	if b := p.GetExtension(in.captureID); b == nil || e.Unmarshal(b) != nil {
		return
	}
	if in.captured == nil || len(in.captured) >= maxCaptured {
		in.captured = make(map[uint32]time.Time)
	}
	in.captured[p.Timestamp] = e.CaptureTime()
}

func (in *watched) complete(timestamp uint32, size int, key bool, now time.Time) {
	captured := in.captured[timestamp]
	delete(in.captured, timestamp)
	in.track.frame(arrival{timestamp: timestamp, at: now, captured: captured, size: size, key: key})
}

// marked is a format whose frames are what is between two markers, whatever it is:
// VP8, VP9, AV1. Which of them are key frames is not known.
type marked struct{}

func (*marked) reset()                               {}
func (*marked) begins([]byte) bool                   { return false }
func (*marked) done() (key, ok bool)                 { return false, true }
func (*marked) add(b, payload []byte) ([]byte, bool) { return append(b, payload...), len(b) < maxFrame }

// registerForeign declares what is understood of servers that are not ours, beside
// what bench/sfu speaks.
func registerForeign(m *webrtc.MediaEngine) error {
	for i, mime := range []string{webrtc.MimeTypeVP8, webrtc.MimeTypeVP9, webrtc.MimeTypeAV1} {
		err := m.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mime, ClockRate: 90000},
			PayloadType:        webrtc.PayloadType(120 + i),
		}, webrtc.RTPCodecTypeVideo)
		if err != nil {
			return err
		}
	}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		for _, uri := range []string{captureURI, sdp.SDESMidURI} {
			if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, kind); err != nil {
				return err
			}
		}
	}
	return nil
}
