package moq

import (
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// SubscribeRequest asks for Track (moqt-18 §10.7).
type SubscribeRequest struct {
	*inRequest
	Track  wire.FullTrackName
	Params wire.Parameters // the peer's; AuthTokens hold values, not aliases

	// Updating is told of what a REQUEST_UPDATE wants, before it is applied and
	// answered: a track that was paused may find out where it is now. Updated is told
	// after it was applied; Fill of the past that the subscriber wants besides (draft
	// 20), before it is sent. Begun is told once, by what sends, that the first object is
	// on its way, that of a Fill excepted; it must not block. All are set before Accept,
	// and may be nil.
	Updating func(p wire.Parameters)
	Updated  func(p wire.Parameters)
	Fill     func(first, last wire.Location)
	Begun    func()

	served *served
}

// Accept answers SUBSCRIBE_OK and sends the track, from where the subscriber's
// filter begins (moqt-18 §5.1.2), until t is closed, End is called or the
// subscriber leaves. It does not wait for that: the Handler may return. A range
// that has passed as a whole is refused up to draft 19. t stays the caller's.
func (r *SubscribeRequest) Accept(t *live.Track) {
	largest, any := t.Largest()
	r.AcceptFrom(t, wire.Option[wire.Location]{Value: largest, Set: any})
}

// AcceptFrom is Accept of a request that had to wait until somebody provided the
// track: since is the largest location that there was then, unset for none. What was
// published while this answer was on its way is sent, as if it had been given at once.
func (r *SubscribeRequest) AcceptFrom(t *live.Track, since wire.Option[wire.Location]) {
	if !r.claim() {
		return
	}
	s, v := r.session, r.served
	largest, any := since.Value, since.Set
	state, refusal := resolve(s.version, r.Params, largest, any)
	if refusal != nil {
		r.refuse(refusal)
		return
	}
	alias := s.alias()
	properties, info := t.Properties()
	ok := &wire.SubscribeOK{TrackAlias: alias, TrackProperties: properties}
	if !r.Params.IncludeProperties.Or(true) {
		ok.TrackProperties = nil
	}
	if any {
		ok.Params.LargestObject = wire.Some(largest)
	}
	if err := r.accept(ok); err != nil {
		v.settle()
		r.giveUp(wire.ResetInternalError)
		return
	}
	v.updated, v.fill, v.begun = r.Updated, r.Fill, r.Begun
	v.send(r.channel, t, alias, r.Params, state, info)
	if r.ctx.Err() != nil { // given up meanwhile: released saw nothing to end
		v.sending.Cancel(wire.ResetCancelled)
		return
	}
	v.startFill(r.id, r.Params, largest, any)
}

// Forward reports whether the subscriber wants objects now.
func (r *SubscribeRequest) Forward() bool {
	select {
	case <-r.served.settled:
		if r.served.track != nil {
			return r.served.forward()
		}
	default:
	}
	return r.Params.Forward.Or(true)
}

// Notify tells the subscriber of a change that it did not ask for (draft 20,
// PUBLISH_STATE_NOTIFY). Drafts that have no such message are told nothing.
func (r *SubscribeRequest) Notify(p wire.Parameters) error {
	if !r.session.version.Has(wire.FeatureStateNotify) {
		return nil
	}
	<-r.served.settled
	if t := r.served.track; t != nil {
		if largest, any := t.Largest(); any {
			p.LargestObject = wire.Some(largest)
		}
	}
	return r.send(&wire.StateNotify{Params: p})
}

// Supply tells a peer that is a relay whether this side, which is one too, has the
// track from anywhere: stranded, nothing comes for now and nobody else can be asked.
// It may be called before the request is answered, and any number of times. To any
// other peer nothing is said.
func (r *SubscribeRequest) Supply(stranded bool) error {
	if _, ok := r.session.PeerRelay(); !ok {
		return nil
	}
	return r.send(&wire.Supply{Stranded: stranded})
}

func (r *SubscribeRequest) update(m *wire.RequestUpdate) (wire.Parameters, error) {
	<-r.served.settled
	if r.Updating != nil && r.served.sending != nil {
		r.Updating(m.Params)
	}
	return r.served.update(m)
}

func (r *SubscribeRequest) updated(refusal *wire.RequestErr) { r.served.updateAnswered(refusal) }

// End ends a subscription that was accepted, with PUBLISH_DONE (moqt-18 §10.11).
// Streams that are being sent are reset; with DoneGoingAway so that the subscriber
// knows that their subgroups go on elsewhere.
func (r *SubscribeRequest) End(code wire.PublishDoneCode, reason string) {
	<-r.served.settled
	if r.served.sending != nil {
		r.served.sending.Finish(live.Done{Code: code, Reason: reason}, resetFor(code))
	}
}

// resetFor is what the streams of a subscription that ends are reset with.
func resetFor(code wire.PublishDoneCode) wire.ResetCode {
	switch code {
	case wire.DoneGoingAway:
		return wire.ResetGoingAway
	case wire.DoneExpired:
		return wire.ResetExpiredAuthToken
	}
	return wire.ResetCancelled
}

// Revoke implements Request: PUBLISH_DONE says why, where there is a code for it.
func (r *SubscribeRequest) Revoke(code wire.ResetCode) {
	switch code {
	case wire.ResetExpiredAuthToken:
		r.End(wire.DoneExpired, "the permission is over")
	case wire.ResetGoingAway:
		r.End(wire.DoneGoingAway, "going away")
	default:
		r.End(wire.DoneUnauthorized, "no longer permitted")
	}
}

func (r *SubscribeRequest) released() {
	if v := r.served; v != nil {
		v.delist()
		select {
		case <-v.settled:
			if v.sending != nil {
				v.sending.Cancel(wire.ResetCancelled)
			}
		default:
		}
	}
}

// TrackStatusRequest asks about Track without subscribing (moqt-18 §10.14).
type TrackStatusRequest struct {
	*inRequest
	Track  wire.FullTrackName
	Params wire.Parameters // the peer's; AuthTokens hold values, not aliases
}

// Accept answers with what a SUBSCRIBE_OK for t would say (moqt-18 §10.14).
func (r *TrackStatusRequest) Accept(t *live.Track) {
	if !r.claim() {
		return
	}
	ok := &wire.RequestOK{}
	if r.Params.IncludeProperties.Or(true) {
		ok.TrackProperties, _ = t.Properties()
	}
	if largest, any := t.Largest(); any {
		ok.Params.LargestObject = wire.Some(largest)
	}
	r.finish(ok)
	r.settle()
}

func (r *TrackStatusRequest) update(*wire.RequestUpdate) (wire.Parameters, error) {
	return wire.Parameters{}, violation("REQUEST_UPDATE for TRACK_STATUS")
}

func (r *TrackStatusRequest) released() {}
