package moq

import (
	"context"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// Publication is a track that this side offered by PUBLISH and the peer took.
type Publication struct {
	exchange *exchange
	served   *served
	done     chan struct{}
}

// Publish offers a track to the peer and, once it accepts, sends what comes.
func (s *Session) Publish(ctx context.Context, t *live.Track) (*Publication, error) {
	id := s.requestID()
	v, ok := s.enlist(id, t.Name())
	if !ok {
		return nil, &RequestError{Request: wire.MsgPublish, Code: wire.RequestDuplicateSubscription, Reason: "the peer subscribed to it already"}
	}
	defer v.settle()
	properties, info := t.Properties()
	m := &wire.Publish{RequestID: id, Track: t.Name(), TrackAlias: s.alias(), TrackProperties: properties}
	largest, any := t.Largest()
	if any {
		m.Params.LargestObject = wire.Some(largest)
	}
	x, answer, err := s.request(ctx, id, m, nil)
	if err != nil {
		s.delist(id, v)
		return nil, err
	}
	accepted, isOK := answer.(*wire.RequestOK)
	if !isOK {
		s.delist(id, v)
		return nil, x.unexpected(answer)
	}
	if err := accepted.CheckFor(s.version, wire.MsgPublish); err != nil {
		s.fail(err)
		return nil, err
	}
	// What was published while the answer was on its way passes as well.
	state, refusal := resolve(accepted.Params, largest, any)
	if refusal != nil {
		state.start = largest.Next()
	}
	v.send(x.out, t, m.TrackAlias, accepted.Params, state, info)
	p := &Publication{exchange: x, served: v, done: make(chan struct{})}
	s.tasks.Go(p.follow)
	return p, nil
}

// follow serves the subscriber's updates until its stream ends.
func (p *Publication) follow() {
	x := p.exchange
	s := x.session
	_ = x.follow(func(m wire.Message) error {
		u, ok := m.(*wire.RequestUpdate)
		if !ok {
			return x.unexpected(m)
		}
		if err := u.CheckFor(s.version, wire.MsgSubscribe); err != nil {
			s.fail(err)
			return err
		}
		s.mu.Lock()
		err := s.peerRequests.take(u.RequestID)
		s.mu.Unlock()
		if err != nil {
			s.fail(err)
			return err
		}
		answer, err := p.served.update(u)
		if err != nil {
			return x.out.send(&wire.RequestErr{Code: wire.RequestInternalError, Reason: err.Error()})
		}
		return x.out.send(&wire.RequestOK{Params: answer})
	})
	p.served.sending.Cancel(wire.ResetCancelled)
	s.delist(x.id, p.served)
	close(p.done)
}

// Done is closed when the subscription is over.
func (p *Publication) Done() <-chan struct{} { return p.done }

// Close ends the publication with PUBLISH_DONE.
func (p *Publication) Close(code wire.PublishDoneCode, reason string) {
	p.served.sending.Finish(live.Done{Code: code, Reason: reason}, wire.ResetCancelled)
}
