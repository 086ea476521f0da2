package relay

import (
	"errors"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
)

// joinFailed has what was to be fetched with a subscription fetched from
// whoever comes next, when its publisher was lost meanwhile. One that has
// accepted the subscription and refused the FETCH is asked again: it had the
// track from here a moment before, or from nobody.
func (f *feed) joinFailed(err error) bool {
	lost := f.lost()
	f.entry.mu.Lock()
	r := f.joined
	f.rejoin = !lost && f.catching && !r.Empty() && errors.As(err, new(*moq.RequestError))
	again := f.rejoin
	f.entry.mu.Unlock()
	if lost {
		f.entry.refetch(f, r)
	}
	return lost || again
}

// caughtUp waits for what was fetched with a subscription.
func (f *feed) caughtUp() {
	e := f.entry
	e.await(f.sub.Join())
	e.mu.Lock()
	again, r := f.rejoin, f.joined
	e.mu.Unlock()
	if again {
		e.fetch(f, []live.Range{r})
	}
}

// refetch has a range that a lost publisher was to bring, when it is not nil,
// fetched from another one as soon as there is one. Until then readers go on
// waiting for it.
func (e *trackEntry) refetch(lost *feed, r live.Range) {
	e.relay.tasks.Go(func() {
		next := e.successor(lost)
		if next == nil {
			e.live.EndFill(r, false)
			return
		}
		if next.catching { // it may be fetching that already
			e.await(next.sub.Join())
		}
		missing := e.live.Unknown(r)
		e.relay.tasks.Go(func() { e.fetch(next, missing) })
		for _, part := range missing {
			if known := (live.Range{From: r.From, To: part.From}); !known.Empty() {
				e.live.EndFill(known, false)
			}
			r.From = part.To
		}
		e.live.EndFill(r, false)
	})
}

// successor waits for another publisher than one that is lost, as long as the
// track does, or for any, as long as for an answer; nil: there is none.
func (e *trackEntry) successor(lost *feed) *feed {
	limit := e.relay.config.RecoverFor
	if lost == nil {
		limit = e.relay.config.RequestTimeout
	}
	patience := time.NewTimer(limit)
	defer patience.Stop()
	for {
		changed := e.changed.wait()
		e.mu.Lock()
		over := e.over
		for _, f := range e.providers() {
			if !f.isLost() {
				e.mu.Unlock()
				return f
			}
		}
		e.mu.Unlock()
		if over {
			return nil
		}
		select {
		case <-changed:
		case <-patience.C:
			return nil
		case <-e.relay.ctx.Done():
			return nil
		}
	}
}
