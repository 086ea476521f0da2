package sfu

import (
	"strconv"

	"github.com/pion/webrtc/v4"
)

// MimeOpaque is the type of a track whose packets are no format of WebRTC's: the
// packets of AAC, or messages. Only this package and bench/rtc know it.
const MimeOpaque = "audio/x-opaque"

// Clock rates of RTP timestamps, in Hz.
const (
	VideoClock = 90000
	AudioClock = 48000
)

// profiles are what H.264 is offered as in general: constrained baseline,
// baseline, main, high and constrained high. What a decoder makes of it is decided
// by the parameter sets in the stream.
const (
	baseline            = "42001f"
	constrainedBaseline = "42e01f"
	mainProfile         = "4d001f"
	high                = "64001f"
	constrainedHigh     = "640c1f"
)

// RegisterCodecs declares what a publisher, a viewer and this unit speak: H.264 in
// packetization mode 1 with retransmission (RFC 4588), Opus, and opaque packets. A
// profile-level-id like "42e01f" goes before the usual ones; "" adds nothing.
func RegisterCodecs(m *webrtc.MediaEngine, profile string) error {
	next := webrtc.PayloadType(96)
	ids := make(map[string]bool)
	for _, id := range []string{profile, constrainedBaseline, baseline, mainProfile, high, constrainedHigh} {
		if id == "" || ids[id] {
			continue
		}
		ids[id] = true
		video := webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeH264, ClockRate: VideoClock,
			SDPFmtpLine:  "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=" + id,
			RTCPFeedback: []webrtc.RTCPFeedback{{Type: webrtc.TypeRTCPFBCCM, Parameter: "fir"}},
		}
		if err := register(m, video, next, webrtc.RTPCodecTypeVideo); err != nil {
			return err
		}
		repair := webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: VideoClock, SDPFmtpLine: "apt=" + strconv.Itoa(int(next)),
		}
		if err := register(m, repair, next+1, webrtc.RTPCodecTypeVideo); err != nil {
			return err
		}
		next += 2
	}
	for _, audio := range []webrtc.RTPCodecCapability{
		{MimeType: webrtc.MimeTypeOpus, ClockRate: AudioClock, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1"},
		{MimeType: MimeOpaque, ClockRate: AudioClock},
	} {
		if err := register(m, audio, next, webrtc.RTPCodecTypeAudio); err != nil {
			return err
		}
		next++
	}
	return nil
}

func register(m *webrtc.MediaEngine, c webrtc.RTPCodecCapability, as webrtc.PayloadType, kind webrtc.RTPCodecType) error {
	return m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: c, PayloadType: as}, kind)
}
