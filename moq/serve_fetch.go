package moq

import (
	"context"
	"math"
	"slices"

	"moqedge/moq/deliver"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// FetchRequest asks for a range of a track.
type FetchRequest struct {
	*inRequest
	// Track is valid when the Handler sees the request, also for a joining
	// fetch; First and Last, both inclusive, after Resolve.
	Track       wire.FullTrackName
	First, Last wire.Location
	// Params are the peer's. AuthTokens hold values, not aliases, and of a joining
	// fetch also those of the subscription that it joins.
	Params wire.Parameters
	// Again may be set before Accept: it is told of what the track had of the range
	// and forgot before it could be sent, and is that of deliver.Fetch.
	Again func(part live.Range, asked func())

	message *wire.Fetch
	joined  *served                // the subscription joined
	sending *deliver.FetchResponse // guarded by mu
	all     bool                   // guarded by mu: it was sent whole
}

// prepare computes the range. It waits for the subscription that a joining
// fetch refers to (moqt-18 §10.12.2).
func (r *FetchRequest) prepare(ctx context.Context) *wire.RequestErr {
	m := r.message
	if m.Kind == wire.FetchStandalone {
		f := m.Params.Filter.Value
		r.First, r.Last = f.Start, wire.Location{Group: f.EndGroup, Object: f.EndObject.Or(math.MaxUint64)}
		if f.Type == wire.FilterAbsoluteRange && r.Last.Less(r.First) {
			return &wire.RequestErr{Code: wire.RequestInvalidRange, Reason: "the range ends before it begins"}
		}
		return nil
	}
	s := r.session
	var v *served
	s.wait(func() bool { // FETCH may overtake the SUBSCRIBE it joins
		v = s.served[m.JoiningRequestID]
		return v != nil || s.used(m.JoiningRequestID)
	})
	if v == nil {
		return &wire.RequestErr{Code: wire.RequestInvalidJoiningRequestID, Reason: "no such subscription"}
	}
	select {
	case <-v.settled:
	case <-ctx.Done():
		return &wire.RequestErr{Code: wire.RequestTimeout, Reason: "the subscription was not established"}
	}
	if v.track == nil {
		return &wire.RequestErr{Code: wire.RequestInvalidJoiningRequestID, Reason: "the subscription was refused"}
	}
	var state subscriptionState
	var tokens []wire.Token
	s.wait(func() bool { // updates that came before are applied first
		state, tokens = v.params, v.tokens
		return v.updating == 0
	})
	r.Params.AuthTokens = append(slices.Clip(r.Params.AuthTokens), tokens...)
	if !state.forward || !state.joining.Set {
		return &wire.RequestErr{Code: wire.RequestInvalidRange, Reason: "nothing to join"}
	}
	r.joined, r.Track, r.Last = v, v.name, state.joining.Value
	r.First.Group = m.JoiningStart
	if m.Kind == wire.FetchRelativeJoining {
		r.First.Group = r.Last.Group - min(m.JoiningStart, r.Last.Group)
	}
	if r.Last.Less(r.First) {
		return &wire.RequestErr{Code: wire.RequestInvalidRange, Reason: "the range begins after the joining location"}
	}
	return nil
}

// Joined is the track of the subscription that a joining fetch joins, else nil.
func (r *FetchRequest) Joined() *live.Track {
	if r.joined == nil {
		return nil
	}
	return r.joined.track
}

// Resolve sets First and Last to what the request asks for of a track, up to
// its largest location; false means nothing. Handlers that look at them before
// Accept call it.
func (r *FetchRequest) Resolve(t *live.Track) bool {
	largest, any := t.Largest()
	if !any {
		return false
	}
	ok := true
	if r.joined == nil {
		r.First, r.Last, ok = fetchRange(r.message.Params.Filter.Or(wire.Filter{}), largest)
	} else if largest.Less(r.Last) {
		r.Last = largest
	}
	return ok && !largest.Less(r.First)
}

// Accept answers FETCH_OK and sends the range from t: it returns when all of that
// is sent or the request is over. What t cannot speak for is sent as an End of
// Unknown Range (moqt-18 §11.4.4.2). A range in which nothing was published is
// refused with INVALID_RANGE.
func (r *FetchRequest) Accept(t *live.Track) {
	if !r.claim() {
		return
	}
	if !r.Resolve(t) {
		r.refuse(&wire.RequestErr{Code: wire.RequestInvalidRange, Reason: "nothing was published there"})
		return
	}
	largest, _ := t.Largest()
	ok := &wire.FetchOK{End: r.Last, EndOfTrack: t.Done() != nil && r.Last == largest}
	if r.Params.IncludeProperties.Or(true) {
		ok.TrackProperties, _ = t.Properties()
	}
	done := make(chan bool, 1)
	sending := r.session.sender().Fetch(deliver.Fetch{
		Track: t, RequestID: r.id, First: r.First, Last: r.Last,
		Order:       r.Params.GroupOrder.Or(wire.GroupOrderAscending),
		Priority:    r.Params.SubscriberPriority.Or(wire.DefaultPriority),
		FillTimeout: r.Params.FillTimeout,
		Filters:     r.Params.RangeFilters,
		Again:       r.Again,
		Done:        func(complete bool) { done <- complete },
	})
	r.mu.Lock()
	r.sending = sending
	r.mu.Unlock()
	if r.accept(ok) != nil {
		sending.Cancel(wire.ResetInternalError)
		r.giveUp(wire.ResetInternalError)
		return
	}
	select {
	case complete := <-done:
		r.mu.Lock()
		r.all = complete
		r.mu.Unlock()
		if complete {
			r.finish(nil)
		} else {
			r.giveUp(wire.ResetCancelled)
		}
	case <-r.ctx.Done():
		sending.Cancel(wire.ResetCancelled)
		r.giveUp(wire.ResetCancelled)
	}
}

// Complete reports, after Accept, whether all was sent.
func (r *FetchRequest) Complete() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}

func (r *FetchRequest) update(m *wire.RequestUpdate) (wire.Parameters, error) {
	r.mu.Lock()
	sending := r.sending
	r.mu.Unlock()
	if p := m.Params.SubscriberPriority; p.Set && sending != nil {
		sending.SetPriority(p.Value)
	}
	return wire.Parameters{}, nil
}

// updated resets the data stream behind a refusal (moqt-18 §10.9.1).
func (r *FetchRequest) updated(refusal *wire.RequestErr) {
	r.inRequest.updated(refusal)
	r.mu.Lock()
	sending := r.sending
	r.mu.Unlock()
	if refusal != nil && sending != nil {
		sending.Cancel(wire.ResetCancelled)
	}
}

// Revoke implements Request.
func (r *FetchRequest) Revoke(code wire.ResetCode) {
	r.mu.Lock()
	sending := r.sending
	r.mu.Unlock()
	if sending != nil {
		sending.Cancel(code)
	}
	r.giveUp(code)
}

func (r *FetchRequest) released() {}
