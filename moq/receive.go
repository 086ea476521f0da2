package moq

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Counters count what sessions have received. They may be shared.
type Counters struct {
	// Bytes of payloads on streams and of whole datagrams, Objects begun on
	// subgroup streams, data Streams, and Datagrams.
	Bytes, Objects, Streams, Datagrams atomic.Uint64
	// Unwanted counts streams and datagrams of tracks that nobody asked for.
	Unwanted atomic.Uint64
}

// acceptUni takes the peer's unidirectional streams until ctx is done.
func (s *Session) acceptUni(ctx context.Context) {
	for {
		stream, err := s.conn.AcceptUniStream(ctx)
		if err != nil {
			if ctx.Err() == nil || s.ctx.Err() != nil {
				s.fail(err)
			}
			return
		}
		s.tasks.Go(func() { s.receive(stream) })
	}
}

// receive reads one unidirectional stream to its end.
func (s *Session) receive(stream transport.ReceiveStream) {
	in := newDataInbound(stream, s)
	if s.receiveFrom(stream, in) {
		return
	}
	s.stopStream(stream, wire.ResetCancelled) // what was not read to its end: the transport keeps it
	in.free()
}

// receiveFrom is receive with what it reads through, which the session keeps when
// the result is true: it is the control stream, and the session rests.
func (s *Session) receiveFrom(stream transport.ReceiveStream, in *inbound) (kept bool) {
	in.begun() // there are no streams for later
	t, err := parse(in, func(b []byte) (wire.StreamType, int, error) {
		t, _, err := wire.ParseStreamType(s.version, b)
		return t, 0, err // the type belongs to the header that follows
	})
	switch {
	case in.untouched(err):
		s.unwanted(stream)
		s.bear("streams without data")
	case err != nil: // gone before it said what it is, or of an unknown type
		s.fault(err)
	case t == wire.StreamSetup:
		s.mu.Lock()
		twice := s.peerControl
		s.peerControl = true
		s.mu.Unlock()
		if twice {
			s.fail(violation("second control stream"))
			return false
		}
		in.timeout, in.late, in.messages, in.session = s.config.ControlTimeout, wire.SessionControlMessageTimeout, true, nil
		err := s.serveControl(in)
		s.fail(err)
		return err == nil
	case t == wire.StreamPadding:
		discard(in)
	case !s.beginStream():
		s.stopStream(stream, wire.ResetExcessiveLoad)
		s.bear("streams that are too many")
	case t == wire.StreamFetch:
		defer s.endStream()
		s.fault(s.receiveFetch(stream, in))
	default:
		defer s.endStream()
		s.fault(s.receiveSubgroup(stream, in))
	}
	return false
}

// fault closes the session when err is a fault of the peer. A stream that ends
// within an item is one (moqt-18 §11.4).
func (s *Session) fault(err error) {
	var e *wire.Error
	switch {
	case errors.As(err, &e):
		s.fail(e)
	case errors.Is(err, io.ErrUnexpectedEOF):
		s.fail(violation("stream ended within a message or an object"))
	}
}

func discard(in *inbound) {
	for {
		in.consume(len(in.window()))
		if in.more() != nil {
			return
		}
	}
}

// wait is waitFor with the alias timeout.
func (s *Session) wait(ready func() bool) bool { return s.waitFor(s.config.AliasTimeout, ready) }

// waitFor blocks until ready says yes or the patience is over. ready is called
// under mu, each time aliases, received, served, servedTracks or prefixes changed.
func (s *Session) waitFor(patience time.Duration, ready func() bool) bool {
	var timeout <-chan time.Time
	for {
		s.mu.Lock()
		ok := ready()
		if !ok && s.moved == nil {
			s.moved = make(chan struct{})
		}
		moved := s.moved
		s.mu.Unlock()
		if ok {
			return true
		}
		if timeout == nil {
			timer := time.NewTimer(patience)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-moved:
		case <-timeout:
			return false
		case <-s.ctx.Done():
			return false
		}
	}
}

// announce wakes those in wait. The caller holds mu.
func (s *Session) announce() {
	if s.moved != nil {
		close(s.moved)
		s.moved = nil
	}
}

func (s *Session) receiveFetch(stream transport.ReceiveStream, in *inbound) error {
	h, err := parse(in, func(b []byte) (wire.FetchHeader, int, error) { return wire.ParseFetchHeader(s.version, b) })
	if err != nil {
		return err
	}
	s.mu.Lock()
	f := s.fetches[h.RequestID]
	s.mu.Unlock()
	if f == nil { // given up meanwhile: it was registered before it was asked for
		s.unwanted(stream)
		if !s.asked(h.RequestID) {
			s.bear("streams of fetches that nobody asked for")
		}
		return nil
	}
	s.config.Counters.Streams.Add(1)
	return f.receive(stream, in)
}

