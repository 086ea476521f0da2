package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"
	"golang.org/x/net/ipv4"

	"moqedge/moq/wire"
)

// ListenConfig is how Listen serves. GetCertificate and one of Addr and
// PacketConn are required; zero values mean what is said at each field.
type ListenConfig struct {
	// Addr is the UDP address, as ":4443" or "127.0.0.1:0".
	Addr string
	// PacketConn is used instead of a socket at Addr. The caller closes it,
	// after the listener.
	PacketConn net.PacketConn
	// GetCertificate is called for each handshake, and once by Listen with an empty
	// ClientHelloInfo unless there is a StatelessResetKey.
	GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// StatelessResetKey is what a server that was started anew tells clients of its
	// predecessor by, at once, that their connections are gone (RFC 9000 §10.3). nil:
	// it is derived from the private key of the certificate, the name of the host and
	// the address of the socket, and random where the first is not at hand. Servers with
	// the same key give away each other's tokens to who sees their packets (RFC 9000
	// §21.11).
	StatelessResetKey *quic.StatelessResetKey
	// ClientCAs are the roots that certificates of clients are checked against,
	// for relays that prove who they are (Info.Verified); nil: clients are not
	// asked for any. RequireClientCertificate refuses those who show none.
	ClientCAs                *x509.CertPool
	RequireClientCertificate bool
	// Versions are the MOQT versions accepted, preferred first. None: all
	// that moq/wire speaks.
	Versions []string
	// CheckOrigin decides on WebTransport requests, which browsers mark with
	// an Origin header; refused ones get status 403. nil: all are accepted.
	CheckOrigin func(*http.Request) bool
	// Door decides on connections before they cost much. nil: all are taken.
	Door Door
	// HTTP serves HTTP/3 requests that are not for WebTransport. nil: 404.
	HTTP http.Handler
	// HandshakeTimeout ends connections that have no session after this
	// time. 0: DefaultHandshakeTimeout.
	HandshakeTimeout time.Duration
	// IdleTimeout and KeepAlive: 0 means DefaultIdleTimeout, DefaultKeepAlive.
	IdleTimeout, KeepAlive time.Duration
	// MaxUniStreams and MaxStreams bound the streams that a peer may have
	// open at a time. 0: DefaultMaxUniStreams, DefaultMaxStreams.
	MaxUniStreams, MaxStreams int64
	// Share is how many flows each connection counts for at a bottleneck, when packets
	// are lost, up to MaxShare; 1 leaves it to quic-go. 0: DefaultShare.
	Share int
	// QUIC is the base of the connections' settings; its zero fields get the
	// defaults of this package. nil: all defaults.
	QUIC *quic.Config
	// Logger gets what clients do wrong, at level debug. nil: nothing.
	Logger *slog.Logger
}

// ErrListenerClosed is returned by Accept after Close.
var ErrListenerClosed = fmt.Errorf("transport: listener closed: %w", net.ErrClosed)

// Listener accepts MOQT connections of both kinds on one UDP port.
//
// One goroutine takes QUIC connections and gives each to its own, which ends
// when the connection was accepted, or with it over HTTP/3. All of them, and what
// is done when a connection ends, have ended when Close returns.
type Listener struct {
	config   ListenConfig
	versions []string
	logger   *slog.Logger

	socket    net.PacketConn
	transport *quic.Transport
	quic      *quic.EarlyListener
	settings  *quic.Config
	wt        *webtransport.Server

	accepted chan Conn
	refusing atomic.Bool     // set by Refuse
	serving  context.Context // ended by stop, which Close calls
	stop     context.CancelFunc
	closed   chan struct{} // closed when Close is done
	wg       sync.WaitGroup

	mu       sync.Mutex
	keep     func(net.Addr) bool // what Expel was told last; nil: all
	expelled string              // and why
	conns    map[*quic.Conn]Conn // nil values: not established yet; nil map: closing
}

