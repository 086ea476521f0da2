package relay

import (
	"context"
	"errors"
	"strings"

	"moqedge/moq"
	"moqedge/moq/wire"
)

// Tracer follows single requests on their way through relays: SUBSCRIBE, FETCH and
// TRACK_STATUS. Its methods, and those of its spans, are called by many goroutines at a
// time, with locks of the relay held; they must neither block nor call the relay.
type Tracer interface {
	// Asked begins the span of a request of a peer. nil: it is not followed.
	Asked(a Asked) Span
	// Asks begins the span of a request that the relay makes. nil: it is not followed.
	Asks(a Asks) Span
}

// Span is what a Tracer knows of one request.
type Span interface {
	// Context is what the peer that is asked is told of the span, if it understands that
	// (moq.Session.PeerTraces); nil: nothing.
	Context() *wire.TraceContext
	// Sampled reports whether anything of the span is kept.
	Sampled() bool
	// Link says that what another span was begun for is of use for this one as well.
	Link(to Span)
	// To says to whom a request of the relay is sent, From where the track of a peer's
	// request was had from.
	To(s *moq.Session)
	From(source Source)
	// Accepted says that a subscription was answered with SUBSCRIBE_OK; with awaits, that
	// objects are to come, else the span ends. Began says that the first one of them does:
	// the span ends, as what was asked for is there.
	Accepted(awaits bool)
	Began()
	// End ends the span: err says why there was nothing, or is nil. Only the first call
	// has an effect.
	End(err error)
}

// Asked is a request of a peer.
type Asked struct {
	Request wire.MessageType
	Session *moq.Session
	Role    string             // of the peer: client, or relay above or below
	Peer    Vouched            // whether what it says can be relied on
	Track   wire.FullTrackName // the peer chose it
	// Context is what the peer says that the request is a part of; nil: nothing.
	Context *wire.TraceContext
}

// Asks is a request of the relay.
type Asks struct {
	Request wire.MessageType
	Link    string // what the link to the relay that is asked is called; "": it is a publisher
	Track   wire.FullTrackName
	// Cause is the span of the request that it is made for; nil: nobody's, as when a
	// publisher was lost.
	Cause Span
}

// Vouched says who vouches for a peer.
type Vouched uint8

const (
	// VouchedByNobody: it is a viewer or a publisher, whoever that is.
	VouchedByNobody Vouched = iota
	// VouchedByItself: it says that it is a relay, as anybody can.
	VouchedByItself
	// VouchedHere: it is a relay that this one was told to trust, or one that showed a
	// certificate for it, or a session of this process (Config.Resident).
	VouchedHere
)

func (r *Relay) vouched(s *moq.Session) Vouched {
	if r.isUnlimited(s) {
		return VouchedHere
	}
	if _, ok := s.PeerRelay(); ok {
		return VouchedByItself
	}
	return VouchedByNobody
}

// follow begins the span of a request; nil: it has none.
func (r *Relay) follow(req moq.Request) Span {
	if r.config.Tracer == nil {
		return nil
	}
	a := Asked{Session: req.Session()}
	switch req := req.(type) {
	case *moq.SubscribeRequest:
		a.Request, a.Track, a.Context = wire.MsgSubscribe, req.Track, req.Params.TraceContext
	case *moq.FetchRequest:
		a.Request, a.Track, a.Context = wire.MsgFetch, req.Track, req.Params.TraceContext
	case *moq.TrackStatusRequest:
		a.Request, a.Track, a.Context = wire.MsgTrackStatus, req.Track, req.Params.TraceContext
	default:
		return nil
	}
	a.Role, a.Peer = roleOf(a.Session), r.vouched(a.Session)
	return r.config.Tracer.Asked(a)
}

// ErrGivenUp is what the span of a request ends with whose peer left before it had what
// it asked for.
var ErrGivenUp = errors.New("given up by the peer")

