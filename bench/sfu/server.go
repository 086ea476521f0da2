package sfu

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/pion/webrtc/v4"
)

// Server is the forwarding unit: an http.Handler of WHIP and WHEP, and the media
// behind it. Safe for concurrent use.
type Server struct {
	config Config
	engine *engine

	mu       sync.Mutex
	streams  map[string]*stream  // guarded by mu
	sessions map[string]*session // guarded by mu; by id; nil while negotiating
	closed   bool                // guarded by mu
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
	return &Server{config: c, engine: e, streams: make(map[string]*stream), sessions: make(map[string]*session)}, nil
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
	s.mu.Lock()
	s.closed = true
	var all []*session
	for _, one := range s.sessions {
		if one != nil {
			all = append(all, one)
		}
	}
	s.mu.Unlock()
	for _, one := range all {
		one.stop(errClosed)
	}
	for _, one := range all {
		<-one.done
	}
	return s.engine.close()
}

// reserve takes a place among the sessions under a new unguessable id.
func (s *Server) reserve() (string, error) {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	id := hex.EncodeToString(random[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return "", refuse(http.StatusServiceUnavailable, "%s", errClosed)
	case len(s.sessions) >= s.config.MaxSessions:
		return "", refuse(http.StatusServiceUnavailable, "all %d sessions are taken", s.config.MaxSessions)
	}
	s.sessions[id] = nil
	return id, nil
}

// admit makes a session out of an answered offer and runs it; gone is called
// at its end, with mu held. It fails if the server was closed meanwhile.
func (s *Server) admit(one *session, gone func()) error {
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.sessions[one.id] = one
	}
	s.mu.Unlock()
	if closed {
		return refuse(http.StatusServiceUnavailable, "%s", errClosed)
	}
	go one.run(func(*session) {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.sessions, one.id)
		gone()
	})
	return nil
}

func (s *Server) release(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, id)
}

// find returns a session of a stream.
func (s *Server) find(name, id string) (*session, error) {
	s.mu.Lock()
	one := s.sessions[id]
	s.mu.Unlock()
	if one == nil || one.name != name {
		return nil, refuse(http.StatusNotFound, "no such session: it has ended, or never was")
	}
	return one, nil
}

// drop forgets a stream that nobody needs. The caller holds mu.
func (s *Server) drop(st *stream) {
	if st.publisher == nil && st.viewers == 0 && s.streams[st.name] == st {
		delete(s.streams, st.name)
	}
}

// publish answers a publisher. One who has the name already is sent away: it is
// the same one that lost its connection, as a rule.
func (s *Server) publish(ctx context.Context, one *session) (answer string, err error) {
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
	gone := func() {
		if st.publisher == one {
			st.publisher = nil
		}
		s.drop(st)
	}
	if err := s.admit(one, gone); err != nil {
		s.mu.Lock()
		gone()
		s.mu.Unlock()
		return "", err
	}
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
		old.stop(errReplaced)
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
		return nil, refuse(http.StatusConflict, "somebody else publishes %q since a moment ago", one.name)
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
			return nil, refuse(http.StatusBadRequest, "the offer has two tracks %q", cut(sec.id))
		}
		seen[sec.id] = true
		t, err := st.adopt(s.engine, s.config, sec, codec)
		if err != nil {
			return nil, err
		}
		tracks[sec.mid] = t
	}
	if len(tracks) == 0 {
		return nil, refuse(http.StatusNotAcceptable, "the offer has no track to send in a format that is taken: H.264, Opus")
	}
	st.publisher = one
	s.streams[one.name] = st
	return st, nil
}

// play answers a viewer.
func (s *Server) play(ctx context.Context, one *session, query url.Values) (answer string, err error) {
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
		return "", refuse(http.StatusNotFound, "nobody publishes %q: try again later", cut(one.name))
	}
	if err != nil {
		return "", err
	}
	gone := func() {
		st.viewers--
		s.drop(st)
	}
	if answer, err = s.send(ctx, one, tracks); err == nil {
		err = s.admit(one, gone)
	}
	if err != nil {
		if one.pc != nil {
			one.close()
		}
		s.mu.Lock()
		gone()
		s.mu.Unlock()
		return "", err
	}
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
