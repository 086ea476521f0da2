package whip

import (
	"errors"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"

	"moqedge/bridge"
	"moqedge/bridge/signalling"
)

// browserOffer is what a current Chromium offers for camera and microphone,
// with fewer formats, and an address hidden behind mDNS.
const browserOffer = `v=0
o=- 4611733054762223410 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS cam
m=audio 48589 UDP/TLS/RTP/SAVPF 111 63 0
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:3867899751 1 udp 2122194687 6d4a1c2e-7f30-4e3b-9d55-0b6f8f0f2a11.local 48589 typ host generation 0 network-id 1
a=ice-ufrag:q4Yd
a=ice-pwd:mXqJcWbZ0oV7hV2u3sTt9gKe
a=ice-options:trickle
a=fingerprint:sha-256 12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0
a=setup:actpass
a=mid:0
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=msid:cam mic
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:0 PCMU/8000
a=ssrc:3318236180 cname:x
m=video 60250 UDP/TLS/RTP/SAVPF 96 97 104 107 102 103 98
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:q4Yd
a=ice-pwd:mXqJcWbZ0oV7hV2u3sTt9gKe
a=ice-options:trickle
a=fingerprint:sha-256 12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0
a=setup:actpass
a=mid:1
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=sendonly
a=msid:cam camera
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:104 H264/90000
a=rtcp-fb:104 nack
a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f
a=rtpmap:107 rtx/90000
a=fmtp:107 apt=104
a=rtpmap:102 H264/90000
a=rtcp-fb:102 transport-cc
a=rtcp-fb:102 nack
a=rtcp-fb:102 nack pli
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:103 rtx/90000
a=fmtp:103 apt=102
a=rtpmap:98 VP9/90000
a=fmtp:98 profile-id=0
a=ssrc-group:FID 1068947357 3281154369
a=ssrc:3281154369 cname:x
a=ssrc:1068947357 cname:x
`

// part of an offer: cut(1) is the video section, cut(0) the audio section.
func without(kind string) string {
	head, rest, _ := strings.Cut(browserOffer, "m=audio")
	audio, video, _ := strings.Cut(rest, "m=video")
	if kind == "video" {
		return strings.Replace(head, "BUNDLE 0 1", "BUNDLE 0", 1) + "m=audio" + audio
	}
	return strings.Replace(head, "BUNDLE 0 1", "BUNDLE 1", 1) + "m=video" + video
}

func edit(old, replacement string) string {
	return strings.ReplaceAll(browserOffer, old, replacement)
}

// dropLines leaves lines with any of the texts out.
func dropLines(s string, texts ...string) string {
	var b strings.Builder
next:
	for line := range strings.Lines(s) {
		for _, text := range texts {
			if strings.Contains(line, text) {
				continue next
			}
		}
		b.WriteString(line)
	}
	return b.String()
}

