package relay

import (
	"context"
	"slices"
	"sync"

	"moqedge/moq"
	"moqedge/moq/wire"
)

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

// take empties the queue.
func (o *offers) take() []*trackEntry {
	o.mu.Lock()
	defer o.mu.Unlock()
	queue := o.queue
	o.queue = nil
	return queue
}

// hold notes that a session's request waits for a track, until the returned
// function is called: its publisher is then not told of by PUBLISH (moqt-18 §9.5).
func (r *Relay) hold(name wire.FullTrackName, s *moq.Session) (release func()) {
	key := held{name.Key(), s}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held[key]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.held[key]--; r.held[key] == 0 {
			delete(r.held, key)
		}
	}
}

// held is a track that a session waits for.
type held struct {
	track   string
	session *moq.Session
}

// wants reports whether a track is to be offered: it is below the prefix, and
// the session neither provides it (moqt-18 §6.1) nor has asked for it itself.
// The caller holds the relay's mu.
func (r *Relay) wants(o *offers, e *trackEntry) bool {
	if !e.name.Namespace.HasPrefix(o.prefix) || e.publishedBy(o.session) || r.held[held{e.name.Key(), o.session}] > 0 {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.has(o.session)
}

// offerAll offers a track that came by PUBLISH to all who want it.
func (r *Relay) offerAll(e *trackEntry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.offered[e] = struct{}{}
	for o := range r.wanting {
		if r.wants(o, e) {
			o.add(e)
		}
	}
}

// offer sends PUBLISH for every track below the prefix until ctx is done.
func (r *Relay) offer(ctx context.Context, req *moq.SubscribeTracksRequest) {
	o := &offers{session: req.Session(), prefix: req.Prefix, wake: make(chan struct{}, 1)}
	r.mu.Lock()
	r.wanting[o] = struct{}{}
	for e := range r.offered {
		if r.wants(o, e) {
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
		for _, e := range o.take() {
			r.publishTo(ctx, o, e)
		}
		select {
		case <-o.wake:
		case <-ctx.Done():
		}
	}
}

// publishTo offers one track; what is accepted goes on until it ends.
func (r *Relay) publishTo(ctx context.Context, o *offers, e *trackEntry) {
	u := r.use(e.name, &use{session: o.session, wants: true}, wire.Option[uint64]{})
	p, err := o.session.Publish(ctx, u.entry.live, moq.PublishOptions{})
	if err != nil {
		r.release(u)
		if ctx.Err() == nil {
			r.log.Debug("track not offered", "track", e.name.String(), "error", err)
		}
		return
	}
	r.tasks.Go(func() {
		<-p.Done()
		r.release(u)
	})
}
