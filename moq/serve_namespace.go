package moq

import (
	"context"
	"errors"
	"slices"
	"sync"

	"moqedge/moq/wire"
)

// PublishNamespaceRequest announces a namespace of the peer (moqt-18 §10.15).
type PublishNamespaceRequest struct {
	*inRequest
	// Namespace has tracks that can be subscribed to in this session.
	Namespace wire.Namespace
	// Params are the peer's; AuthTokens hold values, not aliases.
	Params wire.Parameters
}

// Accept answers REQUEST_OK. The namespace is published until the context of
// the request is done; Revoke ends it from this side.
func (r *PublishNamespaceRequest) Accept() {
	if r.claim() && r.accept(&wire.RequestOK{}) != nil {
		r.giveUp(wire.ResetInternalError)
	}
}

func (r *PublishNamespaceRequest) update(*wire.RequestUpdate) (wire.Parameters, error) {
	return wire.Parameters{}, nil
}

func (r *PublishNamespaceRequest) released() {}

// SubscribeNamespaceRequest asks for the namespaces below a prefix (moqt-18
// §10.18).
type SubscribeNamespaceRequest struct {
	*inRequest
	Prefix wire.Namespace  // as first asked for; empty means all
	Params wire.Parameters // the peer's; AuthTokens hold values, not aliases

	// Shows is asked about each namespace that Follow is about to tell of: false
	// leaves it out, until Reconsider. It may wait; nil shows all.
	Shows func(ns wire.Namespace) bool
	// Permit is asked before the prefix is changed; an error refuses that and
	// ends the request. It may be nil. Updated is called when the peer has
	// changed the prefix, after it was answered; nil refuses such updates. Both
	// are set before Accept.
	Permit  func(prefix wire.Namespace, p wire.Parameters) error
	Updated func(prefix wire.Namespace)

	again chan struct{} // has an element when Shows may say something else than before

	both  bool // draft 16: PUBLISH of the tracks below the prefix is wanted too
	moved bool // the prefix was changed and that is not answered; touched by updates alone

	sendMu   sync.Mutex
	current  wire.Namespace // guarded by the session's mu; valid when accepted
	accepted bool
}

// Accept answers REQUEST_OK; false means that the request was refused because
// its prefix overlaps another (moqt-18 §10.18).
func (r *SubscribeNamespaceRequest) Accept() bool {
	if !r.claim() {
		return false
	}
	if !r.session.claimPrefix(r.kind, wire.Option[wire.Namespace]{}, r.Prefix) {
		r.refuse(&wire.RequestErr{Code: wire.RequestPrefixOverlap, Reason: "the prefix overlaps another subscription"})
		return false
	}
	r.session.mu.Lock()
	r.current, r.accepted = r.Prefix, true
	r.session.mu.Unlock()
	if r.accept(&wire.RequestOK{}) != nil {
		r.giveUp(wire.ResetInternalError)
	}
	if r.both {
		r.implyTracks()
	}
	return true
}

// implyTracks has the Handler serve the other half of a SUBSCRIBE_NAMESPACE of
// draft 16 that asks for namespaces and for PUBLISH (moqt-16 §9.25).
func (r *SubscribeNamespaceRequest) implyTracks() {
	inner := newInRequest(r.ctx, r.session, silentChannel{r.ctx}, wire.MsgSubscribeTracks, r.id)
	tracks := &SubscribeTracksRequest{inRequest: inner, Prefix: r.Prefix, Params: r.Params, implied: true}
	r.session.tasks.Go(func() {
		r.session.dispatch(inner.ctx, tracks)
		inner.stop()
	})
}

// Add tells of a namespace below the prefix, Remove of its end (NAMESPACE,
// NAMESPACE_DONE). A peer that does not read them loses the session.
func (r *SubscribeNamespaceRequest) Add(ns wire.Namespace) {
	r.tell(ns, func(suffix wire.Namespace) wire.Message { return &wire.NamespaceMsg{Suffix: suffix} })
}

// Remove is the counterpart of Add.
func (r *SubscribeNamespaceRequest) Remove(ns wire.Namespace) {
	r.tell(ns, func(suffix wire.Namespace) wire.Message { return &wire.NamespaceDone{Suffix: suffix} })
}

// Routes reports whether the peer is a relay, and this side too: it is told of
// namespaces by AddRoute instead of Add.
func (r *SubscribeNamespaceRequest) Routes() bool { return r.session.betweenRelays() }

// AddRoute tells of the route to a namespace below the prefix, in the place of
// what was told of it before (ROUTE). The Suffix of m is set here.
func (r *SubscribeNamespaceRequest) AddRoute(ns wire.Namespace, m wire.Route) {
	r.tell(ns, func(suffix wire.Namespace) wire.Message {
		m.Suffix = suffix
		return &m
	})
}

// Follow accepts the request and tells of the namespaces that watch tells of,
// until ctx is done, also when the peer changes the prefix. watch hands events
// about those below a prefix that are there, and all that come and go, to w until
// it is stopped; events about others are left out.
func (r *SubscribeNamespaceRequest) Follow(ctx context.Context, watch func(prefix wire.Namespace, w NamespaceEvents) (stop func())) {
	changed := make(chan wire.Namespace, 1)
	r.Updated = func(prefix wire.Namespace) {
		select {
		case <-changed: // overtaken
		default:
		}
		changed <- prefix
	}
	if !r.Accept() {
		return
	}
	prefix := r.Prefix
	for ctx.Err() == nil {
		prefix = r.followPrefix(ctx, prefix, watch, changed)
	}
}

// Reconsider has Follow ask Shows anew about all namespaces that are there: those that it
// shows now are told of, those that it shows no more are withdrawn. It does not wait and
// may be called at any time.
func (r *SubscribeNamespaceRequest) Reconsider() {
	select {
	case r.again <- struct{}{}:
	default:
	}
}

