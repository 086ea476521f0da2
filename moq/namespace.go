package moq

import (
	"context"
	"fmt"

	"moqedge/moq/wire"
)

// NamespacePublication is a namespace that this side announced.
type NamespacePublication struct {
	exchange *exchange
	done     chan struct{}
}

// PublishNamespace announces that tracks of a namespace can be had here (moqt-18
// §10.15) and waits for the peer's answer; ctx and the error are as for Subscribe.
func (s *Session) PublishNamespace(ctx context.Context, ns wire.Namespace) (*NamespacePublication, error) {
	return s.PublishNamespaceBy(ctx, ns, wire.Parameters{})
}

// PublishNamespaceBy is PublishNamespace with parameters.
func (s *Session) PublishNamespaceBy(ctx context.Context, ns wire.Namespace, params wire.Parameters) (*NamespacePublication, error) {
	x, err := s.namespaceRequest(ctx, wire.MsgPublishNamespace, func(id uint64) wire.Message {
		return &wire.PublishNamespace{RequestID: id, Namespace: ns, Params: params}
	})
	if err != nil {
		return nil, err
	}
	p := &NamespacePublication{exchange: x, done: make(chan struct{})}
	s.tasks.Go(func() {
		_ = x.follow(func(m wire.Message) error { return x.unexpected(m) })
		close(p.done)
	})
	return p, nil
}

// namespaceRequest makes a request that is answered by a plain REQUEST_OK.
func (s *Session) namespaceRequest(ctx context.Context, kind wire.MessageType, build func(id uint64) wire.Message) (*exchange, error) {
	x, answer, err := s.request(ctx, kind, build, nil)
	if err != nil {
		return nil, err
	}
	ok, isOK := answer.(*wire.RequestOK)
	if !isOK {
		return nil, x.unexpected(answer)
	}
	if err := ok.CheckFor(s.version, kind); err != nil {
		s.fail(err)
		return nil, err
	}
	return x, nil
}

// Done is closed when the peer revoked its acceptance, or after Close.
func (p *NamespacePublication) Done() <-chan struct{} { return p.done }

// Goaway yields the peer's wish that this request be made elsewhere (moqt-18 §10.4).
func (p *NamespacePublication) Goaway() <-chan Goaway { return p.exchange.goaway }

// Close withdraws the namespace. It does not wait.
func (p *NamespacePublication) Close() { p.exchange.cancel(wire.ResetCancelled) }

// NamespaceEvents is told of the namespaces below a prefix. Its methods are
// called one after the other and must not block.
type NamespaceEvents interface {
	// NamespaceAdded tells of a namespace, with the prefix, that was not there.
	NamespaceAdded(ns wire.Namespace)
	// NamespaceRemoved tells of the end of one that was added.
	NamespaceRemoved(ns wire.Namespace)
}

// maxNamespaces is how many namespaces a subscription follows: one that brings
// more is cancelled.
const maxNamespaces = 1 << 16

// NamespaceSubscription follows the namespaces below a prefix.
type NamespaceSubscription struct {
	exchange *exchange
	events   NamespaceEvents
	done     chan struct{}
	routes   func(ns wire.Namespace, r *wire.Route) // between relays; nil: the peer tells namespaces
	limit    int

	// Touched by what reads the answers alone.
	prefix wire.Namespace
	active map[string]wire.Namespace
}

// SubscribeNamespace asks for the namespaces below a prefix (moqt-18 §10.18), those
// that come later included; an empty prefix asks for all. The prefixes of a session
// must not overlap: the peer refuses that with PREFIX_OVERLAP. ctx and the error are
// as for Subscribe. events is called by one goroutine of the session. When the
// subscription ends, every namespace that was added is removed; it does when there
// are more than 65536.
func (s *Session) SubscribeNamespace(ctx context.Context, prefix wire.Namespace, events NamespaceEvents) (*NamespaceSubscription, error) {
	return s.SubscribeNamespaceBy(ctx, prefix, wire.Parameters{}, events)
}

