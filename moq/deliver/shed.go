package deliver

import (
	"time"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// A flow that the peer's flow control holds up keeps what it sends in memory,
// and a peer that reads nothing, or allows no further stream, holds up all of
// them. Those that waited for Config.MaxLag are looked at: a subgroup whose
// subscriber fell behind is given up as it would be between two objects.

// held notes that the flow cannot go on now although it has something to send.
func (f *flow) held(now time.Time) {
	s := f.scheduler
	if f.since.IsZero() {
		f.since = now
	}
	if end := f.since.Add(s.config.MaxLag); now.Before(end) && !f.drowned() {
		s.wakeAt(end)
	} else {
		s.overdue = append(s.overdue, f)
	}
}

// shed gives up the flows that were held for too long and that it is no use to
// wait for.
func (s *Scheduler) shed(now time.Time) {
	for _, f := range s.overdue {
		s.changed(f.ticket)
		if src, ok := f.source.(*subgroupSource); ok && src.subscription.stalled(f, now) {
			continue
		}
		if v, over := f.source.overdue(f, now); over {
			f.end(v)
			continue
		}
		f.since = now
	}
	clear(s.overdue)
	s.overdue = s.overdue[:0]
}

// stall is since when the peer takes nothing of a subscription that has something
// for it.
type stall struct{ since, seen time.Time }

// stalled ends a subscription of which the peer took nothing for Config.MaxStall:
// f is one of its flows that is held up.
func (x *Subscription) stalled(f *flow, now time.Time) bool {
	if x.cancelled {
		return true
	}
	config := &x.scheduler.config
	if now.Sub(x.stall.seen) > 2*config.MaxLag { // there was nothing to take meanwhile
		x.stall.since = f.since
	}
	x.stall.seen = now
	if now.Sub(x.stall.since) < config.MaxStall {
		return false
	}
	x.abandon(wire.ResetTooFarBehind)
	x.tell(live.Done{Code: wire.DoneTooFarBehind, Reason: "the subscriber takes nothing"})
	return true
}

func (src *subgroupSource) overdue(f *flow, now time.Time) (v verdict, over bool) {
	o := src.unsent(f)
	if o == nil || !src.behind(o, now) {
		return verdict{}, false
	}
	f.object = nil // it is not sent again
	return src.skip(o, now), true
}

// unsent is the object that a flow is to send next or has not sent in whole.
func (src *subgroupSource) unsent(f *flow) *live.Object {
	o := src.current
	if len(f.header) == 0 && f.object == nil {
		o, _, _ = src.subgroup.Next(src.from)
	}
	return o
}

// drowned reports whether a flow that is held up has to be looked at before its
// time, for so much came meanwhile.
func (f *flow) drowned() bool {
	src, ok := f.source.(*subgroupSource)
	if !ok {
		return false
	}
	o := src.unsent(f)
	return o != nil && src.flooded(o)
}

// overdue: who fetches may take its time; one object is kept for it.
func (r *FetchResponse) overdue(*flow, time.Time) (v verdict, over bool) { return verdict{}, false }
