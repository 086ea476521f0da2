package transport

import (
	"context"
	"errors"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"
)

// quicConn is a Conn over raw QUIC (moqt-18 §3.1.4).
type quicConn struct{ network }

var _ Conn = (*quicConn)(nil)

// newQUICConn takes over a connection whose handshake is complete.
func newQUICConn(qconn *quic.Conn, info Info) *quicConn {
	info.Kind = KindQUIC
	info.Protocol = qconn.ConnectionState().TLS.NegotiatedProtocol
	c := &quicConn{newNetwork(qconn, info, quicvarint.Max)}
	context.AfterFunc(qconn.Context(), func() {
		err := context.Cause(qconn.Context())
		if app, ok := errors.AsType[*quic.ApplicationError](err); ok {
			err = &CloseError{Code: uint64(app.ErrorCode), Remote: app.Remote, Reason: app.ErrorMessage}
		}
		c.cancel(explainAlert(err))
	})
	return c
}

func (c *quicConn) OpenStream(ctx context.Context) (Stream, error) {
	s, err := c.qconn.OpenStreamSync(ctx)
	return newStream[quic.StreamErrorCode](&c.network, s, err)
}

func (c *quicConn) AcceptStream(ctx context.Context) (Stream, error) {
	s, err := c.qconn.AcceptStream(ctx)
	return newStream[quic.StreamErrorCode](&c.network, s, err)
}

func (c *quicConn) OpenUniStream(ctx context.Context) (SendStream, error) {
	s, err := c.qconn.OpenUniStreamSync(ctx)
	return newSendStream[quic.StreamErrorCode](&c.network, s, err)
}

func (c *quicConn) TryOpenUniStream() (SendStream, error) {
	s, err := c.qconn.OpenUniStream()
	return newSendStream[quic.StreamErrorCode](&c.network, s, err)
}

func (c *quicConn) AcceptUniStream(ctx context.Context) (ReceiveStream, error) {
	s, err := c.qconn.AcceptUniStream(ctx)
	return newReceiveStream[quic.StreamErrorCode](&c.network, s, err)
}

func (c *quicConn) SendDatagram(b []byte) error { return c.convert(c.qconn.SendDatagram(b)) }

func (c *quicConn) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	b, err := c.qconn.ReceiveDatagram(ctx)
	return b, c.convert(err)
}

func (c *quicConn) CloseWithError(code uint64, reason string) error {
	err := c.qconn.CloseWithError(quic.ApplicationErrorCode(min(code, quicvarint.Max)), cutReason(reason))
	<-c.ctx.Done()
	return err
}
