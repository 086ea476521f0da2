package moq

import (
	"context"
	"fmt"
	"sync"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// requestWindow is how many requests a peer of draft 16 may have open at a time.
const requestWindow = 1024

// sharedControl is the control stream of draft 16: it carries every request
// but SUBSCRIBE_NAMESPACE, and its messages find theirs by request ID (moqt-16
// §9.1). Each request is a channel to the rest of the session.
type sharedControl struct {
	session *Session
	out     *messageWriter
	turn    chan struct{} // holds one token: who has it takes the next request ID and sends with it

	granting sync.Mutex // held while MAX_REQUEST_ID is sent

	mu       sync.Mutex
	requests map[uint64]*sharedChannel // of both sides: their IDs differ in parity
	updates  map[uint64]*sharedChannel // by the ID of a REQUEST_UPDATE of this side
	allowed  uint64                    // request IDs of this side are below it (MAX_REQUEST_ID)
	raised   chan struct{}             // closed and replaced when allowed grows
	granted  uint64                    // what this side gave as MAX_REQUEST_ID
	over     uint64                    // requests of the peer that are over
	highest  wire.Option[uint64]       // the peer's largest request ID on this stream
}

func newSharedControl(s *Session, stream transport.SendStream) *sharedControl {
	c := &sharedControl{
		session: s, out: s.newMessageWriter(stream), turn: make(chan struct{}, 1),
		requests: map[uint64]*sharedChannel{}, updates: map[uint64]*sharedChannel{},
		raised: make(chan struct{}), granted: s.peerRequests.parity + 2*requestWindow,
	}
	c.turn <- struct{}{}
	return c
}

// send writes a message. The stream is in order for all requests, so a message
// that is not written whole ends the session.
func (c *sharedControl) send(m wire.Message) error {
	err := c.out.send(m)
	if c.out.broken() {
		c.session.fail(err)
	}
	return err
}

// withRequestID calls f with the next request ID, which f sends: IDs arrive in
// sequence (moqt-16 §9.1). It waits for the peer's MAX_REQUEST_ID. An ID that f
// could not send is used again.
func (c *sharedControl) withRequestID(ctx context.Context, f func(id uint64) error) error {
	s := c.session
	select {
	case <-c.turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.ctx.Done():
		return s.cause()
	}
	defer func() { c.turn <- struct{}{} }()
	s.mu.Lock()
	id := s.nextRequest
	s.mu.Unlock()
	if err := c.waitAllowed(ctx, id); err != nil {
		return err
	}
	if err := f(id); err != nil {
		return err
	}
	s.mu.Lock()
	s.nextRequest += 2
	s.mu.Unlock()
	return nil
}

func (c *sharedControl) waitAllowed(ctx context.Context, id uint64) error {
	told := wire.Option[uint64]{}
	for {
		c.mu.Lock()
		allowed, raised := c.allowed, c.raised
		c.mu.Unlock()
		if id < allowed {
			return nil
		}
		if !told.Set || told.Value != allowed {
			told = wire.Some(allowed)
			if err := c.send(&wire.RequestsBlocked{MaxRequestID: allowed}); err != nil {
				return err
			}
		}
		select {
		case <-raised:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.session.ctx.Done():
			return c.session.cause()
		}
	}
}

// raise takes in the peer's MAX_REQUEST_ID.
func (c *sharedControl) raise(to uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to <= c.allowed {
		return violation(fmt.Sprintf("MAX_REQUEST_ID goes from %d to %d", c.allowed, to))
	}
	c.allowed = to
	close(c.raised)
	c.raised = make(chan struct{})
	return nil
}

// requestOver gives the peer the credit for another request.
func (c *sharedControl) requestOver() {
	c.granting.Lock() // until it is sent: MAX_REQUEST_ID only grows
	defer c.granting.Unlock()
	c.mu.Lock()
	c.over++
	grant := c.session.peerRequests.parity + 2*(c.over+requestWindow)
	if grant < c.granted+requestWindow {
		c.mu.Unlock()
		return
	}
	c.granted = grant
	c.mu.Unlock()
	_ = c.send(&wire.MaxRequestID{RequestID: grant})
}

// checkID checks a request ID of the peer against what it was allowed, and, on
// this stream, against its order.
func (c *sharedControl) checkID(id uint64, ordered bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id >= c.granted {
		return &wire.Error{Code: wire.SessionTooManyRequests, Reason: fmt.Sprintf("request ID %d, the maximum is %d", id, c.granted)}
	}
	if ordered {
		if c.highest.Set && id <= c.highest.Value {
			return &wire.Error{Code: wire.SessionInvalidRequestID, Reason: fmt.Sprintf("request ID %d after %d", id, c.highest.Value)}
		}
		c.highest = wire.Some(id)
	}
	return nil
}

// open makes the channel of a request of either side.
func (c *sharedControl) open(kind wire.MessageType, own bool) *sharedChannel {
	ch := &sharedChannel{control: c, kind: kind, own: own, begun: !own, wake: make(chan struct{}, 1)}
	ch.ctx, ch.stop = context.WithCancel(c.session.ctx)
	return ch
}

func (c *sharedControl) register(id uint64, ch *sharedChannel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch.id = id
	c.requests[id] = ch
}

func (c *sharedControl) forget(ch *sharedChannel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.requests[ch.id] == ch {
		delete(c.requests, ch.id)
	}
	for id, of := range c.updates {
		if of == ch {
			delete(c.updates, id)
		}
	}
}

func (c *sharedControl) find(id uint64) *sharedChannel {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests[id]
}

// serve reads the messages behind the setup.
func (c *sharedControl) serve(in *inbound) error {
	for {
		m, err := in.message(c.session.dialect())
		if err != nil {
			return controlEnd(err)
		}
		if err := c.dispatch(m); err != nil {
			return err
		}
	}
}

func (c *sharedControl) dispatch(m wire.Message) error {
	s := c.session
	switch m := m.(type) {
	case *wire.Goaway:
		return s.acceptGoaway(m)
	case *wire.MaxRequestID:
		return c.raise(m.RequestID)
	case *wire.RequestsBlocked:
		return nil // MAX_REQUEST_ID follows when requests end
	case *wire.Subscribe:
		return c.request(m.RequestID, m)
	case *wire.TrackStatus:
		return c.request(m.RequestID, m)
	case *wire.Publish:
		return c.request(m.RequestID, m)
	case *wire.Fetch:
		return c.request(m.RequestID, m)
	case *wire.PublishNamespace:
		return c.request(m.RequestID, m)
	case *wire.RequestUpdate:
		return c.update(m)
	case *wire.SubscribeOK:
		return c.answered(m.RequestID, m)
	case *wire.FetchOK:
		return c.answered(m.RequestID, m)
	case *wire.PublishOK:
		if ch := c.find(m.RequestID); ch != nil && ch.kind != wire.MsgPublish {
			return violation("PUBLISH_OK for " + ch.kind.String())
		}
		return c.answered(m.RequestID, &wire.RequestOK{RequestID: m.RequestID, Params: m.Params})
	case *wire.RequestOK:
		if ch := c.find(m.RequestID); ch != nil && ch.kind == wire.MsgPublish {
			return violation("REQUEST_OK for PUBLISH") // PUBLISH_OK answers that (moqt-16 §9.14)
		}
		return c.answered(m.RequestID, m)
	case *wire.RequestErr:
		return c.answered(m.RequestID, m)
	case *wire.PublishDone:
		return c.end(m.RequestID, m, m, func(ch *sharedChannel) bool { return ch.subscribes() })
	case *wire.Supply:
		return c.supply(m)
	case *wire.Unsubscribe:
		return c.end(m.RequestID, m, nil, func(ch *sharedChannel) bool { return ch.publishes() })
	case *wire.FetchCancel:
		return c.end(m.RequestID, m, nil, func(ch *sharedChannel) bool { return ch.kind == wire.MsgFetch && !ch.own })
	case *wire.PublishNamespaceDone:
		return c.end(m.RequestID, m, nil, func(ch *sharedChannel) bool { return ch.kind == wire.MsgPublishNamespace && !ch.own })
	case *wire.PublishNamespaceCancel:
		return c.end(m.RequestID, m, nil, func(ch *sharedChannel) bool { return ch.kind == wire.MsgPublishNamespace && ch.own })
	}
	return violation(m.Type().String() + " on the control stream")
}

// cancelled is how a channel sees that the peer gave its request up.
func (c *sharedControl) cancelled() error {
	return &transport.StreamError{Code: c.session.version.ResetNumber(wire.ResetCancelled), Remote: true}
}

// request begins a request of the peer.
func (c *sharedControl) request(id uint64, m wire.Message) error {
	if err := c.checkID(id, true); err != nil {
		return err
	}
	ch := c.open(m.Type(), false)
	c.register(id, ch)
	r, err := c.session.beginRequest(ch, m, id)
	if err != nil {
		return err
	}
	c.session.tasks.Go(r.serve)
	return nil
}

// update hands a REQUEST_UPDATE to the request that it names.
func (c *sharedControl) update(m *wire.RequestUpdate) error {
	if err := c.checkID(m.RequestID, true); err != nil {
		return err
	}
	ch := c.find(m.ExistingID)
	switch {
	case ch != nil && ch.own && ch.kind != wire.MsgPublish, ch == nil && !c.mayBeOver(m.ExistingID):
		return violation(fmt.Sprintf("REQUEST_UPDATE for request %d, which the peer cannot update", m.ExistingID))
	case ch == nil: // its end is on its way to the peer
		if _, err := c.session.takeRequestID(m.RequestID); err != nil {
			return err
		}
		if err := c.session.resolveTokens(&m.Params); err != nil {
			return err
		}
	default:
		if err := c.session.beginUpdate(ch.kind, ch.id, m); err != nil || ch.push(m) {
			return err
		}
		c.session.endUpdate(ch.id)
	}
	c.requestOver()
	return c.send(&wire.RequestErr{RequestID: m.RequestID, Code: wire.RequestDoesNotExist, Reason: "the request is over"})
}

// mayBeOver reports whether an ID was used by either side: messages about a
// request may cross its end.
func (c *sharedControl) mayBeOver(id uint64) bool {
	s := c.session
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used(id)
}

// answered hands the answer to a request or to a REQUEST_UPDATE to its channel.
func (c *sharedControl) answered(id uint64, m wire.Message) error {
	c.mu.Lock()
	ch, isUpdate := c.updates[id]
	delete(c.updates, id)
	if !isUpdate {
		ch = c.requests[id]
	}
	c.mu.Unlock()
	_, refused := m.(*wire.RequestErr)
	switch {
	case ch == nil && c.mayBeOver(id) && id%2 != c.session.peerRequests.parity:
		return nil // it was given up
	case ch == nil || !ch.own && !isUpdate:
		return violation(fmt.Sprintf("%s for request %d, which does not exist", m.Type(), id))
	case isUpdate:
		ch.push(m)
	case ch.markAnswered():
		return violation(fmt.Sprintf("second answer to request %d", id))
	case refused || ch.kind == wire.MsgTrackStatus: // the last of it
		ch.hangUp(m, nil)
	default:
		ch.push(m)
	}
	return nil
}

// supply hands SUPPLY to the SUBSCRIBE that it is about.
func (c *sharedControl) supply(m *wire.Supply) error {
	ch := c.find(m.RequestID)
	switch {
	case ch == nil && c.mayBeOver(m.RequestID):
	case ch == nil || !ch.own || ch.kind != wire.MsgSubscribe:
		return violation(fmt.Sprintf("SUPPLY for request %d, which is no subscription of this side", m.RequestID))
	default:
		ch.pushSupply(m)
	}
	return nil
}

// end ends a request because of m, which must fit it: its channel receives last,
// when there is one, as the last message, else that the peer cancelled.
func (c *sharedControl) end(id uint64, m, last wire.Message, fits func(*sharedChannel) bool) error {
	ch := c.find(id)
	switch {
	case ch == nil && c.mayBeOver(id):
	case ch == nil:
		return violation(fmt.Sprintf("%s for request %d, which does not exist", m.Type(), id))
	case !fits(ch):
		return violation(fmt.Sprintf("%s for request %d, a %s", m.Type(), id, ch.kind))
	case last != nil:
		ch.hangUp(last, nil)
	default:
		ch.hangUp(nil, c.cancelled())
	}
	return nil
}