// Listen starts to serve. It returns when the port is open.
func Listen(c *ListenConfig) (*Listener, error) {
	l := &Listener{
		config: *c, versions: c.Versions, logger: c.Logger,
		accepted: make(chan Conn), closed: make(chan struct{}),
		conns: make(map[*quic.Conn]Conn),
	}
	l.serving, l.stop = context.WithCancel(context.Background())
	if len(l.versions) == 0 {
		l.versions = defaultVersions()
	}
	if l.logger == nil {
		l.logger = slog.New(slog.DiscardHandler)
	}
	l.config.HandshakeTimeout = cmp.Or(c.HandshakeTimeout, DefaultHandshakeTimeout)
	switch {
	case c.GetCertificate == nil:
		return nil, errors.New("transport: ListenConfig.GetCertificate is not set: QUIC needs a certificate")
	case c.RequireClientCertificate && c.ClientCAs == nil:
		return nil, errors.New("transport: ListenConfig.ClientCAs is not set: certificates of clients cannot be required")
	case slices.Contains(l.versions, http3.NextProtoH3):
		return nil, errors.New(`transport: ListenConfig.Versions must not contain "h3": it is always served`)
	}
	if err := l.open(); err != nil {
		return nil, err
	}
	l.wt = l.newWebTransportServer()
	l.wg.Go(l.run)
	return l, nil
}

// open gets the socket and starts QUIC on it.
func (l *Listener) open() error {
	l.socket = l.config.PacketConn
	if l.socket == nil {
		addr, err := net.ResolveUDPAddr("udp", l.config.Addr)
		if err != nil {
			return fmt.Errorf("transport: listen address %q is not of the form host:port: %w", l.config.Addr, err)
		}
		udp, err := net.ListenUDP("udp", addr)
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("transport: UDP port %d is taken by another process: stop that one or choose another port: %w", addr.Port, err)
		}
		if errors.Is(err, syscall.EACCES) {
			return fmt.Errorf("transport: no right to open UDP port %d: choose one above 1023 or give the process CAP_NET_BIND_SERVICE: %w", addr.Port, err)
		}
		if err != nil {
			return fmt.Errorf("transport: listen: %w", err)
		}
		l.socket = udp
	}
	tlsConfig := &tls.Config{
		GetCertificate: l.config.GetCertificate,
		MinVersion:     tls.VersionTLS13,
		NextProtos:     append(slices.Clone(l.versions), http3.NextProtoH3),
	}
	if l.config.ClientCAs != nil {
		tlsConfig.ClientCAs, tlsConfig.ClientAuth = l.config.ClientCAs, tls.VerifyClientCertIfGiven
		if l.config.RequireClientCertificate {
			tlsConfig.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	quicConfig := settings{
		base: l.config.QUIC, handshakeTimeout: l.config.HandshakeTimeout,
		idleTimeout: l.config.IdleTimeout, keepAlive: l.config.KeepAlive,
		maxStreams: l.config.MaxStreams, maxUniStreams: l.config.MaxUniStreams,
	}.quicConfig()
	quicConfig.Allow0RTT = false // requests can be replayed (moqt-18 §3.3.1)
	settings := *quicConfig      // what admit returns, without admit itself
	l.settings = &settings
	quicConfig.GetConfigForClient = l.admit
	ids := newConnectionIDs()
	l.transport = &quic.Transport{Conn: l.socket, ConnectionIDGenerator: ids, StatelessResetKey: l.resetKey()}
	if l.config.Door != nil {
		tlsConfig.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return nil, l.config.Door.Turn(l.serving)
		}
		l.transport.VerifySourceAddress, l.transport.ConnContext = l.config.Door.Validate, l.enter
	}
	if udp, ok := l.socket.(*net.UDPConn); ok {
		l.transport.Conn = &resetting{UDPConn: udp, packets: ipv4.NewPacketConn(udp), tag: ids.tag, key: l.transport.StatelessResetKey}
	}
	// Early: HTTP/3 may send its settings before the client's last handshake
	// message, and so saves browsers a round trip.
	ln, err := l.transport.ListenEarly(tlsConfig, quicConfig)
	if err != nil {
		l.release()
		return fmt.Errorf("transport: listen: %w", err)
	}
	l.quic = ln
	return nil
}

// resetKey is the one to tell clients of a predecessor by.
func (l *Listener) resetKey() *quic.StatelessResetKey {
	if l.config.StatelessResetKey != nil {
		return l.config.StatelessResetKey
	}
	certificate, err := l.config.GetCertificate(&tls.ClientHelloInfo{SupportedVersions: []uint16{tls.VersionTLS13}})
	if err != nil { // handshakes may fare better
		certificate = nil
	}
	host, _ := os.Hostname() // without one the address has to do
	return resetKey(certificate, host+" "+l.socket.LocalAddr().String())
}

func (l *Listener) release() {
	l.transport.Close()
	if l.config.PacketConn == nil {
		l.socket.Close()
	}
}