func (s *Session) receiveSubgroup(stream transport.ReceiveStream, in *inbound) error {
	h, err := parse(in, func(b []byte) (wire.SubgroupHeader, int, error) { return wire.ParseSubgroupHeader(s.version, b) })
	if err != nil {
		return err
	}
	x := s.subscriptionFor(&h)
	if x != nil {
		defer x.endStream(in)
	}
	if x == nil || !x.beginStream(in) {
		s.unwanted(stream)
		return nil
	}
	s.config.Counters.Streams.Add(1)
	r := &subgroupReceiver{session: s, subscription: x, stream: stream, in: in, header: h}
	return r.run()
}

// subgroupReceiver appends one subgroup stream to its track.
type subgroupReceiver struct {
	session      *Session
	subscription *Subscription
	stream       transport.ReceiveStream
	in           *inbound
	header       wire.SubgroupHeader
	cursor       wire.ObjectCursor
	writer       *live.SubgroupWriter
}

func (r *subgroupReceiver) run() error {
	h := &r.header
	if h.Mode != wire.SubgroupFirstObject {
		if err := r.open(); err != nil {
			return r.finish(err)
		}
	}
	for {
		o, err := parse(r.in, func(b []byte) (wire.Object, int, error) {
			return wire.ParseSubgroupObject(r.session.version, &r.cursor, h.HasProperties, b)
		})
		if err == nil {
			err = r.object(&o)
		}
		if err != nil {
			return r.finish(err)
		}
	}
}

func (r *subgroupReceiver) open() error {
	h := &r.header
	w, err := r.subscription.track.OpenSubgroup(live.SubgroupInfo{
		Group: h.Group, ID: h.Subgroup, Priority: h.Priority.Or(r.subscription.defaults.PublisherPriority),
		HasProperties: h.HasProperties, EndOfGroup: h.EndOfGroup, FirstObject: h.FirstObject,
	})
	if err != nil {
		return err
	}
	r.writer = w
	return nil
}

// object takes in the object whose header was read.
func (r *subgroupReceiver) object(o *wire.Object) error {
	if r.writer == nil { // the first object names the subgroup
		r.header.Subgroup = o.ID
		if err := r.open(); err != nil {
			return err
		}
	}
	if limit := r.session.config.MaxObjectSize; o.PayloadLen > limit {
		return tooLarge(o.PayloadLen, limit)
	}
	if !r.session.config.Room() {
		return errOverload{}
	}
	var properties wire.Properties
	if len(o.Properties) > 0 {
		properties = append(properties, o.Properties...)
	}
	err := r.writer.Begin(live.ObjectHeader{ID: o.ID, Status: o.Status, Properties: properties, Size: o.PayloadLen})
	if err != nil {
		return err
	}
	r.session.config.Counters.Objects.Add(1)
	r.subscription.received.add(o.PayloadLen)
	return r.in.payload(r.writer, r.session)
}

// finish ends the subgroup as the stream ended.
func (r *subgroupReceiver) finish(err error) error {
	w := r.writer
	if err == io.EOF && w != nil {
		if err = w.Close(); err == nil || !isMalformed(err) {
			return nil
		}
	}
	var reset *transport.StreamError
	var big *tooLargeError
	switch {
	case err == io.EOF:
		return nil
	case isMalformed(err):
		r.abort(wire.ResetMalformedTrack)
		r.session.malformed(r.subscription.track.Name(), err.Error())
		return nil
	case errors.As(err, &big):
		r.abort(wire.ResetInternalError)
		r.session.log().Warn("subscription cancelled", "track", r.subscription.track.Name().String(), "reason", err.Error())
		r.subscription.cancel(err.Error())
		return nil
	case errors.Is(err, live.ErrClosed):
		r.abort(wire.ResetCancelled)
		return nil
	case errors.Is(err, errOverload{}):
		r.abort(wire.ResetExcessiveLoad)
		return nil
	case w == nil:
	case errors.As(err, &reset): // by the publisher, or because the subscription was cancelled
		code := r.session.version.ResetCode(reset.Code)
		if code == wire.ResetSessionClosed || code == wire.ResetGoingAway || r.subscription.isHandedOver() { // the source is lost, the subgroup may go on
			w.Interrupt()
		} else {
			w.Abort(code)
		}
		return nil
	default:
		w.Interrupt()
	}
	return err
}

// abort gives the stream and what it writes up.
func (r *subgroupReceiver) abort(code wire.ResetCode) {
	if r.writer != nil {
		r.writer.Abort(code)
	}
	r.session.stopStream(r.stream, code)
}

// isMalformed reports whether what was received proves its track malformed.
func isMalformed(err error) bool {
	_, ok := errors.AsType[*live.MalformedError](err)
	return ok
}

// receiveDatagrams appends the peer's datagrams to their tracks.
func (s *Session) receiveDatagrams() {
	for {
		b, err := s.conn.ReceiveDatagram(s.ctx)
		if err != nil {
			s.fail(err)
			return
		}
		if err := s.takeDatagram(b); err != nil {
			s.fail(err)
			return
		}
	}
}

// takeDatagram appends a datagram to its track. An error ends the session.
func (s *Session) takeDatagram(b []byte) error {
	d, padding, err := wire.ParseDatagram(s.version, b)
	if err == nil && !padding {
		s.datagram(d, len(b))
	}
	return err
}
