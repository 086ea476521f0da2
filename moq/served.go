package moq

import (
	"math"
	"sync"
	"time"

	"moqedge/moq/deliver"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// served is a subscription of the peer: a track that this side sends.
type served struct {
	session *Session
	id      uint64 // of the request; set when it is known
	name    wire.FullTrackName
	settled chan struct{} // closed when the subscription is established or refused
	once    sync.Once

	// Guarded by the session's mu.
	claimed  bool       // counted in the session's servedTracks
	over     bool       // refused, ended or given up
	done     bool       // the publisher ended it
	result   *live.Done // with done: how
	updating int        // REQUEST_UPDATEs that were read and are not applied yet

	// Valid after settled; track is nil when it was refused.
	track   *live.Track
	sending *deliver.Subscription
	params  subscriptionState
	updated func(wire.Parameters)           // told of updates; may be nil
	fill    func(first, last wire.Location) // told of a fill before it begins; may be nil
	begun   func()                          // told of the first object; may be nil
	tokens  []wire.Token                    // what it was asked for with last; guarded by the session's mu
}

// subscriptionState is what a subscription's parameters amount to. It is
// guarded by the session's mu.
type subscriptionState struct {
	forward  bool
	joining  wire.Option[wire.Location] // moqt-18 §5.1: the Joining Location
	filter   wire.Option[wire.Filter]   // as asked for
	start    wire.Location
	end      wire.Option[wire.Location] // inclusive
	ranges   []wire.RangeFilter
	priority uint8
	order    wire.GroupOrder
}

// enlist notes a subscription that is about to be made, so that a joining FETCH finds it.
func (s *Session) enlist(id uint64, name wire.FullTrackName) *served {
	v := &served{session: s, name: name, settled: make(chan struct{})}
	s.relist(id, v)
	return v
}

func (s *Session) relist(id uint64, v *served) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.id = id
	put(&s.served, id, v)
	s.announce()
}

// claimTrack counts a subscription of its track. Up to draft 18 there is at
// most one (moqt-18 §5.1): false means that there is one.
func (v *served) claimTrack(patience time.Duration) bool {
	s := v.session
	return s.waitFor(patience, func() bool {
		if v.over { // before it began
			return true
		}
		key := v.name.Key()
		if s.servedTracks[key] > 0 && !s.version.Has(wire.FeatureSharedTracks) {
			return false
		}
		put(&s.servedTracks, key, s.servedTracks[key]+1)
		v.claimed = true
		return true
	})
}

// settle says that the subscription is established or refused.
func (v *served) settle() { v.once.Do(func() { close(v.settled) }) }

// delist forgets a subscription that is over.
func (v *served) delist() {
	s := v.session
	s.mu.Lock()
	defer s.mu.Unlock()
	v.unclaim()
	if !v.done {
		v.forget()
	}
}

// ended notes that the publisher ends a subscription. Another one of the track may
// follow as soon as the peer knows. For a while a FETCH that joins this one may be
// on its way: its peer does not know yet.
func (v *served) ended(d live.Done) {
	s := v.session
	s.mu.Lock()
	defer s.mu.Unlock()
	v.done, v.result = true, &d
	v.unclaim()
	time.AfterFunc(crossingGrace, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		v.forget()
	})
}

// forget and unclaim undo relist and claimTrack. The caller holds the session's mu.
func (v *served) forget() {
	if s := v.session; s.served[v.id] == v {
		delete(s.served, v.id)
	}
}

func (v *served) unclaim() {
	v.over = true
	if !v.claimed {
		return
	}
	v.claimed = false
	s, key := v.session, v.name.Key()
	if s.servedTracks[key]--; s.servedTracks[key] == 0 {
		delete(s.servedTracks, key)
	}
	s.announce()
}

func (v *served) forward() bool {
	v.session.mu.Lock()
	defer v.session.mu.Unlock()
	return v.params.forward
}

// alias takes the next track alias of this side.
func (s *Session) alias() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.nextAlias
	s.nextAlias++
	return a
}

// send starts delivery; the subscription is established.
func (v *served) send(out channel, t *live.Track, alias uint64, p wire.Parameters, state subscriptionState, info wire.TrackInfo) {
	state.priority = p.SubscriberPriority.Or(wire.DefaultPriority)
	state.order = p.GroupOrder.Or(info.GroupOrder)
	v.track, v.params = t, state
	v.sending = v.session.sender().Subscribe(deliver.Subscribe{
		Track: t, Alias: alias, Start: state.start, End: state.end, Forward: state.forward, Filters: state.ranges,
		Priority: state.priority, Order: state.order,
		ObjectTimeout: p.ObjectDeliveryTimeout.Value, SubgroupTimeout: p.SubgroupDeliveryTimeout.Value,
		Held: p.FillParameters.Set, Begun: v.begun,
		Done: func(d live.Done, streams uint64) {
			v.ended(d)
			v.session.tasks.Go(func() {
				out.finish(&wire.PublishDone{Code: d.Code, StreamCount: streams, Reason: phrase(d.Reason)})
			})
		},
	})
	v.settle()
}

