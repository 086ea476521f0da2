package main

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"

	"moqedge/moq/transport"
	"moqedge/relay"
)

// meter counts the open halves of streams of the sessions that a relay accepted,
// for tests that none is left over.
type meter struct{ sending, receiving atomic.Int64 }

// serve is Relay.Serve with counted streams.
func (m *meter) serve(r *relay.Relay, l *transport.Listener) error {
	var sessions sync.WaitGroup
	defer sessions.Wait()
	for {
		c, err := l.Accept(context.Background())
		if errors.Is(err, transport.ErrListenerClosed) {
			return nil
		} else if err != nil {
			return err
		}
		sessions.Go(func() { r.ServeConn(&meteredConn{c, m}) })
	}
}

type meteredConn struct {
	transport.Conn
	meter *meter
}

// begin counts until ended is called or ctx is done.
func begin(ctx context.Context, n *atomic.Int64) (ended func()) {
	n.Add(1)
	once := sync.OnceFunc(func() { n.Add(-1) })
	stop := context.AfterFunc(ctx, once)
	return func() {
		stop()
		once()
	}
}

func (c *meteredConn) sends(s transport.SendStream, err error) (transport.SendStream, error) {
	if err == nil {
		begin(s.Context(), &c.meter.sending)
	}
	return s, err
}

func (c *meteredConn) both(s transport.Stream, err error) (transport.Stream, error) {
	if err != nil {
		return s, err
	}
	begin(s.Context(), &c.meter.sending)
	return &meteredStream{s, begin(c.Context(), &c.meter.receiving)}, nil
}

// OpenStream implements transport.Conn.
func (c *meteredConn) OpenStream(ctx context.Context) (transport.Stream, error) {
	return c.both(c.Conn.OpenStream(ctx))
}

// AcceptStream implements transport.Conn.
func (c *meteredConn) AcceptStream(ctx context.Context) (transport.Stream, error) {
	return c.both(c.Conn.AcceptStream(ctx))
}

// OpenUniStream implements transport.Conn.
func (c *meteredConn) OpenUniStream(ctx context.Context) (transport.SendStream, error) {
	return c.sends(c.Conn.OpenUniStream(ctx))
}

// TryOpenUniStream implements transport.Conn.
func (c *meteredConn) TryOpenUniStream() (transport.SendStream, error) {
	return c.sends(c.Conn.TryOpenUniStream())
}

// AcceptUniStream implements transport.Conn.
func (c *meteredConn) AcceptUniStream(ctx context.Context) (transport.ReceiveStream, error) {
	s, err := c.Conn.AcceptUniStream(ctx)
	if err != nil {
		return s, err
	}
	return &meteredReceiver{s, begin(c.Context(), &c.meter.receiving)}, nil
}

// meteredStream and meteredReceiver end with the error that Read returns, which
// the relay reads up to, or with Stop.
type meteredStream struct {
	transport.Stream
	ended func()
}

// Read implements transport.Stream.
func (s *meteredStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	if over(err) {
		s.ended()
	}
	return n, err
}

// Stop implements transport.Stream.
func (s *meteredStream) Stop(code uint64) {
	s.Stream.Stop(code)
	s.ended()
}

type meteredReceiver struct {
	transport.ReceiveStream
	ended func()
}

// Read implements transport.ReceiveStream.
func (s *meteredReceiver) Read(p []byte) (int, error) {
	n, err := s.ReceiveStream.Read(p)
	if over(err) {
		s.ended()
	}
	return n, err
}

// Stop implements transport.ReceiveStream.
func (s *meteredReceiver) Stop(code uint64) {
	s.ReceiveStream.Stop(code)
	s.ended()
}

func over(err error) bool { return err != nil && !errors.Is(err, os.ErrDeadlineExceeded) }
