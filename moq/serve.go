package moq

import (
	"context"
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
// NOT_SUPPORTED. The context is done when the request is over, and Serve returns then at
// the latest.
//
// Serve may block, for as long as the request lasts; Session.Wait waits for it.
type Handler interface {
	// Serve answers one request.
	Serve(ctx context.Context, r Request)
}

// Request is a request of the peer.
type Request interface {
	// Session is where the request came from.
	Session() *Session
	// Reject refuses the request; retry, when set, says when to ask again
	// (moqt-18 §10.6). Reason is for people.
	Reject(code wire.RequestError, reason string, retry wire.Option[time.Duration])
	// RejectWith refuses the request for err: with the code and the words of err
	// when that is a *RequestError, else with INTERNAL_ERROR.
	RejectWith(err error)
	// Refusal is what the request was refused with; nil: it was not.
	Refusal() *RequestError
	// Grant says what the application lets the request go on for. It is called
	// before the request is answered, if at all.
	Grant(p Permission)
	// Revoke ends a request that was accepted, from this side. Streams that are
	// being sent or received for it are given up with the code.
	Revoke(code wire.ResetCode)

	answeredYet() bool
	// update applies a REQUEST_UPDATE. A *RequestError refuses it.
	update(m *wire.RequestUpdate) (wire.Parameters, error)
	// updated is called behind the answer to it, with nil when that is REQUEST_OK.
	updated(refusal *wire.RequestErr)
	// released is called when the request is over.
	released()
}

// maxUnread is how many request streams of a peer are waited for at a time until
// they say what they ask for. Others stay where they cost little: in the transport.
const maxUnread = 1024

// Request streams that come in one great burst are taken one breath at a time: what they
// cost delays what the process sends to others else.
const (
	breath     = 16 * time.Millisecond
	mostBreath = 64
)

// acceptRequests takes the peer's request streams.
func (s *Session) acceptRequests() {
	room := make(chan struct{}, maxUnread)
	var began time.Time
	for n := 0; ; n++ {
		if n%mostBreath == 0 {
			if left := breath - time.Since(began); n > 0 && left > 0 {
				select {
				case <-time.After(left):
				case <-s.ctx.Done():
				}
			}
			began = time.Now()
		}
		stream, err := s.conn.AcceptStream(s.ctx)
		if err != nil {
			s.fail(err)
			return
		}
		select {
		case room <- struct{}{}:
		case <-s.ctx.Done(): // which ends the stream, too
			return
		}
		s.tasks.Go(func() { s.serve(stream, func() { <-room }) })
	}
}

// serve reads the first message of a bidirectional stream: a request, or in
// draft 16 also the SETUP of the client. read is called when that was read, or will
// not come.
func (s *Session) serve(stream transport.Stream, read func()) {
	c := newStreamChannel(s, stream)
	if !s.awaitDialect() {
		read()
		c.free()
		return
	}
	c.in.begun() // there are no streams for later
	m, err := c.receive()
	read()
	if err != nil {
		if c.in.untouched(err) {
			s.unwanted(stream)
			s.bear("streams without a request")
		} else {
			s.fault(err)
		}
		c.free()
		return
	}
	if setup, ok := m.(*wire.Setup); ok && s.version.Has(wire.FeatureControlStream) {
		defer c.free()
		s.fail(s.acceptShared(stream, c.in, setup))
		return
	}
	id, ok := requestIDOf(m)
	if s.version.Has(wire.FeatureControlStream) { // only this request has a stream of its own (moqt-16 §9.25)
		_, ok = m.(*wire.SubscribeNamespace)
	}
	if !ok {
		s.fail(violation("request stream begins with " + m.Type().String()))
		c.free()
		return
	}
	// Requests may overtake the control stream (moqt-18 §3.3).
	select {
	case <-s.peerReady:
	case <-s.ctx.Done():
		c.free()
		return
	}
	if s.shared != nil {
		defer s.shared.requestOver()
		err = s.shared.checkID(id, false)
	}
	if err != nil {
		s.fail(err)
		c.free()
		return
	}
	c.id = id
	if r, err := s.beginRequest(c, m, id); err != nil {
		s.fail(err)
		c.free()
	} else {
		r.serve()
	}
}

// awaitDialect waits for the peer's SETUP where what it says decides how requests,
// which may overtake it (moqt-18 §3.3), are read. False means that the session is over.
func (s *Session) awaitDialect() bool {
	if s.config.Relay.ID == "" && !s.config.TraceContext || s.version.Has(wire.FeatureControlStream) { // it may come on this stream
		return true
	}
	select {
	case <-s.peerReady:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// requestIDOf returns the ID of a request; false means that m is none.
func requestIDOf(m wire.Message) (uint64, bool) {
	switch m := m.(type) {
	case *wire.Subscribe:
		return m.RequestID, true
	case *wire.TrackStatus:
		return m.RequestID, true
	case *wire.Publish:
		return m.RequestID, true
	case *wire.Fetch:
		return m.RequestID, true
	case *wire.PublishNamespace:
		return m.RequestID, true
	case *wire.SubscribeNamespace:
		return m.RequestID, true
	case *wire.SubscribeTracks:
		return m.RequestID, true
	}
	return 0, false
}

// beginRequest notes a request by its first message. Only then is its ID taken:
// another request that refers to it finds it.
func (s *Session) beginRequest(c channel, m wire.Message, id uint64) (*inRequest, error) {
	r := newInRequest(s.ctx, s, c, m.Type(), id)
	req, refusal, err := s.newRequest(r, m)
	if err == nil {
		var leaving bool
		if leaving, err = s.takeRequestID(id); leaving {
			refusal = &RequestError{Code: wire.RequestGoingAway, Reason: "going away"}
		}
	}
	switch {
	case err != nil:
		r.stop()
	case refusal != nil:
		r.RejectWith(refusal)
	default:
		r.request = req
	}
	return r, err
}

// serve serves the request to its end.
func (r *inRequest) serve() {
	defer r.free()
	defer r.stop()
	s, req := r.session, r.request
	if req == nil {
		return // refused without an application: the answer is on its way
	}
	defer context.AfterFunc(r.stopped(), r.stop)() // STOP_SENDING cancels (moqt-18 §3.3.2)
	served := make(chan struct{})
	s.tasks.Go(func() {
		defer close(served)
		s.dispatch(r.ctx, req)
	})
	err := r.follow(req)
	s.fault(err)
	r.updates.end()
	r.stop()
	req.released()
	<-served // the answer is on its way
	if err == nil {
		r.finish(nil)
	}
}

// crossingGrace is how long a request that collides with another waits for the
// end of that: its cancellation may be on its way, on another stream.
const crossingGrace = 500 * time.Millisecond

// dispatch has the Handler answer a request.
func (s *Session) dispatch(ctx context.Context, req Request) {
	switch r := req.(type) {
	case *FetchRequest:
		if refusal := r.prepare(ctx); refusal != nil {
			r.Reject(refusal.Code, refusal.Reason, NoRetry())
			return
		}
	case *SubscribeRequest:
		if !r.served.claimTrack(crossingGrace) {
			r.Reject(wire.RequestDuplicateSubscription, "subscribed to already", NoRetry())
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

// newRequest makes the request of its first message, which is refused without the
// Handler when refusal is set.
func (s *Session) newRequest(r *inRequest, m wire.Message) (req Request, refusal, err error) {
	var params *wire.Parameters
	var name wire.FullTrackName
	switch m := m.(type) {
	case *wire.Subscribe:
		params, name = &m.Params, m.Track
	case *wire.TrackStatus:
		params, name = &m.Params, m.Track
	case *wire.Publish:
		params, name = &m.Params, m.Track
	case *wire.Fetch:
		params, name = &m.Params, m.Track
	case *wire.PublishNamespace:
		params, name.Namespace = &m.Params, m.Namespace
	case *wire.SubscribeNamespace:
		params = &m.Params
		if m.Interest == wire.InterestTracks { // draft 16 says it by an option
			r.kind = wire.MsgSubscribeTracks
		}
	case *wire.SubscribeTracks:
		params = &m.Params
	}
	if err := s.resolveTokens(params); err != nil {
		return nil, nil, err
	}
	switch m := m.(type) {
	case *wire.Subscribe:
		req = &SubscribeRequest{inRequest: r, Track: m.Track, Params: m.Params}
	case *wire.TrackStatus:
		req = &TrackStatusRequest{inRequest: r, Track: m.Track, Params: m.Params}
	case *wire.Publish:
		req = &PublishRequest{inRequest: r, Track: m.Track, Params: m.Params, Properties: m.TrackProperties, alias: m.TrackAlias}
	case *wire.Fetch:
		req = &FetchRequest{inRequest: r, Track: m.Track, Params: m.Params, message: m}
	case *wire.PublishNamespace:
		req = &PublishNamespaceRequest{inRequest: r, Namespace: m.Namespace, Params: m.Params}
	case *wire.SubscribeNamespace:
		if r.kind == wire.MsgSubscribeTracks {
			req = &SubscribeTracksRequest{inRequest: r, Prefix: m.Prefix, Params: m.Params}
		} else {
			req = &SubscribeNamespaceRequest{inRequest: r, Prefix: m.Prefix, Params: m.Params, again: make(chan struct{}, 1), both: m.Interest == wire.InterestBoth}
		}
	case *wire.SubscribeTracks:
		req = &SubscribeTracksRequest{inRequest: r, Prefix: m.Prefix, Params: m.Params}
	}
	refusal = s.rangeFault(params)
	if s.version.Has(wire.FeatureReservedNamespaces) && reserved(name.Namespace) {
		refusal = &RequestError{Code: wire.RequestDoesNotExist, Reason: "reserved namespace"}
	}
	switch x := req.(type) {
	case *PublishRequest:
		answered := s.offer(x.alias, x.Track)
		r.settle = sync.OnceFunc(func() {
			answered(x.accepted() == nil)
			close(r.settled)
		})
	case *SubscribeRequest:
		x.served = s.enlist(r.id, x.Track)
		x.served.tokens = x.Params.AuthTokens // nobody joins it before it is settled
		r.refused = func() {                  // the peer may ask again as soon as it knows
			x.served.delist()
			x.served.settle()
		}
	}
	return req, refusal, nil
}

// reserved reports whether a namespace never exists here (moqt-18 §3.2.1,
// §3.2.2: no session-level track is defined).
func reserved(n wire.Namespace) bool {
	return len(n) > 0 && (n[0] == "." || n[0] == ".session")
}
