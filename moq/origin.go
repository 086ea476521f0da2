package moq

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// Origin is a set of tracks and namespaces that a publisher offers. As a
// Handler it answers SUBSCRIBE, FETCH and TRACK_STATUS from them, and
// SUBSCRIBE_NAMESPACE with them. It is safe for concurrent use.
type Origin struct {
	mu         sync.Mutex
	tracks     map[string]*live.Track
	namespaces map[string]wire.Namespace
	watchers   map[NamespaceEvents]struct{}

	// Refused, if not nil, is told of each namespace that Announce could not publish, and
	// why, by any of its calls. It is set before the first of them.
	Refused func(ns wire.Namespace, err error)
}

// NewOrigin returns an empty origin.
func NewOrigin() *Origin {
	return &Origin{tracks: map[string]*live.Track{}, namespaces: map[string]wire.Namespace{}, watchers: map[NamespaceEvents]struct{}{}}
}

// AddTrack offers a track, in place of one of the same name. Subscriptions to that
// one go on; the caller closes the track after removing it.
func (o *Origin) AddTrack(t *live.Track) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tracks[t.Name().Key()] = t
}

// RemoveTrack stops offering a track to new subscribers.
func (o *Origin) RemoveTrack(name wire.FullTrackName) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.tracks, name.Key())
}

// AddNamespace announces a namespace to everybody who subscribed to a prefix of it,
// and on every session that Announce works on. Tracks need no namespace added.
func (o *Origin) AddNamespace(ns wire.Namespace) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.namespaces[ns.Key()]; known {
		return
	}
	o.namespaces[ns.Key()] = ns
	for w := range o.watchers {
		w.NamespaceAdded(ns)
	}
}

// RemoveNamespace withdraws a namespace.
func (o *Origin) RemoveNamespace(ns wire.Namespace) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.namespaces[ns.Key()]; !known {
		return
	}
	delete(o.namespaces, ns.Key())
	for w := range o.watchers {
		w.NamespaceRemoved(ns)
	}
}

// watch tells w of all namespaces, whatever the prefix, those that are there first,
// until stop.
func (o *Origin) watch(_ wire.Namespace, w NamespaceEvents) (stop func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.watchers[w] = struct{}{}
	for _, key := range slices.Sorted(maps.Keys(o.namespaces)) {
		w.NamespaceAdded(o.namespaces[key])
	}
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.watchers, w)
	}
}

func (o *Origin) track(name wire.FullTrackName) *live.Track {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.tracks[name.Key()]
}

// Serve implements Handler.
func (o *Origin) Serve(ctx context.Context, r Request) {
	switch r := r.(type) {
	case *SubscribeRequest:
		if t := o.track(r.Track); t != nil {
			r.Accept(t)
			return
		}
		r.Reject(wire.RequestDoesNotExist, "no such track", NoRetry())
	case *TrackStatusRequest:
		if t := o.track(r.Track); t != nil {
			r.Accept(t)
			return
		}
		r.Reject(wire.RequestDoesNotExist, "no such track", NoRetry())
	case *FetchRequest:
		t := r.Joined()
		if t == nil {
			t = o.track(r.Track)
		}
		if t != nil {
			r.Accept(t)
			return
		}
		r.Reject(wire.RequestDoesNotExist, "no such track", NoRetry())
	case *SubscribeNamespaceRequest:
		r.Follow(ctx, o.watch)
	}
}

// Announce publishes the origin's namespaces on a session until the session is
// over or ctx is done, whatever comes and goes.
func (o *Origin) Announce(ctx context.Context, s *Session) {
	queue := NewNamespaceQueue(nil)
	defer o.watch(nil, queue)()
	queue.announce(ctx, s, o.Refused)
}

// NamespaceQueue hands namespace events below a prefix on to a goroutine that
// may block. What is withdrawn before it was handed on is never seen.
type NamespaceQueue struct {
	prefix  wire.Namespace
	wake    chan struct{}
	mu      sync.Mutex
	names   map[string]*queuedName // those that are there, or were handed on
	changed []*queuedName          // since Run looked, each once
}

