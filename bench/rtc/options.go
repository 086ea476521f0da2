package rtc

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"

	"moqedge/bench/link"
	"moqedge/bench/media"
	"moqedge/bench/sfu"
)

// MaxTracks bounds the tracks of one peer connection: each is a section in the SDP
// of everybody, which nobody does with the thousand tracks of a chat.
const MaxTracks = 128

// Options of a publisher or a viewer.
type Options struct {
	// URL is the WHIP endpoint of a publisher, the WHEP endpoint of a viewer.
	URL string
	// Token is sent as bearer token, if not empty.
	Token string
	// Source is what is published; a viewer of a foreign server has none.
	Source media.Source
	// Tracks are those to view, by number in Source; nil means all.
	Tracks []int
	// Start is when the schedule of Source begins.
	Start time.Time
	// Link is what the traffic goes over; nil means no emulation.
	Link *link.Emulator
	// NACKEvery is how often a viewer asks for what is lost. 0 means 10 ms: browsers
	// ask at once and then every 20 ms at most; pion by itself takes 100 ms.
	NACKEvery time.Duration
	// NoNACK has lost packets stay lost. For negative controls.
	NoNACK bool
	// Log gets what is worth knowing; nil discards. pion's own logs are discarded.
	Log *slog.Logger
}

func (o Options) validate() (Options, error) {
	if o.URL == "" {
		return o, errors.New("rtc: a URL is required")
	}
	if o.NACKEvery < 0 {
		return o, errors.New("rtc: NACKs cannot be sent more often than always")
	}
	if o.NACKEvery == 0 {
		o.NACKEvery = 10 * time.Millisecond
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Source == nil {
		return o, nil
	}
	all := o.Source.Tracks()
	if o.Tracks == nil {
		for i := range all {
			o.Tracks = append(o.Tracks, i)
		}
	}
	if len(o.Tracks) == 0 || len(o.Tracks) > MaxTracks {
		return o, fmt.Errorf("rtc: %d tracks: a peer connection takes 1 to %d", len(o.Tracks), MaxTracks)
	}
	for _, i := range o.Tracks {
		if i < 0 || i >= len(all) {
			return o, fmt.Errorf("rtc: the source has no track %d", i)
		}
		if _, err := capability(all[i]); err != nil {
			return o, err
		}
	}
	return o, nil
}

// capability is what a track is over WebRTC.
func capability(t media.Track) (webrtc.RTPCodecCapability, error) {
	switch {
	case t.Kind == media.Video && strings.HasPrefix(t.Codec, "avc1."):
		return webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeH264, ClockRate: sfu.VideoClock,
			SDPFmtpLine: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=" + profile(t),
		}, nil
	case t.Kind == media.Video:
		return webrtc.RTPCodecCapability{}, fmt.Errorf("rtc: track %s is %q: only H.264 (avc1) is packetized", t.Name, t.Codec)
	case t.Kind == media.Audio && t.Codec == "opus":
		return webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: sfu.AudioClock, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
		}, nil
	}
	return webrtc.RTPCodecCapability{MimeType: sfu.MimeOpaque, ClockRate: sfu.AudioClock}, nil
}

// profile is the profile-level-id of a video track, "" of others.
func profile(t media.Track) string {
	id, _ := strings.CutPrefix(t.Codec, "avc1.")
	if t.Kind != media.Video {
		return ""
	}
	return strings.ToLower(id)
}

// videoProfile is the profile-level-id of the first video track.
func (o Options) videoProfile() string {
	if o.Source == nil {
		return ""
	}
	all := o.Source.Tracks()
	if i := slices.IndexFunc(all, func(t media.Track) bool { return t.Kind == media.Video }); i >= 0 {
		return profile(all[i])
	}
	return ""
}
