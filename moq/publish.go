package moq

import (
	"context"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// PublishOptions say how a track is offered.
type PublishOptions struct {
	// Params are sent with PUBLISH; LARGEST_OBJECT is added. Forward says whether
	// objects are sent from the start.
	Params wire.Parameters
	// Asked is what the subscriber asked for beforehand, by SUBSCRIBE_TRACKS. It
	// holds unless the answer says otherwise, also what PUBLISH has no place for.
	Asked wire.Parameters
	// Updated is told of what the subscriber changes, its first wishes included;
	// it must not block. It may be nil.
	Updated func(wire.Parameters)
	// Permission of the subscriber, which PUBLISH tells the end of. Its own updates
	// are asked about, as those of a request of the peer.
	Permission Permission
}

// Publication is a track that this side offered by PUBLISH and the peer took.
type Publication struct {
	exchange   *exchange
	served     *served
	permission Permission // touched by updates alone
	done       chan struct{}
}

// Publish offers a track to the peer (moqt-18 §10.10), waits for its answer and,
// when it accepts, sends what comes. ctx and the error are as for Subscribe, and
// ErrNoStream. It is refused with DUPLICATE_SUBSCRIPTION when the peer subscribed
// to the track already, up to draft 18. t stays the caller's; when it is closed,
// the publication ends.
func (s *Session) Publish(ctx context.Context, t *live.Track, o PublishOptions) (*Publication, error) {
	properties, info := t.Properties()
	if o.Params.IncludeProperties.Set && !o.Params.IncludeProperties.Value {
		properties = nil
	}
	params := o.Params
	params.IncludeProperties = wire.Option[bool]{}
	params.Expires = o.Permission.expires()
	largest, any := t.Largest()
	if any {
		params.LargestObject = wire.Some(largest)
	}
	v := &served{session: s, name: t.Name(), settled: make(chan struct{}), tokens: o.Asked.AuthTokens}
	defer v.settle()
	if !v.claimTrack(0) {
		return nil, &RequestError{Request: wire.MsgPublish, Code: wire.RequestDuplicateSubscription, Reason: "the peer subscribed to it already"}
	}
	alias := s.alias()
	x, answer, err := s.request(ctx, wire.MsgPublish, func(id uint64) wire.Message {
		s.relist(id, v)
		return &wire.Publish{RequestID: id, Track: t.Name(), TrackAlias: alias, Params: params, TrackProperties: properties}
	}, nil)
	if err != nil {
		v.delist()
		return nil, err
	}
	accepted, isOK := answer.(*wire.RequestOK)
	if !isOK {
		v.delist()
		return nil, x.unexpected(answer)
	}
	if s.shared == nil { // draft 16 has a message of its own for it
		if err := accepted.CheckFor(s.version, wire.MsgPublish); err != nil {
			s.fail(err)
			return nil, err
		}
	}
	wanted := mergeParams(mergeParams(o.Asked, params), accepted.Params)
	// What was published while the answer was on its way passes as well.
	state, refusal := resolve(s.version, wanted, largest, any)
	if refusal != nil {
		state.start = largest.Next()
	}
	wanted.FillParameters = wire.Option[wire.FillParameters]{} // draft 20 has none for a PUBLISH, a REQUEST_UPDATE brings them
	v.updated = o.Updated
	v.send(x.channel, t, alias, wanted, state, info)
	if o.Updated != nil {
		o.Updated(accepted.Params)
	}
	p := &Publication{exchange: x, served: v, permission: o.Permission, done: make(chan struct{})}
	s.tasks.Go(p.follow)
	return p, nil
}

// mergeParams is what a subscription begins with: what the publisher proposed,
// changed by what the subscriber answered.
func mergeParams(proposed, answered wire.Parameters) wire.Parameters {
	p := answered
	orElse(&p.Forward, proposed.Forward)
	orElse(&p.Filter, proposed.Filter)
	orElse(&p.SubscriberPriority, proposed.SubscriberPriority)
	orElse(&p.GroupOrder, proposed.GroupOrder)
	orElse(&p.ObjectDeliveryTimeout, proposed.ObjectDeliveryTimeout)
	orElse(&p.SubgroupDeliveryTimeout, proposed.SubgroupDeliveryTimeout)
	if len(p.RangeFilters) == 0 {
		p.RangeFilters = proposed.RangeFilters
	}
	return p
}

func orElse[T any](o *wire.Option[T], other wire.Option[T]) {
	if !o.Set {
		*o = other
	}
}

// follow serves the subscriber's updates until its side ends.
func (p *Publication) follow() {
	x := p.exchange
	s := x.session
	u := newUpdater(s, x.channel, wire.MsgPublish, x.id, func(m *wire.RequestUpdate) (wire.Parameters, error) {
		return p.permission.change(m, p.served.update)
	})
	u.answered = p.served.updateAnswered
	defer u.end()
	_ = x.follow(func(m wire.Message) error {
		update, ok := m.(*wire.RequestUpdate)
		if !ok {
			return x.unexpected(m)
		}
		err := u.take(update)
		s.fault(err)
		return err
	})
	p.served.sending.Cancel(wire.ResetCancelled)
	p.served.delist()
	close(p.done)
}

// Forward reports whether the subscriber wants objects now.
func (p *Publication) Forward() bool { return p.served.forward() }

// Goaway yields the peer's wish that this track be published elsewhere (moqt-18 §10.4).
func (p *Publication) Goaway() <-chan Goaway { return p.exchange.goaway }

// Done is closed when the subscription is over: the peer left, or has had all
// there was.
func (p *Publication) Done() <-chan struct{} { return p.done }

// Close ends the publication with PUBLISH_DONE (moqt-18 §10.11). Streams that are
// being sent are reset: to end after all of it was sent, close the track.
func (p *Publication) Close(code wire.PublishDoneCode, reason string) {
	p.served.sending.Finish(live.Done{Code: code, Reason: reason}, resetFor(code))
}