// Left ends the span of a request that its handler is done with, unless it is a
// subscription that goes on.
func Left(ctx context.Context, span Span, req moq.Request) {
	refusal := req.Refusal()
	switch {
	case refusal != nil && refusal.Code == wire.RequestInternalError && ctx.Err() != nil: // nobody hears that
		span.End(ErrGivenUp)
		return
	case refusal != nil:
		span.End(refusal)
		return
	}
	switch req := req.(type) {
	case *moq.SubscribeRequest:
	case *moq.FetchRequest:
		if !req.Complete() {
			span.End(ErrGivenUp)
			return
		}
		span.End(nil)
	default:
		span.End(nil)
	}
}

// spanKey is what a context has the span of a request under.
type spanKey struct{}

func withSpan(ctx context.Context, span Span) context.Context {
	return context.WithValue(ctx, spanKey{}, span)
}

// spanIn is the span of the request that a context is of, or nil.
func spanIn(ctx context.Context) Span {
	span, _ := ctx.Value(spanKey{}).(Span)
	return span
}

// contextOf is Span.Context, begun Span.Began as what is told of objects, and end
// Span.End; of nil, nothing.
func contextOf(span Span) *wire.TraceContext {
	if span == nil {
		return nil
	}
	return span.Context()
}

func begun(span Span) func() {
	if span == nil || !span.Sampled() {
		return nil
	}
	return span.Began
}

func end(span Span, err error) {
	if span != nil {
		span.End(err)
	}
}

// follow begins the span of the request for a feed: it is part of what one of those
// who wait for the track asked for, of one that is kept if there is any. The caller
// holds mu.
func (f *feed) follow() {
	for u := range f.entry.uses {
		if u.span != nil && !u.accepted && (f.cause == nil || u.span.Sampled()) {
			f.cause = u.span
		}
	}
	f.span = f.asks(wire.MsgSubscribe, f.cause)
}

// asks begins the span of a request to a feed's publisher; nil: it has none.
func (f *feed) asks(request wire.MessageType, cause Span) Span {
	e := f.entry
	if e.relay.config.Tracer == nil {
		return nil
	}
	a := Asks{Request: request, Track: e.name, Cause: cause}
	if f.link != nil {
		a.Link, _, _ = strings.Cut(f.link.name(), "?") // one without a name is its URL, with what may be a token
	}
	return e.relay.config.Tracer.Asks(a)
}

// to notes whom a feed's request is sent to.
func (f *feed) to(s *moq.Session) {
	if f.span != nil {
		f.span.To(s)
	}
}

// asking takes in how the request for a feed was answered.
func (f *feed) asking(established bool, err error) {
	if f.span == nil {
		return
	}
	if !established {
		f.span.End(err)
		return
	}
	f.entry.mu.Lock()
	forward := f.forward
	f.entry.mu.Unlock()
	f.span.Accepted(forward)
}

// fetchBy sends a FETCH to a feed's publisher because of a request, whose span is cause
// or nil.
func (f *feed) fetchBy(o moq.FetchOptions, cause Span) {
	span := f.asks(wire.MsgFetch, cause)
	o.Params.TraceContext = contextOf(span)
	if span != nil {
		span.To(f.session)
	}
	fetch := f.session.Fetch(o)
	if span != nil && span.Sampled() {
		f.entry.relay.tasks.Go(func() {
			<-fetch.Done() // at the latest with its session, which is one of the relay's
			span.End(fetch.Err())
		})
	}
}

// shares links the request of a user to those by which the track is had, unless they
// were made for it.
func (u *use) shares() {
	if u.span == nil || !u.span.Sampled() {
		return
	}
	u.entry.mu.Lock()
	defer u.entry.mu.Unlock()
	for _, f := range u.entry.providers() {
		if f.span != nil && f.cause != u.span {
			u.span.Link(f.span)
		}
	}
}

// fetchedFrom tells the span of a FETCH where its objects are had from.
func (u *use) fetchedFrom(cache bool) {
	switch {
	case u.span == nil:
	case cache:
		u.span.From(SourceCache)
	default:
		u.span.From(u.provider())
	}
}
