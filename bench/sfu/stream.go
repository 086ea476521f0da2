package sfu

import (
	"net/http"

	"github.com/pion/webrtc/v4"

	"moqedge/bridge/signalling"
)

// stream is what is published under a name. It lasts as long as it has a publisher
// or viewers. Its fields are guarded by Server.mu.
type stream struct {
	name      string
	tracks    []*track // in the order of the first publisher's offer
	publisher *session // nil while there is none
	viewers   int
}

// track returns the track with an id, nil if there is none.
func (s *stream) track(id string) *track {
	for _, t := range s.tracks {
		if t.local.ID() == id {
			return t
		}
	}
	return nil
}

// adopt returns the track that carries on a section of a publisher's offer, made
// if the stream has none of that name yet. Guarded by Server.mu.
func (s *stream) adopt(e *engine, c Config, sec section, codec webrtc.RTPCodecCapability) (*track, error) {
	if t := s.track(sec.id); t != nil {
		if t.local.Codec().MimeType != codec.MimeType {
			return nil, signalling.Refuse(http.StatusConflict, "track %q was %s before and has viewers", signalling.Cut(sec.id), t.local.Codec().MimeType)
		}
		return t, nil
	}
	local, err := webrtc.NewTrackLocalStaticRTP(codec, sec.id, s.name)
	if err != nil {
		return nil, err
	}
	t := &track{
		local: local, engine: e, clock: codec.ClockRate, video: sec.kind == webrtc.RTPCodecTypeVideo,
		turn: make(chan struct{}, 1),
		keys: keyRequests{every: c.KeyFrameEvery},
	}
	s.tracks = append(s.tracks, t)
	return t, nil
}

// forViewer chooses the tracks that a viewer is sent: those it names, else all, as
// far as it has sections that take them.
func (s *stream) forViewer(o *offer, ids []string) ([]*track, error) {
	chosen := s.tracks
	if len(ids) > 0 {
		chosen = nil
		for _, id := range ids {
			t := s.track(id)
			if t == nil {
				return nil, signalling.Refuse(http.StatusNotFound, "%q has no track %q", s.name, signalling.Cut(id))
			}
			chosen = append(chosen, t)
		}
	}
	taken := make([]bool, len(o.sections))
	var sent []*track
	for _, t := range chosen {
		name := encoding(t.local.Codec().MimeType)
		for i, sec := range o.sections {
			if !taken[i] && sec.expects && sec.kind == t.local.Kind() && sec.encodings[name] {
				taken[i] = true
				sent = append(sent, t)
				break
			}
		}
	}
	if len(sent) == 0 {
		return nil, signalling.Refuse(http.StatusNotAcceptable, "the offer takes none of the tracks of %q", s.name)
	}
	return sent, nil
}
