package transport

import (
	"context"
	"crypto/x509"
	"net"
	"time"
)

// Conn carries one MOQT session (moqt-18 §3.1). It is safe for concurrent
// use. Whoever dialed or accepted it owns it and ends it with CloseWithError;
// after that, and after the peer or the network ended it, every method and
// every stream returns the cause (see Context).
type Conn interface {
	// OpenStream opens a bidirectional stream, waiting for stream credit.
	// The peer learns of it with the first byte, FIN or reset sent.
	OpenStream(ctx context.Context) (Stream, error)
	// AcceptStream waits for the peer's next bidirectional stream. They come
	// in the order of their first bytes, which need not be that of opening.
	AcceptStream(ctx context.Context) (Stream, error)
	// OpenUniStream opens a unidirectional stream, waiting for credit.
	OpenUniStream(ctx context.Context) (SendStream, error)
	// TryOpenUniStream is OpenUniStream without waiting: it returns
	// ErrStreamLimit when there is no credit now.
	TryOpenUniStream() (SendStream, error)
	// AcceptUniStream waits for the peer's next unidirectional stream.
	AcceptUniStream(ctx context.Context) (ReceiveStream, error)

	// SendDatagram queues one datagram, which may be lost. The bytes are
	// copied. It waits while 32 datagrams are queued because the network
	// takes no more. ErrDatagramTooLarge: it does not fit one packet.
	SendDatagram([]byte) error
	// ReceiveDatagram waits for a datagram; the caller owns the result.
	ReceiveDatagram(ctx context.Context) ([]byte, error)

	// CloseWithError ends the session and all its streams at once; bytes
	// not yet sent may be lost. Reason is cut to 1024 bytes. Only the first
	// call has an effect.
	CloseWithError(code uint64, reason string) error
	// Context is done when the connection has ended. context.Cause gives
	// the *CloseError if either side closed it, else the transport's error.
	Context() context.Context

	// Info describes the connection; it never changes.
	Info() Info
	// Stats reads the counters of the connection, zero where unknown.
	Stats() Stats
}

// Urgency of what is written to a stream, the most urgent first.
type Urgency uint8

// The urgencies, as numbers of RFC 9218.
const (
	UrgencyControl Urgency = 1 // control and request streams
	UrgencyFirst   Urgency = 2 // objects that go before others
	UrgencyNormal  Urgency = 3 // what quic-go gives to streams
)

// SendStream is the sending half of a stream. Write is called by one
// goroutine at a time; all other methods may be called at any time.
type SendStream interface {
	// Write blocks for flow control. It returns a *StreamError when the peer
	// asked to stop or the stream was reset, the connection's cause when
	// that ended, and n < len(p) with os.ErrDeadlineExceeded at the deadline:
	// the n bytes are sent, the others are not.
	Write(p []byte) (n int, err error)
	// TryWrite is Write that does not wait for flow control: it writes all of p,
	// to be sent as soon as congestion control lets it go, or nothing and returns
	// false. The bytes are copied. WebTransport has no such thing: there it is
	// false with errors.ErrUnsupported.
	TryWrite(p []byte) (bool, error)
	// Close sends FIN after what was written; not to be called while Write
	// is running. It does nothing after Reset or when the peer has stopped,
	// but has to be called, or Reset, in that last case too: a stream whose
	// end nobody has acknowledged is kept.
	Close() error
	// WriteReliable is TryWrite after which a later Reset still delivers all
	// that was written so far (RESET_STREAM_AT). It is an error of type
	// errors.ErrUnsupported on WebTransport, and without support on the path a
	// Reset delivers nothing. With an empty p it is true; then it is up to the
	// caller that flow control has let go what was written, for a Reset that
	// promises more breaks the connection.
	WriteReliable(p []byte) (bool, error)
	// Reset gives the stream up with a code (moqt-18 §3.3.3). What was written
	// up to the last WriteReliable is still delivered, if supported.
	// After Close it gives up what was not delivered yet, so that the peer
	// sees either the FIN or the reset.
	Reset(code uint64)
	// SetUrgency has what is written sent, also when it is sent again, and take
	// connection credit, before streams that are less urgent (moqt-18 §7.2,
	// §11.4.2). Bidirectional streams have UrgencyControl from the start, others
	// UrgencyNormal. On WebTransport and in memory it does nothing.
	SetUrgency(Urgency)
	// SetWriteDeadline bounds Write, also one that is blocked now. The zero
	// time removes the bound.
	SetWriteDeadline(time.Time) error
	// Context is done when the stream was closed, reset, or stopped by the
	// peer, or the connection ended.
	Context() context.Context
}