// SubscribeNamespaceBy is SubscribeNamespace with parameters.
func (s *Session) SubscribeNamespaceBy(ctx context.Context, prefix wire.Namespace, params wire.Parameters, events NamespaceEvents) (*NamespaceSubscription, error) {
	x, err := s.namespaceRequest(ctx, wire.MsgSubscribeNamespace, func(id uint64) wire.Message {
		return &wire.SubscribeNamespace{RequestID: id, Prefix: prefix, Params: params}
	})
	if err != nil {
		return nil, err
	}
	n := &NamespaceSubscription{exchange: x, events: events, done: make(chan struct{}), limit: maxNamespaces, prefix: prefix, active: map[string]wire.Namespace{}}
	s.tasks.Go(func() { n.follow() })
	return n, nil
}

func (n *NamespaceSubscription) follow() {
	events := n.events
	_ = n.exchange.follow(func(m wire.Message) error {
		switch m := m.(type) {
		case *wire.NamespaceMsg:
			if n.routes != nil {
				return n.exchange.unexpected(m)
			}
			ns, known, err := n.add(m.Suffix)
			if err != nil || known {
				return err
			}
			events.NamespaceAdded(ns)
		case *wire.Route:
			if n.routes == nil {
				return n.exchange.unexpected(m)
			}
			ns, _, err := n.add(m.Suffix)
			if err != nil {
				return err
			}
			n.routes(ns, m)
		case *wire.NamespaceDone:
			ns, err := n.exchange.below(n.prefix, m.Suffix, "")
			if err != nil {
				return err
			}
			if _, known := n.active[ns.Key()]; !known {
				err := violation("NAMESPACE_DONE without NAMESPACE")
				n.exchange.session.fail(err)
				return err
			}
			delete(n.active, ns.Key())
			events.NamespaceRemoved(ns)
		default:
			return n.exchange.unexpected(m)
		}
		return nil
	})
	for _, ns := range n.active {
		events.NamespaceRemoved(ns)
	}
	close(n.done)
}

// add notes a namespace that the peer tells of.
func (n *NamespaceSubscription) add(suffix wire.Namespace) (ns wire.Namespace, known bool, err error) {
	if ns, err = n.exchange.below(n.prefix, suffix, ""); err != nil {
		return nil, false, err
	}
	if _, known = n.active[ns.Key()]; known {
		return ns, true, nil
	}
	if len(n.active) == n.limit {
		n.exchange.cancel(wire.ResetExcessiveLoad)
		return nil, false, fmt.Errorf("moq: more than %d namespaces", n.limit)
	}
	n.active[ns.Key()] = ns
	return ns, false, nil
}

// below joins a prefix and a suffix of the peer. Together with a track's name they
// have the limits of a Full Track Name (moqt-18 §2.4.1).
func (x *exchange) below(prefix, suffix wire.Namespace, name string) (wire.Namespace, error) {
	ns := append(append(wire.Namespace{}, prefix...), suffix...)
	size := len(name)
	for _, field := range ns {
		size += len(field)
	}
	if len(ns) > wire.MaxNamespaceFields || size > wire.MaxFullTrackName {
		err := violation("a suffix that is too long for its prefix")
		x.session.fail(err)
		return nil, err
	}
	return ns, nil
}

// Update changes the prefix (moqt-18 §10.9.2): namespaces that are below it now
// are added, those that no longer are removed. The error is a *RequestError
// when the peer refuses, which ends the subscription; ctx bounds the wait.
func (n *NamespaceSubscription) Update(ctx context.Context, prefix wire.Namespace) error {
	x := n.exchange
	_, err := x.updates.send(ctx, x.session, x.channel, wire.Parameters{TrackNamespacePrefix: wire.Some(prefix)}, updateHooks{accepted: func() {
		n.prefix = prefix // called between the messages that follow reads
		for key, ns := range n.active {
			if !ns.HasPrefix(prefix) {
				delete(n.active, key)
				n.events.NamespaceRemoved(ns)
			}
		}
	}})
	return err
}

// Authorize shows tokens in the place of those that the subscription was made with, or
// that were shown last (moqt-18 §10.9): what may be read by them is told of, what may not
// any more is removed. The peer ends a subscription that they do not permit.
func (n *NamespaceSubscription) Authorize(ctx context.Context, tokens ...wire.Token) error {
	return n.exchange.authorize(ctx, tokens)
}

