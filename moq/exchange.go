package moq

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// RequestError is the peer's refusal of a request (moqt-18 §10.6).
type RequestError struct {
	Request  wire.MessageType
	Code     wire.RequestError
	Reason   string                     // the peer's words: quote them in logs
	Retry    wire.Option[time.Duration] // when the request may be made again
	Redirect *wire.Redirect
}

func (e *RequestError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("%s refused: %s", e.Request, e.Code)
	}
	return fmt.Sprintf("%s refused: %s: %q", e.Request, e.Code, e.Reason)
}

// Is makes errors.Is(err, &RequestError{Code: c}) compare codes.
func (e *RequestError) Is(target error) bool {
	t, ok := target.(*RequestError)
	return ok && t.Code == e.Code
}

// ErrGoaway is returned for requests made after the peer's GOAWAY.
var ErrGoaway = errors.New("moq: the peer is going away")

// exchange is one request of this side: its stream and the answers on it.
type exchange struct {
	session *Session
	id      uint64
	kind    wire.MessageType
	stream  transport.Stream
	in      *inbound
	out     *messageWriter
	updates updates
}

// request opens a stream with m, whose request ID is id, and calls sent, when
// there is one, as soon as m is written. With a nil error the first answer has
// been read: an OK message.
func (s *Session) request(ctx context.Context, id uint64, m wire.Message, sent func()) (*exchange, wire.Message, error) {
	if s.peerLeaving() {
		return nil, nil, ErrGoaway
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.config.RequestTimeout, fmt.Errorf("moq: no answer to %s in time", m.Type()))
		defer cancel()
	}
	stream, err := s.conn.OpenStream(ctx)
	if err != nil {
		return nil, nil, s.explain(ctx, err)
	}
	x := &exchange{session: s, id: id, kind: m.Type(), stream: stream, in: newInbound(stream), out: &messageWriter{stream: stream, version: s.version}}
	stop := context.AfterFunc(ctx, func() { x.cancel(wire.ResetCancelled) })
	defer stop()
	if err := x.out.send(m); err != nil {
		x.cancel(wire.ResetCancelled)
		return nil, nil, s.explain(ctx, err)
	}
	if sent != nil {
		sent()
	}
	answer, err := x.in.message(s.version)
	if err != nil {
		x.cancel(wire.ResetCancelled)
		return nil, nil, s.explain(ctx, s.checkRead(err))
	}
	if e, ok := answer.(*wire.RequestErr); ok {
		x.out.finish(nil)
		return nil, nil, &RequestError{Request: x.kind, Code: e.Code, Reason: e.Reason, Retry: e.RetryInterval, Redirect: e.Redirect}
	}
	return x, answer, nil
}

// explain prefers the reason why a request was given up to what its stream says.
func (s *Session) explain(ctx context.Context, err error) error {
	if s.ctx.Err() != nil {
		return s.cause()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// checkRead closes the session when err is a fault of the peer, and words the others.
func (s *Session) checkRead(err error) error {
	var fault *wire.Error
	var reset *transport.StreamError
	switch {
	case errors.As(err, &fault):
		s.fail(fault)
	case errors.As(err, &reset):
		return fmt.Errorf("moq: the peer cancelled the request: %s", wire.ResetCode(reset.Code))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("moq: the peer closed the request without an answer")
	}
	return err
}

// unexpected closes the session because of a message that has no place here.
func (x *exchange) unexpected(m wire.Message) error {
	err := violation(m.Type().String() + " in answer to " + x.kind.String())
	x.session.fail(err)
	return err
}

// follow reads what comes after the first answer until the stream ends.
// Answers to REQUEST_UPDATE are matched here, others go to handle.
func (x *exchange) follow(handle func(wire.Message) error) error {
	err := func() error {
		for {
			m, err := x.in.message(x.session.version)
			if err != nil {
				if err == io.EOF {
					return err
				}
				return x.session.checkRead(err)
			}
			switch m := m.(type) {
			case *wire.RequestOK:
				if err := m.CheckFor(x.session.version, wire.MsgRequestUpdate); err != nil {
					x.session.fail(err)
					return err
				}
				x.updates.answered(nil)
			case *wire.RequestErr:
				x.updates.answered(&RequestError{Request: wire.MsgRequestUpdate, Code: m.Code, Reason: m.Reason, Retry: m.RetryInterval})
			default:
				if err := handle(m); err != nil {
					return err
				}
			}
		}
	}()
	x.updates.end()
	x.in.free()
	return err
}

// cancel gives the request up (moqt-18 §3.3.2).
func (x *exchange) cancel(code wire.ResetCode) {
	x.out.reset(code)
	x.stream.Stop(uint64(code))
}
