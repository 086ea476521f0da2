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
	name    wire.FullTrackName
	settled chan struct{} // closed when the subscription is established or refused
	once    sync.Once

	// Valid after settled; track is nil when it was refused.
	track   *live.Track
	sending *deliver.Subscription
	request *messageWriter
	params  subscriptionState
}

// subscriptionState is what a subscription's parameters amount to. It is
// guarded by the session's mu.
type subscriptionState struct {
	forward  bool
	joining  wire.Option[wire.Location] // moqt-18 §5.1: the Joining Location
	start    wire.Location
	endGroup wire.Option[uint64]
}

// SubscribeRequest asks for a track.
type SubscribeRequest struct {
	*inRequest
	Track  wire.FullTrackName
	Params wire.Parameters

	served *served
}

// enlist notes a subscription that is about to be made; at most one per track (moqt-18 §5.1).
func (s *Session) enlist(id uint64, name wire.FullTrackName) (*served, bool) {
	v := &served{session: s, name: name, settled: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, twice := s.servedTracks[name.Key()]; twice {
		return nil, false
	}
	s.servedTracks[name.Key()] = v
	s.served[id] = v
	s.announce()
	return v, true
}

// settle says that the subscription is established or refused.
func (v *served) settle() { v.once.Do(func() { close(v.settled) }) }

func (s *Session) delist(id uint64, v *served) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.served, id)
	if s.servedTracks[v.name.Key()] == v {
		delete(s.servedTracks, v.name.Key())
	}
}

