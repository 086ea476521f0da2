package relay

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// maxRefill is how many groups are fetched of what lies between two publishers,
// or before and after a pause; a longer gap is skipped.
const maxRefill = 5

// subscribe asks one publisher. The first ones are asked for the current group
// as well; one that takes the place of another, in the same message flight, for
// all that the track has not got whole.
func (f *feed) subscribe() error {
	e, s := f.entry, f.session
	e.mu.Lock()
	again, forward, replaces := e.had, f.forward, e.replaces(f)
	e.mu.Unlock()
	o := moq.SubscribeOptions{Into: e.live, Established: f.established, JoinFailed: f.joinFailed, Supplied: f.strand}
	o.Params.NewGroupRequest = f.group
	o.Params.RelayPath = f.tell()
	o.Params.TraceContext, o.Begun = contextOf(f.span), begun(f.span)
	f.to(s)
	switch {
	case !forward:
		o.Params.Forward = wire.Some(false)
	case replaces:
		o.CatchUp.Value, o.CatchUp.Set = e.live.Behind(maxRefill)
	case !again:
		o.JoinGroups = wire.Some(uint64(0))
	}
	f.catching, f.joined.From = o.CatchUp.Set, o.CatchUp.Value
	had := largest(e.live)
	sub, err := f.request(s, o)
	for attempt := 0; errors.Is(err, &moq.RequestError{Code: wire.RequestDuplicateSubscription}) && attempt < 10; attempt++ {
		// A subscription that was just given up is not yet forgotten there.
		select {
		case <-time.After(50 * time.Millisecond):
		case <-f.ctx.Done():
		}
		sub, err = f.request(s, o)
	}
	if err != nil {
		return err
	}
	return f.begin(sub, had, again)
}

// replaces reports whether a feed goes on with what others were sending that
// are lost, silent or stranded. The caller holds mu.
func (e *trackEntry) replaces(f *feed) bool {
	if !e.had || e.others(f) {
		return false
	}
	if slices.ContainsFunc(e.feeds, func(x *feed) bool { return x != f && x.accepted && x.forward }) {
		return true
	}
	return e.torn && time.Since(e.lost) <= e.relay.config.RecoverFor
}

// others reports whether the track is provided by others than a feed. The
// caller holds mu.
func (e *trackEntry) others(f *feed) bool {
	return slices.ContainsFunc(e.feeds, func(x *feed) bool { return x != f && x.accepted && !x.closing && !x.silent && !x.stranded })
}

func (f *feed) request(s *moq.Session, o moq.SubscribeOptions) (*moq.Subscription, error) {
	ctx, cancel := context.WithTimeoutCause(f.ctx, f.entry.relay.config.RequestTimeout, errNoAnswer)
	defer cancel()
	return s.Subscribe(ctx, f.entry.name, o)
}

// errNoAnswer is what subscribers hear of a publisher that is too slow.
var errNoAnswer = &moq.RequestError{
	Request: wire.MsgSubscribe, Code: wire.RequestTimeout, Reason: "the publisher did not answer in time", Retry: wire.Some(time.Second),
}

// established is called when a publisher accepted, before it fills the track,
// with what lies between what the track had and where its subscription begins.
// What other publishers are about to bring of that is none of its business, what
// is fetched with the subscription is taken care of.
func (f *feed) established(m live.Range) {
	e := f.entry
	e.mu.Lock()
	defer e.mu.Unlock()
	f.start = m.To
	if !f.catching {
		f.joined.From.Group = m.To.Group // it is the current group, if anything
	}
	f.joined.To = m.To
	if l, any := e.live.Largest(); e.others(f) && any && m.From.Less(l.Next()) {
		m.From = l.Next()
	}
	switch {
	case m.Empty():
	case !e.had, !f.forward, f.catching, m.To.Group-m.From.Group > maxRefill:
		e.live.Forget(m)
	default:
		f.missing = m
		e.live.ExpectFill(m)
	}
	if !e.had && m.To.Object > 0 {
		e.first = wire.Some(wire.Location{Group: m.To.Group, Object: m.To.Object - 1})
	}
	f.accepted, e.had = true, true
}

