package deliver

import (
	"sync/atomic"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// Fetch says what a FETCH response sends.
type Fetch struct {
	Track     *live.Track
	RequestID uint64
	// First and Last bound the range, both inclusive.
	First, Last wire.Location
	Order       wire.GroupOrder
	Priority    uint8 // subscriber priority
	// FillTimeout is how long in all the response waits for objects that are
	// being fetched (moqt-18 §10.2.5), from the call of Scheduler.Fetch on;
	// what is missing then is reported. 0 waits for nothing, unset has no limit.
	FillTimeout wire.Option[time.Duration]
	// Filters are range filters: objects that do not pass are not sent (moqt-19 §5.1.3).
	Filters []wire.RangeFilter
	// Fill is the subscription that this is a fill of (moqt-20 §5.1.3), or nil.
	Fill *Subscription
	// Done is called once, by the scheduler, when the stream is closed: with
	// true after all of it was sent. It must not block.
	Done func(complete bool)
}

// FetchResponse sends the objects of a range on one stream.
type FetchResponse struct {
	scheduler *Scheduler
	params    Fetch
	walk      *live.Walk
	stop      func()
	flow      *flow
	cursor    wire.FetchCursor
	priority  uint8 // publisher priority of the object being sent
	turn      uint64
	over      bool

	noted atomic.Bool
}

// Fetch starts to send a range.
func (s *Scheduler) Fetch(p Fetch) *FetchResponse {
	down := p.Order == wire.GroupOrderDescending
	r := &FetchResponse{scheduler: s, params: p, priority: 128}
	r.cursor.Descending = down
	r.stop = p.Track.Listen(r)
	r.walk = p.Track.NewWalk(p.First, p.Last, down)
	r.flow = &flow{scheduler: s, request: r, source: r}
	r.flow.header = wire.AppendFetchHeader(nil, s.version, &wire.FetchHeader{RequestID: p.RequestID})
	s.do(func() {
		if s.closed() || r.over {
			r.close(false)
			return
		}
		s.requests[r] = struct{}{}
		r.refresh() // also for what was noted before the request was known
	})
	return r
}

// TrackChanged implements live.Listener.
func (r *FetchResponse) TrackChanged() {
	if r.noted.CompareAndSwap(false, true) {
		r.scheduler.touch(r)
	}
}

// Cancel resets the stream.
func (r *FetchResponse) Cancel(code wire.ResetCode) {
	r.scheduler.do(func() { r.abandon(code) })
}

// SetPriority changes the subscriber priority.
func (r *FetchResponse) SetPriority(p uint8) {
	r.scheduler.do(func() { r.params.Priority = p })
}

func (r *FetchResponse) abandon(code wire.ResetCode) {
	if r.flow.stream != nil && !r.over {
		r.flow.stream.Reset(uint64(code))
	}
	r.close(false)
}

func (r *FetchResponse) close(complete bool) {
	if !r.over {
		r.over = true
		r.stop()
		delete(r.scheduler.requests, r)
		if r.params.Done != nil {
			r.params.Done(complete)
		}
	}
}

func (r *FetchResponse) refresh() {
	r.noted.Store(false)
	r.flow.idle = false
}

func (r *FetchResponse) top(now time.Time) *flow {
	if r.flow.usable(now) {
		return r.flow
	}
	return nil
}

func (r *FetchResponse) rank(*flow) (subscriber, publisher uint8) {
	return r.params.Priority, r.priority
}

func (r *FetchResponse) lastTurn() *uint64 { return &r.turn }

func (r *FetchResponse) preface() []byte { return nil } // the header is set from the start

func (r *FetchResponse) next(f *flow, _ time.Time) verdict {
	step, o, until := r.walk.Next()
	item := &wire.FetchObject{}
	switch step {
	case live.StepWait:
		return verdict{action: wait}
	case live.StepEnd:
		return verdict{action: complete}
	case live.StepUnknown:
		*item = wire.FetchObject{Kind: wire.FetchItemEndUnknown, Group: until.Group, ID: until.Object}
	default:
		if o.Status != wire.ObjectNormal {
			return verdict{action: again} // a status tells of absence, which a gap says here (moqt-18 §11.2.1.1)
		}
		*item = wire.FetchObject{
			Kind: wire.FetchItemObject, Group: o.Group, Subgroup: o.Subgroup, ID: o.ID, Datagram: o.Datagram,
			Priority: o.Priority, Properties: o.Properties, HasProperties: len(o.Properties) > 0, PayloadLen: o.Size,
		}
		r.priority = o.Priority
		if o.Size > 0 {
			f.object, f.offset = o, 0
		}
	}
	f.header = wire.AppendFetchObject(nil, r.scheduler.version, &r.cursor, item)
	return verdict{action: send}
}

// broken: an object whose source is gone stays in the walk until the track
// settles it; the response waits, bounded by the request's timeout.
func (r *FetchResponse) broken(f *flow) bool { return r.params.Track.Done() != nil }

func (r *FetchResponse) finish(_ *flow, v verdict) { r.close(v.action == complete) }
