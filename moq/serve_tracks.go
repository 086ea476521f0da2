package moq

import "moqedge/moq/wire"

// SubscribeTracksRequest asks for PUBLISH of all tracks below a prefix (moqt-18
// §10.19). In draft 16 it is a SUBSCRIBE_NAMESPACE with an option.
type SubscribeTracksRequest struct {
	*inRequest
	Prefix wire.Namespace // as first asked for; empty means all
	// Params are what the subscriptions begin with (moqt-18 §10.19).
	Params wire.Parameters

	// Permit is asked before the prefix is changed; an error refuses that and
	// ends the request. It may be nil. Updated is called when the peer changed
	// the prefix or the parameters of later subscriptions, after it was
	// answered; nil refuses new prefixes. Both are set before Accept.
	Permit  func(prefix wire.Namespace, p wire.Parameters) error
	Updated func(prefix wire.Namespace, p wire.Parameters)

	implied bool // the channel of another request answers

	accepted bool           // guarded by the session's mu, as what follows
	current  wire.Namespace // valid when accepted
}

// Accept answers REQUEST_OK, as SubscribeNamespaceRequest.Accept does. The
// Handler then offers tracks by Session.Publish until the context is done.
func (r *SubscribeTracksRequest) Accept() bool {
	if !r.claim() {
		return false
	}
	if r.implied {
		return true
	}
	if !r.session.claimPrefix(r.prefixKind(), wire.Option[wire.Namespace]{}, r.Prefix) {
		r.refuse(&wire.RequestErr{Code: wire.RequestPrefixOverlap, Reason: "the prefix overlaps another subscription"})
		return false
	}
	r.session.mu.Lock()
	r.current, r.accepted = r.Prefix, true
	r.session.mu.Unlock()
	if r.accept(&wire.RequestOK{}) != nil {
		r.giveUp(wire.ResetInternalError)
	}
	return true
}

// prefixKind is the space in which prefixes must not overlap: from draft 18 on
// the two kinds of requests have one each (moqt-18 §10.19).
func (r *SubscribeTracksRequest) prefixKind() wire.MessageType {
	if r.session.version.Has(wire.FeatureSubscribeTracks) {
		return wire.MsgSubscribeTracks
	}
	return wire.MsgSubscribeNamespace
}

// Blocked tells that a track is not offered: PUBLISH_BLOCKED, from draft 19
// PUBLISH_SKIPPED (moqt-18 §10.20). Draft 16 has no message for it.
func (r *SubscribeTracksRequest) Blocked(name wire.FullTrackName) {
	if !r.session.version.Has(wire.FeatureSubscribeTracks) {
		return
	}
	r.session.mu.Lock()
	prefix := r.current
	r.session.mu.Unlock()
	_ = r.send(&wire.PublishBlocked{Suffix: name.Namespace.Suffix(prefix), Name: name.Name})
}

func (r *SubscribeTracksRequest) update(m *wire.RequestUpdate) (wire.Parameters, error) {
	s := r.session
	s.mu.Lock()
	prefix, accepted := r.current, r.accepted
	s.mu.Unlock()
	if p := m.Params.TrackNamespacePrefix; p.Set {
		if r.Updated == nil {
			return wire.Parameters{}, &RequestError{Code: wire.RequestNotSupported, Reason: "the prefix cannot be changed"}
		}
		if err := permitted(r.Permit, p.Value, m.Params); err != nil {
			return wire.Parameters{}, err
		}
		if !accepted || !s.claimPrefix(r.prefixKind(), wire.Some(prefix), p.Value) {
			return wire.Parameters{}, &RequestError{Code: wire.RequestPrefixOverlap, Reason: "the prefix overlaps another subscription"}
		}
		prefix = p.Value
		s.mu.Lock()
		r.current = prefix
		s.mu.Unlock()
	}
	if r.Updated != nil {
		r.Updated(prefix, m.Params)
	}
	return wire.Parameters{}, nil
}

func (r *SubscribeTracksRequest) released() {
	r.session.mu.Lock()
	defer r.session.mu.Unlock()
	if r.accepted {
		r.accepted = false
		r.session.dropPrefix(r.prefixKind(), r.current)
	}
}
