package transport

import (
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
)

// MemoryConfig shapes a pair of connected Conns for tests. The zero value
// has the limits that this package gives to real connections.
type MemoryConfig struct {
	// Protocol is Info.Protocol of both sides.
	Protocol string
	// MaxStreams and MaxUniStreams bound the streams that each side may have
	// open at a time, for which it has room from the start. 0: 1,024 and
	// DefaultMaxUniStreams.
	MaxStreams, MaxUniStreams int64
	// StreamBuffer is how many bytes a stream holds between Write and Read.
	// 0: DefaultStreamWindow.
	StreamBuffer int
	// MaxDatagram is the largest datagram in bytes. 0: 1200.
	MaxDatagram int
	// Client is the address that the server sees; nil: one of this process.
	Client net.Addr
	// Path, Authority and Origin are Info of both sides.
	Path, Authority, Origin string
}

// MemoryPair connects two Conns in memory, for tests of what is above. The
// streams have the semantics of QUIC: FIN, reset, stop, deadlines, bounded
// buffers, limits on their number. No goroutine is started; timers and waits
// work in a testing/synctest bubble.
func MemoryPair(protocol string) (client, server Conn) {
	return MemoryConfig{Protocol: protocol}.Pair()
}

// Pair is MemoryPair with the limits of c.
func (c MemoryConfig) Pair() (client, server Conn) {
	if c.MaxStreams == 0 {
		c.MaxStreams = 1024
	}
	if c.MaxUniStreams == 0 {
		c.MaxUniStreams = DefaultMaxUniStreams
	}
	if c.StreamBuffer == 0 {
		c.StreamBuffer = DefaultStreamWindow
	}
	if c.MaxDatagram == 0 {
		c.MaxDatagram = 1200
	}
	link := &memoryLink{streams: make(map[*memoryPipe]struct{})}
	a, b := newMemoryConn(link, c, true), newMemoryConn(link, c, false)
	a.peer, b.peer = b, a
	return a, b
}

// memoryLink is what both ends share: whether it is up, and the pipes that a
// close has to wake.
type memoryLink struct {
	mu      sync.Mutex
	closed  bool
	streams map[*memoryPipe]struct{} // guarded by mu
}

// add reports whether the link is still up.
func (l *memoryLink) add(pipes ...*memoryPipe) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	for _, p := range pipes {
		l.streams[p] = struct{}{}
	}
	return true
}

func (l *memoryLink) remove(p *memoryPipe) {
	l.mu.Lock()
	delete(l.streams, p)
	l.mu.Unlock()
}

// memoryConn is one end of a pair. The channels are the queues towards this
// end and are never closed; the credits are what this end may still open.
type memoryConn struct {
	link   *memoryLink
	peer   *memoryConn
	config MemoryConfig
	client bool

	ctx    context.Context
	cancel context.CancelCauseFunc

	accept    chan *memoryStream
	acceptUni chan *memoryPipe
	datagrams chan []byte
	credit    chan struct{}
	creditUni chan struct{}

	sent, received atomic.Uint64 // payload bytes
}

func newMemoryConn(link *memoryLink, c MemoryConfig, client bool) *memoryConn {
	ctx, cancel := context.WithCancelCause(context.Background())
	m := &memoryConn{
		link: link, config: c, client: client, ctx: ctx, cancel: cancel,
		accept:    make(chan *memoryStream, c.MaxStreams),
		acceptUni: make(chan *memoryPipe, c.MaxUniStreams),
		datagrams: make(chan []byte, 128),
		credit:    make(chan struct{}, c.MaxStreams),
		creditUni: make(chan struct{}, c.MaxUniStreams),
	}
	for range c.MaxStreams {
		m.credit <- struct{}{}
	}
	for range c.MaxUniStreams {
		m.creditUni <- struct{}{}
	}
	return m
}

// take waits for one value from ch, the end of the connection, or ctx.
func take[T any](ctx context.Context, m *memoryConn, ch <-chan T) (v T, err error) {
	if m.ctx.Err() != nil {
		return v, context.Cause(m.ctx)
	}
	select { // what is there comes first
	case v = <-ch:
		return v, nil
	default:
	}
	select {
	case v = <-ch:
		return v, nil
	case <-m.ctx.Done():
		return v, context.Cause(m.ctx)
	case <-ctx.Done():
		return v, ctx.Err()
	}
}

