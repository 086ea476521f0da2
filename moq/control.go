package moq

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// openControl sends this side's SETUP: on a unidirectional stream, or on the
// bidirectional control stream of draft 16, which the client opens (moqt-16 §3.3).
func (s *Session) openControl(ctx context.Context) error {
	if !s.version.Has(wire.FeatureControlStream) {
		out, err := s.conn.OpenUniStream(ctx)
		if err != nil {
			return err
		}
		out.SetUrgency(transport.UrgencyControl)
		s.control = s.newMessageWriter(out)
		return s.control.send(s.setup())
	}
	if !s.conn.Info().Client {
		return nil // the answer to the client's: see serveShared
	}
	stream, err := s.conn.OpenStream(ctx)
	if err != nil {
		return err
	}
	shared := newSharedControl(s, stream)
	s.control, s.shared = shared.out, shared
	s.watchControl(shared.out)
	if err := s.control.send(s.setup()); err != nil {
		return err
	}
	s.tasks.Go(func() {
		in := newInbound(stream, s.config.ControlTimeout)
		defer in.free()
		s.fail(s.serveShared(in, nil))
	})
	return nil
}

func (s *Session) setup() *wire.Setup {
	info := s.conn.Info()
	m := &wire.Setup{Server: !info.Client, AuthTokens: s.config.Tokens}
	if s.config.Implementation != "" {
		m.Implementation = wire.Some(s.config.Implementation)
	}
	if s.config.MaxTokenCache > 0 {
		m.MaxAuthTokenCacheSize = wire.Some(s.config.MaxTokenCache)
	}
	if s.version.Has(wire.FeatureRangeFilters) {
		m.MaxFilterRanges = wire.Some(s.config.MaxFilterRanges)
		m.MaxRequestUpdates = wire.Some(s.config.MaxRequestUpdates)
	}
	if s.version.Has(wire.FeatureControlStream) {
		m.MaxRequestID = wire.Some(s.peerRequests.parity + 2*requestWindow)
	}
	if !s.version.Has(wire.FeatureControlStream) && !s.config.NoGrease {
		m.Unknown = append(m.Unknown, grease())
	}
	if s.config.Relay.ID != "" {
		m.Unknown = append(m.Unknown, s.config.Relay.Options()...)
	}
	if s.config.TraceContext {
		m.Unknown = append(m.Unknown, wire.TraceOption())
	}
	if info.Client && info.Kind == transport.KindQUIC { // moqt-18 §3.1.4
		if info.Authority != "" {
			m.Authority = wire.Some(info.Authority)
		}
		if info.Path != "" {
			m.Path = wire.Some(info.Path)
		}
	}
	return m
}

// grease is an option that nobody knows, so that peers stay able to ignore those
// that they do not know (moqt-18 §14).
func grease() wire.KeyValue {
	o := wire.KeyValue{Type: 0x7f*rand.Uint64N(1<<20) + 0x9D}
	if o.Type%2 == 0 {
		o.Value = rand.Uint64()
	} else {
		o.Bytes = []byte("grease")
	}
	return o
}

// serveControl reads the peer's control stream, on which the stream type has
// been seen but not consumed. Without an error it is left to a session that rests.
func (s *Session) serveControl(in *inbound) error {
	m, err := in.message(s.version)
	if err != nil {
		return controlEnd(err)
	}
	setup, ok := m.(*wire.Setup)
	if !ok {
		return violation("control stream begins with " + m.Type().String())
	}
	if err := s.acceptSetup(setup); err != nil {
		return err
	}
	return s.followControl(in)
}

// followControl is serveControl behind SETUP.
func (s *Session) followControl(in *inbound) error {
	for !s.rest(in) {
		m, err := in.message(s.version)
		if err != nil {
			return controlEnd(err)
		}
		g, ok := m.(*wire.Goaway)
		if !ok {
			return violation(m.Type().String() + " on the control stream")
		}
		if err := s.acceptGoaway(g); err != nil {
			return err
		}
	}
	return nil
}

// serveShared reads the control stream of draft 16. On a server, setup is the
// client's, read already, and the answer goes out first.
func (s *Session) serveShared(in *inbound, setup *wire.Setup) error {
	if setup == nil {
		m, err := in.message(s.version)
		if err != nil {
			return controlEnd(err)
		}
		var ok bool
		if setup, ok = m.(*wire.Setup); !ok {
			return violation("control stream begins with " + m.Type().String())
		}
	}
	if setup.Server != s.conn.Info().Client {
		return violation("SETUP of the wrong side")
	}
	s.shared.allowed = setup.MaxRequestID.Or(0) // nobody asks before peerReady
	if err := s.acceptSetup(setup); err != nil {
		return err
	}
	s.rest(nil)
	return s.shared.serve(in)
}

// acceptShared begins a server's session of draft 16 on the stream that the
// client's SETUP came on.
func (s *Session) acceptShared(stream transport.Stream, in *inbound, setup *wire.Setup) error {
	s.mu.Lock()
	twice := s.peerControl
	s.peerControl = true
	s.mu.Unlock()
	if twice || s.conn.Info().Client {
		return violation("second control stream")
	}
	s.shared = newSharedControl(s, stream)
	s.control = s.shared.out
	s.watchControl(s.shared.out)
	if err := s.control.send(s.setup()); err != nil {
		return err
	}
	return s.serveShared(in, setup)
}