// queuedName is a namespace in a queue. Its fields are guarded by the queue's mu.
type queuedName struct {
	key       string
	namespace wire.Namespace
	wanted    bool // it is there
	known     bool // it was handed on
	repeated  bool // it is handed on again
	queued    bool // it is in changed
}

// NewNamespaceQueue returns an empty queue.
func NewNamespaceQueue(prefix wire.Namespace) *NamespaceQueue {
	return &NamespaceQueue{prefix: prefix, wake: make(chan struct{}, 1), names: map[string]*queuedName{}}
}

// NamespaceAdded implements NamespaceEvents.
func (q *NamespaceQueue) NamespaceAdded(ns wire.Namespace) {
	if ns.HasPrefix(q.prefix) {
		q.change(ns, true)
	}
}

// NamespaceRemoved implements NamespaceEvents.
func (q *NamespaceQueue) NamespaceRemoved(ns wire.Namespace) {
	q.change(ns, false)
}

func (q *NamespaceQueue) change(ns wire.Namespace, wanted bool) {
	key := ns.Key()
	q.mu.Lock()
	n := q.names[key]
	if n == nil && !wanted {
		q.mu.Unlock()
		return
	}
	if n == nil {
		n = &queuedName{key: key, namespace: ns}
		q.names[key] = n
	}
	n.wanted = wanted
	q.enqueue(n)
	q.mu.Unlock()
	q.rouse()
}

// enqueue has Run look at a namespace. The caller holds mu, and calls rouse after it.
func (q *NamespaceQueue) enqueue(n *queuedName) {
	if !n.queued {
		n.queued = true
		q.changed = append(q.changed, n)
	}
}

func (q *NamespaceQueue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Repeat has Run call add for all namespaces that are there, also for those that it was
// called for before.
func (q *NamespaceQueue) Repeat() {
	q.mu.Lock()
	for _, n := range q.names {
		n.repeated = true
		q.enqueue(n)
	}
	q.mu.Unlock()
	q.rouse()
}

// Run calls add and remove, one after the other, until ctx is done.
func (q *NamespaceQueue) Run(ctx context.Context, add, remove func(wire.Namespace)) {
	for ctx.Err() == nil {
		added, removed := q.take()
		for _, ns := range removed {
			remove(ns)
		}
		for _, ns := range added {
			add(ns)
		}
		if len(added)+len(removed) > 0 {
			continue
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
		}
	}
}

// take returns what changed since the last call, each in the order of names.
func (q *NamespaceQueue) take() (added, removed []wire.Namespace) {
	q.mu.Lock()
	defer q.mu.Unlock()
	slices.SortFunc(q.changed, func(a, b *queuedName) int { return strings.Compare(a.key, b.key) })
	for _, n := range q.changed {
		repeated := n.repeated
		n.queued, n.repeated = false, false
		switch {
		case n.wanted && (!n.known || repeated):
			added = append(added, n.namespace)
		case n.known && !n.wanted:
			removed = append(removed, n.namespace)
		}
		if n.known = n.wanted; !n.known {
			delete(q.names, n.key)
		}
	}
	q.changed = nil
	return added, removed
}

// Announce publishes the namespaces of the queue on a session until the session
// is over or ctx is done, as they come and go.
func (q *NamespaceQueue) Announce(ctx context.Context, s *Session) { q.announce(ctx, s, nil) }

func (q *NamespaceQueue) announce(ctx context.Context, s *Session, refused func(wire.Namespace, error)) {
	active := map[string]*NamespacePublication{}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.Context(), cancel)()
	q.Run(ctx, func(ns wire.Namespace) {
		p, err := s.PublishNamespace(ctx, ns)
		if err != nil {
			if ctx.Err() == nil {
				s.log().Warn("namespace not announced", "namespace", ns.String(), "error", err)
				if refused != nil {
					refused(ns, err)
				}
			}
			return
		}
		active[ns.Key()] = p
	}, func(ns wire.Namespace) {
		if p := active[ns.Key()]; p != nil {
			p.Close()
			delete(active, ns.Key())
		}
	})
}
