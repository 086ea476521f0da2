package relay

import (
	"context"
	"slices"
	"time"

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

// updating returns what is called when a subscriber is about to update its
// subscription: the answer tells where the track is, which a paused one asks its
// publishers for first.
func (e *trackEntry) updating(ctx context.Context, u *use) func(wire.Parameters) {
	return func(p wire.Parameters) {
		switch {
		case p.Forward.Or(false):
			u.want(true)
			e.resume(ctx)
		case !p.Forward.Set:
			e.current(ctx)
		}
	}
}

// updated returns what is called when a subscriber updates its subscription.
func (r *Relay) updated(ctx context.Context, u *use) func(wire.Parameters) {
	return func(p wire.Parameters) {
		if p.Forward.Set {
			u.want(p.Forward.Value)
		}
		if g := p.NewGroupRequest; g.Set {
			u.askGroup(ctx, g.Value)
		}
	}
}

// askGroup has the publishers asked for a group, behind what the user asked for before.
func (u *use) askGroup(ctx context.Context, group uint64) {
	u.groupsMu.Lock()
	defer u.groupsMu.Unlock()
	u.groups = append(u.groups, group)
	if !u.asking {
		u.asking = true
		u.entry.relay.tasks.Go(func() { u.askGroups(ctx) })
	}
}

func (u *use) askGroups(ctx context.Context) {
	for {
		u.groupsMu.Lock()
		if len(u.groups) == 0 {
			u.asking = false
			u.groupsMu.Unlock()
			return
		}
		group := u.groups[0]
		u.groups = u.groups[1:]
		u.groupsMu.Unlock()
		u.entry.askGroup(ctx, group)
	}
}

// steerPatience is how long a subscriber of a paused track waits for it to flow
// again: it would otherwise join at a location that is out of date.
const steerPatience = 2 * time.Second

// resume is steer for a subscriber that is about to be answered. It waits as well for
// what others had asked for before.
func (e *trackEntry) resume(ctx context.Context) {
	if e.steered() {
		return
	}
	steered := make(chan struct{})
	e.relay.tasks.Go(func() {
		e.steer(ctx)
		close(steered)
	})
	select {
	case <-steered:
	case <-time.After(steerPatience):
	case <-ctx.Done():
	}
}

// steered reports whether all established feeds have the forward state that is wanted.
func (e *trackEntry) steered() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !slices.ContainsFunc(e.providers(), func(f *feed) bool { return f.turning || f.forward != e.wanted(f) })
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
	select {
	case e.steering <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-e.steering }()
	for f := e.misled(); f != nil && ctx.Err() == nil; f = e.misled() {
		e.mu.Lock()
		forward := e.wanted(f)
		resumed := forward && !slices.ContainsFunc(e.providers(), func(x *feed) bool { return x.forward })
		f.forward, f.turning = forward, true
		e.mu.Unlock()
		had := largest(e.live)
		from, _ := e.live.Behind(maxRefill)
		ctx, cancel := context.WithTimeoutCause(ctx, e.relay.config.RequestTimeout, errNoAnswer)
		if err := f.sub.Update(ctx, wire.Parameters{Forward: wire.Some(forward)}); err != nil {
			e.relay.log.Info("publisher refuses an update", "track", e.name.String(), "forward", forward, "error", err)
		} else if resumed {
			e.catchUp(had)
		} else if e.paused() {
			e.cutOff(from)
		}
		e.mu.Lock()
		f.turning = false
		e.mu.Unlock()
		cancel()
	}
}

// cutOff notes that the track is paused: it cannot speak for what was on its way then,
// from a location on, or was published before the publisher heard of it.
func (e *trackEntry) cutOff(from wire.Location) {
	if at, any := e.live.Largest(); any {
		e.live.Forget(live.Range{From: from, To: at.Next()})
	}
	e.live.Pause()
}

// paused reports whether no publisher sends objects.
func (e *trackEntry) paused() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !slices.ContainsFunc(e.providers(), func(f *feed) bool { return f.forward })
}

// catchUp fetches what was missed of the current group while the track was
// paused, and of those before it when that is not much. The publisher named
// the present location in its answer (moqt-18 §10.2.11); from where the track
// was before, that is not known here.
func (e *trackEntry) catchUp(had wire.Option[wire.Location]) {
	at := e.passed(had)
	if !at.Set {
		return
	}
	r := live.Range{From: wire.Location{Group: at.Value.Group}, To: at.Value.Next()}
	if had.Set && at.Value.Group-had.Value.Group <= maxRefill {
		r.From.Group = had.Value.Group
	}
	e.backfill(r, nil)
}

// passed notes that the track cannot speak for what was published since it was
// at a location, and returns where it is now.
func (e *trackEntry) passed(had wire.Option[wire.Location]) wire.Option[wire.Location] {
	at := largest(e.live)
	if at.Set {
		missed := live.Range{To: at.Value.Next()}
		if had.Set {
			missed.From = had.Value.Next()
		}
		e.live.Forget(missed)
	}
	return at
}

// current has a paused track tell the largest location of its publishers, by an
// update that changes nothing.
func (e *trackEntry) current(ctx context.Context) {
	select {
	case e.steering <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-e.steering }()
	e.mu.Lock()
	feeds := e.providers()
	if slices.ContainsFunc(feeds, func(f *feed) bool { return f.forward }) {
		feeds = nil
	}
	e.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, e.relay.config.RequestTimeout)
	defer cancel()
	for _, f := range feeds {
		had := largest(e.live)
		if err := f.sub.Update(ctx, wire.Parameters{}); err == nil {
			e.passed(had)
		}
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
