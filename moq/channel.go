package moq

import (
	"context"
	"io"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// channel carries the messages of one request in both directions. From draft
// 18 on it is a bidirectional stream of its own (streamChannel); in draft 16
// requests share one control stream (sharedChannel).
//
// send, answer, finish, refuse and cancel may be called at any time; receive
// and free belong to one goroutine.
type channel interface {
	// send sends one message of the request.
	send(m wire.Message) error
	// answer sends the answer to a REQUEST_UPDATE with this request ID.
	answer(update uint64, m wire.Message) error
	// finish sends m, when there is one, and ends this direction in order.
	finish(m wire.Message)
	// refuse is finish for a refusal: nothing more is read either.
	refuse(m *wire.RequestErr)
	// cancel gives both directions up (moqt-18 §3.3.2).
	cancel(code wire.ResetCode)
	// receive returns the peer's next message. io.EOF means that the peer ended
	// its direction in order, a *transport.StreamError that it gave it up.
	receive() (wire.Message, error)
	// stopped is done when the peer no longer wants what this side sends, or this
	// side has ended its direction.
	stopped() context.Context
	// free cancels what has not ended yet, in both directions: the transport keeps
	// such streams. It returns what receive needs.
	free()
}

// streamChannel is a channel with a stream of its own.
type streamChannel struct {
	*messageWriter
	stream transport.Stream
	in     *inbound
	id     uint64 // request ID, which draft 16 repeats in answers
	whole  bool   // a FIN cancels the request: the peer is to see its ID anyway
}

func newStreamChannel(s *Session, stream transport.Stream) *streamChannel {
	return &streamChannel{
		messageWriter: s.newMessageWriter(stream),
		stream:        stream, in: newInbound(stream, s.config.ControlTimeout),
	}
}

func (c *streamChannel) send(m wire.Message) error { return c.answer(c.id, m) }

func (c *streamChannel) answer(update uint64, m wire.Message) error {
	addressTo(m, update)
	return c.messageWriter.send(m)
}

func (c *streamChannel) finish(m wire.Message) {
	if m != nil {
		addressTo(m, c.id)
	}
	c.messageWriter.finish(m)
}

func (c *streamChannel) refuse(m *wire.RequestErr) {
	c.finish(m)
	c.stream.Stop(c.version.ResetNumber(wire.ResetCancelled))
}

func (c *streamChannel) cancel(code wire.ResetCode) {
	if c.whole {
		c.finish(nil)
	} else {
		c.reset(code)
	}
	c.stream.Stop(c.version.ResetNumber(code))
}

func (c *streamChannel) receive() (wire.Message, error) { return c.in.message(c.session.dialect()) }

func (c *streamChannel) stopped() context.Context { return c.stream.Context() }

func (c *streamChannel) free() {
	c.cancel(wire.ResetCancelled)
	c.in.free()
}

// addressTo writes the request ID into an answer, where draft 16 has it on the
// wire. Later drafts tell it by the stream.
func addressTo(m wire.Message, id uint64) {
	switch m := m.(type) {
	case *wire.SubscribeOK:
		m.RequestID = id
	case *wire.FetchOK:
		m.RequestID = id
	case *wire.RequestOK:
		m.RequestID = id
	case *wire.RequestErr:
		m.RequestID = id
	case *wire.PublishDone:
		m.RequestID = id
	case *wire.Supply:
		m.RequestID = id
	}
}

// silentChannel is the channel of a request that another request implies: the
// other one is answered.
type silentChannel struct{ ctx context.Context }

func (c silentChannel) send(wire.Message) error           { return nil }
func (c silentChannel) answer(uint64, wire.Message) error { return nil }
func (c silentChannel) finish(wire.Message)               {}
func (c silentChannel) refuse(*wire.RequestErr)           {}
func (c silentChannel) cancel(wire.ResetCode)             {}
func (c silentChannel) receive() (wire.Message, error)    { return nil, io.EOF }
func (c silentChannel) stopped() context.Context          { return c.ctx }
func (c silentChannel) free()                             {}
