package moq

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Handler answers requests of the peer. Serve is called in a goroutine of its
// own for each request: a *SubscribeRequest, *FetchRequest, *TrackStatusRequest,
// *PublishRequest, *PublishNamespaceRequest, *SubscribeNamespaceRequest or
// *SubscribeTracksRequest. It must answer by one of the methods of the request
// before it returns; a request that it does not know is refused with
// NOT_SUPPORTED. The context is done when the request is over.
type Handler interface {
	Serve(ctx context.Context, r Request)
}

// Request is a request of the peer.
type Request interface {
	// Session is where the request came from.
	Session() *Session
	// Reject refuses the request; retry, when set, says when to ask again
	// (moqt-18 §10.6). Reason is for people.
	Reject(code wire.RequestError, reason string, retry wire.Option[time.Duration])

	answeredYet() bool
	// update applies a REQUEST_UPDATE.
	update(m *wire.RequestUpdate) (wire.Parameters, error)
	// released is called when the request is over.
	released()
}

// inRequest is one request of the peer: its stream and what was said on it.
type inRequest struct {
	session *Session
	id      uint64
	kind    wire.MessageType
	stream  transport.Stream
	in      *inbound
	out     *messageWriter
	ctx     context.Context
	stop    context.CancelFunc

	updates updates // of this side, on a PUBLISH
	refused func()  // called before a refusal is sent, when it is not nil

	mu       sync.Mutex
	answered bool
}

// acceptRequests takes the peer's request streams.
func (s *Session) acceptRequests() {
	for {
		stream, err := s.conn.AcceptStream(s.ctx)
		if err != nil {
			s.fail(err)
			return
		}
		s.tasks.Go(func() { s.serve(stream) })
	}
}

// serve reads one request stream from its first message to its end.
func (s *Session) serve(stream transport.Stream) {
	r := &inRequest{session: s, stream: stream, in: newInbound(stream), out: &messageWriter{stream: stream, version: s.version}}
	defer r.in.free()
	m, err := r.in.message(s.version)
	if err != nil {
		s.fault(err)
		stream.Reset(uint64(wire.ResetCancelled))
		return
	}
	// Requests may overtake the control stream (moqt-18 §3.3).
	select {
	case <-s.peerReady:
	case <-s.ctx.Done():
		return
	}
	r.kind = m.Type()
	r.ctx, r.stop = context.WithCancel(s.ctx)
	defer r.stop()
	req, id, err := s.newRequest(r, m)
	if err == nil {
		r.id = id
		s.mu.Lock()
		err = s.peerRequests.take(id)
		s.mu.Unlock()
	}
	if err != nil {
		s.fail(err)
		return
	}
	if req == nil {
		return // refused without an application: the answer is on its way
	}
	stopWatch := context.AfterFunc(stream.Context(), r.stop) // STOP_SENDING cancels (moqt-18 §3.3.2)
	defer stopWatch()
	s.tasks.Go(func() { s.dispatch(r.ctx, req) })
	s.fault(r.follow(req))
	r.updates.end()
	r.stop()
	req.released()
}

// dispatch has the Handler answer a request.
func (s *Session) dispatch(ctx context.Context, req Request) {
	if f, ok := req.(*FetchRequest); ok {
		if refusal := f.prepare(ctx); refusal != nil {
			f.Reject(refusal.Code, refusal.Reason, NoRetry())
			return
		}
	}
	if s.config.Handler != nil {
		s.config.Handler.Serve(ctx, req)
	}
	if !req.answeredYet() {
		req.Reject(wire.RequestNotSupported, "not supported", NoRetry())
	}
}

// newRequest makes the request of its first message.
func (s *Session) newRequest(r *inRequest, m wire.Message) (Request, uint64, error) {
	var tokens []wire.Token
	var name wire.FullTrackName
	var req Request
	var id uint64
	switch m := m.(type) {
	case *wire.Subscribe:
		tokens, id, name = m.Params.AuthTokens, m.RequestID, m.Track
		req = &SubscribeRequest{inRequest: r, Track: m.Track, Params: m.Params}
	case *wire.TrackStatus:
		tokens, id, name = m.Params.AuthTokens, m.RequestID, m.Track
		req = &TrackStatusRequest{inRequest: r, Track: m.Track, Params: m.Params}
	case *wire.Publish:
		tokens, id, name = m.Params.AuthTokens, m.RequestID, m.Track
		req = &PublishRequest{inRequest: r, Track: m.Track, Params: m.Params, Properties: m.TrackProperties, alias: m.TrackAlias}
	case *wire.Fetch:
		tokens, id, name = m.Params.AuthTokens, m.RequestID, m.Track
		req = &FetchRequest{inRequest: r, Track: m.Track, Params: m.Params, message: m}
	case *wire.PublishNamespace:
		tokens, id, name.Namespace = m.Params.AuthTokens, m.RequestID, m.Namespace
		req = &PublishNamespaceRequest{inRequest: r, Namespace: m.Namespace, Params: m.Params}
	case *wire.SubscribeNamespace:
		tokens, id = m.Params.AuthTokens, m.RequestID
		req = &SubscribeNamespaceRequest{inRequest: r, Prefix: m.Prefix, Params: m.Params}
	case *wire.SubscribeTracks:
		tokens, id = m.Params.AuthTokens, m.RequestID
		req = &SubscribeTracksRequest{inRequest: r, Prefix: m.Prefix, Params: m.Params}
	default:
		return nil, 0, violation("request stream begins with " + m.Type().String())
	}
	if err := checkTokens(tokens); err != nil {
		return nil, 0, err
	}
	if s.leaving() {
		req.Reject(wire.RequestGoingAway, "going away", NoRetry())
		return nil, id, nil
	}
	if reserved(name.Namespace) {
		req.Reject(wire.RequestDoesNotExist, "reserved namespace", NoRetry())
		return nil, id, nil
	}
	if x, ok := req.(*SubscribeRequest); ok {
		if x.served, ok = s.enlist(id, x.Track); !ok {
			x.Reject(wire.RequestDuplicateSubscription, "subscribed to already", NoRetry())
			return nil, id, nil
		}
		r.refused = func() { // the peer may ask again as soon as it knows
			s.delist(id, x.served)
			x.served.settle()
		}
	}
	return req, id, nil
}