// run takes connections until the QUIC listener is closed.
func (l *Listener) run() {
	for {
		qconn, err := l.quic.Accept(context.Background())
		if err != nil {
			return
		}
		l.mu.Lock()
		if l.conns == nil {
			l.mu.Unlock()
			qconn.CloseWithError(quic.ApplicationErrorCode(codeNoError), reasonClosing)
			continue
		}
		if l.keep != nil && !l.keep(qconn.RemoteAddr()) { // it began before Expel
			reason := l.expelled
			l.mu.Unlock()
			qconn.CloseWithError(quic.ApplicationErrorCode(wire.SessionUnauthorized), reason)
			continue
		}
		l.conns[qconn] = nil
		l.mu.Unlock()
		l.wg.Add(1)
		context.AfterFunc(qconn.Context(), func() {
			defer l.wg.Done()
			l.mu.Lock()
			defer l.mu.Unlock()
			delete(l.conns, qconn)
		})
		l.wg.Go(func() { l.serve(qconn) })
	}
}

// serve gives a connection to whoever accepts it.
func (l *Listener) serve(qconn *quic.Conn) {
	began := time.Now() // an early listener hands it out when the client's first flight was read
	takeShare(l.config.Share, qconn)
	if qconn.ConnectionState().TLS.NegotiatedProtocol == http3.NextProtoH3 {
		if err := l.wt.ServeQUICConn(qconn); err != nil {
			l.logger.Debug("HTTP/3 connection failed", "remote", qconn.RemoteAddr().String(), "err", err)
		}
		return
	}
	select {
	case <-qconn.HandshakeComplete():
	case <-qconn.Context().Done():
		return
	}
	if !qconn.ConnectionState().SupportsDatagrams.Remote {
		l.logger.Debug("client without QUIC datagrams refused", "remote", qconn.RemoteAddr().String())
		qconn.CloseWithError(quic.ApplicationErrorCode(codeProtocolViolation), reasonNoDatagrams)
		return
	}
	l.deliver(qconn, newQUICConn(qconn, Info{Began: began, Verified: verified(qconn) != nil, Certificate: verified(qconn)}))
}

// verified is the certificate that the client showed; TLS has checked it.
func verified(qconn *quic.Conn) *x509.Certificate {
	if chains := qconn.ConnectionState().TLS.VerifiedChains; len(chains) > 0 {
		return chains[0][0]
	}
	return nil
}

// deliver waits until somebody accepts the connection, or it ends.
func (l *Listener) deliver(qconn *quic.Conn, c Conn) {
	l.mu.Lock()
	open := l.conns != nil
	if open {
		l.conns[qconn] = c
	}
	l.mu.Unlock()
	settle(qconn)
	if !open {
		c.CloseWithError(codeNoError, reasonClosing)
		return
	}
	select {
	case l.accepted <- c:
	case <-c.Context().Done():
	}
}

// Accept waits for the next established connection, of either kind; the
// caller owns it. After Close it returns ErrListenerClosed.
func (l *Listener) Accept(ctx context.Context) (Conn, error) {
	select {
	case <-l.serving.Done():
		return nil, ErrListenerClosed
	default:
	}
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.serving.Done():
		return nil, ErrListenerClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Addr is the local address, with the port that the system chose.
func (l *Listener) Addr() net.Addr { return l.socket.LocalAddr() }

// Close refuses new connections, ends those that exist with code 0, and
// returns when the port is free and all goroutines have ended. Sessions that
// deserve a GOAWAY get it before.
func (l *Listener) Close() error {
	l.mu.Lock()
	conns := l.conns
	l.conns = nil
	l.mu.Unlock()
	if conns == nil {
		<-l.closed
		return nil
	}
	defer close(l.closed)
	l.stop()
	err := l.quic.Close()
	var wg sync.WaitGroup
	for qconn, c := range conns {
		wg.Go(func() {
			if c == nil {
				qconn.CloseWithError(quic.ApplicationErrorCode(codeNoError), reasonClosing)
				return
			}
			c.CloseWithError(codeNoError, reasonClosing)
		})
	}
	wg.Wait()
	l.wg.Wait()
	err = errors.Join(err, l.wt.Close())
	l.release()
	return err
}

// Session error codes (moqt-18 §3.5) and reasons that this package gives on
// its own.
const (
	codeNoError           = uint64(wire.SessionNoError)
	codeProtocolViolation = uint64(wire.SessionProtocolViolation)

	reasonClosing     = "the server is shutting down"
	reasonNoDatagrams = "MOQT requires QUIC datagrams"
)
