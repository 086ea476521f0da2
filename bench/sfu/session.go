package sfu

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"moqedge/bridge/signalling"
)

// connectTimeout is how long a client may take from the answer until media flows.
const connectTimeout = 20 * time.Second

var (
	errSilent   = errors.New("no more packets from the client")
	errLate     = errors.New("the client did not connect in time")
	errReplaced = errors.New("another publisher took the name")
)

// session is one peer connection, of a publisher or of a viewer. Its goroutines end
// when the peer connection is closed, which run does once End is called.
type session struct {
	name   string // of the stream
	offer  *offer
	pc     *webrtc.PeerConnection
	log    *slog.Logger
	onOpen func() // called once when media can flow; set before the answer is made

	opened  chan struct{}
	stopped chan struct{}
	done    chan struct{} // closed when everything has ended

	mu     sync.Mutex
	isOpen bool           // guarded by mu
	reason error          // guarded by mu; why the session ends
	ending bool           // guarded by mu; no goroutine starts any more
	parts  sync.WaitGroup // goroutines; only added to with mu held and not ending
}

func newSession(name string, o *offer, log *slog.Logger) *session {
	return &session{
		name: name, offer: o, log: log,
		onOpen: func() {},
		opened: make(chan struct{}), stopped: make(chan struct{}), done: make(chan struct{}),
	}
}

// answer gives the client's offer to pion, calls add for the tracks to be sent, and
// returns the answer with all our addresses in it (RFC 9725 §4.3.2).
func (s *session) answer(ctx context.Context) (string, error) {
	s.pc.OnConnectionStateChange(s.onState)
	remote := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: s.offer.sdp}
	if err := s.pc.SetRemoteDescription(remote); err != nil {
		return "", signalling.Refuse(http.StatusBadRequest, "the SDP offer cannot be used: %q", signalling.Cut(err.Error()))
	}
	local, err := s.pc.CreateAnswer(nil)
	if err != nil {
		return "", signalling.Refuse(http.StatusBadRequest, "the SDP offer cannot be answered: %q", signalling.Cut(err.Error()))
	}
	gathered := webrtc.GatheringCompletePromise(s.pc)
	if err := s.pc.SetLocalDescription(local); err != nil {
		return "", signalling.Refuse(http.StatusBadRequest, "the SDP offer cannot be answered: %q", signalling.Cut(err.Error()))
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	return s.pc.LocalDescription().SDP, nil
}

// onState follows the connection; pion calls it from its own goroutines.
func (s *session) onState(state webrtc.PeerConnectionState) {
	switch state {
	case webrtc.PeerConnectionStateConnected:
		s.mu.Lock()
		first := !s.isOpen
		s.isOpen = true
		s.mu.Unlock()
		if first {
			close(s.opened)
			s.onOpen()
		}
	case webrtc.PeerConnectionStateFailed:
		s.End(errSilent)
	case webrtc.PeerConnectionStateClosed:
		s.End(nil) // the client said goodbye, or we did
	}
}

// start runs f in a goroutine of the session, unless that is ending.
func (s *session) start(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return
	}
	s.parts.Go(f)
}

// Ufrag is the client's, as it offered it.
func (s *session) Ufrag() string { return s.offer.ufrag }

// AddCandidate hands a trickled candidate to pion.
func (s *session) AddCandidate(candidate string) {
	if err := s.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: candidate}); err != nil {
		s.log.Debug("candidate left out", "candidate", candidate, "error", err)
	}
}

// Done is closed when everything has ended.
func (s *session) Done() <-chan struct{} { return s.done }

// End asks the session to end; the first reason counts, nil is an orderly end.
// It does not wait.
func (s *session) End(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return
	}
	s.ending, s.reason = true, reason
	close(s.stopped)
}

// run waits for the end of the session and takes it apart.
func (s *session) run(closed func()) {
	defer close(s.done)
	late := time.NewTimer(connectTimeout)
	defer late.Stop()
	select {
	case <-s.opened:
		<-s.stopped
	case <-late.C:
		s.End(errLate)
	case <-s.stopped:
	}
	s.close()
	closed()
	s.mu.Lock()
	reason := s.reason
	s.mu.Unlock()
	s.log.Info("session ended", "reason", reason)
}

// close takes the peer connection down and waits for all goroutines.
func (s *session) close() {
	s.End(nil)
	if err := s.pc.GracefulClose(); err != nil {
		s.log.Debug("close the peer connection", "error", err)
	}
	s.parts.Wait()
}