// begin takes in a subscription: again says that the track was had before, up
// to had. A publisher whose objects lie before that numbers its groups anew,
// so it has another track (moqt-18 §2.4.3); a relay, or one with others at work,
// that is no further behind than what is kept may just be slower.
func (f *feed) begin(sub *moq.Subscription, had wire.Option[wire.Location], again bool) error {
	e := f.entry
	e.relay.cache.Own(e.live, limitsOf(f.session).Owner())
	e.mu.Lock()
	f.sub = sub
	alone := !e.others(f)
	missing := f.missing
	l, any := sub.Largest()
	anew := false
	switch {
	case !again && !e.resumed || !had.Set:
	case alone && !any:
		anew = !f.pushed // a PUBLISH may come before the first object
	case alone && f.link == nil:
		anew = l.Less(had.Value)
	case any:
		anew = e.isBehind(l, had.Value)
	}
	if anew {
		f.accepted = false
	}
	e.mu.Unlock()
	if anew {
		sub.Close()
		e.live.EndFill(missing, false)
		return errAnew
	}
	switch {
	case f.catching:
		e.relay.tasks.Go(func() {
			f.caughtUp()
			f.settle(l)
		})
	case again && alone:
		e.relay.tasks.Go(func() {
			e.fetch(f, append(e.live.Incomplete(f.start), missing))
			f.settle(l)
		})
	default:
		e.relay.tasks.Go(func() { e.fetch(f, []live.Range{missing}) })
	}
	return nil
}

// settle gives up what was missing of groups before a location and did not
// come, unless its publisher was lost and another one is asked.
func (f *feed) settle(at wire.Location) {
	if !f.lost() {
		f.entry.live.Settle(at.Group)
	}
}

// lost reports whether the session of a feed is over or silent, the relay there
// stranded, or the feed was given up.
func (f *feed) lost() bool {
	f.entry.mu.Lock()
	defer f.entry.mu.Unlock()
	return f.isLost()
}

// isLost is lost for a caller that holds mu.
func (f *feed) isLost() bool {
	return f.session == nil || f.session.Conn().Context().Err() != nil || f.session.Context().Err() != nil || f.silent || f.stranded || f.closing
}

// isBehind reports whether a publisher at one location is further behind the
// track than what is kept of it.
func (e *trackEntry) isBehind(at, had wire.Location) bool {
	_, kept := e.live.Size()
	return at.Group < had.Group && had.Group-at.Group > uint64(kept)
}

func largest(t *live.Track) wire.Option[wire.Location] {
	l, any := t.Largest()
	return wire.Option[wire.Location]{Value: l, Set: any}
}

// fetch gets ranges from a publisher and waits for the end of it. What a lost one
// did not bring is fetched from the next.
func (e *trackEntry) fetch(from *feed, parts []live.Range) {
	for _, f := range e.begin(from, parts) {
		e.await(f)
	}
}

// begin is fetch without waiting: readers of the track wait for the ranges when it returns.
func (e *trackEntry) begin(from *feed, parts []live.Range) (all []*moq.Fetch) {
	for _, r := range parts {
		if r.Empty() {
			continue
		}
		o := moq.FetchOptions{Into: e.live, First: r.From, Last: last(r), Failed: func(error) bool {
			if !from.lost() {
				return false
			}
			e.refetch(from, r)
			return true
		}}
		o.Params.TraceContext = contextOf(from.span) // it is part of what the publisher was asked for
		all = append(all, from.session.Fetch(o))
	}
	return all
}

// await waits for the end of a fetch.
func (e *trackEntry) await(f *moq.Fetch) {
	select {
	case <-f.Done():
	case <-e.relay.ctx.Done():
	}
}