func (x *exchange) authorize(ctx context.Context, tokens []wire.Token) error {
	_, err := x.updates.send(ctx, x.session, x.channel, wire.Parameters{AuthTokens: tokens}, updateHooks{})
	return err
}

// Done is closed when the subscription is over.
func (n *NamespaceSubscription) Done() <-chan struct{} { return n.done }

// Close cancels the subscription.
func (n *NamespaceSubscription) Close() { n.exchange.cancel(wire.ResetCancelled) }

// TrackStatus is what a publisher says about a track.
type TrackStatus struct {
	Largest    wire.Option[wire.Location] // of the objects published; unset: there are none yet
	Properties wire.Properties            // of the track; the caller owns them. Draft 16 does not tell
}

// TrackStatus asks about a track (moqt-18 §10.14); ctx and the error are as for
// Subscribe.
func (s *Session) TrackStatus(ctx context.Context, name wire.FullTrackName) (TrackStatus, error) {
	return s.TrackStatusBy(ctx, name, wire.Parameters{})
}

// TrackStatusBy is TrackStatus with parameters.
func (s *Session) TrackStatusBy(ctx context.Context, name wire.FullTrackName, p wire.Parameters) (TrackStatus, error) {
	x, answer, err := s.request(ctx, wire.MsgTrackStatus, func(id uint64) wire.Message {
		return &wire.TrackStatus{RequestID: id, Track: name, Params: p}
	}, nil)
	if err != nil {
		return TrackStatus{}, err
	}
	defer x.free()
	defer x.finish(nil)
	ok, isOK := answer.(*wire.RequestOK)
	if !isOK {
		return TrackStatus{}, x.unexpected(answer)
	}
	if err := ok.CheckFor(s.version, wire.MsgTrackStatus); err != nil {
		s.fail(err)
		return TrackStatus{}, err
	}
	return TrackStatus{Largest: ok.Params.LargestObject, Properties: ok.TrackProperties}, nil
}

// TracksSubscription has the peer offer all tracks below a prefix by PUBLISH.
type TracksSubscription struct {
	exchange *exchange
	done     chan struct{}
}

// SubscribeTracks asks for PUBLISH of the tracks below a prefix, those that
// come later included (moqt-18 §10.19). The Handler of the session gets them.
// p are the parameters that the subscriptions begin with. ctx and the error are as
// for Subscribe. blocked is told, by one goroutine of the session, of
// tracks that the peer does not offer (PUBLISH_BLOCKED, from draft 19
// PUBLISH_SKIPPED); it may be nil.
func (s *Session) SubscribeTracks(ctx context.Context, prefix wire.Namespace, p wire.Parameters, blocked func(wire.FullTrackName)) (*TracksSubscription, error) {
	if err := s.checkRanges(wire.MsgSubscribeTracks, &p); err != nil {
		return nil, err
	}
	x, err := s.namespaceRequest(ctx, wire.MsgSubscribeTracks, func(id uint64) wire.Message {
		return &wire.SubscribeTracks{RequestID: id, Prefix: prefix, Params: p}
	})
	if err != nil {
		return nil, err
	}
	t := &TracksSubscription{exchange: x, done: make(chan struct{})}
	s.tasks.Go(func() {
		defer close(t.done)
		_ = x.follow(func(m wire.Message) error {
			b, ok := m.(*wire.PublishBlocked)
			if !ok {
				return x.unexpected(m)
			}
			ns, err := x.below(prefix, b.Suffix, b.Name)
			if err != nil {
				return err
			}
			if blocked != nil {
				blocked(wire.FullTrackName{Namespace: ns, Name: b.Name})
			}
			return nil
		})
	})
	return t, nil
}

// Authorize shows other tokens than before, as NamespaceSubscription.Authorize does.
func (t *TracksSubscription) Authorize(ctx context.Context, tokens ...wire.Token) error {
	return t.exchange.authorize(ctx, tokens)
}

// Done is closed when the subscription is over.
func (t *TracksSubscription) Done() <-chan struct{} { return t.done }

// Close cancels the subscription; tracks that were offered go on. It does not wait.
func (t *TracksSubscription) Close() { t.exchange.cancel(wire.ResetCancelled) }
