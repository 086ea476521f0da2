package whip

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"moqedge/bridge"
	"moqedge/bridge/signalling"
)

// offer is what we take of a client's SDP offer.
type offer struct {
	// sdp is the offer reduced to the formats we take, for the WebRTC stack.
	sdp          string
	video, audio *media
	// ufrag is the client's ICE user fragment, which tells a restart from a
	// trickled candidate.
	ufrag string
}

// media is one accepted media section.
type media struct {
	codec       bridge.Codec
	payloadType uint8
	clockRate   uint32
	channels    uint16
	fmtp        string
	// params are H.264 parameter sets named in the SDP (RFC 6184 §8.1).
	params [][]byte
}

// format is one offered payload type.
type format struct {
	payloadType string
	encoding    string // as in rtpmap, lower case: "h264/90000"
	name        string
	fmtp        string
}

// parseOffer checks an offer and picks one video and one audio format. Refusals
// are *signalling.Refusal.
func parseOffer(body []byte) (*offer, error) {
	var desc sdp.SessionDescription
	if err := desc.Unmarshal(body); err != nil {
		return nil, signalling.Refuse(http.StatusBadRequest, "the body is not an SDP offer: %q", err.Error())
	}
	o := &offer{}
	o.ufrag, _ = desc.Attribute("ice-ufrag")
	for _, m := range desc.MediaDescriptions {
		if v, ok := m.Attribute("ice-ufrag"); ok && o.ufrag == "" {
			o.ufrag = v
		}
		if err := o.take(m, &desc); err != nil {
			return nil, err
		}
	}
	if o.video == nil && o.audio == nil {
		return nil, signalling.Refuse(http.StatusBadRequest, "the offer has no audio and no video to publish: add a track before creating the offer")
	}
	if o.video == nil { // what players look for first; sound alone is not a broadcast here
		return nil, signalling.Refuse(http.StatusBadRequest, "the offer has no video to publish: add a video track before creating the offer; sound alone is not taken")
	}
	if o.ufrag == "" {
		return nil, signalling.Refuse(http.StatusBadRequest, "the offer has no ICE credentials (a=ice-ufrag)")
	}
	reduced, err := desc.Marshal()
	if err != nil {
		return nil, signalling.Refuse(http.StatusBadRequest, "the SDP offer cannot be written back: %q", err.Error())
	}
	o.sdp = string(reduced)
	return o, nil
}

// take looks at one media section and reduces it to what we accept.
func (o *offer) take(m *sdp.MediaDescription, desc *sdp.SessionDescription) error {
	kind := m.MediaName.Media
	if kind != "audio" && kind != "video" {
		return nil
	}
	_, bundleOnly := m.Attribute("bundle-only")
	if m.MediaName.Port.Value == 0 && !bundleOnly {
		return nil // switched off by the client
	}
	switch direction(m, desc) {
	case "inactive":
		return nil
	case "recvonly":
		return signalling.Refuse(http.StatusBadRequest, "the offer asks to receive %s: a WHIP endpoint only takes media, make the transceiver sendonly", kind)
	}
	if _, ok := m.Attribute("mid"); !ok {
		return signalling.Refuse(http.StatusBadRequest, "the %s section has no a=mid", kind)
	}
	slot := &o.audio
	if kind == "video" {
		slot = &o.video
	}
	if *slot != nil {
		return signalling.Refuse(http.StatusNotAcceptable, "the offer has more than one %s track: WHIP takes one of each (RFC 9725)", kind)
	}
	formats := offered(m)
	chosen, picked := choose(kind, formats)
	if chosen == nil {
		names := make([]string, 0, len(formats))
		for _, f := range formats {
			if !slices.Contains(names, f.name) {
				names = append(names, f.name)
			}
		}
		takes := "Opus"
		if kind == "video" {
			takes = "H.264 (packetization-mode 0 or 1) or VP8"
		}
		return signalling.Refuse(http.StatusNotAcceptable, "no usable %s codec: offered %q, accepted %s", kind, names, takes)
	}
	*slot = chosen
	reduce(m, picked.payloadType, chosen.fmtp)
	return nil
}

// direction of a media section; the session's is the default (RFC 8866 §6.7).
func direction(m *sdp.MediaDescription, desc *sdp.SessionDescription) string {
	for _, attributes := range [][]sdp.Attribute{m.Attributes, desc.Attributes} {
		for _, a := range attributes {
			switch a.Key {
			case "sendrecv", "sendonly", "recvonly", "inactive":
				return a.Key
			}
		}
	}
	return "sendrecv"
}

