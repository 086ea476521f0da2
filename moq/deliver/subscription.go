package deliver

import (
	"slices"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// Subscribe says what a subscription sends.
type Subscribe struct {
	// Track is read from; Alias stands for it in headers and datagrams (moqt-18
	// §11.1).
	Track *live.Track
	Alias uint64
	// Start and End bound what passes the filter (moqt-18 §5.1.2), both
	// inclusive. An End.Object of math.MaxUint64 is the rest of the group.
	Start wire.Location
	End   wire.Option[wire.Location]
	// Filters are range filters: objects that do not pass are not sent (moqt-19 §5.1.3).
	Filters []wire.RangeFilter
	// Priority is the subscriber priority, lower is more important; Order the
	// group order. Without Forward no object is sent (moqt-18 §10.2.12).
	Priority uint8
	Order    wire.GroupOrder
	Forward  bool
	// ObjectTimeout and SubgroupTimeout are the subscriber's delivery timeouts
	// (moqt-18 §8); 0 means none. Those of the publisher hold as well.
	ObjectTimeout, SubgroupTimeout time.Duration
	// Held is Hold from the start.
	Held bool
	// Begun is called once, by the scheduler, when the first object is about to be sent;
	// those of fills do not count. It must not block; it may be nil.
	Begun func()
	// Done is called once, by the scheduler, when the track has ended and all
	// of it is sent. It must not block.
	Done func(d live.Done, streams uint64)
}

// Subscription sends the objects of a track as they come.
type Subscription struct {
	scheduler *Scheduler // this and what follows is touched for each object: see there
	mark      mark
	ticket    ticket
	flows     []*flow  // of subgroups, one each
	first     [1]*flow // where flows begins
	feed      *live.Feed
	cancelled bool
	told      bool
	eager     uint8      // most urgent publisher priority that was seen
	ended     *live.Done // how the track did, once it was seen
	fills     []*FetchResponse
	lagging   []*subgroupSource // without a flow, that passed over incomplete objects
	newest    uint64            // largest group seen in a subgroup
	skipped   int               // groups, since it fell behind; 0 while it has not
	filter    *matcher
	params    Subscribe
	stall     stall
	datagrams datagrams
	tally     tally

	began    time.Time // what came before is not what tells how objects fare
	stop     func()
	sources  map[*live.Subgroup]*subgroupSource
	purge    int // size of sources at which it is cleaned up
	defaults wire.TrackInfo
	streams  uint64
	held     int // by Hold
}

// Subscribe starts to send a track from the given start on.
func (s *Scheduler) Subscribe(p Subscribe) *Subscription {
	x := &Subscription{scheduler: s, params: p, sources: map[*live.Subgroup]*subgroupSource{}, purge: 8, began: s.config.Now()}
	x.datagrams.subscription, x.flows = x, x.first[:0]
	if p.Held {
		x.held = 1
	}
	var properties wire.Properties
	properties, x.defaults = p.Track.Properties()
	x.filter = newMatcher(p.Filters, properties)
	x.ticket.request, x.mark.request, x.eager = x, x, x.defaults.PublisherPriority
	x.rank()
	x.stop = p.Track.Listen(x)
	x.feed = p.Track.NewFeed(p.Start)
	s.do(func() {
		if s.closed() || x.cancelled {
			x.release()
			return
		}
		s.admit(&x.ticket)
		if x.params.Forward {
			s.governor.sees(x.ticket.eager.Load(), s.config.Now())
		}
		x.refresh(s.config.Now())
	})
	return x
}

func (x *Subscription) entry() *ticket { return &x.ticket }

// rank tells who notes changes how urgent they may be.
func (x *Subscription) rank() {
	x.ticket.eager.Store(place{subscriber: x.params.Priority, publisher: x.eager}.rank())
}

// sees takes the publisher priority of something that came into account.
func (x *Subscription) sees(priority uint8) {
	if priority < x.eager {
		x.eager = priority
		x.rank()
	}
}

func (s *Scheduler) closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// TrackChanged implements live.Listener.
func (x *Subscription) TrackChanged() {
	x.scheduler.touch(&x.mark, &x.ticket)
}

// Update changes a running subscription; change is called by the scheduler
// with the parameters in force. Track and Alias must stay. Objects that were
// outside of what was subscribed to do not pass for having come before.
func (x *Subscription) Update(change func(*Subscribe)) {
	x.scheduler.do(func() {
		if x.cancelled {
			return
		}
		was, start := x.params.Forward, x.params.Start
		change(&x.params)
		x.rank()
		properties, _ := x.params.Track.Properties()
		x.filter = newMatcher(x.params.Filters, properties)
		switch {
		case was && !x.params.Forward:
			x.abandonFlows(wire.ResetCancelled)
		case !was && x.params.Forward: // also subgroups that were given up (moqt-18 §11.4.3)
			clear(x.sources)
			x.lagging = nil
			x.feed = x.params.Track.NewFeed(x.params.Start)
		case x.params.Start.Less(start):
			x.feed.Lower(x.params.Start)
		}
		for _, src := range x.sources {
			if src.cut && !src.active {
				src.skipToEnd()
				src.cut = !x.covers(src.subgroup)
			}
			x.activate(src)
		}
		x.refresh(x.scheduler.config.Now())
	})
}

// Cancel ends the subscription and resets its streams, those of fills too.
func (x *Subscription) Cancel(code wire.ResetCode) {
	x.scheduler.do(func() { x.abandon(code) })
}

// Finish ends the subscription like Cancel and then calls Done with d, for a
// publisher that ends it by PUBLISH_DONE.
func (x *Subscription) Finish(d live.Done, code wire.ResetCode) {
	x.scheduler.do(func() {
		if x.cancelled {
			return
		}
		x.abandon(code)
		x.tell(d)
	})
}

// Hold keeps the subscription from ending with its track, because a fill of it
// is being prepared, until Release is called as often.
func (x *Subscription) Hold() { x.scheduler.do(func() { x.held++ }) }

// Release ends what Hold began.
func (x *Subscription) Release() {
	x.scheduler.do(func() {
		x.held--
		x.conclude()
	})
}

func (x *Subscription) tell(d live.Done) {
	if !x.told {
		x.told = true
		if x.params.Done != nil {
			x.params.Done(d, x.streams)
		}
	}
}

func (x *Subscription) abandon(code wire.ResetCode) {
	x.abandonFlows(code)
	x.release()
	for len(x.fills) > 0 {
		x.fills[0].abandon(code) // which removes it
	}
}

func (x *Subscription) release() {
	if !x.cancelled {
		x.cancelled = true
		x.stop()
		x.scheduler.dismiss(&x.ticket)
	}
}

func (x *Subscription) abandonFlows(code wire.ResetCode) {
	for _, f := range x.flows {
		if f.stream != nil {
			x.scheduler.reset(f.stream, code)
		}
	}
	x.flows, x.datagrams.waiting = nil, nil
}

func (x *Subscription) refresh(now time.Time) {
	if x.cancelled || !x.ticket.known { // it is looked at when it is admitted
		return
	}
	x.scheduler.changed(&x.ticket)
	if x.feed.News() {
		x.look()
	}
	if x.ended != nil && x.ended.Code == wire.DoneMalformedTrack { // at once (moqt-18 §2.4.2)
		x.abandon(wire.ResetMalformedTrack)
		x.tell(*x.ended)
		return
	}
	for _, f := range x.flows {
		if f.idle {
			f.idle = false
			f.source.(*subgroupSource).woken = now
		}
	}
	x.resume()
	if x.ended != nil && x.idle() { // moqt-18 §10.11, draft 20 §5.1.3
		x.release()
		x.tell(*x.ended)
	}
}

// look takes in what is new in the track besides objects of subgroups that are known.
func (x *Subscription) look() {
	x.ended = x.params.Track.Done() // asked before looking, so that nothing is missed
	late := x.feed.Late()           // before the subgroups, so that those it is of are known
	for sg, ok := x.feed.Subgroup(); ok; sg, ok = x.feed.Subgroup() {
		x.newest = max(x.newest, sg.Group)
		x.activate(x.source(sg))
	}
	for _, l := range late {
		x.passedBy(l)
	}
	s := x.scheduler
	s.fresh = x.feed.Datagrams(s.fresh[:0])
	for _, o := range s.fresh {
		if x.params.Forward && x.wants(o) {
			x.sees(o.Priority)
			x.datagrams.add(o)
		}
	}
	clear(s.fresh)
}

// resume opens flows for objects that were passed over incomplete and are being
// written again.
func (x *Subscription) resume() {
	if len(x.lagging) == 0 {
		return
	}
	rest := x.lagging[:0]
	for _, src := range x.lagging {
		switch {
		case slices.ContainsFunc(src.late, func(o *live.Object) bool { return !o.Stalled() }):
			x.activate(src)
		case !src.active && !src.subgroup.Lost():
			rest = append(rest, src)
		}
	}
	clear(x.lagging[len(rest):])
	x.lagging = rest
}

// source returns what is known of a subgroup.
func (x *Subscription) source(sg *live.Subgroup) *subgroupSource {
	if src := x.sources[sg]; src != nil {
		return src
	}
	if len(x.sources) >= x.purge {
		for sg, src := range x.sources {
			if !src.active && sg.Lost() {
				delete(x.sources, sg)
			}
		}
		x.purge = max(8, 2*len(x.sources))
	}
	src := &subgroupSource{subscription: x, subgroup: sg, cut: !x.covers(sg)}
	if sg.Group == x.params.Start.Group {
		src.from = x.params.Start.Object
	}
	x.sources[sg] = src
	return src
}

// activate opens a flow for a subgroup, unless there is one or none is wanted.
func (x *Subscription) activate(src *subgroupSource) {
	if src.active || src.over || !x.params.Forward || !x.covers(src.subgroup) {
		return
	}
	src.active = true
	x.sees(src.subgroup.Priority)
	x.flows = append(x.flows, &flow{scheduler: x.scheduler, ticket: &x.ticket, source: src})
}

// passedBy takes in an object that came behind later ones of its subgroup.
func (x *Subscription) passedBy(l live.Late) {
	src := x.sources[l.Subgroup]
	if src == nil || src.over || l.Object.Location().Less(x.params.Start) {
		return
	}
	if l.Object.ID < src.from || src.past {
		src.late = append(src.late, l.Object)
	}
	x.activate(src)
}

// covers reports whether objects of a subgroup may be within the bounds, and can
// be named in the session's draft (wire.Version.MaxInteger).
func (x *Subscription) covers(sg *live.Subgroup) bool {
	limit := x.scheduler.version.MaxInteger()
	return sg.Group >= x.params.Start.Group && (!x.params.End.Set || sg.Group <= x.params.End.Value.Group) && sg.Group <= limit && sg.ID <= limit
}

// bounded reports whether an object is within the bounds.
func (x *Subscription) bounded(o *live.Object) bool {
	l := o.Location()
	return !l.Less(x.params.Start) && (!x.params.End.Set || !x.params.End.Value.Less(l)) && max(l.Group, l.Object) <= x.scheduler.version.MaxInteger()
}

// wants reports whether an object passes the filters.
func (x *Subscription) wants(o *live.Object) bool { return x.bounded(o) && x.filter.passes(o) }

// top picks what is most urgent of the subscription and its fills.
func (x *Subscription) top(now time.Time) (best unit, more bool) {
	var at place
	for _, f := range x.flows {
		if f.usable(now) {
			more = choose(&best, &at, f)
		}
	}
	if x.datagrams.usable(now) {
		more = choose(&best, &at, &x.datagrams)
	}
	for _, r := range x.fills {
		if r.ready(now) {
			more = choose(&best, &at, r.flow)
		}
	}
	return best, more
}

// choose makes u the best if it is; it reports whether there is another besides.
func choose(best *unit, at *place, u unit) bool {
	p := u.place()
	had := *best != nil
	if !had || p.before(*at) {
		*best, *at = u, p
	}
	return had
}

// drop forgets a flow that ended.
func (x *Subscription) drop(f *flow) {
	for i, g := range x.flows {
		if g == f {
			x.flows = append(x.flows[:i], x.flows[i+1:]...)
			break
		}
	}
	x.conclude()
}

// conclude looks whether the subscription is over, after something of it ended.
func (x *Subscription) conclude() {
	if !x.cancelled && x.idle() && x.params.Track.Done() != nil {
		x.refresh(x.scheduler.config.Now())
	}
}

// idle reports whether nothing is being sent or about to be, fills included.
func (x *Subscription) idle() bool {
	return len(x.flows)+len(x.datagrams.waiting)+len(x.fills)+x.held == 0
}
