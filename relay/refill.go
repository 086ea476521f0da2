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

// maxRefill is how many groups are fetched after a loss; a longer gap is skipped.
const maxRefill = 5

// subscribe asks one publisher. The first ones are asked for the current group
// as well; those that come later, or again, for what was missed meanwhile.
func (f *feed) subscribe() error {
	e, s := f.entry, f.session
	e.mu.Lock()
	again, forward := e.had, f.forward
	e.mu.Unlock()
	o := moq.SubscribeOptions{Into: e.live, Established: f.established}
	o.Params.NewGroupRequest = f.group
	if !forward {
		o.Params.Forward = wire.Some(false)
	} else if !again {
		o.JoinGroups = wire.Some(uint64(0))
	}
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
// What other publishers are about to bring of that is none of its business.
func (f *feed) established(m live.Range) {
	e := f.entry
	e.mu.Lock()
	defer e.mu.Unlock()
	others := len(e.feeds) > 0 && slices.ContainsFunc(e.feeds, func(x *feed) bool { return x != f && x.accepted })
	if l, any := e.live.Largest(); others && any && m.From.Less(l.Next()) {
		m.From = l.Next()
	}
	switch {
	case m.Empty():
	case !e.had, !f.forward, m.To.Group-m.From.Group > maxRefill:
		e.live.Forget(m)
	default:
		f.missing = m
		e.live.ExpectFill(m)
	}
	f.accepted, e.had = true, true
}

// begin takes in a subscription: again says that the track was had before, up
// to had. A publisher whose objects lie before that numbers its groups anew,
// so it has another track (moqt-18 §2.4.3); with others at work, one that is
// no further behind than what is kept may just be slower.
func (f *feed) begin(sub *moq.Subscription, had wire.Option[wire.Location], again bool) error {
	e := f.entry
	e.mu.Lock()
	f.sub = sub
	alone := !slices.ContainsFunc(e.feeds, func(x *feed) bool { return x != f && x.accepted && !x.closing })
	missing := f.missing
	l, any := sub.Largest()
	anew := false
	switch {
	case !again && !e.resumed || !had.Set:
	case alone && !any:
		anew = !f.pushed // a PUBLISH may come before the first object
	case alone:
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
	e.relay.tasks.Go(func() { f.refill(missing, l, again && alone) })
	return nil
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

// refill fetches what is missing of the track from a publisher that has it up
// to a location: the range that it did not bring itself, and, when it is the
// only one, the rest of what was interrupted.
func (f *feed) refill(missing live.Range, upTo wire.Location, alone bool) {
	e := f.entry
	var parts []live.Range
	if alone {
		for _, r := range e.live.Interrupted() {
			switch {
			case upTo.Less(r.From), upTo.Group-r.From.Group > maxRefill:
			case r.To == missing.From:
				missing.From = r.From
			default:
				parts = append(parts, r)
			}
		}
	}
	if !missing.Empty() {
		parts = append(parts, missing)
	}
	e.fetch(f.session, parts)
	if alone {
		e.live.Settle(upTo.Group)
	}
}

// fetch gets ranges from a session and waits for the end of it.
func (e *trackEntry) fetch(s *moq.Session, parts []live.Range) {
	var all []*moq.Fetch
	for _, r := range parts {
		all = append(all, s.Fetch(moq.FetchOptions{Into: e.live, First: r.From, Last: last(r)}))
	}
	for _, f := range all {
		select {
		case <-f.Done():
		case <-e.relay.ctx.Done():
			return
		}
	}
}

// last is the last location of a range, that of its group when it ends with one.
func last(r live.Range) wire.Location {
	if r.To.Object > 0 {
		return wire.Location{Group: r.To.Group, Object: r.To.Object - 1}
	}
	return wire.Location{Group: r.To.Group - 1, Object: math.MaxUint64}
}

// mend has the groups that a lost publisher left unfinished completed by one
// that is still there and past them. What lies before none of them is on its
// way from a slower one.
func (e *trackEntry) mend(lost *moq.Session, others []*feed) {
	if lost.Context().Err() != nil {
		lost.Wait() // what it was writing is left by now
	}
	parts := e.live.Interrupted()
	if len(parts) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(e.relay.ctx, e.relay.config.RequestTimeout)
	defer cancel()
	for _, f := range others {
		status, err := f.session.TrackStatus(ctx, e.name)
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
		e.fetch(f.session, there)
		if parts = beyond; len(parts) == 0 {
			e.live.Settle(at.Group)
			return
		}
	}
}

// backfill has the parts of r that the track cannot speak for fetched, once for
// any number of askers.
func (e *trackEntry) backfill(r live.Range) {
	e.mu.Lock()
	feeds := e.providers()
	e.mu.Unlock()
	if len(feeds) == 0 {
		return
	}
	e.fetching.Lock() // so that two askers do not both see it missing
	defer e.fetching.Unlock()
	for _, u := range e.live.Missing(r) {
		e.fetchFrom(feeds, u)
	}
}

// fetchFrom gets a range from one of several publishers (moqt-18 §9.5): from
// the next one when one fails. That a slow one has nothing there says nothing
// while there is another. Of a publisher whose track is malformed nothing is
// known: those who wait for the range do so until it is clear whether the track
// ends with it (moqt-18 §2.4.2).
func (e *trackEntry) fetchFrom(feeds []*feed, r live.Range) {
	o := moq.FetchOptions{Into: e.live, First: r.From, Last: last(r)}
	o.Failed = func(err error) bool {
		switch {
		case e.isOver():
			return true
		case len(feeds) > 1:
			e.relay.tasks.Go(func() { e.fetchFrom(feeds[1:], r) })
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
	feeds[0].session.Fetch(o)
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
