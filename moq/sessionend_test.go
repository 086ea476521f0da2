package moq_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// lateConn says that it is over a moment after its streams have ended, as real
// connections may.
type lateConn struct {
	transport.Conn
	ctx context.Context
}

func newLateConn(c transport.Conn) lateConn {
	ctx, cancel := context.WithCancelCause(context.Background())
	context.AfterFunc(c.Context(), func() {
		time.Sleep(50 * time.Millisecond)
		cancel(context.Cause(c.Context()))
	})
	return lateConn{c, ctx}
}

func (c lateConn) Context() context.Context { return c.ctx }

func (c lateConn) AcceptStream(ctx context.Context) (transport.Stream, error) {
	s, err := c.Conn.AcceptStream(ctx)
	return s, c.late(err)
}

func (c lateConn) AcceptUniStream(ctx context.Context) (transport.ReceiveStream, error) {
	s, err := c.Conn.AcceptUniStream(ctx)
	return s, c.late(err)
}

func (c lateConn) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	d, err := c.Conn.ReceiveDatagram(ctx)
	return d, c.late(err)
}

func (c lateConn) late(err error) error {
	if err != nil {
		<-c.ctx.Done()
	}
	return err
}

// endings says of namespaces that are removed whether the session was over.
type endings struct {
	session *moq.Session
	over    chan bool
}

func (endings) NamespaceAdded(wire.Namespace) {}
func (e endings) NamespaceRemoved(wire.Namespace) {
	e.over <- e.session.Context().Err() != nil
}

// TestEndOfSessionIsKnown: who is told that a request ended because the session did
// can tell.
func TestEndOfSessionIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := transport.MemoryPair(wire.Draft18.String())
		origin := moq.NewOrigin()
		origin.AddNamespace(wire.Namespace{"x"})
		client, server := pairOver(t, newLateConn(a), b, moq.Config{}, moq.Config{Handler: origin})
		e := endings{client, make(chan bool, 1)}
		if _, err := client.SubscribeNamespace(t.Context(), nil, e); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		server.Close(wire.SessionNoError, "")
		if !<-e.over {
			t.Error("the session was not over when its namespaces were removed")
		}
		time.Sleep(time.Second)
	})
}
