package deliver

import (
	"slices"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// Fetch says what a FETCH response, or the fill of a subscription, sends.
type Fetch struct {
	// Track is read from; RequestID goes into the header of the stream (moqt-18
	// §11.4.4).
	Track     *live.Track
	RequestID uint64
	// First and Last bound the range, both inclusive.
	First, Last wire.Location
	Order       wire.GroupOrder // ascending unless it is GroupOrderDescending
	Priority    uint8           // subscriber priority; lower is more important
	// FillTimeout is how long in all the response waits for objects that are
	// being fetched (moqt-18 §10.2.5), from the call of Scheduler.Fetch on;
	// what is missing then is reported. 0 waits for nothing, unset has no limit.
	FillTimeout wire.Option[time.Duration]
	// Filters are range filters: objects that do not pass are not sent (moqt-19 §5.1.3).
	Filters []wire.RangeFilter
	// Fill is the subscription that this is a fill of (moqt-20 §5.1.3), or nil.
	// The stream is counted with those of the subscription and is reset with
	// them; what becomes of it does not touch the subscription, except that Done
	// of that comes after the end of its fills.
	Fill *Subscription
	// Again, when set, is told of parts of the range that the track had, forgot, and
	// cannot speak for any more: it has them asked for, and calls asked once they are
	// announced to the track (live.Track.ExpectFill) or cannot be had. It must not block.
	Again func(part live.Range, asked func())
	// Done is called once, by the scheduler, when the stream is closed: with
	// true after all of it was sent. It must not block.
	Done func(complete bool)
}

// FetchResponse sends the objects of a range on one stream.
type FetchResponse struct {
	scheduler *Scheduler
	params    Fetch
	filter    *matcher
	walk      *live.Walk
	stop      func()
	flow      *flow
	cursor    wire.FetchCursor
	ahead     finding // what comes next
	found     bool    // ahead is valid
	current   place   // of what is being sent, or was sent last
	deadline  time.Time
	hurried   bool                    // the deadline is over
	asking    bool                    // Again has not called back yet
	asked     wire.Option[live.Range] // the part that Again was called for last
	failed    wire.Option[wire.ResetCode]
	over      bool

	ticket  *ticket // that of its subscription when it is a fill
	entered bool    // the scheduler knows it
	mark    mark
}

// finding is a step of the walk.
type finding struct {
	step   live.Step
	object *live.Object
	until  wire.Location
}

// Fetch starts to send a range.
func (s *Scheduler) Fetch(p Fetch) *FetchResponse {
	down := p.Order == wire.GroupOrderDescending
	properties, info := p.Track.Properties()
	r := &FetchResponse{scheduler: s, params: p, filter: newMatcher(p.Filters, properties)}
	r.current = place{publisher: info.PublisherPriority, group: p.First.Group}
	if down {
		r.current.group = p.Last.Group
	}
	if p.FillTimeout.Set {
		r.deadline = s.config.Now().Add(p.FillTimeout.Value)
	}
	r.cursor.Descending = down
	if p.Fill != nil {
		r.ticket = &p.Fill.ticket
	} else {
		r.ticket = &ticket{request: r}
		r.rank()
	}
	r.mark.request = r
	r.stop = p.Track.Listen(r)
	r.walk = p.Track.NewWalk(p.First, p.Last, down)
	r.flow = &flow{scheduler: s, ticket: r.ticket, source: r}
	r.flow.header = wire.AppendFetchHeader(nil, s.version, &wire.FetchHeader{RequestID: p.RequestID})
	r.flow.guard = len(r.flow.header)
	s.do(func() {
		if s.closed() || r.over || (p.Fill != nil && p.Fill.cancelled) {
			r.close(false)
			return
		}
		r.entered = true
		if p.Fill != nil {
			p.Fill.fills = append(p.Fill.fills, r)
		} else {
			s.admit(r.ticket)
		}
		r.refresh(s.config.Now()) // also for what was noted before the request was known
	})
	return r
}

func (r *FetchResponse) entry() *ticket { return r.ticket }

// rank tells who notes changes how urgent they may be.
func (r *FetchResponse) rank() {
	if r.params.Fill == nil {
		r.ticket.eager.Store(place{subscriber: r.params.Priority, publisher: r.current.publisher}.rank())
	}
}

// TrackChanged implements live.Listener.
func (r *FetchResponse) TrackChanged() {
	r.scheduler.touch(&r.mark, r.ticket)
}

// Cancel resets the stream.
func (r *FetchResponse) Cancel(code wire.ResetCode) {
	r.scheduler.do(func() { r.abandon(code) })
}

// Fail resets the stream because this side cannot go on. The header is sent
// before, so that the peer learns what failed: nothing else tells it of a fill
// (draft 20 §5.1.3.1).
func (r *FetchResponse) Fail(code wire.ResetCode) {
	r.scheduler.do(func() { r.fail(code) })
}

func (r *FetchResponse) fail(code wire.ResetCode) {
	if !r.failed.Set {
		r.failed = wire.Some(code)
		r.flow.idle = false
		r.scheduler.changed(r.ticket)
	}
}

// SetPriority changes the subscriber priority.
func (r *FetchResponse) SetPriority(p uint8) {
	r.scheduler.do(func() {
		r.params.Priority = p
		r.rank()
		r.scheduler.changed(r.ticket)
	})
}

func (r *FetchResponse) abandon(code wire.ResetCode) {
	if r.flow.stream != nil && !r.over {
		r.scheduler.reset(r.flow.stream, code)
	}
	r.close(false)
}

func (r *FetchResponse) close(complete bool) {
	if r.over {
		return
	}
	r.over = true
	r.stop()
	if r.params.Fill == nil {
		r.scheduler.dismiss(r.ticket)
	} else {
		r.scheduler.changed(r.ticket)
	}
	if r.params.Done != nil {
		r.params.Done(complete)
	}
	if x := r.params.Fill; x != nil {
		x.fills = slices.DeleteFunc(x.fills, func(y *FetchResponse) bool { return y == r })
		x.conclude()
	}
}

func (r *FetchResponse) refresh(time.Time) {
	if !r.entered || r.over {
		return
	}
	r.flow.idle = false
	r.scheduler.changed(r.ticket)
	if d := r.params.Track.Done(); d != nil && d.Code == wire.DoneMalformedTrack { // moqt-18 §2.4.2
		r.fail(wire.ResetMalformedTrack)
	}
}

// top is for what is no fill: the subscription orders its fills.
func (r *FetchResponse) top(now time.Time) (u unit, more bool) {
	if r.ready(now) {
		u = r.flow
	}
	return u, false
}

// ready reports whether the response can go on, and finds out what is next, on
// which its place depends.
func (r *FetchResponse) ready(now time.Time) bool {
	if !r.deadline.IsZero() && !r.hurried {
		if now.Before(r.deadline) {
			r.scheduler.wakeAt(r.deadline)
		} else {
			r.hurried = true
			r.walk.Hurry()
			r.flow.idle = false
		}
	}
	if at := r.walk.Retry(); !at.IsZero() && !now.Before(at) {
		r.flow.idle = false
	}
	if !r.flow.usable(now) {
		if r.flow.idle {
			r.comeBack()
		}
		return false
	}
	if len(r.flow.header) == 0 && r.flow.object == nil && !r.failed.Set && !r.look() {
		r.flow.idle = true
		r.comeBack()
		return false
	}
	return true
}

// comeBack has the response looked at again when the walk says so.
func (r *FetchResponse) comeBack() {
	if at := r.walk.Retry(); !at.IsZero() {
		r.scheduler.wakeAt(at)
	}
}

// look finds out what comes next; false when that is to be waited for.
func (r *FetchResponse) look() bool {
	for !r.found {
		if r.asking {
			return false
		}
		var n finding
		n.step, n.object, n.until = r.walk.Next()
		switch {
		case n.step == live.StepWait:
			return false
		case n.step == live.StepUnknown && r.again(n.until):
			continue
		case n.step == live.StepObject && n.object.Status != wire.ObjectNormal:
			continue // a status tells of absence, which a gap says here (moqt-18 §11.2.1.1)
		case n.step == live.StepObject && (!r.filter.passes(n.object) || !r.fits(n.object)):
			continue
		}
		r.ahead, r.found = n, true
		switch n.step {
		case live.StepObject:
			r.current.publisher, r.current.group, r.current.id = n.object.Priority, n.object.Group, n.object.Subgroup
			r.rank()
		case live.StepUnknown, live.StepTimedOut:
			r.current.group = n.until.Group
		}
	}
	return true
}

// again has what the track forgot asked for once more; false when that is no use.
func (r *FetchResponse) again(until wire.Location) bool {
	if r.params.Again == nil || r.hurried {
		return false
	}
	was := *r.walk
	part, ok := r.walk.Again(until)
	if !ok || r.asked.Set && r.asked.Value.From == part.From {
		*r.walk = was
		return false
	}
	r.asked, r.asking = wire.Some(part), true
	r.params.Again(part, func() {
		r.scheduler.do(func() {
			r.asking = false
			r.refresh(r.scheduler.config.Now())
		})
	})
	return true
}

// fits reports whether an object can be named in the session's draft.
func (r *FetchResponse) fits(o *live.Object) bool {
	limit := r.scheduler.version.MaxInteger()
	return o.Group <= limit && o.ID <= limit && (o.Datagram || o.Subgroup <= limit)
}

func (r *FetchResponse) place() place {
	p := r.current
	p.subscriber, p.kind, p.order = r.params.Priority, kindFill, r.params.Order
	return p
}

// preface: the header is set from the start.
func (r *FetchResponse) preface() []byte {
	if x := r.params.Fill; x != nil {
		x.streams++
	}
	return nil
}

func (r *FetchResponse) next(f *flow, now time.Time) verdict {
	switch {
	case r.failed.Set:
		return verdict{action: reset, code: r.failed.Value, final: true}
	case !r.look():
		return verdict{action: wait}
	}
	r.found = false
	n := r.ahead
	if n.step == live.StepObject && r.tooOld(n.object, now) {
		n.step = live.StepUnknown
	}
	item := &wire.FetchObject{Kind: wire.FetchItemEndUnknown, Group: n.until.Group, ID: n.until.Object}
	switch n.step {
	case live.StepEnd:
		return verdict{action: complete}
	case live.StepUnknown:
	case live.StepTimedOut:
		item.Kind = wire.FetchItemEndTimedOut
	default:
		o := n.object
		*item = wire.FetchObject{
			Kind: wire.FetchItemObject, Group: o.Group, Subgroup: o.Subgroup, ID: o.ID, Datagram: o.Datagram,
			Priority: o.Priority, Properties: o.Properties, HasProperties: len(o.Properties) > 0, PayloadLen: o.Size,
		}
		if o.Size > 0 {
			f.object, f.offset = o, 0
		}
	}
	f.header = wire.AppendFetchObject(nil, r.scheduler.version, &r.cursor, item)
	return verdict{action: send}
}

// tooOld: an object that was found may have become too old while the stream
// could take nothing (moqt-18 §12.3).
func (r *FetchResponse) tooOld(o *live.Object, now time.Time) bool {
	limit := r.params.Track.MaxAge()
	return limit > 0 && now.Sub(o.Arrived) > limit
}

func (r *FetchResponse) check(f *flow, _ time.Time) (v verdict, over bool) {
	if r.failed.Set && f.stream != nil && f.guard == 0 {
		return verdict{action: reset, code: r.failed.Value, final: true}, true
	}
	return verdict{}, false
}

// stuck: an object whose source is gone may yet be completed; the response
// waits as long as it may.
func (r *FetchResponse) stuck(f *flow) verdict {
	switch {
	case r.params.Track.Done() != nil && f.object.Stalled():
		return verdict{action: reset, code: wire.ResetInternalError, final: true}
	case r.hurried && f.object.Stalled():
		return verdict{action: reset, code: wire.ResetUnknownObjectStatus, final: true}
	}
	return verdict{action: wait}
}

func (r *FetchResponse) finish(_ *flow, v verdict) { r.close(v.action == complete) }