// last is the last location of a range, that of its group when it ends with one.
func last(r live.Range) wire.Location {
	if r.To.Object > 0 {
		return wire.Location{Group: r.To.Group, Object: r.To.Object - 1}
	}
	return wire.Location{Group: r.To.Group - 1, Object: math.MaxUint64}
}

// mend has what a lost publisher did not bring fetched from those that are still
// there: what lies before their subscriptions at once. All behind that is on its
// way from them, unless they gave up a stream of it: the groups that are
// unfinished after a while are fetched from one that is past them.
func (e *trackEntry) mend(lost *moq.Session, others []*feed) {
	if lost.Context().Err() != nil {
		lost.Wait() // what it was writing is left by now
	}
	first := slices.MinFunc(others, func(a, b *feed) int { return a.start.Compare(b.start) })
	e.fetch(first, e.live.Incomplete(first.start))
	ctx, cancel := context.WithTimeout(e.relay.ctx, mendPatience+e.relay.config.RequestTimeout)
	defer cancel()
	if len(e.live.Interrupted()) == 0 || !pause(ctx, mendPatience) {
		return
	}
	parts := e.live.Interrupted()
	for _, f := range others {
		if len(parts) == 0 {
			return
		}
		status, err := f.session.TrackStatusBy(ctx, e.name, wire.Parameters{TraceContext: contextOf(f.span)})
		if err != nil || !status.Largest.Set {
			continue
		}
		at := status.Largest.Value
		var there, beyond []live.Range
		for _, r := range parts {
			if at.Less(last(r)) {
				beyond = append(beyond, r)
			} else {
				there = append(there, r)
			}
		}
		e.fetch(f, there)
		if parts = beyond; len(parts) == 0 {
			e.live.Settle(at.Group)
		}
	}
}

// mendPatience is how much slower than a lost publisher another one may be.
const mendPatience = time.Second

// backfill has the parts of r that the track cannot speak for fetched, once for
// any number of askers: span is that of the one who does, or nil.
func (e *trackEntry) backfill(r live.Range, span Span) {
	e.mu.Lock()
	feeds := e.providers()
	e.mu.Unlock()
	e.fetching.Lock() // so that two askers do not both see it missing
	defer e.fetching.Unlock()
	for _, u := range e.live.Missing(r) {
		if len(feeds) > 0 {
			e.fetchFrom(feeds, u, span)
			continue
		}
		e.live.ExpectFill(u) // from whoever comes next
		e.refetch(nil, u)
	}
}

// fetchFrom gets a range from one of several publishers (moqt-18 §9.5): from
// the next one when one fails. That a slow one has nothing there says nothing
// while there is another. Of a publisher whose track is malformed nothing is
// known: those who wait for the range do so until it is clear whether the track
// ends with it (moqt-18 §2.4.2).
func (e *trackEntry) fetchFrom(feeds []*feed, r live.Range, cause Span) {
	o := moq.FetchOptions{Into: e.live, First: r.From, Last: last(r)}
	o.Failed = func(err error) bool {
		switch {
		case e.isOver():
			return true
		case len(feeds) > 1:
			e.relay.tasks.Go(func() { e.fetchFrom(feeds[1:], r, cause) })
			return true
		case feeds[0].lost():
			e.refetch(feeds[0], r)
			return true
		case errors.Is(err, &moq.RequestError{Code: wire.RequestMalformedTrack}):
			e.relay.tasks.Go(func() {
				if !e.ends(handover) {
					e.live.EndFill(r, false)
				}
			})
			return true
		}
		return false
	}
	e.relay.served.upstream.Add(1)
	feeds[0].fetchBy(o, cause)
}

// ends reports whether the entry ends within a time.
func (e *trackEntry) ends(within time.Duration) bool {
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	for {
		changed := e.changed.wait()
		if e.isOver() {
			return true
		}
		select {
		case <-changed:
		case <-timeout.C:
			return false
		case <-e.relay.ctx.Done():
			return true
		}
	}
}
