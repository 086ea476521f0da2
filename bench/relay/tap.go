package main

import (
	"context"

	"moqedge/moq/transport"
)

// tap is a connection of which the session sees its control stream and requests
// alone: data streams and datagrams are received here, without the work that a
// subscriber has with them, so that the load costs less than what it measures.
//
// The first unidirectional stream is the control stream: nothing is sent before
// SETUP to who has not asked for anything (moqt-18 §3.3).
type tap struct {
	transport.Conn
	to    *received
	setup bool // the control stream was seen; by the session's one accepting goroutine
}

// AcceptUniStream implements transport.Conn.
func (t *tap) AcceptUniStream(ctx context.Context) (transport.ReceiveStream, error) {
	if !t.setup {
		t.setup = true
		return t.Conn.AcceptUniStream(ctx)
	}
	return nil, t.to.streams(ctx, t.Conn)
}

// ReceiveDatagram implements transport.Conn.
func (t *tap) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	return nil, t.to.datagrams(ctx, t.Conn)
}

// streams reads all unidirectional streams of a connection, each in a goroutine
// that ends with its stream.
func (r *received) streams(ctx context.Context, c transport.Conn) error {
	for {
		s, err := c.AcceptUniStream(ctx)
		if err != nil {
			return err
		}
		go r.stream(s)
	}
}
