package moq

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"moqedge/moq/wire"
)

// inRequest is one request of the peer and what is said about it.
type inRequest struct {
	channel
	session *Session
	id      uint64
	kind    wire.MessageType
	ctx     context.Context
	stop    context.CancelFunc

	request Request       // nil when it was refused without the Handler
	settled chan struct{} // closed when the answer was sent
	settle  func()
	updates updates // of this side, on a PUBLISH
	refused func()  // called before a refusal is sent, when it is not nil
	moved   bool    // GOAWAY came; touched by follow alone

	permission Permission // set before the answer, then touched by updates alone

	mu       sync.Mutex
	answered bool
	refusal  *RequestError // with answered: nil when it was accepted
}

func newInRequest(ctx context.Context, s *Session, c channel, kind wire.MessageType, id uint64) *inRequest {
	r := &inRequest{channel: c, session: s, id: id, kind: kind, settled: make(chan struct{})}
	r.ctx, r.stop = context.WithCancel(ctx)
	r.settle = sync.OnceFunc(func() { close(r.settled) })
	return r
}

// follow reads what comes after the request until the peer ends its side.
func (r *inRequest) follow(req Request) error {
	u := newUpdater(r.session, r.channel, r.kind, r.id, func(m *wire.RequestUpdate) (wire.Parameters, error) {
		return r.permission.change(m, req.update)
	})
	u.settled, u.answered = r.settled, req.updated
	defer u.end()
	for {
		m, err := r.receive()
		if err == io.EOF {
			r.ended(req)
			return nil
		}
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *wire.RequestUpdate:
			err = u.take(m)
		case *wire.RequestOK, *wire.RequestErr, *wire.PublishDone, *wire.StateNotify:
			err = r.fromPublisher(req, m)
		case *wire.Goaway:
			err = r.goneAway(req, m)
		default:
			err = violation(m.Type().String() + " on the request stream of " + r.kind.String())
		}
		if err != nil {
			return err
		}
	}
}

// updated implements Request: an update that was refused ends the request
// (moqt-18 §10.9.1).
func (r *inRequest) updated(refusal *wire.RequestErr) {
	if refusal != nil {
		r.finish(nil)
		r.stop()
	}
}

// goneAway handles the wish of the peer to move one request (moqt-18 §10.4). It
// concerns a PUBLISH, whose subscriber this side is; other requesters move by themselves.
func (r *inRequest) goneAway(req Request, m *wire.Goaway) error {
	g, err := r.session.requestGoaway(m)
	if err != nil {
		return err
	}
	if r.moved {
		return violation("second GOAWAY on a request")
	}
	r.moved = true
	if p, ok := req.(*PublishRequest); ok {
		if x := p.answer(); x != nil {
			x.goaway <- g
		}
	}
	return nil
}

// ended handles a FIN of the requester. It says that no more updates come; up to
// draft 18 it cancels namespace subscriptions (moqt-18 §6.1), and a publisher owes
// PUBLISH_DONE before it (moqt-19 §3.3.2).
func (r *inRequest) ended(req Request) {
	switch req.(type) {
	case *PublishRequest:
		return
	case *SubscribeNamespaceRequest, *SubscribeTracksRequest:
		if !r.session.version.Has(wire.FeatureFinKeepsRequest) {
			return
		}
	}
	select {
	case <-r.ctx.Done():
	case <-r.stopped().Done():
	}
}

// fromPublisher handles what only the publisher of a PUBLISH sends.
func (r *inRequest) fromPublisher(req Request, m wire.Message) error {
	p, ok := req.(*PublishRequest)
	if !ok {
		return violation(m.Type().String() + " on the request stream of " + r.kind.String())
	}
	answered := true
	switch m := m.(type) {
	case *wire.PublishDone:
		p.publishDone(m)
	case *wire.StateNotify:
		p.notified(m)
	case *wire.RequestOK:
		if err := m.CheckFor(r.session.version, wire.MsgRequestUpdate); err != nil {
			return err
		}
		answered = r.updates.answered(m.RequestID, m.Params, nil)
	case *wire.RequestErr:
		err := &RequestError{Request: wire.MsgRequestUpdate, Code: m.Code, Reason: m.Reason, Retry: m.RetryInterval}
		answered = r.updates.answered(m.RequestID, wire.Parameters{}, err)
	}
	if !answered {
		return violation(m.Type().String() + " without a REQUEST_UPDATE")
	}
	return nil
}

