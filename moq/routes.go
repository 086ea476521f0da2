package moq

import (
	"context"
	"errors"

	"moqedge/moq/wire"
)

// RouteEvents is told of the routes of another relay to the namespaces below a
// prefix. Its methods are called one after the other.
type RouteEvents interface {
	// RouteChanged tells of the route to a namespace, with the prefix, in the place
	// of what was told of it before. It owns r, whose Suffix says nothing more.
	RouteChanged(ns wire.Namespace, r *wire.Route)
	// RouteRemoved tells that there is no route any more.
	RouteRemoved(ns wire.Namespace)
}

// errNoRelay says that one of the sides is no relay.
var errNoRelay = errors.New("moq: the peer tells no routes")

// SubscribeRoutes is SubscribeNamespace between two relays (Session.PeerRelay): the
// peer tells how it would reach the namespaces. One that tells of more than max
// namespaces is cancelled.
func (s *Session) SubscribeRoutes(ctx context.Context, prefix wire.Namespace, max int, events RouteEvents) (*NamespaceSubscription, error) {
	if _, ok := s.PeerRelay(); !ok {
		return nil, errNoRelay
	}
	x, err := s.namespaceRequest(ctx, wire.MsgSubscribeNamespace, func(id uint64) wire.Message {
		return &wire.SubscribeNamespace{RequestID: id, Prefix: prefix}
	})
	if err != nil {
		return nil, err
	}
	n := &NamespaceSubscription{
		exchange: x, events: removals{events}, routes: events.RouteChanged, limit: max,
		done: make(chan struct{}), prefix: prefix, active: map[string]wire.Namespace{},
	}
	s.tasks.Go(n.follow)
	return n, nil
}

// removals hands the ends of namespaces on.
type removals struct{ RouteEvents }

// NamespaceAdded implements NamespaceEvents; a relay tells routes instead.
func (removals) NamespaceAdded(wire.Namespace) {}

// NamespaceRemoved implements NamespaceEvents.
func (e removals) NamespaceRemoved(ns wire.Namespace) { e.RouteRemoved(ns) }
