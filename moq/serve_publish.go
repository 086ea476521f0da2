package moq

import (
	"errors"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// PublishRequest offers a track: the peer wants to send it (moqt-18 §10.10).
type PublishRequest struct {
	*inRequest
	Track      wire.FullTrackName
	Params     wire.Parameters
	Properties wire.Properties

	alias        uint64
	subscription *Subscription // guarded by mu; set by Accept
}

// Accept takes the track and appends it to into, or to a track of its own when
// that is nil. With forward unset the publisher holds its objects back until
// the subscription is updated.
func (r *PublishRequest) Accept(into *live.Track, forward bool, established func(live.Range)) (*Subscription, error) {
	if !r.claim() {
		return nil, errors.New("moq: the request was answered before")
	}
	s := r.session
	x := s.newSubscription(into, r.Track)
	x.publish, x.alias, x.largest = r.inRequest, r.alias, r.Params.LargestObject
	if err := x.adopt(r.Properties); err != nil {
		r.refuse(&wire.RequestErr{Code: wire.RequestUnsupportedExtension, Reason: err.Error()})
		return nil, err
	}
	s.mu.Lock()
	_, twice := s.received[r.Track.Key()]
	if !twice {
		s.received[r.Track.Key()] = x
	}
	s.mu.Unlock()
	if twice {
		r.refuse(&wire.RequestErr{Code: wire.RequestDuplicateSubscription, Reason: "subscribed to already"})
		return nil, &RequestError{Request: wire.MsgPublish, Code: wire.RequestDuplicateSubscription}
	}
	x.begin(established)
	r.mu.Lock()
	r.subscription = x
	r.mu.Unlock()
	s.register(x)
	ok := &wire.RequestOK{}
	ok.Params.Forward = wire.Some(forward)
	if err := r.out.send(ok); err != nil {
		x.terminate(live.Done{Code: wire.DoneInternalError, Reason: err.Error()})
		return nil, err
	}
	return x, nil
}

func (r *PublishRequest) accepted() *Subscription {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.subscription
}

func (r *PublishRequest) publishDone(m *wire.PublishDone) error {
	x := r.accepted()
	if x == nil {
		return violation("PUBLISH_DONE before the answer to PUBLISH")
	}
	r.out.finish(nil)
	x.finish(live.Done{Code: m.Code, Reason: m.Reason}, m.StreamCount)
	return nil
}

func (r *PublishRequest) update(*wire.RequestUpdate) (wire.Parameters, error) {
	return wire.Parameters{}, nil // nothing a publisher may change is acted on
}

func (r *PublishRequest) released() {
	if x := r.accepted(); x != nil {
		x.lose("the publisher closed its request")
	}
}
