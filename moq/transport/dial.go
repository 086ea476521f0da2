package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"
)

// DialConfig is how Dial connects. The zero value is ready to use.
type DialConfig struct {
	// TLS holds roots, client certificates and the server name. nil: the
	// system's roots. Its NextProtos are replaced.
	TLS *tls.Config
	// Fingerprints are the SHA-256 hashes of the certificates (DER) that are
	// accepted, instead of checking them against roots and names. None: the
	// roots decide.
	Fingerprints [][32]byte
	// Versions are offered to the server, preferred first: as ALPN over raw
	// QUIC, as WT-Available-Protocols over WebTransport. None: all that
	// moq/wire speaks.
	Versions []string
	// QUIC is the base of the connection's settings; its zero fields get the
	// defaults of this package. nil: all defaults.
	QUIC *quic.Config
	// PacketConn is used instead of a new UDP socket, which is connected to the
	// server, so that the end of a process there is noticed at once. It must be for
	// this connection alone; the caller closes it, after the connection's end.
	PacketConn net.PacketConn
	// Batches says how packets are read from the socket that is opened without
	// PacketConn: a benchmark has the system hand on several at once. nil, or if it
	// returns nil: as quic-go does.
	Batches func(*net.UDPConn) BatchReader
	// RemoteAddr is used instead of resolving the URL's host.
	RemoteAddr net.Addr
	// Header is sent with the CONNECT request of WebTransport.
	Header http.Header
	// HandshakeTimeout bounds Dial as a whole. 0: DefaultHandshakeTimeout.
	HandshakeTimeout time.Duration
	// IdleTimeout and KeepAlive: 0 means DefaultIdleTimeout, DefaultKeepAlive.
	IdleTimeout, KeepAlive time.Duration
	// MaxUniStreams and MaxStreams bound the streams that the server may have
	// open at a time. 0: DefaultMaxUniStreams, DefaultMaxStreams.
	MaxUniStreams, MaxStreams int64
	// Share is how many flows the connection counts for at a bottleneck, when packets
	// are lost, up to MaxShare; 1 leaves it to quic-go. 0: DefaultShare.
	Share int
}

// target is a URL taken apart.
type target struct {
	url       *url.URL
	host      string
	port      int
	authority string
	quic      bool
}

func parseTarget(raw string) (target, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return target{}, err
	}
	t := target{url: u, host: u.Hostname(), port: 443, authority: u.Host, quic: u.Scheme == "moqt"}
	if !t.quic && u.Scheme != "https" {
		return t, fmt.Errorf("scheme %q is not supported: use moqt:// for raw QUIC or https:// for WebTransport", u.Scheme)
	}
	// moqt-18 §3.1.1: the host must not be empty.
	if t.host == "" {
		return t, errors.New("the URL names no host")
	}
	if p := u.Port(); p != "" {
		if t.port, err = strconv.Atoi(p); err != nil || t.port < 1 || t.port > 65535 {
			return t, fmt.Errorf("port %q is not between 1 and 65535", p)
		}
	}
	return t, nil
}

// Dial connects to a MOQT server: over raw QUIC for moqt://host[:port]/path,
// over WebTransport for https://host[:port]/path; the port is 443 if missing.
// It never falls back from one to the other. The context bounds Dial, not the
// connection. A nil config means the zero value.
//
// Errors are *DialError and say what to do.
func Dial(ctx context.Context, rawURL string, c *DialConfig) (Conn, error) {
	if c == nil {
		c = &DialConfig{}
	}
	t, err := parseTarget(rawURL)
	if err != nil {
		return nil, &DialError{URL: rawURL, Err: err}
	}
	timeout := cmp.Or(c.HandshakeTimeout, DefaultHandshakeTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errDialTimeout)
	defer cancel()
	versions := c.Versions
	if len(versions) == 0 {
		versions = defaultVersions()
	}
	conn, status, err := c.dial(ctx, t, versions)
	if err != nil {
		return nil, explain(rawURL, t, versions, status, err)
	}
	return conn, nil
}

// dial returns the HTTP status if there was one.
func (c *DialConfig) dial(ctx context.Context, t target, versions []string) (Conn, int, error) {
	alpn := versions
	if !t.quic {
		alpn = []string{http3.NextProtoH3}
	}
	qconn, err := c.dialQUIC(ctx, t, alpn)
	if err != nil {
		return nil, 0, err
	}
	info := Info{
		Client: true, Authority: t.authority,
		Path: t.url.RequestURI(), Origin: c.Header.Get("Origin"),
	}
	if !t.quic {
		return c.dialWebTransport(ctx, t, qconn, info, versions)
	}
	if !qconn.ConnectionState().SupportsDatagrams.Remote {
		qconn.CloseWithError(quic.ApplicationErrorCode(codeProtocolViolation), reasonNoDatagrams)
		return nil, 0, errors.New("the server does not support QUIC datagrams, which MOQT requires")
	}
	return newQUICConn(qconn, info), 0, nil
}