// controlEnd explains the end of the control stream, which must last as long
// as the session (moqt-18 §3.3).
func controlEnd(err error) error {
	var reset *transport.StreamError
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &reset) {
		return violation("control stream closed")
	}
	return err
}

// watchControl closes the session when the peer refuses the control stream of
// this side, which must last as long as the session (moqt-18 §3.3).
func (s *Session) watchControl(w *messageWriter) {
	context.AfterFunc(w.stream.Context(), func() {
		if s.ctx.Err() != nil {
			return
		}
		w.lock()
		_, err := w.stream.Write(nil) // tells a stream that was refused from a connection that ended
		w.unlock()
		var refused *transport.StreamError
		if errors.As(err, &refused) && refused.Remote {
			s.fail(violation("control stream refused"))
		}
	})
}

func violation(reason string) error {
	return &wire.Error{Code: wire.SessionProtocolViolation, Reason: reason}
}

// acceptSetup checks and keeps the peer's SETUP (moqt-18 §10.3.1).
func (s *Session) acceptSetup(m *wire.Setup) error {
	info := s.conn.Info()
	misplaced := info.Client || info.Kind == transport.KindWebTransport
	if m.Path.Set && misplaced {
		return &wire.Error{Code: wire.SessionInvalidPath, Reason: "PATH is for clients on raw QUIC"}
	}
	if m.Authority.Set && misplaced {
		return &wire.Error{Code: wire.SessionInvalidAuthority, Reason: "AUTHORITY is for clients on raw QUIC"}
	}
	if err := s.acceptSetupTokens(m); err != nil {
		return err
	}
	s.peer = *m
	private := uint32(0)
	if _, relay := m.Relay(); relay && s.config.Relay.ID != "" {
		private |= asRelays
	}
	if s.config.TraceContext && m.Traces() {
		private |= withTraces
	}
	s.private.Store(private)
	close(s.peerReady)
	return nil
}

// Goaway is what a GOAWAY says.
type Goaway struct {
	// URI is where to go; empty means that the present one is good (moqt-18 §10.4).
	URI string
	// Timeout is how long the peer waits; 0 means that it does not say.
	Timeout time.Duration
}

func (s *Session) acceptGoaway(m *wire.Goaway) error {
	s.mu.Lock()
	twice := s.goawayGotten
	s.goawayGotten = true
	mine := s.nextRequest % 2
	s.mu.Unlock()
	switch {
	case twice:
		return violation("second GOAWAY")
	case !s.conn.Info().Client && m.URI != "":
		return violation("a client's GOAWAY names a URI")
	case s.version.Has(wire.FeatureGoawayRequestID) && !m.RequestID.Set:
		return violation("GOAWAY on the control stream without a request ID")
	case m.RequestID.Set && m.RequestID.Value%2 != mine:
		return &wire.Error{Code: wire.SessionInvalidRequestID, Reason: "GOAWAY has a request ID of the wrong parity"}
	}
	if s.config.OnGoaway != nil {
		s.config.OnGoaway(Goaway{m.URI, m.Timeout})
	}
	return nil
}

// requestGoaway checks a GOAWAY on the stream of a request.
func (s *Session) requestGoaway(m *wire.Goaway) (Goaway, error) {
	switch {
	case !s.conn.Info().Client && m.URI != "":
		return Goaway{}, violation("a client's GOAWAY names a URI")
	case m.RequestID.Set:
		return Goaway{}, violation("GOAWAY on a request stream has a request ID")
	}
	return Goaway{m.URI, m.Timeout}, nil
}

// Goaway asks the peer to move to another session, at uri when this side is a
// server and it is not empty. Requests that come later are refused. After the
// timeout (0: none) the session is closed with GOAWAY_TIMEOUT (moqt-18 §10.4).
func (s *Session) Goaway(uri string, timeout time.Duration) error {
	s.mu.Lock()
	if s.goawaySent {
		s.mu.Unlock()
		return errors.New("moq: GOAWAY was sent before")
	}
	s.goawaySent = true
	m := &wire.Goaway{URI: s.goawayURI(uri), Timeout: timeout}
	if s.version.Has(wire.FeatureGoawayRequestID) {
		m.RequestID = wire.Some(s.peerRequests.next()) // those below that are still missing are refused as well
	}
	s.mu.Unlock()
	if err := s.control.send(m); err != nil {
		return err
	}
	if timeout > 0 {
		s.tasks.Go(func() {
			select {
			case <-time.After(timeout):
				s.fail(&wire.Error{Code: wire.SessionGoawayTimeout, Reason: "the peer did not leave in time"})
			case <-s.ctx.Done():
			}
		})
	}
	return nil
}

// goawayURI is what a GOAWAY of this side may name: clients name nothing.
func (s *Session) goawayURI(uri string) string {
	if s.conn.Info().Client {
		return ""
	}
	return uri
}

// peerLeaving reports whether the peer sent GOAWAY.
func (s *Session) peerLeaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.goawayGotten
}
