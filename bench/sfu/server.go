package sfu

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"moqedge/bridge/signalling"
)

// Server is the forwarding unit: an http.Handler of WHIP and WHEP, and the media
// behind it. Safe for concurrent use.
type Server struct {
	config   Config
	engine   *engine
	sessions *signalling.Sessions
	// The endpoints below /whip/ and /whep/.
	publishers, viewers *signalling.Endpoint

	mu      sync.Mutex
	streams map[string]*stream // guarded by mu
}

// New opens the port for media. The caller closes the server after its HTTP server
// has stopped.
func New(c Config) (*Server, error) {
	c, err := c.validate()
	if err != nil {
		return nil, err
	}
	e, err := newEngine(c)
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, engine: e, streams: make(map[string]*stream), sessions: signalling.NewSessions(c.MaxSessions)}
	s.publishers, s.viewers = s.endpoint("/whip/", s.publish), s.endpoint("/whep/", s.play)
	return s, nil
}

const (
	maxBody       = 256 << 10 // an offer of 256 sections
	answerTimeout = 10 * time.Second
)

// endpoint is one of the two sides; answer makes a session run and answers its offer.
func (s *Server) endpoint(prefix string, answer func(ctx context.Context, one *session, query url.Values, release func()) (string, error)) *signalling.Endpoint {
	open := func(r *http.Request, posted signalling.Offer) (signalling.Session, string, error) {
		o, err := parseOffer(posted.SDP)
		if err != nil {
			return nil, "", err
		}
		ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
		defer cancel()
		// The log has a part of the secret, too short to guess the rest from.
		log := s.config.Logger.With("endpoint", prefix, "remote", r.RemoteAddr, "session", posted.ID[:8], "name", posted.Name)
		one := newSession(posted.Name, o, log)
		text, err := answer(ctx, one, r.URL.Query(), func() { s.sessions.Release(posted.ID) })
		return one, text, err
	}
	return &signalling.Endpoint{Prefix: prefix, Sessions: s.sessions, Open: open, MaxBody: maxBody, Logger: s.config.Logger}
}

// ServeHTTP answers a request of WHIP below /whip/ or of WHEP below /whep/, as a
// signalling.Endpoint does; ?tracks=a,b of a viewer's offer chooses by msid. A name
// that nobody publishes is 404 with Retry-After.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, s.viewers.Prefix) {
		s.viewers.ServeHTTP(w, r)
		return
	}
	s.publishers.ServeHTTP(w, r)
}

// Stats counts what a Server has at a moment.
type Stats struct {
	Streams    int `json:"streams"`
	Publishers int `json:"publishers"`
	Viewers    int `json:"viewers"`
}

// Stats counts streams with a publisher or viewers, publishers, and viewers.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := Stats{Streams: len(s.streams)}
	for _, st := range s.streams {
		n.Viewers += st.viewers
		if st.publisher != nil {
			n.Publishers++
		}
	}
	return n
}

// Close ends all sessions and waits for them.
func (s *Server) Close() error {
	return errors.Join(s.sessions.Close(context.Background()), s.engine.close())
}

// run has a session run; gone is called at its end, with mu held, then release.
func (s *Server) run(one *session, gone, release func()) {
	go one.run(func() {
		s.mu.Lock()
		gone()
		s.mu.Unlock()
		release()
	})
}

// drop forgets a stream that nobody needs. The caller holds mu.
func (s *Server) drop(st *stream) {
	if st.publisher == nil && st.viewers == 0 && s.streams[st.name] == st {
		delete(s.streams, st.name)
	}
}

// publish answers a publisher. One who has the name already is sent away: it is
// the same one that lost its connection, as a rule.
func (s *Server) publish(ctx context.Context, one *session, _ url.Values, release func()) (answer string, err error) {
	if err := s.evict(ctx, one.name); err != nil {
		return "", err
	}
	if one.pc, err = s.engine.publishers.NewPeerConnection(s.engine.configuration); err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			one.close()
		}
	}()
	tracks := make(map[string]*track) // by mid; filled when ready is closed
	ready := make(chan struct{})
	one.pc.OnTrack(func(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		select {
		case <-ready:
		case <-one.stopped:
			return
		}
		t := tracks[receiver.RTPTransceiver().Mid()]
		if t == nil {
			return
		}
		one.start(func() { one.drain(receiver) })
		one.start(func() {
			// A second stream of packets in a section (another quality, or one that takes
			// the first one's place) waits for the end of the first.
			select {
			case t.turn <- struct{}{}:
				defer func() { <-t.turn }()
			case <-one.stopped:
				return
			}
			if t.video {
				defer one.passKeyRequests(remote.SSRC(), t)()
			}
			one.receive(remote, t)
		})
	})
	if answer, err = one.answer(ctx); err != nil {
		return "", err
	}
	st, err := s.bring(one, tracks)
	if err != nil {
		return "", err
	}
	close(ready)
	s.run(one, func() {
		if st.publisher == one {
			st.publisher = nil
		}
		s.drop(st)
	}, release)
	one.log.Info("publisher accepted", "tracks", len(tracks))
	return answer, nil
}

