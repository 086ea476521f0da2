package whip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"moqedge/bridge"
	"moqedge/bridge/signalling"
)

var (
	errICEFailed    = errors.New("no more packets from the client")
	errNotConnected = errors.New("the client did not connect in time: is the UDP port reachable?")
	errTooManyBad   = errors.New("too many unreadable packets in a row")
)

// session is one publication: a peer connection and the broadcast it feeds. It
// is made by newSession, which starts run; run ends it and closes done.
type session struct {
	offer  *offer
	config Config
	log    *slog.Logger
	pub    publication
	pc     *webrtc.PeerConnection
	clock  clock
	// release gives the place of the session back; run calls it last.
	release func()

	connected chan struct{} // closed when media can flow
	stopped   chan struct{} // closed by End
	done      chan struct{} // closed when everything has ended

	mu        sync.Mutex
	stopping  bool  // guarded by mu; no goroutine starts any more
	reason    error // guarded by mu; why the session ends
	isUp      bool  // guarded by mu; connected is closed
	refused   bool  // guarded by mu; the sender's clock was reported as useless
	expecting int   // guarded by mu; tracks not yet added to the broadcast
	readers   sync.WaitGroup
}

// newSession negotiates: it answers o and starts the goroutine that owns the
// session's end, and that calls release. The broadcast is closed by the session,
// also on error.
func newSession(ctx context.Context, e *engine, c Config, o *offer, pub publication, log *slog.Logger, release func()) (_ *session, answer string, err error) {
	begun := false
	defer func() { // also of a panic
		if !begun {
			pub.Close(cmp.Or(err, bridge.ErrPanicked))
		}
	}()
	c.Now = bridge.Steady(c.Now)
	s := &session{
		offer: o, config: c, log: log, pub: pub, release: release,
		connected: make(chan struct{}), stopped: make(chan struct{}), done: make(chan struct{}),
	}
	for _, m := range []*media{o.video, o.audio} {
		if m != nil {
			s.expecting++
		}
	}
	pc, err := e.connect(o)
	if err != nil {
		return nil, "", err
	}
	defer func() {
		if !begun {
			_ = pc.GracefulClose()
		}
	}()
	s.pc = pc
	pc.OnTrack(s.onTrack)
	pc.OnConnectionStateChange(s.onState)
	if answer, err = s.answer(ctx); err != nil {
		return nil, "", err
	}
	begun = true
	go s.run()
	return s, answer, nil
}

// answer is the SDP answer with all our candidates in it: WHIP clients cannot
// be told of later ones (RFC 9725 §4.3.2).
func (s *session) answer(ctx context.Context) (string, error) {
	remote := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: s.offer.sdp}
	if err := s.pc.SetRemoteDescription(remote); err != nil {
		return "", signalling.Refuse(http.StatusBadRequest, "the SDP offer cannot be used: %q", err.Error())
	}
	local, err := s.pc.CreateAnswer(nil)
	if err != nil {
		return "", signalling.Refuse(http.StatusBadRequest, "the SDP offer cannot be answered: %q", err.Error())
	}
	gathered := webrtc.GatheringCompletePromise(s.pc)
	if err = s.pc.SetLocalDescription(local); err != nil {
		return "", fmt.Errorf("set the answer: %w", err)
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return "", fmt.Errorf("gather candidates: %w", context.Cause(ctx))
	}
	return s.pc.LocalDescription().SDP, nil
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

// End asks the session to end; the first reason counts. nil is an orderly end.
// It does not wait: done closes when all is over.
func (s *session) End(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return
	}
	s.stopping = true
	s.reason = reason
	close(s.stopped)
}

// run waits for the end of the session and takes it apart.
func (s *session) run() {
	defer close(s.done)
	defer s.release()
	defer s.config.Panicked.Catch(s.log, func(err error) {
		s.End(err)
		s.pub.Close(err)
	})
	timeout := time.NewTimer(s.config.ConnectTimeout)
	defer timeout.Stop()
	connected := s.connected
	for waiting := true; waiting; {
		select {
		case <-connected:
			connected = nil
			timeout.Stop()
		case <-timeout.C:
			s.End(errNotConnected)
		case <-s.pub.Done():
			s.End(bridge.ErrClosed)
		case <-s.stopped:
			waiting = false
		}
	}
	if err := s.pc.GracefulClose(); err != nil {
		s.log.Debug("close the peer connection", "error", err)
	}
	s.readers.Wait()
	s.mu.Lock()
	reason := s.reason
	s.mu.Unlock()
	s.pub.Close(reason)
	if reason == nil {
		s.log.Info("publication ended by the client")
		return
	}
	s.log.Info("publication ended", "reason", reason)
}

// onState follows the connection: pion calls it from its own goroutines.
func (s *session) onState(state webrtc.PeerConnectionState) {
	defer s.config.Panicked.Catch(s.log, s.End)
	switch state {
	case webrtc.PeerConnectionStateConnected:
		s.mu.Lock()
		first := !s.isUp
		s.isUp = true
		s.mu.Unlock()
		if first {
			close(s.connected)
			s.log.Info("connected", "path", s.path())
		}
	case webrtc.PeerConnectionStateDisconnected:
		s.log.Warn("no packets from the client", "waiting", iceFailedAfter)
	case webrtc.PeerConnectionStateFailed:
		s.End(errICEFailed)
	case webrtc.PeerConnectionStateClosed:
		s.End(io.EOF) // the client closed DTLS, or we are closing
	}
}

// path names the addresses media takes, for the log.
func (s *session) path() string {
	pair, err := s.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return "unknown"
	}
	return pair.String()
}

// start runs f in a goroutine that ends before the session is done; it does
// nothing when the session is ending.
func (s *session) start(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return
	}
	s.readers.Add(1)
	go func() {
		defer s.readers.Done()
		defer s.config.Panicked.Catch(s.log, s.End)
		f()
	}()
}

// onTrack is called by pion when the first packet of a track arrives.
func (s *session) onTrack(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	defer s.config.Panicked.Catch(s.log, s.End)
	m := s.offer.audio
	if track.Kind() == webrtc.RTPCodecTypeVideo {
		m = s.offer.video
	}
	if m == nil {
		return
	}
	rx := &receiverTrack{session: s, media: m, track: track, receiver: receiver, clock: s.clock.newTrack(m.clockRate)}
	s.start(rx.readMedia)
	s.start(rx.readReports)
}

// added counts a track that the broadcast knows now; after the last one the
// catalog need not wait for more.
func (s *session) added() {
	s.mu.Lock()
	s.expecting--
	last := s.expecting == 0
	s.mu.Unlock()
	if last {
		s.pub.Ready()
	}
}

// clockChanged logs what the sender's clock turned out to be, once.
func (s *session) clockChanged(event clockEvent) {
	switch event {
	case clockMoved:
		s.log.Info("timestamps follow the sender's clock")
	case clockRefused:
		s.mu.Lock()
		first := !s.refused
		s.refused = true
		s.mu.Unlock()
		if first {
			s.log.Warn("the sender's clock differs too much from ours: timestamps are those of arrival",
				"most_behind", maxClockLag, "most_ahead", maxClockLead)
		}
	}
}