// offered lists the formats of a section in the client's order of preference.
func offered(m *sdp.MediaDescription) []format {
	maps, params := map[string]string{}, map[string]string{}
	for _, a := range m.Attributes {
		pt, value, ok := strings.Cut(a.Value, " ")
		if !ok {
			continue
		}
		switch a.Key {
		case "rtpmap":
			maps[pt] = strings.TrimSpace(value)
		case "fmtp":
			params[pt] = strings.TrimSpace(value)
		}
	}
	var list []format
	for _, pt := range m.MediaName.Formats {
		encoding, ok := maps[pt]
		if !ok {
			continue // static types: none of them is of use
		}
		name, _, _ := strings.Cut(encoding, "/")
		list = append(list, format{payloadType: pt, encoding: strings.ToLower(encoding), name: name, fmtp: params[pt]})
	}
	return list
}

// choose picks the best format: Opus for audio; for video H.264, which every
// player decodes and CMAF carries everywhere, then VP8.
func choose(kind string, formats []format) (*media, format) {
	wishes := []func(format) *media{asOpus}
	if kind == "video" {
		wishes = []func(format) *media{asH264("1"), asH264("0"), asVP8}
	}
	for _, wish := range wishes {
		for _, f := range formats {
			pt, err := strconv.ParseUint(f.payloadType, 10, 7)
			if err != nil {
				continue
			}
			if m := wish(f); m != nil {
				m.payloadType = uint8(pt)
				return m, f
			}
		}
	}
	return nil, format{}
}

func asH264(mode string) func(format) *media {
	return func(f format) *media {
		offeredMode := parameter(f.fmtp, "packetization-mode")
		if offeredMode == "" {
			offeredMode = "0" // RFC 6184 §8.1
		}
		if f.encoding != "h264/90000" || offeredMode != mode {
			return nil
		}
		return &media{codec: bridge.H264, clockRate: 90000, fmtp: f.fmtp, params: spropSets(f.fmtp)}
	}
}

func asVP8(f format) *media {
	if f.encoding != "vp8/90000" {
		return nil
	}
	return &media{codec: bridge.VP8, clockRate: 90000, fmtp: f.fmtp}
}

// asOpus also asks for stereo: the answer repeats the parameters of the offer,
// and browsers send mono unless the answer says stereo=1 (RFC 7587 §7.1).
func asOpus(f format) *media {
	if f.encoding != "opus/48000/2" {
		return nil
	}
	fmtp := f.fmtp
	if parameter(fmtp, "stereo") == "" {
		if fmtp != "" {
			fmtp += ";"
		}
		fmtp += "stereo=1"
	}
	return &media{codec: bridge.Opus, clockRate: 48000, channels: 2, fmtp: fmtp}
}

// parameter is the value of one key of a "k=v;k=v" format parameter line.
func parameter(fmtp, key string) string {
	for part := range strings.SplitSeq(fmtp, ";") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		if strings.EqualFold(k, key) {
			return v
		}
	}
	return ""
}

// spropSets decodes sprop-parameter-sets; what is not base64 is left out, for
// the stream itself carries the sets too.
func spropSets(fmtp string) [][]byte {
	var sets [][]byte
	for part := range strings.SplitSeq(parameter(fmtp, "sprop-parameter-sets"), ",") {
		if nalu, err := base64.StdEncoding.DecodeString(part); err == nil && len(nalu) > 0 {
			sets = append(sets, nalu)
		}
	}
	return sets
}

// reduce leaves one payload type and one stream in a section. No simulcast:
// layers other than the first would only cost the sender bandwidth. No
// retransmission as a separate stream (RTX): without it a sender repeats packets
// in the stream itself, where they count as received when NACKs are made.
func reduce(m *sdp.MediaDescription, payloadType, fmtp string) {
	m.MediaName.Formats = []string{payloadType}
	primary := primarySSRC(m)
	kept := m.Attributes[:0]
	for _, a := range m.Attributes {
		switch first, _, _ := strings.Cut(a.Value, " "); a.Key {
		case "rtpmap", "rtcp-fb":
			if first != payloadType && first != "*" {
				continue
			}
		case "ssrc":
			if first != primary {
				continue
			}
		case "fmtp", "rid", "simulcast", "ssrc-group":
			continue
		}
		kept = append(kept, a)
	}
	if fmtp != "" {
		kept = append(kept, sdp.Attribute{Key: "fmtp", Value: payloadType + " " + fmtp})
	}
	m.Attributes = kept
}

// primarySSRC is the source that carries the media itself: the first of a group
// (RFC 5576 §4.2), else the first named; "" if the section names none.
func primarySSRC(m *sdp.MediaDescription) string {
	if group, ok := m.Attribute("ssrc-group"); ok {
		if fields := strings.Fields(group); len(fields) > 1 {
			return fields[1]
		}
	}
	ssrc, _ := m.Attribute("ssrc")
	first, _, _ := strings.Cut(ssrc, " ")
	return first
}
