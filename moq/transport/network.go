package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"
)

// network is what the Conns over raw QUIC and over WebTransport share. A
// WebTransport session has a QUIC connection to itself, so that the end of
// one is the end of the other.
type network struct {
	qconn *quic.Conn
	info  Info
	// maxCode is the largest stream error code that can be sent.
	maxCode uint64
	// ctx ends with the cause that the peer or we gave; cancel is called once
	// by the callback that watches the connection or the session.
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func newNetwork(qconn *quic.Conn, info Info, maxCode uint64) network {
	ctx, cancel := context.WithCancelCause(context.Background())
	info.LocalAddr, info.RemoteAddr = qconn.LocalAddr(), qconn.RemoteAddr()
	return network{qconn: qconn, info: info, maxCode: maxCode, ctx: ctx, cancel: cancel}
}

func (n *network) Context() context.Context { return n.ctx }

func (n *network) Info() Info { return n.info }

func (n *network) Stats() Stats {
	s := n.qconn.ConnectionStats()
	return Stats{
		MinRTT: s.MinRTT, LatestRTT: s.LatestRTT, SmoothedRTT: s.SmoothedRTT,
		CongestionWindow: s.CongestionWindow,
		BytesSent:        s.BytesSent, BytesReceived: s.BytesReceived, BytesLost: s.BytesLost,
		PacketsSent: s.PacketsSent, PacketsReceived: s.PacketsReceived, PacketsLost: s.PacketsLost,
	}
}

// convert turns the errors of both libraries into those of this package.
func (n *network) convert(err error) error {
	if err == nil || err == io.EOF || err == context.DeadlineExceeded {
		return err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return os.ErrDeadlineExceeded
	}
	if e, ok := errors.AsType[*quic.StreamError](err); ok {
		return &StreamError{Code: uint64(e.ErrorCode), Remote: e.Remote}
	}
	if e, ok := errors.AsType[*webtransport.StreamError](err); ok {
		return &StreamError{Code: uint64(e.ErrorCode), Remote: e.Remote}
	}
	if isA[*quic.StreamLimitReachedError](err) || isA[*webtransport.StreamLimitReachedError](err) {
		return ErrStreamLimit
	}
	if isA[*quic.DatagramTooLargeError](err) {
		return ErrDatagramTooLarge
	}
	if errors.Is(err, quic.ErrStreamClosed) {
		return errWriteAfterClose
	}
	// All errors by which quic-go ends a connection unwrap to net.ErrClosed.
	// The context follows within the same event, and knows the cause.
	if errors.Is(err, net.ErrClosed) || isA[*webtransport.SessionError](err) || isA[*http3.Error](err) {
		<-n.ctx.Done()
		return context.Cause(n.ctx)
	}
	return err
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// streamCode is the type of stream error codes: quic.StreamErrorCode or
// webtransport.StreamErrorCode.
type streamCode interface{ ~uint32 | ~uint64 }

// sender is the sending half of a stream of either library.
type sender[C streamCode] interface {
	io.WriteCloser
	CancelWrite(C)
	SetWriteDeadline(time.Time) error
	Context() context.Context
}

// receiver is the receiving half of a stream of either library.
type receiver[C streamCode] interface {
	io.Reader
	CancelRead(C)
	SetReadDeadline(time.Time) error
}

// duplex is a bidirectional stream of either library.
type duplex[C streamCode] interface {
	sender[C]
	receiver[C]
}

type sendStream[C streamCode] struct {
	out   sender[C]
	conn  *network
	given givenUp
}

// givenUp is how this side gave up one direction of a stream, if it did.
//
// webtransport-go v0.13 does not wake a Read or Write that has seen the reset
// of a session that is gone and waits for the end of that session, when the
// stream is given up meanwhile: it then is no longer part of the session. A
// deadline in the past wakes it.
type givenUp struct{ err atomic.Pointer[StreamError] }

// note keeps the first code and calls wake, which sets the deadline.
func (g *givenUp) note(code uint64, wake func(time.Time) error) {
	g.err.CompareAndSwap(nil, &StreamError{Code: code})
	_ = wake(time.Unix(1, 0)) // a stream that is over needs no waking
}

// explain turns the error of a call that was woken into what it would have
// been without waiting.
func (g *givenUp) explain(err error) error {
	if e := g.err.Load(); e != nil && err == os.ErrDeadlineExceeded {
		return e
	}
	return err
}

func (s *sendStream[C]) Write(p []byte) (int, error) {
	n, err := s.out.Write(p)
	return n, s.given.explain(s.conn.convert(err))
}

// tryWriter is a stream that knows the credit of its flow control, and can
// deliver a part of what was written although it is reset.
type tryWriter interface {
	TryWriteAll([]byte) error
	SetReliableBoundary()
}

var (
	_ tryWriter = (*quic.Stream)(nil)
	_ tryWriter = (*quic.SendStream)(nil)
)

// TryWrite implements SendStream.
func (s *sendStream[C]) TryWrite(p []byte) (bool, error) {
	out, ok := any(s.out).(tryWriter)
	if !ok {
		return false, errors.ErrUnsupported
	}
	err := out.TryWriteAll(p)
	if errors.Is(err, quic.ErrWouldBlock) {
		return false, nil
	}
	return err == nil, s.conn.convert(err)
}

// WriteReliable implements SendStream. quic-go lets a reset promise bytes that it
// has taken and that flow control has no room for; those that TryWriteAll takes,
// and all before them, are sure to have it.
func (s *sendStream[C]) WriteReliable(p []byte) (bool, error) {
	ok, err := s.TryWrite(p)
	if ok {
		any(s.out).(tryWriter).SetReliableBoundary()
	}
	return ok, err
}

func (s *sendStream[C]) Close() error {
	// After Reset or STOP_SENDING this lets quic-go forget the stream, and
	// its complaint is of no use to anybody.
	if err := s.out.Close(); err != nil && s.out.Context().Err() == nil {
		return s.conn.convert(err)
	}
	return nil
}

func (s *sendStream[C]) Reset(code uint64) {
	code = min(code, s.conn.maxCode)
	s.out.CancelWrite(C(code))
	s.given.note(code, s.out.SetWriteDeadline)
}

func (s *sendStream[C]) SetWriteDeadline(t time.Time) error {
	return s.conn.convert(s.out.SetWriteDeadline(t))
}

func (s *sendStream[C]) Context() context.Context { return s.out.Context() }

type receiveStream[C streamCode] struct {
	in    receiver[C]
	conn  *network
	given givenUp
}

func (s *receiveStream[C]) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	return n, s.given.explain(s.conn.convert(err))
}

func (s *receiveStream[C]) Stop(code uint64) {
	code = min(code, s.conn.maxCode)
	s.in.CancelRead(C(code))
	s.given.note(code, s.in.SetReadDeadline)
}

func (s *receiveStream[C]) SetReadDeadline(t time.Time) error {
	return s.conn.convert(s.in.SetReadDeadline(t))
}

type stream[C streamCode] struct {
	sendStream[C]
	receiveStream[C]
}

// The three functions below take what the libraries return when a stream is
// opened or accepted.

func newStream[C streamCode](n *network, s duplex[C], err error) (Stream, error) {
	if err != nil {
		return nil, n.convert(err)
	}
	out := &stream[C]{sendStream[C]{out: s, conn: n}, receiveStream[C]{in: s, conn: n}}
	out.SetUrgency(UrgencyControl) // requests go before objects (moqt-18 §7.2)
	return out, nil
}

func newSendStream[C streamCode](n *network, s sender[C], err error) (SendStream, error) {
	if err != nil {
		return nil, n.convert(err)
	}
	return &sendStream[C]{out: s, conn: n}, nil
}

// prioritized is a stream whose turn can be chosen (RFC 9218).
type prioritized interface {
	SetPriority(urgency int8, incremental bool)
}

var (
	_ prioritized = (*quic.Stream)(nil)
	_ prioritized = (*quic.SendStream)(nil)
)

// SetUrgency implements SendStream. webtransport-go does not pass it on.
func (s *sendStream[C]) SetUrgency(u Urgency) {
	if p, ok := any(s.out).(prioritized); ok {
		p.SetPriority(int8(u), true)
	}
}

func newReceiveStream[C streamCode](n *network, s receiver[C], err error) (ReceiveStream, error) {
	if err != nil {
		return nil, n.convert(err)
	}
	return &receiveStream[C]{in: s, conn: n}, nil
}