func TestParseOffer(t *testing.T) {
	_, videoPart, _ := strings.Cut(browserOffer, "m=video")
	for name, c := range map[string]struct {
		sdp          string
		video, audio bridge.Codec
		pt           uint8 // of the video
		status       int
		says         string
	}{
		"browser prefers VP8, we take H.264 in mode 1": {sdp: browserOffer, video: bridge.H264, audio: bridge.Opus, pt: 102},
		"CRLF":                    {sdp: strings.ReplaceAll(browserOffer, "\n", "\r\n"), video: bridge.H264, audio: bridge.Opus, pt: 102},
		"mode 0 when it is all":   {sdp: edit("packetization-mode=1", "packetization-mode=0"), video: bridge.H264, audio: bridge.Opus, pt: 104},
		"VP8 without H.264":       {sdp: dropLines(browserOffer, "H264"), video: bridge.VP8, audio: bridge.Opus, pt: 96},
		"lower case names":        {sdp: edit("H264/90000", "h264/90000"), video: bridge.H264, audio: bridge.Opus, pt: 102},
		"audio only":              {sdp: without("video"), status: 400, says: "no video"},
		"video only":              {sdp: without("audio"), video: bridge.H264, pt: 102},
		"sendrecv":                {sdp: edit("a=sendonly", "a=sendrecv"), video: bridge.H264, audio: bridge.Opus, pt: 102},
		"video switched off":      {sdp: edit("m=video 60250", "m=video 0"), status: 400, says: "no video"},
		"bundle-only":             {sdp: strings.Replace(edit("m=video 60250", "m=video 0"), "a=mid:1", "a=mid:1\na=bundle-only", 1), video: bridge.H264, audio: bridge.Opus, pt: 102},
		"inactive audio":          {sdp: strings.Replace(browserOffer, "a=sendonly", "a=inactive", 1), video: bridge.H264, pt: 102},
		"not SDP":                 {sdp: "hello", status: 400, says: "not an SDP"},
		"empty":                   {sdp: "", status: 400},
		"no media":                {sdp: browserOffer[:strings.Index(browserOffer, "m=audio")], status: 400, says: "no audio and no video"},
		"everything off":          {sdp: edit("a=sendonly", "a=inactive"), status: 400, says: "no audio and no video"},
		"a player's offer":        {sdp: edit("a=sendonly", "a=recvonly"), status: 400, says: "sendonly"},
		"two cameras":             {sdp: browserOffer + "m=video" + strings.ReplaceAll(videoPart, "mid:1", "mid:2"), status: 406, says: "more than one video"},
		"only VP9":                {sdp: dropLines(browserOffer, "H264", "VP8"), status: 406, says: "VP9"},
		"only PCMU":               {sdp: dropLines(browserOffer, "opus"), status: 406, says: "PCMU"},
		"no ICE":                  {sdp: dropLines(browserOffer, "ice-ufrag"), status: 400, says: "ICE"},
		"no mid":                  {sdp: dropLines(browserOffer, "a=mid:1"), status: 400, says: "mid"},
		"payload type out of use": {sdp: dropLines(edit("m=video 60250 UDP/TLS/RTP/SAVPF 96 97 104 107 102 103 98", "m=video 60250 UDP/TLS/RTP/SAVPF 999"), "xx"), status: 406},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := parseOffer([]byte(c.sdp))
			if c.status != 0 {
				var refused *signalling.Refusal
				if !errors.As(err, &refused) || refused.Status != c.status || !strings.Contains(refused.Text, c.says) {
					t.Fatalf("got %v, want status %d saying %q", err, c.status, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if codecOf(o.video) != c.video || codecOf(o.audio) != c.audio || (o.video != nil && o.video.payloadType != c.pt) {
				t.Fatalf("video %+v audio %+v", o.video, o.audio)
			}
			if o.ufrag != "q4Yd" {
				t.Fatalf("ufrag %q", o.ufrag)
			}
		})
	}
}

func codecOf(m *media) bridge.Codec {
	if m == nil {
		return 0
	}
	return m.codec
}

// The offer that goes on to the WebRTC stack has one format and one source.
func TestOfferIsReduced(t *testing.T) {
	simulcast := edit("a=ssrc-group:FID", "a=rid:h send\na=rid:l send\na=simulcast:send h;l\na=ssrc-group:FID")
	o, err := parseOffer([]byte(simulcast))
	if err != nil {
		t.Fatal(err)
	}
	var desc sdp.SessionDescription
	if err := desc.UnmarshalString(o.sdp); err != nil {
		t.Fatal(err)
	}
	for _, m := range desc.MediaDescriptions {
		if len(m.MediaName.Formats) != 1 {
			t.Errorf("formats %v", m.MediaName.Formats)
		}
	}
	for _, gone := range []string{"simulcast", "a=rid", "ssrc-group", "ssrc:3281154369", "rtx", "VP8", "VP9", "PCMU"} {
		if strings.Contains(o.sdp, gone) {
			t.Errorf("%q is still there", gone)
		}
	}
	for _, kept := range []string{"ssrc:1068947357", "fmtp:102 level-asymmetry-allowed=1;packetization-mode=1", "rtcp-fb:102 nack pli", "fmtp:111 minptime=10;useinbandfec=1;stereo=1"} {
		if !strings.Contains(o.sdp, kept) {
			t.Errorf("%q is missing", kept)
		}
	}
}

func TestSpropParameterSets(t *testing.T) {
	o, err := parseOffer([]byte(edit("profile-level-id=42e01f", "profile-level-id=42e01f;sprop-parameter-sets=Z0LgHwE=,aM48gA==,%%")))
	if err != nil {
		t.Fatal(err)
	}
	if len(o.video.params) != 2 || o.video.params[0][0] != sps[0] || o.video.params[1][0] != pps[0] {
		t.Fatalf("%x", o.video.params)
	}
}

func FuzzParseOffer(f *testing.F) {
	f.Add(browserOffer)
	f.Add(without("video"))
	f.Fuzz(func(t *testing.T, s string) {
		o, err := parseOffer([]byte(s))
		if err != nil {
			var refused *signalling.Refusal
			if !errors.As(err, &refused) || refused.Status < 400 || refused.Status > 499 {
				t.Fatalf("error %v", err)
			}
			return
		}
		if o.video == nil && o.audio == nil {
			t.Fatal("accepted an offer of nothing")
		}
	})
}
