package sfu

import (
	"net/http"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"moqedge/bridge/signalling"
)

// maxSections bounds the media sections of an offer.
const maxSections = 256

// offer is what has to be known of a client's SDP before pion answers it.
type offer struct {
	sdp      string
	ufrag    string // of the client's ICE
	sections []section
}

// section is one of audio or video.
type section struct {
	kind webrtc.RTPCodecType
	mid  string
	id   string // of the track (a=msid, RFC 8830), or made of kind and mid
	// encodings are the lower case names of the formats, like "h264".
	encodings      map[string]bool
	sends, expects bool // the client sends, or wants to be sent
}

func parseOffer(body string) (*offer, error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(body); err != nil {
		return nil, signalling.Refuse(http.StatusBadRequest, "the body is not an SDP offer: %q", signalling.Cut(err.Error()))
	}
	if len(d.MediaDescriptions) > maxSections {
		return nil, signalling.Refuse(http.StatusBadRequest, "the offer has more than %d media sections", maxSections)
	}
	o := &offer{sdp: body}
	o.ufrag, _ = d.Attribute("ice-ufrag")
	for _, m := range d.MediaDescriptions {
		if ufrag, ok := m.Attribute("ice-ufrag"); ok && o.ufrag == "" {
			o.ufrag = ufrag
		}
		kind := webrtc.NewRTPCodecType(m.MediaName.Media)
		if kind == 0 || m.MediaName.Port.Value == 0 && !has(m, "bundle-only") {
			continue
		}
		s := section{kind: kind, encodings: make(map[string]bool)}
		s.mid, _ = m.Attribute("mid")
		s.id = kind.String() + s.mid
		if msid, ok := m.Attribute("msid"); ok {
			if _, id, ok := strings.Cut(msid, " "); ok && id != "" {
				s.id = id
			}
		}
		s.sends = !has(m, "recvonly") && !has(m, "inactive")
		s.expects = !has(m, "sendonly") && !has(m, "inactive")
		for _, a := range m.Attributes {
			if a.Key == "rtpmap" {
				_, format, _ := strings.Cut(a.Value, " ")
				name, _, _ := strings.Cut(format, "/")
				s.encodings[strings.ToLower(name)] = true
			}
		}
		o.sections = append(o.sections, s)
	}
	if o.ufrag == "" {
		return nil, signalling.Refuse(http.StatusBadRequest, "the offer has no ICE credentials (a=ice-ufrag)")
	}
	return o, nil
}

func has(m *sdp.MediaDescription, attribute string) bool {
	_, ok := m.Attribute(attribute)
	return ok
}

// encoding is the lower case name of a format: "h264" of "video/H264".
func encoding(mime string) string {
	_, name, _ := strings.Cut(mime, "/")
	return strings.ToLower(name)
}