// Accept answers SUBSCRIBE_OK and sends the track.
func (r *SubscribeRequest) Accept(t *live.Track) {
	if !r.claim() {
		return
	}
	s, v := r.session, r.served
	largest, any := t.Largest()
	state, refusal := resolve(r.Params, largest, any)
	if refusal != nil {
		r.refuse(refusal)
		return
	}
	alias := s.alias()
	properties, info := t.Properties()
	ok := &wire.SubscribeOK{TrackAlias: alias, TrackProperties: properties}
	if any {
		ok.Params.LargestObject = wire.Some(largest)
	}
	if err := r.out.send(ok); err != nil {
		v.settle()
		r.stop()
		return
	}
	v.send(r.out, t, alias, r.Params, state, info)
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
func (v *served) send(out *messageWriter, t *live.Track, alias uint64, p wire.Parameters, state subscriptionState, info wire.TrackInfo) {
	v.track, v.request, v.params = t, out, state
	v.sending = v.session.sender.Subscribe(deliver.Subscribe{
		Track: t, Alias: alias, Start: state.start, End: wholeGroup(state.endGroup), Forward: state.forward,
		Priority:        p.SubscriberPriority.Or(128),
		Order:           p.GroupOrder.Or(info.GroupOrder),
		ObjectTimeout:   smaller(p.ObjectDeliveryTimeout.Value, info.ObjectDeliveryTimeout),
		SubgroupTimeout: smaller(p.SubgroupDeliveryTimeout.Value, info.SubgroupDeliveryTimeout),
		Done: func(d live.Done, streams uint64) {
			v.session.tasks.Go(func() {
				out.finish(&wire.PublishDone{Code: d.Code, StreamCount: streams, Reason: d.Reason})
			})
		},
	})
	v.settle()
}

// wholeGroup is the last location of a group, if there is one.
func wholeGroup(g wire.Option[uint64]) wire.Option[wire.Location] {
	return wire.Option[wire.Location]{Value: wire.Location{Group: g.Value, Object: math.MaxUint64}, Set: g.Set}
}

// smaller of two timeouts, of which 0 means none (moqt-18 §8).
func smaller(a, b time.Duration) time.Duration {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

// resolve turns a subscription's parameters into locations (moqt-18 §5.1.2).
func resolve(p wire.Parameters, largest wire.Location, any bool) (subscriptionState, *wire.RequestErr) {
	state := subscriptionState{forward: p.Forward.Or(true)}
	if any && state.forward {
		state.joining = wire.Some(largest)
	}
	f := p.Filter.Or(wire.Filter{Type: wire.FilterAbsoluteStart})
	switch f.Type {
	case wire.FilterLargestObject:
		if any {
			state.start = largest.Next()
		}
	case wire.FilterNextGroup:
		if any {
			state.start = wire.Location{Group: largest.Group + 1}
		}
	case wire.FilterAbsoluteRange:
		state.endGroup = wire.Some(f.EndGroup)
		fallthrough
	case wire.FilterAbsoluteStart:
		state.start = f.Start
		if any && f.Start.Less(largest.Next()) {
			state.start = largest.Next() // the past is for FETCH (moqt-18 §10.7)
		}
	}
	if state.endGroup.Set && any && largest.Group > state.endGroup.Value {
		return state, &wire.RequestErr{Code: wire.RequestInvalidRange, Reason: "the whole range was published already"}
	}
	return state, nil
}

func (r *SubscribeRequest) update(m *wire.RequestUpdate) (wire.Parameters, error) {
	<-r.served.settled
	return r.served.update(m)
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
	if m.Params.Filter.Set || resumed {
		p := m.Params
		p.Forward = wire.Some(state.forward)
		if !p.Filter.Set {
			p.Filter = wire.Some(wire.Filter{Type: wire.FilterAbsoluteStart, Start: state.start})
		}
		next, refusal := resolve(p, largest, any)
		if refusal != nil {
			v.session.mu.Unlock()
			v.sending.Finish(live.Done{Code: wire.DoneUpdateFailed, Reason: refusal.Reason}, wire.ResetCancelled)
			return answer, &RequestError{Code: refusal.Code, Reason: refusal.Reason}
		}
		if !resumed {
			next.joining = state.joining
		}
		state = next
	}
	v.params = state
	v.session.mu.Unlock()
	v.sending.Update(func(s *deliver.Subscribe) {
		s.Forward, s.Start, s.End = state.forward, state.start, wholeGroup(state.endGroup)
		s.Priority = m.Params.SubscriberPriority.Or(s.Priority)
		if t := m.Params.ObjectDeliveryTimeout; t.Set {
			s.ObjectTimeout = smaller(t.Value, s.ObjectTimeout)
		}
		if t := m.Params.SubgroupDeliveryTimeout; t.Set {
			s.SubgroupTimeout = smaller(t.Value, s.SubgroupTimeout)
		}
	})
	return answer, nil
}

// End ends a subscription that was accepted, with PUBLISH_DONE.
func (r *SubscribeRequest) End(code wire.PublishDoneCode, reason string) {
	<-r.served.settled
	if r.served.sending != nil {
		r.served.sending.Finish(live.Done{Code: code, Reason: reason}, wire.ResetCancelled)
	}
}

func (r *SubscribeRequest) released() {
	if v := r.served; v != nil {
		r.session.delist(r.id, v)
		select {
		case <-v.settled:
			if v.sending != nil {
				v.sending.Cancel(wire.ResetCancelled)
			}
		default:
		}
	}
}

// TrackStatusRequest asks about a track without subscribing.
type TrackStatusRequest struct {
	*inRequest
	Track  wire.FullTrackName
	Params wire.Parameters
}

// Accept answers with what a SUBSCRIBE_OK would say (moqt-18 §10.14).
func (r *TrackStatusRequest) Accept(t *live.Track) {
	if !r.claim() {
		return
	}
	ok := &wire.RequestOK{}
	ok.TrackProperties, _ = t.Properties()
	if largest, any := t.Largest(); any {
		ok.Params.LargestObject = wire.Some(largest)
	}
	r.out.finish(ok)
}

func (r *TrackStatusRequest) update(*wire.RequestUpdate) (wire.Parameters, error) {
	return wire.Parameters{}, violation("REQUEST_UPDATE for TRACK_STATUS")
}

func (r *TrackStatusRequest) released() {}