func (m *memoryConn) OpenStream(ctx context.Context) (Stream, error) {
	if _, err := take(ctx, m, m.credit); err != nil {
		return nil, err
	}
	out, in := newMemoryPipe(m, m.peer), newMemoryPipe(m.peer, m)
	remote := &memoryStream{SendStream: in, ReceiveStream: out}
	// The stream is complete, and its credit given back, when the acceptor
	// has seen the end of out and has ended in.
	var open atomic.Int32
	open.Store(2)
	release := func() {
		if open.Add(-1) == 0 {
			m.credit <- struct{}{}
		}
	}
	out.onReceived, in.onSent = release, release
	out.onFirst = func() { m.peer.accept <- remote }
	if !m.link.add(out, in) {
		return nil, context.Cause(m.ctx)
	}
	return &memoryStream{SendStream: out, ReceiveStream: in}, nil
}

func (m *memoryConn) OpenUniStream(ctx context.Context) (SendStream, error) {
	if _, err := take(ctx, m, m.creditUni); err != nil {
		return nil, err
	}
	return m.newUniStream()
}

func (m *memoryConn) TryOpenUniStream() (SendStream, error) {
	if m.ctx.Err() != nil {
		return nil, context.Cause(m.ctx)
	}
	select {
	case <-m.creditUni:
		return m.newUniStream()
	default:
		return nil, ErrStreamLimit
	}
}

func (m *memoryConn) newUniStream() (SendStream, error) {
	out := newMemoryPipe(m, m.peer)
	out.onReceived = func() { m.creditUni <- struct{}{} }
	out.onFirst = func() { m.peer.acceptUni <- out }
	if !m.link.add(out) {
		return nil, context.Cause(m.ctx)
	}
	return out, nil
}

func (m *memoryConn) AcceptStream(ctx context.Context) (Stream, error) {
	s, err := take(ctx, m, m.accept)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (m *memoryConn) AcceptUniStream(ctx context.Context) (ReceiveStream, error) {
	s, err := take(ctx, m, m.acceptUni)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// SendDatagram drops the datagram when the peer does not read, as a network
// would.
func (m *memoryConn) SendDatagram(b []byte) error {
	if m.ctx.Err() != nil {
		return context.Cause(m.ctx)
	}
	if len(b) > m.config.MaxDatagram {
		return ErrDatagramTooLarge
	}
	select {
	case m.peer.datagrams <- slices.Clone(b):
		m.sent.Add(uint64(len(b)))
		m.peer.received.Add(uint64(len(b)))
	default:
	}
	return nil
}

func (m *memoryConn) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	return take(ctx, m, m.datagrams)
}

func (m *memoryConn) CloseWithError(code uint64, reason string) error {
	reason = cutReason(reason)
	m.link.mu.Lock()
	if m.link.closed {
		m.link.mu.Unlock()
		return nil
	}
	m.link.closed = true
	pipes := m.link.streams
	m.link.streams = nil
	m.cancel(&CloseError{Code: code, Reason: reason})
	m.peer.cancel(&CloseError{Code: code, Reason: reason, Remote: true})
	m.link.mu.Unlock()
	for p := range pipes {
		p.end()
	}
	return nil
}

func (m *memoryConn) Context() context.Context { return m.ctx }

func (m *memoryConn) Info() Info {
	return Info{
		Kind: KindMemory, Protocol: m.config.Protocol, Client: m.client,
		LocalAddr: m.addr(m.client), RemoteAddr: m.addr(!m.client),
		Path: m.config.Path, Authority: m.config.Authority, Origin: m.config.Origin,
	}
}

func (m *memoryConn) addr(client bool) net.Addr {
	if client && m.config.Client != nil {
		return m.config.Client
	}
	return memoryAddr(client)
}

func (m *memoryConn) Stats() Stats {
	return Stats{BytesSent: m.sent.Load(), BytesReceived: m.received.Load()}
}

// memoryAddr is true for the client's end.
type memoryAddr bool

var _ net.Addr = memoryAddr(true)

func (memoryAddr) Network() string { return "memory" }

func (a memoryAddr) String() string {
	if a {
		return "memory:client"
	}
	return "memory:server"
}
