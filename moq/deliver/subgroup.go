package deliver

import (
	"time"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// subgroupSource sends one subgroup of a subscription, on as many streams as it
// takes: another one is begun where an object is not known to be the next one
// (moqt-18 §11.4.3). It is kept when its flow is over, since a subgroup may be
// continued by another publisher.
type subgroupSource struct {
	subscription *Subscription
	subgroup     *live.Subgroup
	from         uint64                // next object ID wanted
	past         bool                  // no object ID is left to want
	late         []*live.Object        // passed over: they came, or may be completed, out of order
	active       bool                  // a flow of it is open
	woken        time.Time             // all that could be sent was, until then
	over         bool                  // nothing more of it is sent (moqt-18 §8, §11.4.3)
	limits       wire.Option[timeouts] // that its publisher set
	cut          bool                  // objects of it were outside of what is subscribed to

	// Of the current stream:
	sent          bool // an object was sent
	last          uint64
	seen          bool // last is the object looked at last, sent or not
	broken        bool // what comes is not known to follow
	hasProperties bool
	cursor        wire.ObjectCursor
	first         *live.Object // first sent
	current       *live.Object // sent last
}

func (src *subgroupSource) next(f *flow, now time.Time) verdict {
	x, sg := src.subscription, src.subgroup
	if !x.covers(sg) {
		src.cut = true
		return src.leave(wire.ResetCancelled)
	}
	if sg.Group == x.params.Start.Group && src.from < x.params.Start.Object {
		src.broken = src.broken || src.seen // what was not sent yet is omitted
		src.from = x.params.Start.Object
	}
	if o := src.nextLate(now); o != nil {
		src.broken = true // it does not follow what was sent after it
		return src.send(f, o, now)
	}
	for {
		var o *live.Object
		state, code := live.Finished, wire.ResetCode(0)
		if !src.past {
			o, state, code = sg.Next(src.from)
		}
		switch {
		case o == nil && state == live.Finished:
			return src.complete()
		case o == nil && state == live.Aborted:
			return src.leave(code)
		case o == nil:
			return verdict{action: wait}
		}
		follows, filling := false, false // what comes before may be on its way
		if src.seen && !src.broken {
			follows, filling = sg.Follows(o, src.last)
			src.broken = !follows && !filling
		} else {
			filling = sg.Filling(src.from, o)
		}
		if filling {
			return verdict{action: wait}
		}
		if !x.bounded(o) { // those that follow are not either
			src.cut = true
			return src.leave(wire.ResetCancelled)
		}
		switch {
		case sg.Abandoned(o): // it may still be completed; those behind it do not wait
			src.late = append(src.late, o)
			src.pass(o)
			src.broken = true
			continue
		case !x.filter.passes(o): // moqt-19 §11.4.3: this does not break the sequence
			src.pass(o)
			continue
		case src.tooOld(o, now):
			src.pass(o)
			src.broken = true
			continue
		}
		if src.expired(o, now) {
			return src.timedOut()
		}
		if src.behind(o, now) {
			return src.skip(o, now)
		}
		src.caughtUp(o, now)
		src.pass(o)
		return src.send(f, o, now)
	}
}

// drained reports that there is nothing to send until the track changes; false when
// only next can tell.
func (src *subgroupSource) drained() bool {
	return len(src.late) == 0 && !src.past && src.subgroup.Awaits(src.from)
}

// lag is for how long the subscriber could have had an object: it is not behind by
// what its publisher did not bring.
func (src *subgroupSource) lag(o *live.Object, now time.Time) time.Duration {
	return min(now.Sub(o.Coming()), now.Sub(src.woken))
}

// nextLate returns an object that was passed over and can be sent now.
func (src *subgroupSource) nextLate(now time.Time) *live.Object {
	rest := src.late[:0]
	var found *live.Object
	for _, o := range src.late {
		if found != nil || o.Stalled() {
			rest = append(rest, o)
		} else if src.subscription.wants(o) && !src.tooOld(o, now) && !src.expired(o, now) && !src.behind(o, now) {
			found = o
		}
	}
	clear(src.late[len(rest):])
	src.late = rest
	return found
}

// pass moves on behind an object.
func (src *subgroupSource) pass(o *live.Object) {
	src.subscription.feed.Took(o)
	src.seen, src.last = true, o.ID
	src.from, src.past = o.ID+1, o.ID+1 == 0
}

// send has the flow send an object, on a new stream when it does not follow.
func (src *subgroupSource) send(f *flow, o *live.Object, now time.Time) verdict {
	if src.sent && (src.broken || (len(o.Properties) > 0 && !src.hasProperties)) {
		f.leave(wire.ResetInternalError)
		src.sent, src.cursor = false, wire.ObjectCursor{}
	}
	if !src.sent {
		src.first, src.hasProperties = o, src.subgroup.HasProperties()
	}
	f.header = o.Framing(f.scheduler.version, &src.cursor, src.hasProperties)
	f.offset = 0
	if o.Size > 0 {
		f.object = o
	} else {
		f.scheduler.config.Counters.Objects.Add(1)
		src.subscription.tally.objects.Add(1)
	}
	f.scheduler.sample(src, f, o, now)
	src.current, src.sent, src.broken = o, true, false
	src.seen, src.last = true, o.ID
	return verdict{action: send}
}

// complete ends a subgroup all of whose objects are there. The end of a stream
// names its last object the final one of the subgroup (moqt-18 §2.4.2), so it
// is a FIN only after that one; else objects were left out (moqt-18 §11.4.3).
func (src *subgroupSource) complete() verdict {
	final, any := src.subgroup.Final()
	if src.sent && (!any || src.current.ID != final) {
		return src.leave(wire.ResetCancelled)
	}
	v := verdict{action: complete}
	if at, ok := src.subgroup.Finished(); ok {
		if limit := src.timeouts().subgroup; limit > 0 {
			v.linger = at.Add(limit)
		}
	}
	return v
}

// leave ends the stream before the end of the subgroup. What was sent stays.
func (src *subgroupSource) leave(code wire.ResetCode) verdict {
	return verdict{action: reset, code: code, keep: true}
}

// timeouts returns the effective delivery timeouts.
func (src *subgroupSource) timeouts() timeouts {
	x := src.subscription
	if !src.limits.Set {
		src.limits.Value, src.limits.Set = x.publisher(src.subgroup)
	}
	return src.limits.Value.within(x.subscriber())
}

// tooOld reports whether an object must not be handed out any more (moqt-18 §12.3).
func (src *subgroupSource) tooOld(o *live.Object, now time.Time) bool {
	limit := src.subscription.params.Track.MaxAge()
	return limit > 0 && now.Sub(o.Arrived) > limit
}

// expired reports whether a delivery timeout is over for an object (moqt-18 §8).
func (src *subgroupSource) expired(o *live.Object, now time.Time) bool {
	limits := src.timeouts()
	if limits.object > 0 && now.Sub(o.Arrived) > limits.object {
		return true
	}
	if limits.subgroup == 0 {
		return false
	}
	at, ended := src.subgroup.Finished()
	return ended && now.Sub(at) > limits.subgroup
}

// timedOut gives the subgroup up: no other stream is opened for it (moqt-18 §8).
func (src *subgroupSource) timedOut() verdict {
	src.subscription.scheduler.config.Counters.Timeouts.Add(1)
	return verdict{action: reset, code: wire.ResetDeliveryTimeout, final: true}
}

// behind reports whether the subscriber is too slow for an object while the
// track has a newer group.
func (src *subgroupSource) behind(o *live.Object, now time.Time) bool {
	x := src.subscription
	return o.Group < x.newest && (src.lag(o, now) > x.scheduler.config.MaxLag || src.flooded(o) || src.subgroup.Lost())
}

// flooded reports whether too many bytes came after an object.
func (src *subgroupSource) flooded(o *live.Object) bool {
	x := src.subscription
	return o.Group < x.newest && x.params.Track.Since(o) > x.scheduler.config.MaxLagBytes
}

// skip gives the subgroup up for newer groups, o being the next object of it.
func (src *subgroupSource) skip(o *live.Object, now time.Time) verdict {
	x := src.subscription
	config := &x.scheduler.config
	x.tally.skipped.Add(1)
	switch {
	case src.lag(o, now) > config.MaxLag:
		config.Counters.SkippedLag.Add(1)
	case src.flooded(o):
		config.Counters.SkippedFlooded.Add(1)
	default:
		config.Counters.SkippedLost.Add(1)
	}
	if x.skipped++; x.skipped == 1 {
		config.Logger().Debug("a subscriber fell behind, groups are left unfinished", "track", x.params.Track.Name().String(),
			"group", o.Group, "newest", x.newest, "lag", src.lag(o, now), "bytes", x.params.Track.Since(o))
	}
	return verdict{action: reset, code: wire.ResetTooFarBehind, final: true}
}

// caughtUp ends what skip began, when an object of the newest group is sent in time.
func (src *subgroupSource) caughtUp(o *live.Object, now time.Time) {
	x := src.subscription
	if x.skipped > 0 && o.Group == x.newest && src.lag(o, now) < x.scheduler.config.MaxLag/2 {
		x.scheduler.config.Logger().Debug("a subscriber has caught up", "track", x.params.Track.Name().String(), "group", o.Group, "skipped", x.skipped)
		x.skipped = 0
	}
}

// check looks at the object that is being sent.
func (src *subgroupSource) check(_ *flow, now time.Time) (v verdict, over bool) {
	if src.expired(src.current, now) {
		return src.timedOut(), true
	}
	return verdict{}, false
}

func (src *subgroupSource) preface() []byte {
	x, sg := src.subscription, src.subgroup
	h := &wire.SubgroupHeader{
		TrackAlias: x.params.Alias, Group: sg.Group, Subgroup: sg.ID, Mode: wire.SubgroupExplicit,
		HasProperties: src.hasProperties, EndOfGroup: sg.EndsGroup(), FirstObject: sg.StartsWith(src.first),
	}
	if sg.ID == 0 {
		h.Mode = wire.SubgroupZero
	}
	if sg.Priority != x.defaults.PublisherPriority {
		h.Priority = wire.Some(sg.Priority)
	}
	x.streams++
	x.begin()
	return wire.AppendSubgroupHeader(nil, x.scheduler.version, h)
}

// stuck: the object being sent has no more bytes now. When it will have none,
// the subgroup goes on behind it; should it be completed later, it is sent again.
func (src *subgroupSource) stuck(f *flow) verdict {
	if !src.subgroup.Abandoned(f.object) {
		return verdict{action: wait}
	}
	src.late = append(src.late, f.object)
	code := wire.ResetInternalError
	if _, state, c := src.subgroup.Next(src.from); state == live.Aborted {
		code = c
	}
	f.leave(code)
	f.header, f.object, f.offset = nil, nil, 0
	src.sent, src.broken, src.cursor = false, true, wire.ObjectCursor{}
	return verdict{action: again}
}

func (src *subgroupSource) place() place {
	p := &src.subscription.params
	sg := src.subgroup
	return place{subscriber: p.Priority, publisher: sg.Priority, kind: kindSubgroup, order: p.Order, group: sg.Group, id: sg.ID}
}

func (src *subgroupSource) finish(f *flow, v verdict) {
	src.active = false
	src.over = src.over || v.final
	if f.object != nil { // not sent in whole: again, should the subgroup be continued
		src.late = append(src.late, f.object)
	}
	src.sent, src.seen, src.broken, src.cursor = false, false, false, wire.ObjectCursor{}
	if len(src.late) > 0 && !src.over {
		src.subscription.lagging = append(src.subscription.lagging, src)
	}
	src.subscription.drop(f)
}

// skipToEnd leaves out what is in the subgroup now.
func (src *subgroupSource) skipToEnd() {
	src.late = nil
	if o := src.subgroup.Newest(); o != nil {
		src.pass(o)
		src.seen = false
	}
}