// followPrefix tells of the namespaces below a prefix until it changes, and
// returns the next one.
func (r *SubscribeNamespaceRequest) followPrefix(ctx context.Context, prefix wire.Namespace, watch func(wire.Namespace, NamespaceEvents) func(), changed <-chan wire.Namespace) wire.Namespace {
	ctx, cancel := context.WithCancel(ctx)
	queue := NewNamespaceQueue(prefix)
	stop := watch(prefix, queue)
	ended := make(chan struct{})
	add, remove := r.shown()
	r.session.tasks.Go(func() {
		defer close(ended)
		queue.Run(ctx, add, remove)
	})
	for waits := true; waits; {
		select {
		case <-r.again:
			queue.Repeat()
		case prefix = <-changed:
			waits = false
		case <-ctx.Done():
			waits = false
		}
	}
	cancel()
	stop()
	<-ended
	return prefix
}

// shown is Add and Remove for what Shows lets through, for one goroutine.
func (r *SubscribeNamespaceRequest) shown() (add, remove func(wire.Namespace)) {
	if r.Shows == nil {
		return r.Add, r.Remove
	}
	told := map[string]struct{}{}
	add = func(ns wire.Namespace) {
		key := ns.Key()
		switch shows, known := r.Shows(ns), has(told, key); {
		case shows && !known:
			told[key] = struct{}{}
			r.Add(ns)
		case known && !shows:
			delete(told, key)
			r.Remove(ns)
		}
	}
	remove = func(ns wire.Namespace) {
		if key := ns.Key(); has(told, key) {
			delete(told, key)
			r.Remove(ns)
		}
	}
	return add, remove
}

func has[K comparable](set map[K]struct{}, key K) bool {
	_, ok := set[key]
	return ok
}

// tell sends a message about a namespace; one that a changed prefix leaves out is
// not spoken of any more (moqt-18 §10.9.2).
func (r *SubscribeNamespaceRequest) tell(ns wire.Namespace, m func(wire.Namespace) wire.Message) {
	r.sendMu.Lock()
	defer r.sendMu.Unlock()
	r.session.mu.Lock()
	prefix := r.current
	r.session.mu.Unlock()
	if !ns.HasPrefix(prefix) {
		return
	}
	if r.send(m(ns.Suffix(prefix))) != nil {
		r.giveUp(wire.ResetInternalError)
	}
}

// update changes the prefix. Nothing is told between that and the answer, from
// which on suffixes are those of the new prefix (moqt-18 §10.9.2).
func (r *SubscribeNamespaceRequest) update(m *wire.RequestUpdate) (wire.Parameters, error) {
	p := m.Params.TrackNamespacePrefix
	if !p.Set {
		return wire.Parameters{}, nil
	}
	if r.Updated == nil {
		return wire.Parameters{}, &RequestError{Code: wire.RequestNotSupported, Reason: "the prefix cannot be changed"}
	}
	if err := permitted(r.Permit, p.Value, m.Params); err != nil {
		return wire.Parameters{}, err
	}
	r.session.mu.Lock()
	old, accepted := r.current, r.accepted
	r.session.mu.Unlock()
	if !accepted || !r.session.claimPrefix(r.kind, wire.Some(old), p.Value) {
		return wire.Parameters{}, &RequestError{Code: wire.RequestPrefixOverlap, Reason: "the prefix overlaps another subscription"}
	}
	r.sendMu.Lock() // until updated
	r.session.mu.Lock()
	r.current = p.Value
	r.session.mu.Unlock()
	r.moved = true
	return wire.Parameters{}, nil
}

func (r *SubscribeNamespaceRequest) updated(refusal *wire.RequestErr) {
	r.inRequest.updated(refusal)
	if !r.moved {
		return
	}
	r.moved = false
	prefix := r.current
	r.sendMu.Unlock()
	r.Updated(prefix)
}

func (r *SubscribeNamespaceRequest) released() {
	r.session.mu.Lock()
	defer r.session.mu.Unlock()
	if r.accepted {
		r.accepted = false
		r.session.dropPrefix(r.kind, r.current)
	}
}

// permitted asks about a new prefix. Its error is a *RequestError.
func permitted(permit func(wire.Namespace, wire.Parameters) error, prefix wire.Namespace, p wire.Parameters) error {
	if permit == nil {
		return nil
	}
	err := permit(prefix, p)
	if refused := (*RequestError)(nil); err == nil || errors.As(err, &refused) {
		return err
	}
	return &RequestError{Code: wire.RequestUnauthorized, Reason: err.Error()}
}

// claimPrefix notes a prefix of one kind of subscription, in place of old when
// that is set; false means that it overlaps another of its kind.
func (s *Session) claimPrefix(kind wire.MessageType, old wire.Option[wire.Namespace], prefix wire.Namespace) bool {
	return s.waitFor(crossingGrace, func() bool {
		rest := slices.Clone(s.prefixes[kind])
		if old.Set {
			rest = withoutPrefix(rest, old.Value)
		}
		for _, p := range rest {
			if p.HasPrefix(prefix) || prefix.HasPrefix(p) {
				return false
			}
		}
		put(&s.prefixes, kind, append(rest, prefix))
		return true
	})
}

// dropPrefix forgets a prefix. The caller holds mu.
func (s *Session) dropPrefix(kind wire.MessageType, prefix wire.Namespace) {
	put(&s.prefixes, kind, withoutPrefix(slices.Clone(s.prefixes[kind]), prefix))
	s.announce()
}

func withoutPrefix(list []wire.Namespace, prefix wire.Namespace) []wire.Namespace {
	if i := slices.IndexFunc(list, prefix.Equal); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}
