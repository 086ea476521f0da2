package moq

import (
	"errors"
	"io"
	"time"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// serveControl reads the peer's control stream, on which the stream type has
// been seen but not consumed.
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
	for {
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
	for _, t := range m.AuthTokens {
		if !info.Client && (t.AliasType == wire.TokenDelete || t.AliasType == wire.TokenUseAlias) {
			return violation("SETUP refers to a token alias")
		}
	}
	s.peer = *m
	close(s.peerReady)
	return nil
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
	case m.RequestID.Set && m.RequestID.Value%2 != mine:
		return &wire.Error{Code: wire.SessionInvalidRequestID, Reason: "GOAWAY has a request ID of the wrong parity"}
	}
	if s.config.OnGoaway != nil {
		s.config.OnGoaway(m.URI, m.Timeout)
	}
	return nil
}

// Goaway asks the peer to move to another session, at uri when the sender is a
// server and it is not empty. Requests that come later are refused. After the
// timeout (0: none) the session is closed with GOAWAY_TIMEOUT (moqt-18 §10.4).
func (s *Session) Goaway(uri string, timeout time.Duration) error {
	s.mu.Lock()
	if s.goawaySent {
		s.mu.Unlock()
		return errors.New("moq: GOAWAY was sent before")
	}
	s.goawaySent = true
	m := &wire.Goaway{URI: uri, Timeout: timeout, RequestID: wire.Some(s.peerRequests.next())}
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

// leaving reports whether the request must be refused because of a GOAWAY sent.
func (s *Session) leaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.goawaySent
}

// peerLeaving reports whether the peer sent GOAWAY.
func (s *Session) peerLeaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.goawayGotten
}
