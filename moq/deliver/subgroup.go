package deliver

import (
	"time"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// subgroupSource sends one subgroup of a subscription.
type subgroupSource struct {
	subscription *Subscription
	subgroup     *live.Subgroup
	from         uint64 // next object ID wanted
	started      bool   // an object was sent on the current stream
	last         uint64 // with started: its ID
	cursor       wire.ObjectCursor
	first        *live.Object
}

func (src *subgroupSource) next(f *flow, now time.Time) verdict {
	x, sg := src.subscription, src.subgroup
	if src.from == 0 && src.started { // the largest possible ID was sent
		return verdict{action: complete}
	}
	o, state, code := sg.Next(src.from)
	if o == nil {
		switch state {
		case live.Finished:
			return verdict{action: complete}
		case live.Aborted:
			return verdict{reset, uint64(code)}
		}
		return verdict{action: wait}
	}
	if src.started {
		follows, filling := sg.Follows(o, src.last)
		if filling {
			return verdict{action: wait}
		}
		if !follows { // moqt-18 §11.4.3: what is not the next object goes on a new stream
			f.stream.SetReliableBoundary()
			f.stream.Reset(uint64(wire.ResetInternalError))
			f.stream, src.started, src.cursor = nil, false, wire.ObjectCursor{}
			return verdict{action: again}
		}
	}
	counters := f.scheduler.config.Counters
	age := now.Sub(o.Arrived)
	if x.params.ObjectTimeout > 0 && age > x.params.ObjectTimeout {
		counters.Timeouts.Add(1)
		return verdict{reset, uint64(wire.ResetDeliveryTimeout)}
	}
	if x.params.SubgroupTimeout > 0 && state == live.Finished && age > x.params.SubgroupTimeout {
		counters.Timeouts.Add(1)
		return verdict{reset, uint64(wire.ResetDeliveryTimeout)}
	}
	if sg.Group < x.newest && (age > f.scheduler.config.MaxLag || sg.Lost()) {
		counters.GroupsSkipped.Add(1)
		return verdict{reset, uint64(wire.ResetTooFarBehind)}
	}
	if f.stream == nil {
		src.first = o
	}
	f.header = o.Framing(f.scheduler.version, &src.cursor, sg.HasProperties)
	f.offset = 0
	if o.Size > 0 {
		f.object = o
	} else {
		counters.Objects.Add(1)
	}
	src.started, src.last, src.from = true, o.ID, o.ID+1
	return verdict{action: send}
}

func (src *subgroupSource) preface() []byte {
	x, sg := src.subscription, src.subgroup
	h := &wire.SubgroupHeader{
		TrackAlias: x.params.Alias, Group: sg.Group, Subgroup: sg.ID, Mode: wire.SubgroupExplicit,
		HasProperties: sg.HasProperties, EndOfGroup: sg.EndsGroup(), FirstObject: sg.StartsWith(src.first),
	}
	if sg.ID == 0 {
		h.Mode = wire.SubgroupZero
	}
	if sg.Priority != x.defaults.PublisherPriority {
		h.Priority = wire.Some(sg.Priority)
	}
	x.streams++
	return wire.AppendSubgroupHeader(nil, x.scheduler.version, h)
}

func (src *subgroupSource) broken(f *flow) bool {
	_, state, _ := src.subgroup.Next(src.last)
	return state == live.Aborted && !f.object.Complete()
}

func (src *subgroupSource) finish(f *flow, _ verdict) { src.subscription.drop(f) }
