package relay

import (
	"context"
	"slices"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// wanted reports whether a publisher is to send objects: when a subscriber
// wants them (moqt-19 §9.2), or Config.ForwardIdle says so. The caller holds mu.
func (e *trackEntry) wanted(f *feed) bool {
	switch policy := e.relay.config.ForwardIdle; {
	case policy == ForwardAll, policy == ForwardPublished && f.pushed:
		return true
	}
	for u := range e.uses {
		if u.wants {
			return true
		}
	}
	return false
}

// want changes whether a user wants objects.
func (u *use) want(objects bool) {
	u.entry.mu.Lock()
	u.wants = objects
	u.entry.mu.Unlock()
	u.entry.poke()
}

// misled returns an established feed whose forward state is not what is wanted.
func (e *trackEntry) misled() *feed {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.providers() {
		if f.forward != e.wanted(f) {
			return f
		}
	}
	return nil
}

// steer brings the forward states of all publishers in line with what is
// wanted (moqt-18 §9.5). When it returns, a track that is wanted flows, and
// what was missed of its current group is on its way.
func (e *trackEntry) steer(ctx context.Context) {
	e.steering.Lock()
	defer e.steering.Unlock()
	for f := e.misled(); f != nil && ctx.Err() == nil; f = e.misled() {
		e.mu.Lock()
		forward := e.wanted(f)
		resumed := forward && !slices.ContainsFunc(e.providers(), func(x *feed) bool { return x.forward })
		f.forward = forward
		e.mu.Unlock()
		had := largest(e.live)
		ctx, cancel := context.WithTimeoutCause(ctx, e.relay.config.RequestTimeout, errNoAnswer)
		if err := f.sub.Update(ctx, wire.Parameters{Forward: wire.Some(forward)}); err != nil {
			e.relay.log.Info("publisher refuses an update", "track", e.name.String(), "forward", forward, "error", err)
		} else if resumed {
			e.catchUp(ctx, f, had)
		}
		cancel()
	}
}

// catchUp fetches what was missed while the track was paused, in the current
// group at least: all of it when that is not much.
func (e *trackEntry) catchUp(ctx context.Context, f *feed, had wire.Option[wire.Location]) {
	if !e.refresh(ctx, f, had) {
		return
	}
	at, _ := e.live.Largest()
	r := live.Range{From: wire.Location{Group: at.Group}, To: at.Next()}
	if had.Set && at.Group-had.Value.Group <= maxRefill {
		r.From = wire.Location{Group: min(had.Value.Group, at.Group)}
	}
	e.backfill(r)
}

// refresh learns how far a paused track has come (moqt-18 §10.2.11). What it
// passed since it was at had is unknown here. False means that the publisher
// did not say.
func (e *trackEntry) refresh(ctx context.Context, f *feed, had wire.Option[wire.Location]) bool {
	status, err := f.session.TrackStatus(ctx, e.name)
	if err != nil || !status.Largest.Set {
		return false
	}
	missed := live.Range{To: status.Largest.Value.Next()}
	if had.Set {
		missed.From = had.Value.Next()
	}
	e.live.Forget(missed)
	e.live.RaiseLargest(status.Largest.Value)
	return true
}

// current makes the largest location of a track that is paused, as it would
// be told to others, that of its publishers.
func (e *trackEntry) current(ctx context.Context) {
	e.steering.Lock()
	defer e.steering.Unlock()
	e.mu.Lock()
	feeds := e.providers()
	for _, f := range feeds {
		if f.forward {
			feeds = nil
			break
		}
	}
	e.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, e.relay.config.RequestTimeout)
	defer cancel()
	for _, f := range feeds {
		e.refresh(ctx, f, largest(e.live))
	}
}

// newGroups is what was asked of the publishers by NEW_GROUP_REQUEST. It is
// guarded by the entry's mu.
type newGroups struct {
	pending     wire.Option[uint64] // for subscriptions that are not made yet
	outstanding wire.Option[uint64] // the largest value sent
	at          uint64              // the largest group when it was sent
	any         bool                // with outstanding: there was a group
}

// sent notes that a subscription was made with a request, at a location.
func (g *newGroups) sent(value wire.Option[uint64], at wire.Option[wire.Location]) {
	if g.pending = (wire.Option[uint64]{}); value.Set {
		g.sends(value.Value, at)
	}
}

// askGroup hands a subscriber's NEW_GROUP_REQUEST on to the publishers, unless
// the track has no dynamic groups, the group is there already, or a request
// that asks for as much is outstanding (moqt-18 §10.2.13).
func (e *trackEntry) askGroup(ctx context.Context, value uint64) {
	_, info := e.live.Properties()
	at := largest(e.live)
	e.mu.Lock()
	feeds := e.providers()
	send := info.DynamicGroups && e.groups.sends(value, at)
	e.mu.Unlock()
	if !send {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, e.relay.config.RequestTimeout, errNoAnswer)
	defer cancel()
	for _, f := range feeds {
		if err := f.sub.Update(ctx, wire.Parameters{NewGroupRequest: wire.Some(value)}); err != nil {
			e.relay.log.Info("publisher refuses a new group", "track", e.name.String(), "error", err)
		}
	}
}

// ask notes a request for the subscriptions that are about to be made.
func (g *newGroups) ask(value uint64) {
	g.pending = wire.Some(max(value, g.pending.Or(0)))
}

// sends reports whether a request has to be sent for a track at a location,
// and notes that it is.
func (g *newGroups) sends(value uint64, at wire.Option[wire.Location]) bool {
	if value != 0 && at.Set && value <= at.Value.Group {
		return false
	}
	grown := at.Set && (!g.any || at.Value.Group > g.at)
	if g.outstanding.Set && !grown && g.outstanding.Value >= value {
		return false
	}
	if !g.outstanding.Set || grown {
		g.outstanding = wire.Some(value)
	} else {
		g.outstanding.Value = max(value, g.outstanding.Value)
	}
	g.at, g.any = at.Value.Group, at.Set
	return true
}
