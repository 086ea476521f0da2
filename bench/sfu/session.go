package sfu

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
)

// connectTimeout is how long a client may take from the answer until media flows.
const connectTimeout = 20 * time.Second

var (
	errSilent   = errors.New("no more packets from the client")
	errLate     = errors.New("the client did not connect in time")
	errReplaced = errors.New("another publisher took the name")
	errClosed   = errors.New("the server is shutting down")
)

// session is one peer connection, of a publisher or of a viewer. Its goroutines end
// when the peer connection is closed, which run does once stop is called.
type session struct {
	id     string // secret: who knows it can end the session
	etag   string
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

func newSession(id, name string, o *offer, log *slog.Logger) *session {
	return &session{
		id: id, etag: `"` + id[:16] + `"`, name: name, offer: o,
		// The log has a part of the secret, too short to guess the rest from.
		log:    log.With("session", id[:8], "name", name),
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
		return "", refuse(http.StatusBadRequest, "the SDP offer cannot be used: %q", cut(err.Error()))
	}
	local, err := s.pc.CreateAnswer(nil)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "the SDP offer cannot be answered: %q", cut(err.Error()))
	}
	gathered := webrtc.GatheringCompletePromise(s.pc)
	if err := s.pc.SetLocalDescription(local); err != nil {
		return "", refuse(http.StatusBadRequest, "the SDP offer cannot be answered: %q", cut(err.Error()))
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
		s.stop(errSilent)
	case webrtc.PeerConnectionStateClosed:
		s.stop(nil) // the client said goodbye, or we did
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

// stop asks the session to end; the first reason counts, nil is an orderly end.
// It does not wait.
func (s *session) stop(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return
	}
	s.ending, s.reason = true, reason
	close(s.stopped)
}

// run waits for the end of the session and takes it apart.
func (s *session) run(closed func(*session)) {
	defer close(s.done)
	late := time.NewTimer(connectTimeout)
	defer late.Stop()
	select {
	case <-s.opened:
		<-s.stopped
	case <-late.C:
		s.stop(errLate)
	case <-s.stopped:
	}
	s.close()
	closed(s)
	s.mu.Lock()
	reason := s.reason
	s.mu.Unlock()
	s.log.Info("session ended", "reason", reason)
}

// close takes the peer connection down and waits for all goroutines.
func (s *session) close() {
	s.stop(nil)
	if err := s.pc.GracefulClose(); err != nil {
		s.log.Debug("close the peer connection", "error", err)
	}
	s.parts.Wait()
}
