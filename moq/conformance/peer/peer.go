package peer

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Patience is how long a Peer waits for what must come.
const Patience = time.Minute

// backlog is how much of a kind may wait to be looked at.
const backlog = 4096

// Peer is one end of a session, without a state machine of its own. Its methods
// are for the goroutine of the test.
type Peer struct {
	Conn    transport.Conn
	Version wire.Version

	t         testing.TB
	tasks     sync.WaitGroup
	nextID    uint64
	requests  chan *Request // of the other side
	kept      []*Request    // of them, what Accept passed over
	data      chan *Stream
	datagrams chan []byte
	said      chan event // on the control stream
	extra     chan string

	control transport.SendStream // nil until SETUP is sent
	shared  *shared              // of draft 16, else nil
	mu      sync.Mutex
	heard   bool // the other side's control stream was seen; guarded by mu
	// descending holds the IDs of FETCHes whose groups descend; guarded by mu.
	descending map[uint64]bool
	// paused is closed when data streams are read again, nil while they are;
	// guarded by mu.
	paused chan struct{}
}

// event is a message that came, or why none comes any more: io.EOF for FIN, a
// *transport.StreamError for a reset.
type event struct {
	message wire.Message
	err     error
}

// New takes one end of a connection, whose protocol names the draft. It sends
// nothing.
func New(t testing.TB, conn transport.Conn) *Peer {
	t.Helper()
	v, ok := wire.ParseVersion(conn.Info().Protocol)
	if !ok {
		t.Fatalf("%q is no draft that is spoken here", conn.Info().Protocol)
	}
	p := &Peer{
		Conn: conn, Version: v, t: t,
		requests: make(chan *Request, backlog), data: make(chan *Stream, backlog), datagrams: make(chan []byte, backlog),
		said: make(chan event, backlog), extra: make(chan string, backlog), descending: map[uint64]bool{},
	}
	if !conn.Info().Client {
		p.nextID = 1
	}
	p.shared = newShared(p)
	p.tasks.Go(p.acceptStreams)
	p.tasks.Go(p.acceptUni)
	p.tasks.Go(p.receiveDatagrams)
	t.Cleanup(func() {
		_ = conn.CloseWithError(uint64(wire.SessionNoError), "the test is over")
		p.tasks.Wait()
	})
	return p
}

// Hello sends a SETUP that allows all a peer can allow and returns that of the
// other side.
func (p *Peer) Hello() *wire.Setup {
	p.t.Helper()
	p.SendSetup(p.DefaultSetup())
	return p.ReceiveSetup()
}

// DefaultSetup is the SETUP of Hello.
func (p *Peer) DefaultSetup() *wire.Setup {
	m := &wire.Setup{}
	allowAll(p, m)
	return m
}

// SendSetup opens the control stream with m.
func (p *Peer) SendSetup(m *wire.Setup) {
	p.t.Helper()
	p.openControl()
	p.write(p.control, p.Encode(m))
}

// ReceiveSetup takes the other side's SETUP.
func (p *Peer) ReceiveSetup() *wire.Setup {
	p.t.Helper()
	m, ok := p.ReceiveControl().(*wire.Setup)
	if !ok {
		p.t.Fatalf("the control stream begins with %v, want SETUP", m)
	}
	return m
}

// openControl opens the control stream unless that was done.
func (p *Peer) openControl() {
	p.t.Helper()
	if p.control != nil {
		return
	}
	if p.shared != nil {
		p.control = p.shared.open()
		return
	}
	p.control = p.OpenUni()
}

// SendControl sends messages on the control stream.
func (p *Peer) SendControl(ms ...wire.Message) {
	p.t.Helper()
	for _, m := range ms {
		p.WriteControl(p.Encode(m))
	}
}

// WriteControl sends bytes on the control stream, as its first ones if need be.
func (p *Peer) WriteControl(b []byte) {
	p.t.Helper()
	p.openControl()
	p.write(p.control, b)
}

// Control is the sending half of the control stream.
func (p *Peer) Control() transport.SendStream { return p.control }

// ReceiveControl takes the next message of the control stream that belongs to no
// request.
func (p *Peer) ReceiveControl() wire.Message {
	p.t.Helper()
	e := wait(p, p.said, "a message on the control stream")
	if e.err != nil {
		p.t.Fatalf("the control stream ended: %v", e.err)
	}
	return e.message
}

// ID takes the next request ID of this side.
func (p *Peer) ID() uint64 {
	id := p.nextID
	p.nextID += 2
	return id
}

