package transport

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
	"github.com/quic-go/webtransport-go"
)

// wtConn is a Conn over WebTransport (moqt-18 §3.1.3). Its codes travel as
// 32-bit numbers; larger ones become the largest.
type wtConn struct {
	network
	sess *webtransport.Session
	// connect is the session's own stream, which the session writes to, too.
	// It is nil at the client.
	connect *http3.Stream
	closing sync.Once
	// ends says that CloseWithError ends the connection, not the session.
	ends atomic.Bool
}

var _ Conn = (*wtConn)(nil)

// newWebTransportConn takes over a session and the QUIC connection below it,
// which ends with the session. The server gives the session's stream, too.
func newWebTransportConn(qconn *quic.Conn, sess *webtransport.Session, connect *http3.Stream, info Info) *wtConn {
	info.Kind = KindWebTransport
	c := &wtConn{network: newNetwork(qconn, info, math.MaxUint32), sess: sess, connect: connect}
	context.AfterFunc(sess.Context(), c.end)
	return c
}

// end runs once, when the session is over.
func (c *wtConn) end() {
	if c.ends.Load() {
		return
	}
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

// closeConnection ends the connection after our close message.
func (c *wtConn) closeConnection() {
	c.awaitClose()
	c.qconn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
}

// awaitClose gives our close message the time to arrive: the peer answers by
// closing the connection.
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
	if c.ctx.Err() != nil {
		return nil, context.Cause(c.ctx)
	}
	s, err := c.sess.OpenStreamSync(ctx)
	return newStream[webtransport.StreamErrorCode](&c.network, s, err)
}

func (c *wtConn) AcceptStream(ctx context.Context) (Stream, error) {
	s, err := c.sess.AcceptStream(ctx)
	return newStream[webtransport.StreamErrorCode](&c.network, s, err)
}

func (c *wtConn) OpenUniStream(ctx context.Context) (SendStream, error) {
	if c.ctx.Err() != nil {
		return nil, context.Cause(c.ctx)
	}
	s, err := c.sess.OpenUniStreamSync(ctx)
	return newSendStream[webtransport.StreamErrorCode](&c.network, s, err)
}

func (c *wtConn) TryOpenUniStream() (SendStream, error) {
	if c.ctx.Err() != nil {
		return nil, context.Cause(c.ctx)
	}
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

// CloseWithError of a server writes the close message itself: webtransport-go
// v0.13 sends STOP_SENDING for the session's stream along with it, and ahead
// of it in the packet. Browsers then miss the message, and tell pages that
// the connection was lost.
func (c *wtConn) CloseWithError(code uint64, reason string) error {
	code, reason = min(code, math.MaxUint32), cutReason(reason)
	var err error
	c.closing.Do(func() {
		if c.connect == nil || c.sess.Context().Err() != nil {
			err = c.sess.CloseWithError(webtransport.SessionErrorCode(code), reason)
			return
		}
		c.ends.Store(true) // the answer may come at once
		if !c.sendClose(uint32(code), reason) {
			err = c.sess.CloseWithError(webtransport.SessionErrorCode(code), reason)
		}
		c.cancel(&CloseError{Code: code, Reason: reason})
		go c.closeConnection()
	})
	<-c.ctx.Done()
	return err
}

// closeCapsule is the type of WT_CLOSE_SESSION (draft-ietf-webtrans-http3 §6).
const closeCapsule = 0x2843

// sendClose sends the close message and FIN, if that is possible at once.
func (c *wtConn) sendClose(code uint32, reason string) bool {
	b := quicvarint.Append(nil, closeCapsule)
	b = quicvarint.Append(b, uint64(4+len(reason)))
	b = append(binary.BigEndian.AppendUint32(b, code), reason...)
	return c.connect.TryWriteAll(b) == nil && c.connect.Close() == nil
}
