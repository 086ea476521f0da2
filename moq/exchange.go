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

// RequestError is the peer's refusal of a request (moqt-18 §10.6). It ends that
// request alone, not the session. This side makes one itself where the peer's
// answer is known: for a second subscription to a track, and for a track with a
// property that must be understood and is not.
type RequestError struct {
	Request  wire.MessageType           // what was refused
	Code     wire.RequestError          // why, in the numbers of the newest draft
	Reason   string                     // the peer's words: quote them in logs
	Retry    wire.Option[time.Duration] // when the request may be made again, from now on; unset: not at all
	Redirect *wire.Redirect             // where to make it instead; with RequestRedirect alone (moqt-18 §10.6.1)
}

// Error implements error; the reason is quoted.
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

// ErrGoaway is returned for requests made after the peer's GOAWAY (moqt-18 §10.4):
// they belong on another session. See Config.OnGoaway.
var ErrGoaway = errors.New("moq: the peer is going away")

// exchange is one request of this side and the answers to it.
type exchange struct {
	channel
	session *Session
	id      uint64
	kind    wire.MessageType
	updates updates
	goaway  chan Goaway // the peer asks to move this request; buffered, written once

	// supplied is told of SUPPLY by the goroutine that reads, before the answer and
	// after it; nil: there is none for this request.
	supplied func(stranded bool)
}

// request sends the request that build makes of its request ID, and calls
// sent, when there is one, as soon as it is written. build must not block. With
// a nil error the first answer has been read: an OK message.
func (s *Session) request(ctx context.Context, kind wire.MessageType, build func(id uint64) wire.Message, sent func()) (*exchange, wire.Message, error) {
	x := &exchange{session: s, kind: kind, goaway: make(chan Goaway, 1)}
	answer, err := x.request(ctx, build, sent)
	if err != nil {
		return nil, nil, err
	}
	return x, answer, nil
}

// request is Session.request for an exchange that is made.
func (x *exchange) request(ctx context.Context, build func(id uint64) wire.Message, sent func()) (wire.Message, error) {
	s, kind := x.session, x.kind
	if s.peerLeaving() {
		return nil, ErrGoaway
	}
	if kind == wire.MsgSubscribe || kind == wire.MsgFetch {
		s.attend()
	}
	ctx, cancel := s.withPatience(ctx, kind)
	defer cancel()
	begin, err := x.open(ctx)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { x.cancel(wire.ResetCancelled) })
	defer stop()
	err = s.withRequestID(ctx, func(id uint64) error {
		x.id = id
		return begin(id, build(id))
	})
	if err != nil {
		x.cancel(wire.ResetCancelled)
		x.free()
		return nil, s.explain(ctx, err)
	}
	if sent != nil {
		sent()
	}
	answer, err := x.answered()
	if err != nil {
		x.cancel(wire.ResetCancelled)
		x.free()
		return nil, s.explain(ctx, s.checkRead(err))
	}
	if e, ok := answer.(*wire.RequestErr); ok {
		x.finish(nil)
		x.free()
		return nil, s.refusal(kind, e)
	}
	return answer, nil
}

// answered reads the answer. A relay may say before it that it waits itself.
func (x *exchange) answered() (wire.Message, error) {
	for {
		m, err := x.receive()
		if supply, ok := m.(*wire.Supply); !ok || err != nil || x.supplied == nil {
			return m, err
		} else {
			x.supplied(supply.Stranded)
		}
	}
}

// withPatience bounds the wait for an answer by Config.RequestTimeout, unless ctx does.
func (s *Session) withPatience(ctx context.Context, kind wire.MessageType) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, s.config.RequestTimeout, fmt.Errorf("moq: no answer to %s in time", kind))
}

// open makes the channel of a request and returns what sends the request on it.
func (x *exchange) open(ctx context.Context) (begin func(id uint64, m wire.Message) error, err error) {
	s := x.session
	if s.shared != nil && x.kind != wire.MsgSubscribeNamespace && x.kind != wire.MsgSubscribeTracks {
		c := s.shared.open(x.kind, true)
		x.channel = c
		return c.begin, nil
	}
	stream, err := s.openRequest(ctx, x.kind)
	if err != nil {
		return nil, err
	}
	c := newStreamChannel(s, stream)
	// Draft 16 has SUBSCRIBE_NAMESPACE alone on streams, which a FIN cancels too (moqt-16
	// §6.1). After a reset its request ID may be lost, and they come without gaps.
	c.whole = s.shared != nil
	x.channel = c
	return func(_ uint64, m wire.Message) error { return c.send(m) }, nil
}

// ErrNoStream is returned for a PUBLISH that the peer leaves no stream for
// (moqt-18 §6.1).
var ErrNoStream = errors.New("moq: the peer allows no more request streams")

// streamPatience is how long what can do without waits for a request stream.
const streamPatience = time.Second