// OpenUni opens a unidirectional stream.
func (p *Peer) OpenUni() transport.SendStream {
	p.t.Helper()
	s, err := p.Conn.OpenUniStream(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// SendUni sends bytes on a new unidirectional stream and leaves it open.
func (p *Peer) SendUni(b []byte) transport.SendStream {
	p.t.Helper()
	s := p.OpenUni()
	p.write(s, b)
	return s
}

// SendDatagram sends one datagram.
func (p *Peer) SendDatagram(b []byte) {
	p.t.Helper()
	if err := p.Conn.SendDatagram(b); err != nil {
		p.t.Fatal(err)
	}
}

// ReceiveDatagram takes the next datagram.
func (p *Peer) ReceiveDatagram() []byte {
	p.t.Helper()
	return wait(p, p.datagrams, "a datagram")
}

// Encode writes a message, which must be one that can be sent.
func (p *Peer) Encode(m wire.Message) []byte {
	p.t.Helper()
	b, err := wire.AppendMessage(nil, p.Version, m)
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

// write sends bytes. That the other side has ended the session by now is no
// fault: tests look at how it ended.
func (p *Peer) write(s io.Writer, b []byte) {
	p.t.Helper()
	if _, err := s.Write(b); err != nil && p.Conn.Context().Err() == nil {
		var stopped *transport.StreamError
		if !errors.As(err, &stopped) {
			p.t.Errorf("cannot send: %v", err)
		}
	}
}

// ExpectClose waits until the other side closes the session and wants the code.
func (p *Peer) ExpectClose(want wire.SessionError) {
	p.t.Helper()
	select {
	case <-p.Conn.Context().Done():
	case <-time.After(Patience):
		p.t.Fatalf("the session is open, want it closed with %v", want)
	}
	var closed *transport.CloseError
	cause := context.Cause(p.Conn.Context())
	if !errors.As(cause, &closed) || !closed.Remote || wire.SessionError(closed.Code) != want {
		p.t.Fatalf("the session ended with %q, want it closed with %v (%#x)", cause, want, uint64(want))
	}
}

// ExpectOpen wants the session to live on after all that was sent was handled.
func (p *Peer) ExpectOpen() {
	p.t.Helper()
	synctest.Wait()
	if p.Conn.Context().Err() != nil {
		p.t.Fatalf("the session ended with %q, want it open", context.Cause(p.Conn.Context()))
	}
}

// Quiet wants that nothing came that was not looked at: no request, no data
// stream, no datagram, no control message.
func (p *Peer) Quiet() {
	p.t.Helper()
	p.ExpectOpen()
	switch {
	case len(p.kept) > 0:
		p.t.Fatalf("a request came: %T", p.kept[0].First)
	case len(p.requests) > 0:
		p.t.Fatalf("a request came: %T", (<-p.requests).First)
	case len(p.data) > 0:
		p.t.Fatalf("a stream came: %v", <-p.data)
	case len(p.datagrams) > 0:
		p.t.Fatalf("a datagram came: %x", <-p.datagrams)
	case len(p.said) > 0:
		p.t.Fatalf("a control message came: %T", (<-p.said).message)
	}
	p.checkExtra()
}

// checkExtra wants that no stream came that has no place at all.
func (p *Peer) checkExtra() {
	p.t.Helper()
	if len(p.extra) > 0 {
		p.t.Fatal(<-p.extra)
	}
}

// wait takes what a goroutine of the Peer hands over.
func wait[T any](p *Peer, from <-chan T, what string) T {
	p.t.Helper()
	select {
	case v := <-from:
		return v
	default:
	}
	select {
	case v := <-from:
		return v
	case <-p.Conn.Context().Done():
		select {
		case v := <-from: // it came before the end
			return v
		default:
		}
		p.t.Fatalf("the session ended with %q, want %s", context.Cause(p.Conn.Context()), what)
	case <-time.After(Patience):
		p.t.Fatalf("nothing came, want %s", what)
	}
	panic("unreachable")
}

func (p *Peer) receiveDatagrams() {
	for {
		b, err := p.Conn.ReceiveDatagram(context.Background())
		if err != nil {
			return
		}
		p.datagrams <- b
	}
}

// Pause has data streams not read any further until Resume.
func (p *Peer) Pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = make(chan struct{})
}

// Resume ends Pause.
func (p *Peer) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.paused)
	p.paused = nil
}

// gate blocks while the Peer is paused.
func (p *Peer) gate() {
	p.mu.Lock()
	paused := p.paused
	p.mu.Unlock()
	if paused != nil {
		select {
		case <-paused:
		case <-p.Conn.Context().Done():
		}
	}
}

// Varint appends an integer in the form of the draft.
func (p *Peer) Varint(b []byte, v uint64) []byte {
	if p.Version.Has(wire.FeatureControlStream) {
		return wire.AppendQUICVarint(b, v)
	}
	return wire.AppendVarint(b, v)
}

// Bytes writes a frame with the type of m and any payload.
func (p *Peer) Bytes(m wire.Message, payload []byte) []byte {
	p.t.Helper()
	b := p.Encode(m)
	whole := len(b)
	for n := 1; n < whole-1; n++ { // the type, then two bytes of length
		if int(b[n])<<8|int(b[n+1]) == whole-n-2 {
			return append(append(b[:n:n], byte(len(payload)>>8), byte(len(payload))), payload...)
		}
	}
	p.t.Fatalf("%x is no frame", b)
	return nil
}

// Payload is what m has behind type and length.
func (p *Peer) Payload(m wire.Message) []byte {
	p.t.Helper()
	b := p.Encode(m)
	return b[len(p.Bytes(m, nil)):]
}
