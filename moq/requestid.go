package moq

import (
	"context"
	"fmt"
	"time"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// withRequestID calls f with the next request ID of this side (moqt-18 §10.1).
func (s *Session) withRequestID(ctx context.Context, f func(id uint64) error) error {
	if s.shared != nil {
		return s.shared.withRequestID(ctx, f)
	}
	s.mu.Lock()
	id := s.nextRequest
	s.nextRequest += 2
	s.mu.Unlock()
	return f(id)
}

// takeRequestID notes a request ID of the peer. leaving says that it comes after
// this side's GOAWAY.
func (s *Session) takeRequestID(id uint64) (leaving bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.peerRequests.take(id)
	if err == nil && s.shared != nil && len(s.peerRequests.beyond) > 0 && !s.skipped {
		s.skipped = true
		s.tasks.Go(s.watchSkipped)
	}
	return s.goawaySent, err
}

// used reports whether a request ID was used by either side. The caller holds mu.
func (s *Session) used(id uint64) bool {
	if id%2 == s.peerRequests.parity {
		return s.peerRequests.seen(id)
	}
	return id < s.nextRequest
}

// watchSkipped waits for request IDs that are missing below one that was seen.
// In draft 16 they come in sequence (moqt-16 §9.1), but those of
// SUBSCRIBE_NAMESPACE come on streams of their own, at any time.
func (s *Session) watchSkipped() {
	s.mu.Lock()
	missing := s.peerRequests.missing()
	s.mu.Unlock()
	select {
	case <-time.After(s.config.AliasTimeout):
	case <-s.ctx.Done():
		return
	}
	s.mu.Lock()
	more := len(s.peerRequests.beyond) > 0 // else what is missing was not used yet: there is no gap
	still := more && s.peerRequests.missing() == missing
	s.skipped = more && !still
	s.mu.Unlock()
	switch {
	case still:
		s.fail(&wire.Error{Code: wire.SessionInvalidRequestID, Reason: fmt.Sprintf("request ID %d was skipped", missing)})
	case more:
		s.tasks.Go(s.watchSkipped)
	}
}

// requestIDs are the peer's request IDs, which may arrive out of order but not
// twice. Some never arrive: those of requests that were cancelled at once.
type requestIDs struct {
	parity uint64
	below  uint64              // all valid IDs below are seen, or no longer expected
	beyond map[uint64]struct{} // seen ones from there on
	top    uint64              // none from there on is seen
}

// maxReordered bounds how far a request ID may be ahead of those before it, and how
// many are remembered beyond a missing one: as many as there may be streams of requests,
// of which the peer may use any first.
const maxReordered = transport.DefaultMaxStreams

func (r *requestIDs) take(id uint64) error {
	if id%2 != r.parity {
		return &wire.Error{Code: wire.SessionInvalidRequestID, Reason: fmt.Sprintf("request ID %d has the wrong parity", id)}
	}
	n := id / 2
	if _, seen := r.beyond[n]; seen || n < r.below {
		return &wire.Error{Code: wire.SessionInvalidRequestID, Reason: fmt.Sprintf("request ID %d was used before", id)}
	}
	if n > r.top+maxReordered {
		return &wire.Error{Code: wire.SessionInvalidRequestID, Reason: fmt.Sprintf("request ID %d skips too many", id)}
	}
	if n == r.below && len(r.beyond) == 0 { // in order, as nearly always
		r.below++
		r.top = max(r.top, n+1)
		return nil
	}
	if r.beyond == nil {
		r.beyond = map[uint64]struct{}{}
	}
	r.beyond[n] = struct{}{}
	r.top = max(r.top, n+1)
	for {
		_, seen := r.beyond[r.below]
		if !seen && len(r.beyond) <= maxReordered {
			return nil
		}
		delete(r.beyond, r.below)
		r.below++
	}
}

// seen reports whether an ID was taken.
func (r *requestIDs) seen(id uint64) bool {
	_, beyond := r.beyond[id/2]
	return id%2 == r.parity && (beyond || id/2 < r.below)
}

// missing is the smallest ID not seen yet.
func (r *requestIDs) missing() uint64 { return r.below*2 + r.parity }

// next is the smallest ID of which none from there on was seen.
func (r *requestIDs) next() uint64 { return r.top*2 + r.parity }
