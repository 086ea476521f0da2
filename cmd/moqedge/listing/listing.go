package listing

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
)

// Event is one change.
type Event struct {
	Namespace wire.Namespace
	Added     bool // false: it is no longer live
}

// ErrEnded says that the relay ended the subscription.
var ErrEnded = errors.New("the relay does not tell namespaces any longer")

// Watch calls each for every namespace below prefix that is live or becomes
// so, and when it ends, until ctx is done (then it returns nil), the relay
// refuses or the session ends. Calls do not overlap.
func Watch(ctx context.Context, s *moq.Session, prefix wire.Namespace, each func(Event)) error {
	q := &queue{wake: make(chan struct{}, 1)}
	n, err := s.SubscribeNamespace(ctx, prefix, q)
	if err != nil {
		return err
	}
	defer n.Close()
	for {
		for _, e := range q.take() {
			each(e)
		}
		select {
		case <-q.wake:
		case <-n.Done():
			for _, e := range q.take() {
				each(e)
			}
			return ErrEnded
		case <-ctx.Done():
			return nil
		}
	}
}

// Now returns the namespaces below prefix, sorted. The protocol has no end of
// the list, so it is taken to be complete when nothing came for settle.
func Now(ctx context.Context, s *moq.Session, prefix wire.Namespace, settle time.Duration) ([]wire.Namespace, error) {
	found := make(map[string]wire.Namespace)
	q := &queue{wake: make(chan struct{}, 1)}
	n, err := s.SubscribeNamespace(ctx, prefix, q)
	if err != nil {
		return nil, err
	}
	defer n.Close()
	quiet := time.NewTimer(settle) // from the relay's answer on
	defer quiet.Stop()
	for done := false; !done; {
		select {
		case <-q.wake:
			quiet.Reset(settle)
		case <-quiet.C:
			done = true
		case <-n.Done():
			return nil, ErrEnded
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		for _, e := range q.take() {
			if e.Added {
				found[e.Namespace.Key()] = e.Namespace
			} else {
				delete(found, e.Namespace.Key())
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), slices.Compare[wire.Namespace]), nil
}

// queue hands events over to a goroutine that may block.
type queue struct {
	wake chan struct{} // holds one

	mu     sync.Mutex // guards events
	events []Event
}

// NamespaceAdded implements moq.NamespaceEvents.
func (q *queue) NamespaceAdded(ns wire.Namespace) { q.put(Event{ns, true}) }

// NamespaceRemoved implements moq.NamespaceEvents.
func (q *queue) NamespaceRemoved(ns wire.Namespace) { q.put(Event{ns, false}) }

func (q *queue) put(e Event) {
	q.mu.Lock()
	q.events = append(q.events, e)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) take() []Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	events := q.events
	q.events = nil
	return events
}
