package relay

import (
	"context"
	"slices"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// handover is how long a feed is kept after another took its place, so that
// streams that are under way come to their end.
const handover = 2 * time.Second

// retire ends a feed soon, an attempt at once. So does it one whose relay has the
// track from nobody: it has sent what it had, and cannot have the track by way of this
// one before. The caller holds the entry's mu.
func (f *feed) retire() {
	if f.closing {
		return
	}
	f.closing = true
	if !f.accepted {
		f.cancel()
		return
	}
	after := handover
	if f.stranded {
		after = 0
	}
	f.closer = time.AfterFunc(after, f.handOver)
}

// handOver closes the feed, whose track others go on with.
func (f *feed) handOver() {
	f.cancel()
	if sub := f.subscription(); sub != nil {
		sub.HandOver()
	}
}

// close gives the feed up.
func (f *feed) close() {
	f.cancel()
	if sub := f.subscription(); sub != nil {
		sub.Close()
	}
}

func (f *feed) subscription() *moq.Subscription {
	f.entry.mu.Lock()
	defer f.entry.mu.Unlock()
	return f.sub
}

// recall keeps the feeds that were about to be closed, as what took their place is
// lost, or cannot be relied on either: those that can be go on as before, the others
// until something better is found. The caller holds mu.
func (e *trackEntry) recall() {
	for _, f := range e.feeds {
		if f.closer != nil && f.session.Context().Err() == nil && f.closer.Stop() {
			f.closing, f.closer = false, nil
			e.changed.announce()
		}
	}
}

// restored notes that a feed can be relied on, again or at last. It is given up when
// another one has taken its place meanwhile; else other links are not needed any more,
// and it is asked again for what it could not bring. One whose subscription is not taken
// in yet takes the place of others when it is (answered). The caller holds mu.
func (e *trackEntry) restored(f *feed) {
	if f.link == nil || !f.accepted || f.sub == nil || !f.isSound() {
		return
	}
	if slices.ContainsFunc(e.feeds, func(x *feed) bool { return x != f && x.accepted && x.isSound() }) {
		f.retire()
		return
	}
	for _, x := range e.feeds {
		if x != f && x.link != nil {
			x.retire()
		}
	}
	e.changed.announce()
	if f.remake = f.behind; !f.behind {
		f.behind = true
		e.relay.tasks.Go(func() { e.makeUp(f) })
	}
}

// makeUp fetches what a feed that can be relied on again did not bring, once more when
// that was said again meanwhile. Only then are relays below told that the track is
// supplied, so that those find here what they ask for.
func (e *trackEntry) makeUp(f *feed) {
	for {
		err := e.askMissed(f)
		e.mu.Lock()
		again := f.remake && err == nil
		f.behind, f.remake = again, false
		e.mu.Unlock()
		if !again {
			e.poke()
			return
		}
	}
}

// askMissed has what a feed did not bring fetched: its datagrams were lost while its
// link was silent. An update that changes nothing has it say where the track is.
func (e *trackEntry) askMissed(f *feed) error {
	sub := f.subscription()
	if sub == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(e.relay.ctx, e.relay.config.RequestTimeout)
	defer cancel()
	from, published := e.live.Behind(maxRefill) // before what comes now is taken for all that came
	if err := sub.Update(ctx, wire.Parameters{}); err != nil {
		return err // it is lost, and will be replaced
	}
	if at, any := e.live.Largest(); any && published {
		before := f.start
		if from.Less(before) {
			before = from
		}
		e.begin(f, append(e.live.Incomplete(before), live.Range{From: from, To: at.Next()}))
	}
	return nil
}