// dialQUIC connects and completes the handshake. The socket it opens is
// closed when the connection ends.
func (c *DialConfig) dialQUIC(ctx context.Context, t target, alpn []string) (*quic.Conn, error) {
	addr := c.RemoteAddr
	if addr == nil {
		var err error
		if addr, err = resolve(ctx, t); err != nil {
			return nil, err
		}
	}
	socket := c.PacketConn
	if socket == nil {
		udp, ok := addr.(*net.UDPAddr)
		if !ok {
			return nil, fmt.Errorf("%v is no UDP address: it needs a PacketConn", addr)
		}
		var err error
		if socket, err = dialSocket(udp, c.Batches); err != nil {
			return nil, fmt.Errorf("open a UDP socket: %w", err)
		}
	}
	tr := &quic.Transport{Conn: socket}
	release := func() {
		tr.Close()
		if c.PacketConn == nil {
			socket.Close()
		}
	}
	cfg := settings{
		base: c.QUIC, handshakeTimeout: c.HandshakeTimeout,
		idleTimeout: c.IdleTimeout, keepAlive: c.KeepAlive,
		maxStreams: c.MaxStreams, maxUniStreams: c.MaxUniStreams,
	}.quicConfig()
	qconn, err := tr.Dial(ctx, addr, c.tls(t, alpn), cfg)
	if err != nil {
		release()
		return nil, err
	}
	context.AfterFunc(qconn.Context(), release)
	takeShare(c.Share, qconn)
	return qconn, nil
}

// resolve prefers IPv4 where a name has both, like net.Dial without a second
// attempt.
func resolve(ctx context.Context, t target) (net.Addr, error) {
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", t.host)
	if err != nil {
		return nil, err
	}
	i := max(0, slices.IndexFunc(ips, func(ip netip.Addr) bool { return ip.Unmap().Is4() }))
	return &net.UDPAddr{IP: ips[i].Unmap().AsSlice(), Port: t.port, Zone: ips[i].Zone()}, nil
}

func (c *DialConfig) tls(t target, alpn []string) *tls.Config {
	conf := c.TLS.Clone()
	if conf == nil {
		conf = &tls.Config{}
	}
	conf.NextProtos = alpn
	conf.MinVersion = tls.VersionTLS13
	if conf.ServerName == "" {
		conf.ServerName = t.host
	}
	if len(c.Fingerprints) > 0 {
		conf.InsecureSkipVerify = true
		conf.VerifyConnection = verifyPins(c.Fingerprints, conf)
	}
	return conf
}

// dialWebTransport requests a session on a new connection, which it closes if
// there is none.
func (c *DialConfig) dialWebTransport(ctx context.Context, t target, qconn *quic.Conn, info Info, versions []string) (Conn, int, error) {
	// Waiting for the response does not look at ctx.
	stop := context.AfterFunc(ctx, func() {
		qconn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeRequestCanceled), "")
	})
	sess, protocol, status, err := c.requestSession(ctx, t, qconn, versions)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		qconn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
		return nil, status, err
	}
	info.Protocol = protocol
	return newWebTransportConn(qconn, sess, nil, info), status, nil
}

// requestSession returns the session, the MOQT version and the HTTP status.
func (c *DialConfig) requestSession(ctx context.Context, t target, qconn *quic.Conn, versions []string) (*webtransport.Session, string, int, error) {
	tr := &webtransport.Transport{ApplicationProtocols: versions}
	h3, err := tr.NewClientConn(qconn)
	if err != nil {
		return nil, "", 0, err
	}
	defer tr.Close()
	u := *t.url
	u.Fragment, u.RawFragment, u.User = "", "", nil // never sent (moqt-18 §3.1.2)
	rsp, sess, err := h3.Dial(ctx, u.String(), c.Header)
	if rsp == nil {
		return nil, "", 0, err
	}
	status := rsp.StatusCode
	if err != nil && status >= 300 && rsp.Body != nil {
		text, _ := io.ReadAll(io.LimitReader(rsp.Body, maxReason))
		err = fmt.Errorf("%w: %q", errRefused, strings.TrimSpace(string(text)))
	}
	if err != nil {
		return nil, "", status, err
	}
	protocol := sess.SessionState().ApplicationProtocol
	if protocol == "" {
		// Servers exist that answer 200 without WT-Protocol. What they speak
		// is known only if we offered one version.
		if len(versions) > 1 {
			return nil, "", status, errors.New("the server accepted without saying which version (no WT-Protocol header): offer exactly one version")
		}
		protocol = versions[0]
	}
	return sess, protocol, status, nil
}
