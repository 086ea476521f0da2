package interop

import (
	"context"
	"sync"

	"moqedge/moq/transport"
)

// gate holds back reading from data streams, so that the link of a subscriber
// is full. It is open at first. Streams that begin while it is shut are not
// read until it opens again; it opens once.
type gate struct {
	mu     sync.Mutex
	opened chan struct{} // closed when reading may go on; nil while it never was shut
}

// shut holds back the streams that begin from now on.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opened = make(chan struct{})
}

// open ends what shut began.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.opened)
}

func (g *gate) wait() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.opened
}

// gatedConn is a connection whose unidirectional streams go through a gate.
type gatedConn struct {
	transport.Conn
	gate *gate
}

func (c *gatedConn) AcceptUniStream(ctx context.Context) (transport.ReceiveStream, error) {
	s, err := c.Conn.AcceptUniStream(ctx)
	if err != nil {
		return nil, err
	}
	return &gatedStream{ReceiveStream: s, conn: c, held: c.gate.wait()}, nil
}

// gatedStream waits before its first byte while the gate is shut.
type gatedStream struct {
	transport.ReceiveStream
	conn *gatedConn
	held <-chan struct{}
}

func (s *gatedStream) Read(p []byte) (int, error) {
	if s.held != nil {
		select {
		case <-s.held:
		case <-s.conn.Context().Done():
			return 0, context.Cause(s.conn.Context())
		}
	}
	return s.ReceiveStream.Read(p)
}
