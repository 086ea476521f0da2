package moq

import (
	"errors"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// PublishRequest offers Track: the peer wants to send it (moqt-18 §10.10).
type PublishRequest struct {
	*inRequest
	Track      wire.FullTrackName
	Params     wire.Parameters // LargestObject, and what the publisher proposes
	Properties wire.Properties // of the track, as received

	alias        uint64
	subscription *Subscription // guarded by mu; set by Accept
	over         bool          // guarded by mu; set by released
}

// Accept takes the track and appends it to into, or to a track of its own when
// that is nil. p are the parameters of the subscription; with Forward false the
// publisher holds its objects back until the subscription is updated. From
// draft 20 on they travel in a REQUEST_UPDATE behind the answer.
//
// established is as in SubscribeOptions. The subscription outlives the Handler; it
// ends as those of Subscribe do. The error is a *RequestError when this side had to
// refuse the request, else the reason why the answer could not be sent.
func (r *PublishRequest) Accept(into *live.Track, p wire.Parameters, established func(live.Range)) (*Subscription, error) {
	s := r.session
	if err := s.checkRanges(wire.MsgPublish, &p); err != nil {
		return nil, err
	}
	if !r.claim() {
		return nil, errors.New("moq: the request was answered before")
	}
	x := s.newSubscription(into, r.Track)
	x.publish, x.alias, x.largest = r.inRequest, r.alias, r.Params.LargestObject
	if err := x.adopt(r.Properties); err != nil {
		code := wire.RequestMalformedTrack
		if refused := (*RequestError)(nil); errors.As(err, &refused) {
			code = refused.Code
		}
		r.refuse(&wire.RequestErr{Code: code, Reason: err.Error()})
		return nil, err
	}
	if !s.claimReceived(r.Track) {
		r.refuse(&wire.RequestErr{Code: wire.RequestDuplicateSubscription, Reason: "subscribed to already"})
		return nil, &RequestError{Request: wire.MsgPublish, Code: wire.RequestDuplicateSubscription}
	}
	x.claimed = true
	x.agree(r.Params)
	x.agree(p)
	x.begin(established)
	r.mu.Lock()
	r.subscription = x
	over := r.over
	r.mu.Unlock()
	if over { // nobody would end the subscription
		r.refuse(&wire.RequestErr{Code: wire.RequestInternalError, Reason: errRequestOver.Error()})
		x.terminate(live.Done{Code: wire.DoneInternalError, Reason: errRequestOver.Error()})
		return nil, errRequestOver
	}
	s.register(x)
	if !x.defaults.DynamicGroups { // moqt-18 §10.2.13
		p.NewGroupRequest = wire.Option[uint64]{}
	}
	ok := &wire.RequestOK{}
	direct := s.version.Has(wire.FeaturePublishOKParams)
	if direct {
		ok.Params = p
	}
	if err := r.accept(ok); err != nil {
		r.giveUp(wire.ResetInternalError)
		x.terminate(live.Done{Code: wire.DoneInternalError, Reason: err.Error()})
		return nil, err
	}
	if !direct && r.differs(p) {
		s.tasks.Go(func() {
			if err := x.Update(r.ctx, p); err != nil && r.ctx.Err() == nil {
				x.cancel(err.Error())
			}
		})
	}
	return x, nil
}

// differs reports whether p asks for another subscription than the publisher's
// PUBLISH has begun.
func (r *PublishRequest) differs(p wire.Parameters) bool {
	forward := p.Forward.Or(r.Params.Forward.Or(true)) != r.Params.Forward.Or(true)
	return forward || p.Filter.Set || p.SubscriberPriority.Set || p.NewGroupRequest.Set || len(p.RangeFilters) > 0 ||
		p.ObjectDeliveryTimeout.Set || p.SubgroupDeliveryTimeout.Set
}

func (r *PublishRequest) accepted() *Subscription {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.subscription
}

// answer waits for the answer to the PUBLISH, and returns the subscription that
// it made, nil when it was refused. The publisher need not wait for it: it may
// end what is pending (moqt-18 §5.1).
func (r *PublishRequest) answer() *Subscription {
	select {
	case <-r.settled:
	case <-r.ctx.Done():
	}
	return r.accepted()
}

func (r *PublishRequest) publishDone(m *wire.PublishDone) {
	if x := r.answer(); x != nil {
		r.finish(nil)
		x.finish(live.Done{Code: m.Code, Reason: m.Reason}, m.StreamCount)
	}
}

func (r *PublishRequest) notified(m *wire.StateNotify) {
	if x := r.answer(); x != nil {
		x.notified(m)
	}
}

// Revoke implements Request: the track is taken no longer. To Subscription.Lost it
// is as if the publisher had been lost: it may come back with a permission.
func (r *PublishRequest) Revoke(code wire.ResetCode) {
	if x := r.accepted(); x != nil {
		x.Revoke(code)
	}
}

func (r *PublishRequest) update(*wire.RequestUpdate) (wire.Parameters, error) {
	return wire.Parameters{}, nil // nothing a publisher may change is acted on
}

func (r *PublishRequest) updated(*wire.RequestErr) {} // it is for publishers to end subscriptions

func (r *PublishRequest) released() {
	r.mu.Lock()
	r.over = true
	x := r.subscription
	r.mu.Unlock()
	if x != nil {
		x.lose("the publisher closed its request")
	}
}
