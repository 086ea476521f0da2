package deliver

import (
	"sync/atomic"
	"time"

	"moqedge/moq/live"
)

// tally counts what was sent of one subscription. The scheduler adds, anybody reads.
type tally struct{ bytes, objects, skipped atomic.Uint64 }

// Sent is what was sent of a subscription so far.
type Sent struct {
	// Bytes of streams and datagrams, headers included; Objects sent whole.
	Bytes, Objects uint64
	// GroupsSkipped is as in Counters.
	GroupsSkipped uint64
}

// Sent reads what was sent, that of fills excepted.
func (x *Subscription) Sent() Sent {
	return Sent{Bytes: x.tally.bytes.Load(), Objects: x.tally.objects.Load(), GroupsSkipped: x.tally.skipped.Load()}
}

// begin tells, once, that an object is about to be sent.
func (x *Subscription) begin() {
	if begun := x.params.Begun; begun != nil {
		x.params.Begun = nil
		begun()
	}
}

// sampled is the object of a scheduler that is being looked at, one at most: flow is
// about to send it, or nil.
type sampled struct {
	count   uint32
	flow    *flow
	arrived time.Time
	queued  time.Duration
}

// sample begins to look at one of Config.SampleEvery objects.
func (s *Scheduler) sample(src *subgroupSource, f *flow, o *live.Object, now time.Time) {
	if s.config.Observe == nil {
		return
	}
	if s.sampled.flow == f { // what it was about to send is not sent
		s.sampled.flow = nil
	}
	if s.sampled.count++; s.sampled.count < s.config.SampleEvery || o.Arrived.Before(src.subscription.began) {
		return
	}
	s.sampled = sampled{flow: f, arrived: o.Arrived, queued: max(0, src.lag(o, now))}
}

// observe tells of the object that is looked at: its first bytes were sent.
func (s *Scheduler) observe() {
	s.sampled.flow = nil
	s.config.Observe(Sample{Forward: s.config.Now().Sub(s.sampled.arrived), Queued: s.sampled.queued})
}
