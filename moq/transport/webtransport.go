package transport

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"
)

// wtConn is a Conn over WebTransport (moqt-18 §3.1.3). Its codes travel as
// 32-bit numbers; larger ones become the largest.
type wtConn struct {
	network
	sess *webtransport.Session
}

var _ Conn = (*wtConn)(nil)

// newWebTransportConn takes over a session and the QUIC connection below it,
// which ends with the session.
func newWebTransportConn(qconn *quic.Conn, sess *webtransport.Session, info Info) *wtConn {
	info.Kind = KindWebTransport
	c := &wtConn{newNetwork(qconn, info, math.MaxUint32), sess}
	context.AfterFunc(sess.Context(), c.end)
	return c
}

// end runs once, when the session is over.
func (c *wtConn) end() {
	// A session that is over refuses streams, naming its cause.
	_, err := c.sess.OpenUniStream()
	sessErr, ok := errors.AsType[*webtransport.SessionError](err)
	if ok {
		err = &CloseError{Code: uint64(sessErr.ErrorCode), Remote: sessErr.Remote, Reason: sessErr.Message}
		c.cancel(err)
		if !sessErr.Remote {
			c.awaitClose()
		}
	}
	// The session has no further use for the connection, nor has the peer.
	c.qconn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
	if !ok {
		c.cancel(lostSession(context.Cause(c.qconn.Context()), err))
	}
}

// awaitClose gives our close message the time to arrive: the peer answers by
// closing the connection, or the session's stream.
func (c *wtConn) awaitClose() {
	grace := min(max(100*time.Millisecond, 4*c.qconn.ConnectionStats().SmoothedRTT), 2*time.Second)
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-c.qconn.Context().Done():
	case <-t.C:
	}
}

// lostSession finds the cause of a session that ended without a close
// message, from how its connection and its stream ended.
func lostSession(conn, stream error) error {
	app, ok := errors.AsType[*quic.ApplicationError](conn)
	noError := ok && (app.ErrorCode == 0 || app.ErrorCode == quic.ApplicationErrorCode(http3.ErrCodeNoError))
	switch {
	case noError && app.Remote:
		return &CloseError{Remote: true, Reason: app.ErrorMessage}
	case noError: // we closed it just now
		// webtransport-go passes the text of io.EOF on: FIN without a close
		// message means code 0 and no reason.
		if h3, ok := errors.AsType[*http3.Error](stream); ok && h3.ErrorMessage == "EOF" {
			return &CloseError{Remote: true}
		}
		return fmt.Errorf("webtransport: session ended without a close message: %w", stream)
	}
	return conn
}

func (c *wtConn) OpenStream(ctx context.Context) (Stream, error) {
	s, err := c.sess.OpenStreamSync(ctx)
	return newStream[webtransport.StreamErrorCode](&c.network, s, err)
}

func (c *wtConn) AcceptStream(ctx context.Context) (Stream, error) {
	s, err := c.sess.AcceptStream(ctx)
	return newStream[webtransport.StreamErrorCode](&c.network, s, err)
}

func (c *wtConn) OpenUniStream(ctx context.Context) (SendStream, error) {
	s, err := c.sess.OpenUniStreamSync(ctx)
	return newSendStream[webtransport.StreamErrorCode](&c.network, s, err)
}

func (c *wtConn) TryOpenUniStream() (SendStream, error) {
	s, err := c.sess.OpenUniStream()
	return newSendStream[webtransport.StreamErrorCode](&c.network, s, err)
}

func (c *wtConn) AcceptUniStream(ctx context.Context) (ReceiveStream, error) {
	s, err := c.sess.AcceptUniStream(ctx)
	return newReceiveStream[webtransport.StreamErrorCode](&c.network, s, err)
}

func (c *wtConn) SendDatagram(b []byte) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	return c.convert(c.sess.SendDatagram(b))
}

func (c *wtConn) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	b, err := c.sess.ReceiveDatagram(ctx)
	if err != nil && ctx.Err() == nil {
		// The session's stream has ended, and so the session.
		<-c.ctx.Done()
		err = context.Cause(c.ctx)
	}
	return b, err
}

func (c *wtConn) CloseWithError(code uint64, reason string) error {
	err := c.sess.CloseWithError(webtransport.SessionErrorCode(min(code, math.MaxUint32)), cutReason(reason))
	<-c.ctx.Done()
	return err
}
