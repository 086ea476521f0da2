package relay

import (
	"context"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// publish takes a track that a session offers, besides other publishers that
// it may have (moqt-18 §9.3, §9.5).
func (h handler) publish(ctx context.Context, r *moq.PublishRequest) {
	if isWays(r.Track.Namespace) {
		r.Reject(wire.RequestDoesNotExist, "reserved namespace", moq.NoRetry())
		return
	}
	for {
		e := h.relay.publishing(r.Track)
		again := h.publishInto(ctx, e, r)
		h.relay.unpublish(e)
		if !again {
			return
		}
	}
}

// publishInto fills an entry by PUBLISH until that is over. True means that the
// entry ended before, so that another one has to take the track.
func (h handler) publishInto(ctx context.Context, e *trackEntry, r *moq.PublishRequest) (again bool) {
	relay := h.relay
	f, verdict := e.push(r)
	switch verdict {
	case pushAgain:
		return true
	case pushTwice:
		r.Reject(wire.RequestDuplicateSubscription, "subscribed to already", moq.NoRetry())
		return false
	case pushBehind:
		r.Reject(wire.RequestUninterested, "other publishers of the track are far ahead", wire.Some(minRetry))
		return false
	}
	had := largest(e.live)
	sub, err := r.Accept(e.live, wire.Parameters{Forward: wire.Some(f.forward)}, f.established)
	if err == nil {
		err = f.begin(sub, had, had.Set)
	}
	if e.answered(f, err) {
		relay.tasks.Go(func() { e.watch(f) })
	}
	close(f.asked)
	if err != nil {
		return false
	}
	relay.log.Info("track published", "track", r.Track.String(), "remote", r.Session().Conn().Info().RemoteAddr.String())
	relay.redirects.forget(r.Track.Namespace)
	relay.offerAll(e)
	relay.publishes.announce()
	select {
	case <-sub.Done():
	case <-ctx.Done():
	}
	return false
}

// pushVerdict says what becomes of a PUBLISH.
type pushVerdict uint8

const (
	pushTake   pushVerdict = iota
	pushAgain              // the entry is over
	pushTwice              // the session provides the track already
	pushBehind             // it is not the track that others provide
)

// push adds a feed for a PUBLISH. A SUBSCRIBE to its session that has no answer
// yet is given up first (moqt-18 §5.1). A track that begins anew with nobody
// else to provide it ends for its subscribers.
func (e *trackEntry) push(r *moq.PublishRequest) (*feed, pushVerdict) {
	s := r.Session()
	e.mu.Lock()
	asked := e.feedOf(s)
	e.mu.Unlock()
	if asked != nil {
		asked.cancel()
		<-asked.asked
	}
	l, had := r.Params.LargestObject, largest(e.live)
	e.mu.Lock()
	if e.over {
		e.mu.Unlock()
		return nil, pushAgain
	}
	if f := e.feedOf(s); f != nil && !s.Version().Has(wire.FeatureSharedTracks) {
		e.mu.Unlock()
		return nil, pushTwice
	}
	others := len(e.providers()) > 0
	behind := l.Set && had.Set && others && e.isBehind(l.Value, had.Value)
	anew := had.Set && !others && (l.Set && l.Value.Less(had.Value) || !l.Set && e.resumed && !e.had)
	if behind || anew {
		e.mu.Unlock()
		if behind {
			return nil, pushBehind
		}
		e.end(live.Done{Code: wire.DoneTrackEnded, Reason: errAnew.Error()}, nil)
		return nil, pushAgain
	}
	f := e.newFeed(candidate{session: s, link: e.relay.links.of(s)})
	f.pushed = true
	f.forward = e.wanted(f)
	e.mu.Unlock()
	return f, pushTake
}
