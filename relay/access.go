package relay

import (
	"context"
	"errors"
	"slices"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
)

// Verb is what a session wants to do.
type Verb uint8

// Verbs. VerbConnect is asked about when a session begins. VerbShow is asked about
// each namespace that a subscriber of namespaces is about to be told of: without
// permission it does not learn of it. VerbUpdate is REQUEST_UPDATE, asked about
// besides the verb of the request when that brings tokens.
const (
	VerbSubscribe Verb = iota + 1
	VerbFetch
	VerbTrackStatus
	VerbPublish
	VerbPublishNamespace
	VerbSubscribeNamespace
	VerbSubscribeTracks
	VerbShow
	VerbUpdate
	VerbConnect
	verbs // how many there are, and one
)

var verbNames = [...]string{
	VerbSubscribe: "subscribe", VerbFetch: "fetch", VerbTrackStatus: "track status",
	VerbPublish: "publish", VerbPublishNamespace: "publish namespace",
	VerbSubscribeNamespace: "subscribe namespace", VerbSubscribeTracks: "subscribe tracks",
	VerbShow: "show", VerbUpdate: "update", VerbConnect: "connect",
}

// String returns the name used in logs.
func (v Verb) String() string { return verbNames[v] }

// Action is what needs permission.
type Action struct {
	Verb    Verb
	Session *moq.Session
	// Track is the full name for requests about a track and their updates; of the
	// others Namespace alone is set: a namespace, or the prefix of those asked for.
	// VerbConnect has none.
	Track wire.FullTrackName
	// Tokens are those of the session's SETUP and then those of the request, all
	// with their values (moqt-18 §10.2.2). They must not be changed.
	Tokens []wire.Token
	// Own is how many of them, the last ones, came with the request.
	Own int
}

// Verdict is what an Authorizer permits.
type Verdict struct {
	// Until is when the permission ends; the zero value: not at a known time. What
	// goes on then is asked about again, and ended unless it is permitted for longer.
	Until time.Time
	// Subject is whose token it rests on, for limits of tokens (limit.Token) and for logs;
	// "" when it rests on none, or on one that does not say.
	Subject string
}

// Authorizer says whether something is permitted, or why not. A
// *moq.RequestError is told to the peer with its code, any other error as
// UNAUTHORIZED. It is asked once for every request of every session, so also
// for a subscription that shares the upstream one of others (moqt-18 §9.4), and
// for every track of a namespace that was permitted (moqt-18 §9.5); again when a
// permission ends (Verdict.Until), and when a REQUEST_UPDATE comes. Upstreams,
// relays that showed a certificate, and Config.Resident sessions are not asked
// about, unless Config.Certified says who is to be asked instead. It may wait, as long
// as ctx.
type Authorizer func(ctx context.Context, a Action) (Verdict, error)

// authorizer is who is asked about a session; nil: it may do everything.
func (r *Relay) authorizer(s *moq.Session) Authorizer {
	if info := s.Conn().Info(); r.config.Certified != nil && info.Verified {
		if bound := r.config.Certified(info.Certificate); bound != nil {
			return bound
		}
	}
	if r.isUnlimited(s) {
		return nil
	}
	return r.config.Authorize
}

// isFree reports whether a session may do everything.
func (r *Relay) isFree(s *moq.Session) bool { return r.authorizer(s) == nil }

// actionOf is what a request needs permission for.
func actionOf(req moq.Request) (a Action, own []wire.Token) {
	a.Session = req.Session()
	switch req := req.(type) {
	case *moq.SubscribeRequest:
		a.Verb, a.Track, own = VerbSubscribe, req.Track, req.Params.AuthTokens
	case *moq.FetchRequest:
		a.Verb, a.Track, own = VerbFetch, req.Track, req.Params.AuthTokens
	case *moq.TrackStatusRequest:
		a.Verb, a.Track, own = VerbTrackStatus, req.Track, req.Params.AuthTokens
	case *moq.PublishRequest:
		a.Verb, a.Track, own = VerbPublish, req.Track, req.Params.AuthTokens
	case *moq.PublishNamespaceRequest:
		a.Verb, a.Track.Namespace, own = VerbPublishNamespace, req.Namespace, req.Params.AuthTokens
	case *moq.SubscribeNamespaceRequest:
		a.Verb, a.Track.Namespace, own = VerbSubscribeNamespace, req.Prefix, req.Params.AuthTokens
		if isWays(req.Prefix) && req.Routes() {
			a.Verb, a.Track.Namespace = VerbSubscribeTracks, req.Prefix[1:]
		}
	case *moq.SubscribeTracksRequest:
		a.Verb, a.Track.Namespace, own = VerbSubscribeTracks, req.Prefix, req.Params.AuthTokens
	}
	return a, own
}