// openRequest opens the stream of a request. A PUBLISH is not worth a long wait
// for one: the peer can subscribe instead (moqt-18 §6.1).
func (s *Session) openRequest(ctx context.Context, kind wire.MessageType) (transport.Stream, error) {
	if kind != wire.MsgPublish {
		return s.conn.OpenStream(ctx)
	}
	short, cancel := context.WithTimeout(ctx, streamPatience)
	defer cancel()
	stream, err := s.conn.OpenStream(short)
	if err != nil && short.Err() != nil && ctx.Err() == nil {
		return nil, ErrNoStream
	}
	return stream, err
}

// refusal is the error of a REQUEST_ERROR, which may redirect (moqt-18 §10.6.1):
// only servers name another server, and requests about namespaces have no track.
func (s *Session) refusal(kind wire.MessageType, e *wire.RequestErr) error {
	if to := e.Redirect; to != nil {
		if to.URI != "" && !s.conn.Info().Client {
			s.fail(violation("a client redirects to another server"))
			return s.cause()
		}
		switch kind {
		case wire.MsgPublishNamespace, wire.MsgSubscribeNamespace, wire.MsgSubscribeTracks:
			if to.Track.Name != "" {
				s.fail(violation(kind.String() + " redirected to a track"))
				return s.cause()
			}
		}
	}
	return &RequestError{Request: kind, Code: e.Code, Reason: e.Reason, Retry: e.RetryInterval, Redirect: e.Redirect}
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
// When it is the end of the session, that is over when checkRead returns: who is told
// that a request ended can tell that it was lost.
func (s *Session) checkRead(err error) error {
	var fault *wire.Error
	var reset *transport.StreamError
	switch {
	case errors.As(err, &fault):
		s.fail(fault)
	case errors.As(err, &reset):
		return fmt.Errorf("moq: the peer cancelled the request: %s", s.version.ResetCode(reset.Code))
	case errors.Is(err, io.ErrUnexpectedEOF):
		s.fault(err)
	case errors.Is(err, io.EOF):
		return errors.New("moq: the peer closed the request without an answer")
	default: // the streams of a connection end a little before it says that it is over
		select {
		case <-s.ctx.Done():
		case <-time.After(endPatience):
		}
	}
	return err
}

// endPatience bounds the wait for the end of a session whose streams ended.
const endPatience = time.Second

// unexpected closes the session because of a message that has no place here.
func (x *exchange) unexpected(m wire.Message) error {
	err := violation(m.Type().String() + " in answer to " + x.kind.String())
	x.session.fail(err)
	return err
}

// follow reads what comes after the first answer until the peer ends its side, then
// ends this one. Answers to REQUEST_UPDATE are matched here, others go to handle.
func (x *exchange) follow(handle func(wire.Message) error) error {
	err := func() error {
		for {
			m, err := x.receive()
			if err != nil {
				if err == io.EOF {
					return err
				}
				return x.session.checkRead(err)
			}
			if err := x.handle(m, handle); err != nil {
				return err
			}
		}
	}()
	x.updates.end()
	if err == io.EOF {
		if x.kind == wire.MsgPublish { // the subscriber will say no more, and reads on (moqt-19 §3.3.2)
			<-x.stopped().Done()
		}
		x.finish(nil)
	}
	x.free()
	return err
}

func (x *exchange) handle(m wire.Message, handle func(wire.Message) error) error {
	switch m := m.(type) {
	case *wire.RequestOK:
		if err := m.CheckFor(x.session.version, wire.MsgRequestUpdate); err != nil {
			x.session.fail(err)
			return err
		}
		if !x.updates.answered(m.RequestID, m.Params, nil) {
			return x.unexpected(m)
		}
	case *wire.RequestErr:
		err := &RequestError{Request: wire.MsgRequestUpdate, Code: m.Code, Reason: m.Reason, Retry: m.RetryInterval}
		if !x.updates.answered(m.RequestID, wire.Parameters{}, err) {
			return x.unexpected(m)
		}
	case *wire.Goaway:
		return x.takeGoaway(m)
	case *wire.Supply:
		if x.supplied == nil {
			return x.unexpected(m)
		}
		x.supplied(m.Stranded)
	default:
		return handle(m)
	}
	return nil
}

// takeGoaway notes that the peer asks to move this one request (moqt-18 §10.4).
func (x *exchange) takeGoaway(m *wire.Goaway) error {
	g, err := x.session.requestGoaway(m)
	if err == nil {
		select {
		case x.goaway <- g:
		default:
			err = violation("second GOAWAY on a request")
		}
	}
	if err != nil {
		x.session.fail(err)
	}
	return err
}

// stopStream refuses a data stream.
func (s *Session) stopStream(stream transport.ReceiveStream, code wire.ResetCode) {
	stream.Stop(s.version.ResetNumber(code))
}