// passKeyRequests has the publisher asked for key frames of a track, first of all for
// one now, until the function that it returns is called.
func (s *session) passKeyRequests(ssrc webrtc.SSRC, t *track) (end func()) {
	wanted := make(chan struct{}, 1)
	s.start(func() { s.askKeys(ssrc, wanted) })
	t.keys.publisher(func() {
		select {
		case wanted <- struct{}{}:
		default:
		}
	})
	t.keys.request()
	return func() { t.keys.publisher(nil) }
}

// evict ends the publisher of a name and waits until its last packet is forwarded.
func (s *Server) evict(ctx context.Context, name string) error {
	for {
		s.mu.Lock()
		var old *session
		if st := s.streams[name]; st != nil {
			old = st.publisher
		}
		s.mu.Unlock()
		if old == nil {
			return nil
		}
		old.End(errReplaced)
		select {
		case <-old.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// bring gives the stream the tracks that the answer accepted.
func (s *Server) bring(one *session, tracks map[string]*track) (*stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams[one.name]
	if st == nil {
		st = &stream{name: one.name}
	}
	if st.publisher != nil {
		return nil, signalling.Refuse(http.StatusConflict, "somebody else publishes %q since a moment ago", one.name)
	}
	codecs := make(map[string]webrtc.RTPCodecCapability)
	for _, tr := range one.pc.GetTransceivers() {
		if all := tr.Receiver().GetParameters().Codecs; len(all) > 0 {
			codecs[tr.Mid()] = all[0].RTPCodecCapability
		}
	}
	seen := make(map[string]bool)
	for _, sec := range one.offer.sections {
		codec, ok := codecs[sec.mid]
		if !ok || !sec.sends {
			continue
		}
		if seen[sec.id] {
			return nil, signalling.Refuse(http.StatusBadRequest, "the offer has two tracks %q", signalling.Cut(sec.id))
		}
		seen[sec.id] = true
		t, err := st.adopt(s.engine, s.config, sec, codec)
		if err != nil {
			return nil, err
		}
		tracks[sec.mid] = t
	}
	if len(tracks) == 0 {
		return nil, signalling.Refuse(http.StatusNotAcceptable, "the offer has no track to send in a format that is taken: H.264, Opus")
	}
	st.publisher = one
	s.streams[one.name] = st
	return st, nil
}

// play answers a viewer.
func (s *Server) play(ctx context.Context, one *session, query url.Values, release func()) (answer string, err error) {
	var ids []string
	if v := query.Get("tracks"); v != "" {
		ids = strings.Split(v, ",")
	}
	s.mu.Lock()
	st := s.streams[one.name]
	var tracks []*track
	if st != nil {
		tracks, err = st.forViewer(one.offer, ids)
	}
	if st != nil && err == nil {
		st.viewers++
	}
	s.mu.Unlock()
	if st == nil {
		return "", &signalling.Refusal{
			Status: http.StatusNotFound, Text: fmt.Sprintf("nobody publishes %q: try again later", signalling.Cut(one.name)), RetryAfter: time.Second,
		}
	}
	if err != nil {
		return "", err
	}
	gone := func() {
		st.viewers--
		s.drop(st)
	}
	if answer, err = s.send(ctx, one, tracks); err != nil {
		if one.pc != nil {
			one.close()
		}
		s.mu.Lock()
		gone()
		s.mu.Unlock()
		return "", err
	}
	s.run(one, gone, release)
	return answer, nil
}

// send makes the peer connection of a viewer.
func (s *Server) send(ctx context.Context, one *session, tracks []*track) (answer string, err error) {
	if one.pc, err = s.engine.viewers.NewPeerConnection(s.engine.configuration); err != nil {
		return "", err
	}
	for _, t := range tracks {
		sender, err := one.pc.AddTrack(t.local)
		if err != nil {
			return "", err
		}
		one.start(func() { one.feedback(sender, t) })
	}
	one.onOpen = func() {
		for _, t := range tracks {
			t.keys.request()
		}
	}
	return one.answer(ctx)
}