// permit asks the relay's Authorizer about a request and refuses what is not
// permitted. What is has a permission until ctx is done, nil when nobody is asked
// about it.
func (r *Relay) permit(ctx context.Context, req moq.Request) (p *permission, ok bool) {
	if r.isFree(req.Session()) {
		return nil, true
	}
	a, own := actionOf(req)
	verdict, err := r.authorize(ctx, a, own)
	if err != nil {
		req.RejectWith(err)
		return nil, false
	}
	p = &permission{relay: r, ctx: ctx, action: a, subject: verdict.Subject, own: own, until: verdict.Until}
	p.end = func(err *moq.RequestError) {
		req.RejectWith(err) // unless it was answered
		req.Revoke(resetFor(err))
	}
	switch req := req.(type) {
	case *moq.PublishNamespaceRequest:
		p.end = func(err *moq.RequestError) {
			r.disown(req.Session(), req.Namespace, resetFor(err))
			req.Revoke(resetFor(err))
		}
	case *moq.SubscribeNamespaceRequest:
		req.Permit = p.prefix
	case *moq.SubscribeTracksRequest:
		req.Permit = p.prefix
	}
	req.Grant(moq.Permission{Until: verdict.Until, Renew: p.renew})
	r.permissions.add(p)
	r.after(ctx, func() { r.permissions.remove(p) })
	return p, true
}

// permitSession asks whether a session may be. false means that it is closed.
func (r *Relay) permitSession(s *moq.Session) bool {
	if r.isFree(s) {
		return true
	}
	a := Action{Verb: VerbConnect, Session: s}
	verdict, err := r.authorize(s.Context(), a, nil)
	if err != nil {
		refused := err.(*moq.RequestError)
		s.Close(sessionCode(refused), refused.Reason)
		return false
	}
	if !r.bind(s, verdict.Subject) {
		return false
	}
	r.accounts.name(s, verdict.Subject)
	p := &permission{relay: r, ctx: s.Context(), action: a, subject: verdict.Subject, until: verdict.Until}
	p.end = func(err *moq.RequestError) { r.permissions.endSession(s, err) }
	r.permissions.add(p)
	r.after(s.Context(), func() { r.permissions.remove(p) })
	return true
}

// permitOffer asks whether the session that asked for all tracks below a prefix may
// have one of them. It is not told of those that it may not have.
func (r *Relay) permitOffer(o *offers, track wire.FullTrackName) (p *permission, ok bool) {
	if o.permission == nil {
		return nil, true
	}
	s := o.session
	a := Action{Verb: VerbSubscribe, Session: s, Track: track}
	verdict, err := r.ask(s.Context(), a, o.permission.tokens())
	if err != nil {
		return nil, false
	}
	return &permission{relay: r, ctx: s.Context(), action: a, parent: o.permission, until: verdict.Until, subject: verdict.Subject}, true
}

// authorize asks about an action with tokens of its own besides those of the
// session. Its error is a *moq.RequestError.
func (r *Relay) authorize(ctx context.Context, a Action, own []wire.Token) (Verdict, error) {
	verdict, err := r.ask(ctx, a, own)
	if err == nil {
		return verdict, nil
	}
	r.log.Info("not permitted", "verb", a.Verb.String(), "track", a.Track.String(), "remote", a.Session.Conn().Info().RemoteAddr.String(), "error", err)
	return verdict, err
}

// ask is authorize for what nobody asked for: it is not logged.
func (r *Relay) ask(ctx context.Context, a Action, own []wire.Token) (Verdict, error) {
	a.Tokens, a.Own = append(slices.Clip(a.Session.PeerTokens()), own...), len(own)
	authorize := r.authorizer(a.Session)
	if authorize == nil { // since it was asked about last
		return Verdict{}, nil
	}
	verdict, err := authorize(ctx, a)
	if err == nil && !verdict.Until.IsZero() && !verdict.Until.After(time.Now()) {
		err = expired()
	}
	if refused := (*moq.RequestError)(nil); err == nil || errors.As(err, &refused) {
		if err != nil {
			err = refused
		}
		return verdict, err
	}
	return verdict, &moq.RequestError{Code: wire.RequestUnauthorized, Reason: err.Error()}
}

func expired() *moq.RequestError {
	return &moq.RequestError{Code: wire.RequestExpiredAuthToken, Reason: "the permission is over"}
}

// resetFor is how the streams of what is not permitted any more end (moqt-18 §3.3.3).
func resetFor(err *moq.RequestError) wire.ResetCode {
	if err.Code == wire.RequestExpiredAuthToken {
		return wire.ResetExpiredAuthToken
	}
	return wire.ResetCancelled
}

func doneFor(err *moq.RequestError) wire.PublishDoneCode {
	if err.Code == wire.RequestExpiredAuthToken {
		return wire.DoneExpired
	}
	return wire.DoneUnauthorized
}

// sessionCode is what a session that is not permitted is closed with (moqt-18 §3.5).
func sessionCode(err *moq.RequestError) wire.SessionError {
	switch err.Code {
	case wire.RequestExpiredAuthToken:
		return wire.SessionExpiredAuthToken
	case wire.RequestMalformedAuthToken:
		return wire.SessionMalformedAuthToken
	}
	return wire.SessionUnauthorized
}

// shows reports whether a session may learn of a namespace, by what a request of it
// was permitted with.
func (r *Relay) shows(p *permission, ns wire.Namespace) bool {
	if p == nil {
		return true
	}
	_, err := r.ask(p.ctx, Action{Verb: VerbShow, Session: p.action.Session, Track: wire.FullTrackName{Namespace: ns}}, p.tokens())
	return err == nil
}
