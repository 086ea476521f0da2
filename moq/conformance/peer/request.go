package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Request is a request of either side: what is said about it in both directions.
type Request struct {
	ID    uint64
	First wire.Message // what opened it

	peer   *Peer
	events chan event
	kept   *event           // taken from events and put back
	stream transport.Stream // nil in draft 16, where it is on the control stream
}

// Request makes a request. Its ID is set by the caller: see ID.
func (p *Peer) Request(m wire.Message) *Request {
	p.t.Helper()
	return p.RequestAs(m, p.Encode(m))
}

// RequestBytes opens a bidirectional stream with bytes that need be no request.
func (p *Peer) RequestBytes(b []byte) *Request {
	p.t.Helper()
	r := &Request{peer: p, events: make(chan event, backlog), stream: p.openStream()}
	p.write(r.stream, b)
	p.tasks.Go(func() { r.read(newReader(r.stream)) })
	return r
}

func (p *Peer) openStream() transport.Stream {
	p.t.Helper()
	s, err := p.Conn.OpenStream(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// requestID is the ID that a request has in its message.
func requestID(m wire.Message) uint64 {
	switch m := m.(type) {
	case *wire.Subscribe:
		return m.RequestID
	case *wire.TrackStatus:
		return m.RequestID
	case *wire.Publish:
		return m.RequestID
	case *wire.Fetch:
		return m.RequestID
	case *wire.PublishNamespace:
		return m.RequestID
	case *wire.SubscribeNamespace:
		return m.RequestID
	case *wire.SubscribeTracks:
		return m.RequestID
	case *wire.RequestUpdate:
		return m.RequestID
	}
	return 0
}

// acceptStreams takes the other side's requests.
func (p *Peer) acceptStreams() {
	for {
		s, err := p.Conn.AcceptStream(context.Background())
		if err != nil {
			return
		}
		if p.shared != nil && p.shared.accepts(s) {
			continue
		}
		p.tasks.Go(func() {
			r := &Request{peer: p, events: make(chan event, backlog), stream: s}
			in := newReader(s)
			m, err := in.message(p.Version)
			if err != nil {
				p.extra <- "a bidirectional stream without a request came: " + err.Error()
				return
			}
			r.First, r.ID = m, requestID(m)
			p.requests <- r
			r.read(in)
		})
	}
}

// read hands the messages of a stream over until it ends.
func (r *Request) read(in *reader) {
	for {
		m, err := in.message(r.peer.Version)
		r.events <- event{m, err}
		if err != nil {
			return
		}
	}
}

// Accept takes the next M that the other side asked for. Requests on streams of
// their own may overtake each other: others that came are kept for later.
func Accept[M wire.Message](p *Peer) (*Request, M) {
	p.t.Helper()
	for i, r := range p.kept {
		if m, ok := r.First.(M); ok {
			p.kept = slices.Delete(p.kept, i, i+1)
			return r, m
		}
	}
	for {
		var want M
		r := wait(p, p.requests, fmt.Sprintf("a %T", want))
		if m, ok := r.First.(M); ok {
			return r, m
		}
		p.kept = append(p.kept, r)
	}
}

// next takes what was said about the request next.
func (r *Request) next(what string) event {
	r.peer.t.Helper()
	if r.kept != nil {
		e := *r.kept
		r.kept = nil
		return e
	}
	return wait(r.peer, r.events, what)
}

// Changed takes the next message, if it has come and is a REQUEST_UPDATE, and
// accepts it; else it returns nil.
func (r *Request) Changed() *wire.RequestUpdate {
	r.peer.ExpectOpen()
	if r.kept == nil && len(r.events) == 0 {
		return nil
	}
	e := r.next("a REQUEST_UPDATE")
	u, ok := e.message.(*wire.RequestUpdate)
	if !ok {
		r.kept = &e
		return nil
	}
	r.Answer(u, &wire.RequestOK{})
	return u
}

// Send sends messages of the request.
func (r *Request) Send(ms ...wire.Message) {
	r.peer.t.Helper()
	for _, m := range ms {
		if r.stream == nil {
			r.peer.shared.send(r, r.ID, m)
			continue
		}
		r.peer.write(r.stream, r.peer.Encode(m))
	}
}

// Answer sends the answer to a REQUEST_UPDATE of the other side.
func (r *Request) Answer(u *wire.RequestUpdate, m wire.Message) {
	r.peer.t.Helper()
	if r.stream == nil {
		r.peer.shared.send(r, u.RequestID, m)
		return
	}
	r.Send(m)
}

// Update sends a REQUEST_UPDATE with a new request ID.
func (r *Request) Update(params wire.Parameters) {
	r.peer.t.Helper()
	r.Send(&wire.RequestUpdate{RequestID: r.peer.ID(), Params: params})
}

// Write sends bytes on the request's stream; in draft 16 on the control stream.
func (r *Request) Write(b []byte) {
	r.peer.t.Helper()
	if r.stream == nil {
		r.peer.WriteControl(b)
		return
	}
	r.peer.write(r.stream, b)
}

// Finish ends this direction with FIN; draft 16 has nothing like it.
func (r *Request) Finish() {
	if r.stream != nil {
		_ = r.stream.Close()
	}
}

// Cancel gives the request up.
func (r *Request) Cancel(code wire.ResetCode) {
	r.peer.t.Helper()
	if r.stream == nil {
		r.peer.shared.cancel(r)
		return
	}
	r.stream.Reset(r.peer.Version.ResetNumber(code))
	r.stream.Stop(r.peer.Version.ResetNumber(code))
}

// Receive takes the next message of the request.
func (r *Request) Receive() wire.Message {
	r.peer.t.Helper()
	e := r.next("a message of the request")
	if e.err != nil {
		r.peer.t.Fatalf("the request ended with %q, want a message", e.err)
	}
	return e.message
}

// Expect takes the next message of the request, which must be an M.
func Expect[M wire.Message](r *Request) M {
	r.peer.t.Helper()
	m := r.Receive()
	want, ok := m.(M)
	if !ok {
		r.peer.t.Fatalf("a %T came: %+v, want %T", m, m, want)
	}
	return want
}

// ExpectError takes the refusal of the request with a code.
func (r *Request) ExpectError(code wire.RequestError) *wire.RequestErr {
	r.peer.t.Helper()
	m := Expect[*wire.RequestErr](r)
	if m.Code != code {
		r.peer.t.Fatalf("refused with %v (%q), want %v", m.Code, m.Reason, code)
	}
	return m
}

// ExpectDone takes the PUBLISH_DONE of a subscription with a code.
func (r *Request) ExpectDone(code wire.PublishDoneCode) *wire.PublishDone {
	r.peer.t.Helper()
	m := Expect[*wire.PublishDone](r)
	if m.Code != code {
		r.peer.t.Fatalf("ended with %v (%q), want %v", m.Code, m.Reason, code)
	}
	return m
}

// ExpectFin wants the other side to end its direction in order.
func (r *Request) ExpectFin() {
	r.peer.t.Helper()
	e := r.next("the end of the request")
	if !errors.Is(e.err, io.EOF) {
		r.peer.t.Fatalf("got %T %v, want FIN", e.message, e.err)
	}
}

// ExpectCancel wants the other side to give the request up, and returns the code.
func (r *Request) ExpectCancel() wire.ResetCode {
	r.peer.t.Helper()
	e := r.next("the request to be given up")
	var reset *transport.StreamError
	if !errors.As(e.err, &reset) {
		r.peer.t.Fatalf("got %T %v, want the request given up", e.message, e.err)
	}
	return r.peer.Version.ResetCode(reset.Code)
}

// Quiet wants that nothing more was said about the request.
func (r *Request) Quiet() {
	r.peer.t.Helper()
	r.peer.ExpectOpen()
	if r.kept != nil || len(r.events) > 0 {
		e := r.next("nothing")
		r.peer.t.Fatalf("got %T %v, want nothing", e.message, e.err)
	}
}

// Stopped reports whether the other side reads no more of the request.
func (r *Request) Stopped() bool {
	return r.stream == nil || r.stream.Context().Err() != nil
}

// RequestAs makes the request m with other bytes than m has.
func (p *Peer) RequestAs(m wire.Message, b []byte) *Request {
	p.t.Helper()
	r := &Request{ID: requestID(m), First: m, peer: p, events: make(chan event, backlog)}
	if p.shared != nil && p.shared.takes(m) {
		p.shared.enter(r.ID, r)
		p.WriteControl(b)
		return r
	}
	r.stream = p.openStream()
	p.write(r.stream, b)
	p.tasks.Go(func() { r.read(newReader(r.stream)) })
	return r
}

// RequestRaw sends bytes where requests go, as one that will not be answered.
func (p *Peer) RequestRaw(b []byte) {
	p.t.Helper()
	if p.shared != nil {
		p.WriteControl(b)
		return
	}
	p.RequestBytes(b)
}

// CountRequests is how many requests of a type came that Accept did not take.
func (p *Peer) CountRequests(t wire.MessageType) int {
	p.t.Helper()
	p.ExpectOpen()
	for len(p.requests) > 0 {
		p.kept = append(p.kept, <-p.requests)
	}
	n := 0
	for _, r := range p.kept {
		if r.First.Type() == t {
			n++
		}
	}
	return n
}

// NoRequest wants that no request of a type came that Accept did not take.
func (p *Peer) NoRequest(t wire.MessageType) {
	p.t.Helper()
	if n := p.CountRequests(t); n > 0 {
		p.t.Fatalf("%d of %v came", n, t)
	}
}