// reserved reports whether a namespace never exists here (moqt-18 §3.2.1,
// §3.2.2: no session-level track is defined).
func reserved(n wire.Namespace) bool {
	return len(n) > 0 && (n[0] == "." || n[0] == ".session")
}

// checkTokens enforces the token cache of this side, whose size is 0 (moqt-18
// §10.3.1.3): nothing can be registered, so no alias is known.
func checkTokens(tokens []wire.Token) error {
	for _, t := range tokens {
		switch t.AliasType {
		case wire.TokenRegister:
			return &wire.Error{Code: wire.SessionAuthTokenCacheOverflow, Reason: "the token cache has no room"}
		case wire.TokenDelete, wire.TokenUseAlias:
			return &wire.Error{Code: wire.SessionUnknownAuthTokenAlias, Reason: fmt.Sprintf("token alias %d is not registered", t.Alias)}
		}
	}
	return nil
}

// follow reads what comes after the request until its stream ends.
func (r *inRequest) follow(req Request) error {
	for {
		m, err := r.in.message(r.session.version)
		if err == io.EOF {
			return r.ended(req)
		}
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *wire.RequestUpdate:
			err = r.updated(req, m)
		case *wire.RequestOK, *wire.RequestErr, *wire.PublishDone:
			err = r.fromPublisher(req, m)
		case *wire.Goaway:
			err = nil // moving one request is the peer's wish, which nobody here follows
		default:
			err = violation(m.Type().String() + " on the request stream of " + r.kind.String())
		}
		if err != nil {
			return err
		}
	}
}

// ended handles a FIN of the requester: it cancels namespace subscriptions
// (moqt-18 §6.1), otherwise it only says that no more updates come.
func (r *inRequest) ended(req Request) error {
	switch req.(type) {
	case *SubscribeNamespaceRequest, *SubscribeTracksRequest, *PublishNamespaceRequest:
	case *PublishRequest:
	default:
		select {
		case <-r.ctx.Done():
		case <-r.stream.Context().Done():
		}
	}
	return nil
}

func (r *inRequest) updated(req Request, m *wire.RequestUpdate) error {
	if err := m.CheckFor(r.session.version, r.kind); err != nil {
		return err
	}
	r.session.mu.Lock()
	err := r.session.peerRequests.take(m.RequestID)
	r.session.mu.Unlock()
	if err != nil {
		return err
	}
	if err := checkTokens(m.Params.AuthTokens); err != nil {
		return err
	}
	answer, err := req.update(m)
	if err != nil {
		var refused *RequestError
		if !errors.As(err, &refused) {
			return err
		}
		return r.out.send(&wire.RequestErr{Code: refused.Code, Reason: refused.Reason})
	}
	return r.out.send(&wire.RequestOK{Params: answer})
}

// fromPublisher handles what only the publisher of a PUBLISH sends.
func (r *inRequest) fromPublisher(req Request, m wire.Message) error {
	p, ok := req.(*PublishRequest)
	if !ok {
		return violation(m.Type().String() + " on the request stream of " + r.kind.String())
	}
	switch m := m.(type) {
	case *wire.PublishDone:
		return p.publishDone(m)
	case *wire.RequestOK:
		if err := m.CheckFor(p.session.version, wire.MsgRequestUpdate); err != nil {
			return err
		}
		r.updates.answered(nil)
	case *wire.RequestErr:
		r.updates.answered(&RequestError{Request: wire.MsgRequestUpdate, Code: m.Code, Reason: m.Reason, Retry: m.RetryInterval})
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

// RejectWith refuses the request for err: the peer's words when err is the
// refusal of another session, else INTERNAL_ERROR.
func (r *inRequest) RejectWith(err error) {
	m := &wire.RequestErr{Code: wire.RequestInternalError, Reason: err.Error()}
	var refused *RequestError
	if errors.As(err, &refused) {
		m.Code, m.Reason, m.RetryInterval = refused.Code, refused.Reason, refused.Retry
		if refused.Code == wire.RequestRedirect {
			m.Redirect = refused.Redirect
		}
	}
	if len(m.Reason) > wire.MaxReasonPhrase {
		m.Reason = m.Reason[:wire.MaxReasonPhrase]
	}
	if r.claim() {
		r.refuse(m)
	}
}

func (r *inRequest) refuse(m *wire.RequestErr) {
	if r.refused != nil {
		r.refused()
	}
	r.out.finish(m)
	r.stream.Stop(uint64(wire.ResetCancelled))
}

// cancel gives the request up after it was accepted.
func (r *inRequest) cancel(code wire.ResetCode) {
	r.out.reset(code)
	r.stream.Stop(uint64(code))
	r.stop()
}
