package relay

import (
	"context"
	"slices"
	"sync"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// publish takes a track that a session offers. Objects are asked for at once:
// a relay cannot know who will come for the current group.
func (h handler) publish(ctx context.Context, r *moq.PublishRequest) {
	relay := h.relay
	e := relay.track(r.Track, true)
	defer relay.unpublish(e)
	if sub := e.filling(); sub != nil && sub.Result() == nil {
		r.Reject(wire.RequestDuplicateSubscription, "the track has a publisher", moq.NoRetry())
		return
	}
	had, any := e.live.Largest()
	sub, err := r.Accept(e.live, wire.Parameters{Forward: wire.Some(true)}, func(m live.Range) { e.live.Forget(m) })
	if err != nil {
		return
	}
	if l, ok := sub.Largest(); any && ok && l.Less(had) {
		sub.Close()
		e.end(live.Done{Code: wire.DoneTrackEnded, Reason: "the publisher began anew"})
		return
	}
	e.live.Settle(had.Group)
	relay.log.Info("track published", "track", r.Track.String(), "remote", r.Session().Conn().Info().RemoteAddr.String())
	e.setCurrent(sub)
	relay.mu.Lock()
	relay.offered[e] = struct{}{}
	wanting := relay.offersFor(e)
	relay.mu.Unlock()
	e.settle(nil)
	e.pushed.announce()
	relay.publishes.announce()
	for _, o := range wanting {
		o.add(e)
	}
	select {
	case <-sub.Done():
	case <-ctx.Done():
	}
}

// offers are the tracks that one SUBSCRIBE_TRACKS gets by PUBLISH.
type offers struct {
	session *moq.Session
	prefix  wire.Namespace
	mu      sync.Mutex
	queue   []*trackEntry
	wake    chan struct{}
}

func (o *offers) add(e *trackEntry) {
	o.mu.Lock()
	if !slices.Contains(o.queue, e) {
		o.queue = append(o.queue, e)
	}
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// offersFor returns who wants to be offered e: not its publisher (moqt-18
// §6.1). The caller holds mu.
func (r *Relay) offersFor(e *trackEntry) []*offers {
	var out []*offers
	for o := range r.wanting {
		if e.name.Namespace.HasPrefix(o.prefix) && e.publisher() != o.session {
			out = append(out, o)
		}
	}
	return out
}

func (e *trackEntry) publisher() *moq.Session {
	if sub := e.filling(); sub != nil {
		return sub.Session()
	}
	return nil
}

// offer sends PUBLISH for every track below the prefix until ctx is done.
func (r *Relay) offer(ctx context.Context, req *moq.SubscribeTracksRequest) {
	o := &offers{session: req.Session(), prefix: req.Prefix, wake: make(chan struct{}, 1)}
	r.mu.Lock()
	r.wanting[o] = struct{}{}
	for e := range r.offered {
		if slices.Contains(r.offersFor(e), o) {
			o.queue = append(o.queue, e)
		}
	}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.wanting, o)
		r.mu.Unlock()
	}()
	for ctx.Err() == nil {
		o.mu.Lock()
		queue := o.queue
		o.queue = nil
		o.mu.Unlock()
		for _, e := range queue {
			if _, err := o.session.Publish(ctx, e.live, moq.PublishOptions{}); err != nil && ctx.Err() == nil {
				r.log.Debug("track not offered", "track", e.name.String(), "error", err)
			}
		}
		select {
		case <-o.wake:
		case <-ctx.Done():
		}
	}
}
