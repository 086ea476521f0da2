package deliver

import (
	"errors"
	"sync/atomic"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Subscribe says what a subscription sends.
type Subscribe struct {
	Track *live.Track
	Alias uint64
	// Start and End bound what passes the filter (moqt-18 §5.1.2), both
	// inclusive. An End.Object of math.MaxUint64 is the rest of the group.
	Start wire.Location
	End   wire.Option[wire.Location]
	// Filters are range filters: objects that do not pass are not sent (moqt-19 §5.1.3).
	Filters []wire.RangeFilter
	// Priority is the subscriber priority, Order the group order.
	Priority uint8
	Order    wire.GroupOrder
	Forward  bool
	// ObjectTimeout and SubgroupTimeout are the effective delivery timeouts
	// (moqt-18 §8); 0 means none.
	ObjectTimeout, SubgroupTimeout time.Duration
	// Done is called once, by the scheduler, when the track has ended and all
	// of it is sent. It must not block.
	Done func(d live.Done, streams uint64)
}

// Subscription sends the objects of a track as they come.
type Subscription struct {
	scheduler *Scheduler
	params    Subscribe
	feed      *live.Feed
	stop      func()
	flows     []*flow
	defaults  wire.TrackInfo
	streams   uint64
	turn      uint64
	newest    uint64 // largest group seen in a subgroup
	told      bool
	cancelled bool

	noted atomic.Bool // it is in the scheduler's hot list
}

// Subscribe starts to send a track from the given start on.
func (s *Scheduler) Subscribe(p Subscribe) *Subscription {
	x := &Subscription{scheduler: s, params: p}
	_, x.defaults = p.Track.Properties()
	x.stop = p.Track.Listen(x)
	x.feed = p.Track.NewFeed(p.Start)
	s.do(func() {
		if s.closed() || x.cancelled {
			x.release()
			return
		}
		s.requests[x] = struct{}{}
		x.refresh()
	})
	return x
}

func (s *Scheduler) closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// TrackChanged implements live.Listener.
func (x *Subscription) TrackChanged() {
	if x.noted.CompareAndSwap(false, true) {
		x.scheduler.touch(x)
	}
}

// Update changes a running subscription; change is called by the scheduler
// with the parameters in force. Track and Alias must stay.
func (x *Subscription) Update(change func(*Subscribe)) {
	x.scheduler.do(func() {
		if x.cancelled {
			return
		}
		was := x.params.Forward
		change(&x.params)
		switch {
		case was && !x.params.Forward:
			x.abandonFlows(wire.ResetCancelled)
		case !was && x.params.Forward:
			x.feed = x.params.Track.NewFeed(x.params.Start)
		}
		x.refresh()
	})
}

// Cancel ends the subscription and resets its streams.
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
}

func (x *Subscription) release() {
	if !x.cancelled {
		x.cancelled = true
		x.stop()
		delete(x.scheduler.requests, x)
	}
}

func (x *Subscription) abandonFlows(code wire.ResetCode) {
	for _, f := range x.flows {
		if f.stream != nil {
			f.stream.Reset(uint64(code))
		}
	}
	x.flows = nil
}

func (x *Subscription) refresh() {
	x.noted.Store(false)
	ended := x.params.Track.Done() // asked before looking, so that nothing is missed
	for sg, ok := x.feed.Subgroup(); ok; sg, ok = x.feed.Subgroup() {
		x.newest = max(x.newest, sg.Group)
		if !x.params.Forward || (x.params.End.Set && sg.Group > x.params.End.Value.Group) {
			continue
		}
		src := &subgroupSource{subscription: x, subgroup: sg}
		if sg.Group == x.params.Start.Group {
			src.from = x.params.Start.Object
		}
		x.flows = append(x.flows, &flow{scheduler: x.scheduler, request: x, source: src})
	}
	for _, o := range x.feed.Datagrams() {
		x.sendDatagram(o)
	}
	for _, f := range x.flows {
		f.idle = false
	}
	if ended != nil && len(x.flows) == 0 {
		x.release()
		x.tell(*ended)
	}
}

func (x *Subscription) sendDatagram(o *live.Object) {
	if !x.params.Forward || (x.params.End.Set && x.params.End.Value.Less(o.Location())) {
		return
	}
	s := x.scheduler
	timeout := shortest(x.params.ObjectTimeout, x.params.SubgroupTimeout)
	if timeout > 0 && s.config.Now().Sub(o.Arrived) > timeout {
		s.config.Counters.Timeouts.Add(1)
		return
	}
	d := &wire.Datagram{TrackAlias: x.params.Alias, Group: o.Group, ID: o.ID, EndOfGroup: o.EndOfGroup, Status: o.Status, Properties: o.Properties, Payload: o.Payload()}
	if o.Priority != x.defaults.PublisherPriority {
		d.Priority = wire.Some(o.Priority)
	}
	b := wire.AppendDatagram(s.scratch, s.version, d)
	switch err := s.conn.SendDatagram(b); {
	case errors.Is(err, transport.ErrDatagramTooLarge):
		s.config.Counters.DatagramsDropped.Add(1)
	case err == nil:
		s.config.Counters.Datagrams.Add(1)
		s.config.Counters.Bytes.Add(uint64(len(b)))
	}
}

// shortest of two timeouts, of which 0 means none.
func shortest(a, b time.Duration) time.Duration {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

// top picks by publisher priority, then group order, then subgroup (moqt-18 §7.2).
func (x *Subscription) top(now time.Time) *flow {
	var best *flow
	for _, f := range x.flows {
		if f.usable(now) && (best == nil || x.before(f.source.(*subgroupSource).subgroup, best.source.(*subgroupSource).subgroup)) {
			best = f
		}
	}
	return best
}

func (x *Subscription) before(a, b *live.Subgroup) bool {
	switch {
	case a.Priority != b.Priority:
		return a.Priority < b.Priority
	case a.Group != b.Group:
		return (a.Group < b.Group) != (x.params.Order == wire.GroupOrderDescending)
	}
	return a.ID < b.ID
}

func (x *Subscription) rank(f *flow) (subscriber, publisher uint8) {
	return x.params.Priority, f.source.(*subgroupSource).subgroup.Priority
}

func (x *Subscription) lastTurn() *uint64 { return &x.turn }

// drop forgets a flow that ended.
func (x *Subscription) drop(f *flow) {
	for i, g := range x.flows {
		if g == f {
			x.flows = append(x.flows[:i], x.flows[i+1:]...)
			break
		}
	}
	if len(x.flows) == 0 && x.params.Track.Done() != nil {
		x.refresh()
	}
}