// NoRetry is the retry of Reject for a request that should not be made again.
func NoRetry() wire.Option[time.Duration] { return wire.Option[time.Duration]{} }

// Session implements Request.
func (r *inRequest) Session() *Session { return r.session }

// claim makes the caller the one who answers; false means it was answered.
func (r *inRequest) claim() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.answered
	r.answered = true
	return !was
}

func (r *inRequest) answeredYet() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.answered
}

// Reject implements Request.
func (r *inRequest) Reject(code wire.RequestError, reason string, retry wire.Option[time.Duration]) {
	if r.claim() {
		r.refuse(&wire.RequestErr{Code: code, Reason: reason, RetryInterval: retry})
	}
}

// RejectWith refuses the request for err: the code and the words of the other peer
// when err is a *RequestError of another session, as a relay does, else
// INTERNAL_ERROR and the text of err.
func (r *inRequest) RejectWith(err error) {
	m := &wire.RequestErr{Code: wire.RequestInternalError, Reason: err.Error()}
	var refused *RequestError
	if errors.As(err, &refused) {
		m.Code, m.Reason, m.RetryInterval = refused.Code, refused.Reason, refused.Retry
		switch to := refused.Redirect; {
		case refused.Code != wire.RequestRedirect:
		case to == nil, to.URI != "" && r.session.conn.Info().Client: // clients name no servers (moqt-18 §10.6.1)
			m.Code = wire.RequestDoesNotExist
		default:
			m.Redirect = to
		}
	}
	if r.claim() {
		r.refuse(m)
	}
}

// Refusal implements Request.
func (r *inRequest) Refusal() *RequestError {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refusal
}

// accept sends the answer of a request that goes on.
func (r *inRequest) accept(m wire.Message) error {
	defer r.settle()
	switch m := m.(type) {
	case *wire.RequestOK:
		m.Params.Expires = r.permission.expires()
		if r.kind != wire.MsgPublish && m.CheckFor(r.session.version, r.kind) != nil { // it has no place there
			m.Params.Expires = wire.Option[time.Duration]{}
		}
	case *wire.SubscribeOK:
		m.Params.Expires = r.permission.expires()
	}
	return r.send(m)
}

func (r *inRequest) refuse(m *wire.RequestErr) {
	defer r.settle()
	if m.Code == wire.RequestExcessiveLoad {
		r.session.bear("requests that are too many")
	}
	if r.refused != nil {
		r.refused()
	}
	if told := r.session.config.Refused; told != nil {
		told(r.kind, m.Code)
	}
	m.Reason = phrase(m.Reason)
	r.mu.Lock()
	r.refusal = &RequestError{Request: r.kind, Code: m.Code, Reason: m.Reason, Retry: m.RetryInterval, Redirect: m.Redirect}
	r.mu.Unlock()
	r.channel.refuse(m)
}

// giveUp cancels the request after it was accepted.
func (r *inRequest) giveUp(code wire.ResetCode) {
	r.cancel(code)
	r.stop()
}

// Goaway asks the peer to make this one request elsewhere, at uri when this
// side is a server and it is not empty, and cancels it with GOING_AWAY after
// the timeout, if that is not 0 (moqt-18 §10.4). Draft 16 has no such message.
func (r *inRequest) Goaway(uri string, timeout time.Duration) error {
	if !r.session.version.Has(wire.FeatureRequestGoaway) {
		return fmt.Errorf("moq: %s cannot move one request", r.session.version)
	}
	select {
	case <-r.settled:
	default:
		return errors.New("moq: the request is not answered yet") // the answer comes first
	}
	if err := r.send(&wire.Goaway{URI: r.session.goawayURI(uri), Timeout: timeout}); err != nil {
		return err
	}
	if timeout > 0 {
		timer := time.AfterFunc(timeout, func() { r.giveUp(wire.ResetGoingAway) })
		context.AfterFunc(r.ctx, func() { timer.Stop() })
	}
	return nil
}