// ReceiveStream is the receiving half of a stream. Read is called by one
// goroutine at a time; all other methods may be called at any time.
type ReceiveStream interface {
	// Read returns io.EOF after FIN, a *StreamError after a reset or Stop,
	// and os.ErrDeadlineExceeded at the deadline.
	Read(p []byte) (n int, err error)
	// Stop tells the peer to stop sending, with a code (moqt-18 §3.3.3), and
	// discards what has not been read.
	Stop(code uint64)
	// SetReadDeadline bounds Read, also one that is blocked now. The zero
	// time removes the bound.
	SetReadDeadline(time.Time) error
}

// Stream is a bidirectional stream. Its halves end independently.
type Stream interface {
	SendStream
	ReceiveStream
}

// Kind says what a Conn runs over.
type Kind uint8

// The transports of MOQT, and memory for tests.
const (
	KindMemory       Kind = iota + 1 // both ends are in this process
	KindQUIC                         // raw QUIC, ALPN "moqt-18"
	KindWebTransport                 // HTTP/3, ALPN "h3"
)

// String returns "quic", "webtransport" or "memory", as used in logs.
func (k Kind) String() string {
	switch k {
	case KindMemory:
		return "memory"
	case KindQUIC:
		return "quic"
	case KindWebTransport:
		return "webtransport"
	}
	return "unknown"
}

// Info describes an established connection. The strings that a peer chose
// (Path, Authority, Origin) are unchecked: quote them in logs.
type Info struct {
	// Kind says what the connection runs over.
	Kind Kind
	// Protocol is the negotiated version, for example "moqt-18".
	Protocol string
	// Client is true on the side that dialed.
	Client bool
	// LocalAddr and RemoteAddr are never nil.
	LocalAddr, RemoteAddr net.Addr
	// Path is the request path with its query, Authority the host with its
	// port. On the dialing side they come from the URL; on a WebTransport
	// server from the CONNECT request; on a raw QUIC server they are empty,
	// as there they travel in SETUP (moqt-18 §3.1.4).
	Path, Authority string
	// Origin is the Origin header of a browser, on a WebTransport server.
	Origin string
	// Began is, on a server, when the client's first packet came, or its request
	// when it had a connection before; zero where that is not known.
	Began time.Time
	// Verified says, on a server, that the client showed a certificate that
	// ListenConfig.ClientCAs vouch for.
	Verified bool
	// Certificate is that one; nil without. It must not be changed.
	Certificate *x509.Certificate
}

// Stats are the counters of a connection. Bytes and packets count what went
// over UDP, except in memory, where they count the payload. A WebTransport
// session has the numbers of the QUIC connection below it.
type Stats struct {
	// MinRTT, LatestRTT and SmoothedRTT are zero before the first sample.
	MinRTT, LatestRTT, SmoothedRTT time.Duration
	// CongestionWindow is in bytes.
	CongestionWindow uint64
	// BytesSent, BytesReceived and BytesLost, PacketsSent, PacketsReceived and
	// PacketsLost only grow. What was lost was sent before, and may be sent again.
	BytesSent, BytesReceived, BytesLost       uint64
	PacketsSent, PacketsReceived, PacketsLost uint64
}
