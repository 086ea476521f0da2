package relay

import (
	"context"
	"errors"
	"slices"

	"moqedge/moq"
	"moqedge/moq/wire"
)

// Verb is what a session wants to do.
type Verb uint8

// Verbs. Subscribe stands for SUBSCRIBE, FETCH and TRACK_STATUS, which all read
// a track.
const (
	VerbSubscribe Verb = iota + 1
	VerbPublish
	VerbPublishNamespace
	VerbSubscribeNamespace
	VerbSubscribeTracks
)

var verbNames = [...]string{
	VerbSubscribe: "subscribe", VerbPublish: "publish", VerbPublishNamespace: "publish namespace",
	VerbSubscribeNamespace: "subscribe namespace", VerbSubscribeTracks: "subscribe tracks",
}

// String returns the name used in logs.
func (v Verb) String() string { return verbNames[v] }

// Action is a request that needs permission.
type Action struct {
	Verb    Verb
	Session *moq.Session
	// Track is the full name for VerbSubscribe and VerbPublish; of the others
	// Namespace alone is set: a namespace, or the prefix of those asked for.
	Track wire.FullTrackName
	// Tokens are those of the session's SETUP and then those of the request, all
	// with their values (moqt-18 §10.2.2). They must not be changed.
	Tokens []wire.Token
}

// Authorizer says whether a request is permitted: nil, or why not. A
// *moq.RequestError is told to the peer with its code, any other error as
// UNAUTHORIZED. It is asked once for every request of every session, so also
// for a subscription that shares the upstream one of others (moqt-18 §9.4), and
// for every track of a namespace that was permitted (moqt-18 §9.5). Upstreams,
// and relays that showed a certificate, are not asked about. It may wait, as long as ctx.
type Authorizer func(ctx context.Context, a Action) error

// permit asks the relay's Authorizer about a request and refuses what is not permitted.
func (r *Relay) permit(ctx context.Context, req moq.Request) bool {
	if r.config.Authorize == nil || isTrusted(req.Session()) {
		return true
	}
	s := req.Session()
	prefixes := func(v Verb) func(wire.Namespace, wire.Parameters) error {
		return func(prefix wire.Namespace, p wire.Parameters) error {
			return r.authorize(ctx, s, v, wire.FullTrackName{Namespace: prefix}, p)
		}
	}
	var err error
	switch req := req.(type) {
	case *moq.SubscribeRequest:
		err = r.authorize(ctx, s, VerbSubscribe, req.Track, req.Params)
	case *moq.FetchRequest:
		if req.Joined() != nil { // its subscription was permitted
			return true
		}
		err = r.authorize(ctx, s, VerbSubscribe, req.Track, req.Params)
	case *moq.TrackStatusRequest:
		err = r.authorize(ctx, s, VerbSubscribe, req.Track, req.Params)
	case *moq.PublishRequest:
		err = r.authorize(ctx, s, VerbPublish, req.Track, req.Params)
	case *moq.PublishNamespaceRequest:
		err = r.authorize(ctx, s, VerbPublishNamespace, wire.FullTrackName{Namespace: req.Namespace}, req.Params)
	case *moq.SubscribeNamespaceRequest:
		if req.Permit = prefixes(VerbSubscribeNamespace); isWays(req.Prefix) && req.Routes() {
			err = prefixes(VerbSubscribeTracks)(req.Prefix[1:], req.Params)
			break
		}
		err = req.Permit(req.Prefix, req.Params)
	case *moq.SubscribeTracksRequest:
		req.Permit = prefixes(VerbSubscribeTracks)
		err = req.Permit(req.Prefix, req.Params)
	}
	if err != nil {
		req.RejectWith(err)
	}
	return err == nil
}

// authorize asks about one action. Its error is a *moq.RequestError.
func (r *Relay) authorize(ctx context.Context, s *moq.Session, v Verb, track wire.FullTrackName, p wire.Parameters) error {
	tokens := append(slices.Clone(s.PeerTokens()), p.AuthTokens...)
	err := r.config.Authorize(ctx, Action{Verb: v, Session: s, Track: track, Tokens: tokens})
	if err == nil {
		return nil
	}
	r.log.Info("not permitted", "verb", v.String(), "track", track.String(), "remote", s.Conn().Info().RemoteAddr.String(), "error", err)
	if refused := (*moq.RequestError)(nil); errors.As(err, &refused) {
		return refused
	}
	return &moq.RequestError{Code: wire.RequestUnauthorized, Reason: err.Error()}
}