// resolve turns a subscription's parameters into locations (moqt-18 §5.1.2).
func resolve(version wire.Version, p wire.Parameters, largest wire.Location, any bool) (subscriptionState, *wire.RequestErr) {
	state := subscriptionState{forward: p.Forward.Or(true), filter: p.Filter, ranges: p.RangeFilters}
	if any && state.forward {
		state.joining = wire.Some(largest)
	}
	f := p.Filter.Or(wire.Filter{})
	if any {
		state.start = largest.Next() // the past is for FETCH and for fills (moqt-18 §10.7)
	}
	switch f.Type {
	case wire.FilterNextGroup:
		if any {
			state.start = wire.Location{Group: nextGroup(largest)}
		}
	case wire.FilterAbsoluteRange:
		state.end = wire.Some(wire.Location{Group: f.EndGroup, Object: f.EndObject.Or(math.MaxUint64)})
		fallthrough
	case wire.FilterAbsoluteStart:
		if state.start.Less(f.Start) {
			state.start = f.Start
		}
	}
	// From draft 20 on a subscription to the past is empty, it is not refused.
	past := state.end.Set && any && !largest.Less(state.end.Value)
	if past && !version.Has(wire.FeatureFill) {
		return state, &wire.RequestErr{Code: wire.RequestInvalidRange, Reason: "the whole range was published already"}
	}
	return state, nil
}

func nextGroup(l wire.Location) uint64 {
	if l.Group == math.MaxUint64 {
		return l.Group
	}
	return l.Group + 1
}

// updateAnswered ends a subscription whose update was refused (moqt-18 §10.9.1).
func (v *served) updateAnswered(refusal *wire.RequestErr) {
	if refusal == nil {
		return
	}
	<-v.settled
	if v.sending != nil {
		v.sending.Finish(live.Done{Code: wire.DoneUpdateFailed, Reason: refusal.Reason}, wire.ResetCancelled)
	}
}

// update applies a REQUEST_UPDATE to an established subscription (moqt-18 §10.9.1).
func (v *served) update(m *wire.RequestUpdate) (wire.Parameters, error) {
	if v.sending == nil {
		return wire.Parameters{}, &RequestError{Code: wire.RequestDoesNotExist, Reason: "no subscription"}
	}
	var answer wire.Parameters
	largest, any := v.track.Largest()
	if any {
		answer.LargestObject = wire.Some(largest)
	}
	v.session.mu.Lock()
	state := v.params
	resumed := m.Params.Forward.Set && m.Params.Forward.Value && !state.forward
	state.forward = m.Params.Forward.Or(state.forward)
	state.priority = m.Params.SubscriberPriority.Or(state.priority)
	state.ranges = mergeRanges(state.ranges, m.Params.RangeFilters)
	if err := tooManyRanges(countRanges(state.ranges), v.session.config.MaxFilterRanges); err != nil {
		v.session.mu.Unlock()
		return answer, err
	}
	if m.Params.Filter.Set || resumed {
		p := wire.Parameters{Forward: wire.Some(state.forward), Filter: state.filter, RangeFilters: state.ranges}
		if m.Params.Filter.Set {
			p.Filter = m.Params.Filter
		}
		next, refusal := resolve(v.session.version, p, largest, any)
		if refusal != nil {
			v.session.mu.Unlock()
			return answer, &RequestError{Code: refusal.Code, Reason: refusal.Reason}
		}
		if !m.Params.Filter.Set && next.start.Less(state.start) {
			next.start = state.start
		}
		if !resumed {
			next.start = keptStart(p.Filter.Value, state.start, next.start)
			next.joining = state.joining
		}
		next.priority, next.order = state.priority, state.order
		state = next
	}
	v.params = state
	if len(m.Params.AuthTokens) > 0 {
		v.tokens = m.Params.AuthTokens
	}
	v.session.mu.Unlock()
	v.sending.Update(func(s *deliver.Subscribe) {
		s.Forward, s.Start, s.End, s.Filters, s.Priority = state.forward, state.start, state.end, state.ranges, state.priority
		s.ObjectTimeout = m.Params.ObjectDeliveryTimeout.Or(s.ObjectTimeout)
		s.SubgroupTimeout = m.Params.SubgroupDeliveryTimeout.Or(s.SubgroupTimeout)
	})
	if m.Params.FillParameters.Set {
		v.sending.Hold()
	}
	v.startFill(m.RequestID, m.Params, largest, any)
	if v.updated != nil {
		v.updated(m.Params)
	}
	return answer, nil
}

// keptStart is where an updated subscription starts, when it would start at next
// as a new one: what passed before and was not sent yet still passes.
func keptStart(f wire.Filter, before, next wire.Location) wire.Location {
	switch f.Type {
	case wire.FilterNone, wire.FilterAbsoluteStart, wire.FilterAbsoluteRange:
	default: // relative to what was published
		return next
	}
	switch {
	case next.Less(before):
		return next
	case before.Less(f.Start):
		return f.Start
	}
	return before
}
