package moq

import (
	"context"
	"io"
	"sync"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// sharedChannel is the channel of one request on the control stream of draft
// 16. What later drafts say by ending a stream it says by messages.
type sharedChannel struct {
	control *sharedControl
	id      uint64
	kind    wire.MessageType // of the request
	own     bool             // a request of this side
	ctx     context.Context  // done when the peer wants no more, or the request is over
	stop    context.CancelFunc
	wake    chan struct{}

	mu       sync.Mutex
	queue    []wire.Message
	end      error // with it, what receive returns behind the queue
	begun    bool  // the request was sent, or received
	answered bool  // the answer to the request was sent, or received
	over     bool  // this side has said its last
}

// publishes and subscribes report the role of this side in a subscription.
func (c *sharedChannel) publishes() bool {
	return c.kind == wire.MsgPublish && c.own || c.kind == wire.MsgSubscribe && !c.own
}

func (c *sharedChannel) subscribes() bool {
	return c.kind == wire.MsgPublish && !c.own || c.kind == wire.MsgSubscribe && c.own
}

// begin sends the request itself, which has this ID. A request that is given up
// meanwhile is cancelled as soon as the peer can know it.
func (c *sharedChannel) begin(id uint64, m wire.Message) error {
	c.mu.Lock()
	if c.over {
		c.mu.Unlock()
		return errRequestOver
	}
	c.mu.Unlock()
	c.control.register(id, c)
	if err := c.control.send(m); err != nil {
		c.control.forget(c)
		return err
	}
	c.mu.Lock()
	c.begun = true
	over := c.over
	c.mu.Unlock()
	if over {
		c.control.forget(c)
		if m := c.farewell(false); m != nil {
			_ = c.control.send(m)
		}
	}
	return nil
}

func (c *sharedChannel) send(m wire.Message) error {
	answers := false
	switch answer := m.(type) {
	case *wire.RequestUpdate:
		answer.ExistingID = c.id
		c.control.mu.Lock()
		c.control.updates[answer.RequestID] = c
		c.control.mu.Unlock()
	case *wire.RequestOK:
		answers = true
		if c.kind == wire.MsgPublish && !c.own {
			m = &wire.PublishOK{RequestID: c.id, Params: answer.Params}
		}
	case *wire.SubscribeOK, *wire.FetchOK, *wire.RequestErr:
		answers = true
	}
	c.mu.Lock()
	over := c.over
	c.answered = c.answered || answers && !over
	c.mu.Unlock()
	if over {
		return io.ErrClosedPipe
	}
	addressTo(m, c.id)
	err := c.control.send(m)
	if err != nil && answers { // the draft cannot express it: the farewell is the answer
		c.mu.Lock()
		c.answered = false
		c.mu.Unlock()
	}
	return err
}

func (c *sharedChannel) answer(update uint64, m wire.Message) error {
	addressTo(m, update)
	err := c.control.send(m)
	c.control.requestOver()
	return err
}

func (c *sharedChannel) finish(m wire.Message) {
	if m != nil {
		_ = c.send(m)
	}
	c.leave(io.EOF)
}

func (c *sharedChannel) refuse(m *wire.RequestErr) { c.finish(m) }

func (c *sharedChannel) cancel(code wire.ResetCode) {
	c.mu.Lock()
	ended, begun := c.end != nil, c.begun
	c.mu.Unlock()
	if !c.leave(&transport.StreamError{Code: c.control.session.version.ResetNumber(code)}) {
		return
	}
	if !begun {
		return
	}
	if m := c.farewell(ended); m != nil {
		_ = c.control.send(m)
	}
}

// farewell is what draft 16 says when a request is given up. ended says that
// the peer ended it first. It is called by whoever gave the request up.
func (c *sharedChannel) farewell(ended bool) wire.Message {
	c.mu.Lock()
	answered := c.answered
	c.mu.Unlock()
	switch {
	case ended && answered:
		return nil
	case !c.own && !answered:
		return &wire.RequestErr{RequestID: c.id, Code: wire.RequestInternalError, Reason: "cancelled"}
	case c.publishes():
		return &wire.PublishDone{RequestID: c.id, Code: wire.DoneInternalError, StreamCount: wire.UnknownStreamCount, Reason: "cancelled"}
	case c.subscribes():
		return &wire.Unsubscribe{RequestID: c.id}
	case c.kind == wire.MsgFetch && c.own:
		return &wire.FetchCancel{RequestID: c.id}
	case c.kind == wire.MsgPublishNamespace && c.own:
		return &wire.PublishNamespaceDone{RequestID: c.id}
	case c.kind == wire.MsgPublishNamespace:
		return &wire.PublishNamespaceCancel{RequestID: c.id, Code: wire.RequestInternalError, Reason: "withdrawn"}
	}
	return nil
}

// leave ends this side of the request; false means that it had ended before.
func (c *sharedChannel) leave(end error) bool {
	c.mu.Lock()
	was := c.over
	c.over = true
	if c.end == nil {
		c.end = end
	}
	c.mu.Unlock()
	if was {
		return false
	}
	c.stop()
	c.stir()
	c.control.forget(c)
	return true
}

// hangUp ends the peer's side: by a last message, by err, or in order.
func (c *sharedChannel) hangUp(last wire.Message, err error) {
	c.mu.Lock()
	if c.end == nil {
		if last != nil {
			c.queue = append(c.queue, last)
		}
		if err == nil {
			err = io.EOF
		}
		c.end = err
	}
	c.mu.Unlock()
	if err != io.EOF {
		c.stop()
	}
	c.stir()
}

// push hands a message to receive; false means that the request is over.
func (c *sharedChannel) push(m wire.Message) bool {
	c.mu.Lock()
	over := c.end != nil
	if !over {
		c.queue = append(c.queue, m)
	}
	c.mu.Unlock()
	c.stir()
	return !over
}

// pushSupply is push for SUPPLY, of which the last one holds: those in a row are one, so
// that a peer cannot have many kept.
func (c *sharedChannel) pushSupply(m *wire.Supply) {
	c.mu.Lock()
	if n := len(c.queue); n > 0 {
		if _, ok := c.queue[n-1].(*wire.Supply); ok {
			c.queue = c.queue[:n-1]
		}
	}
	c.mu.Unlock()
	c.push(m)
}

// markAnswered notes that the answer was sent or received, and reports whether it had been.
func (c *sharedChannel) markAnswered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.answered
	c.answered = true
	return was
}

func (c *sharedChannel) stir() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *sharedChannel) receive() (wire.Message, error) {
	for {
		c.mu.Lock()
		if len(c.queue) > 0 {
			m := c.queue[0]
			c.queue = c.queue[1:]
			c.mu.Unlock()
			return m, nil
		}
		end := c.end
		c.mu.Unlock()
		if end != nil {
			return nil, end
		}
		select {
		case <-c.wake:
		case <-c.control.session.ctx.Done():
			return nil, c.control.session.cause()
		}
	}
}

func (c *sharedChannel) stopped() context.Context { return c.ctx }

func (c *sharedChannel) free() {
	c.cancel(wire.ResetCancelled)
	if !c.own {
		c.control.requestOver()
	}
}
