package transport

import (
	"cmp"
	"time"

	"github.com/quic-go/quic-go"

	"moqedge/moq/wire"
)

// The limits that this package gives to its connections, unless a config
// says otherwise. They are chosen for live media and for servers with
// thousands of sessions: a window costs memory only while its bytes wait to
// be read, and the relay reads at once. What a misbehaving peer can make a
// server hold is at most maxConnectionWindow per connection.
//
// The packet size starts at quic-go's default of 1280 bytes and path MTU
// discovery raises it; quic-go also asks the system for socket buffers of
// 7 MiB and logs once when it gets less.
const (
	// DefaultStreamWindow is the receive window that a stream starts with, in
	// bytes: one second of 4 Mbit/s, so that a key frame arrives without
	// waiting for a window update.
	DefaultStreamWindow = 512 << 10
	// maxStreamWindow lets one FETCH stream run at 480 Mbit/s over 100 ms.
	maxStreamWindow = 6 << 20
	// connectionWindow and maxConnectionWindow are the same for all streams
	// of a connection together.
	connectionWindow    = 1 << 20
	maxConnectionWindow = 16 << 20

	// DefaultMaxStreams bounds the bidirectional streams (requests) that the
	// peer may have open at a time: the 10,000 namespaces and 1,024 requests that a
	// session has at a relay, and the tracks of a link between relays. QUIC credits
	// a stream when another one has ended; what one costs that was opened, and has
	// not said what it asks for, is bounded by the session, which reads some at a time.
	DefaultMaxStreams = 16_384
	// DefaultMaxUniStreams bounds the unidirectional streams (subgroups) that
	// the peer may have open at a time. HTTP/3 takes up to three of them.
	DefaultMaxUniStreams = 4096
	// DefaultIdleTimeout ends a connection on which nothing arrives, not even
	// the answer to a keep-alive, so that dead peers are noticed: at the
	// latest after DefaultIdleTimeout + DefaultKeepAlive, as the first
	// unanswered packet starts the clock once more.
	DefaultIdleTimeout = 15 * time.Second
	// DefaultKeepAlive is how often a quiet connection sends a PING: two may
	// be lost within DefaultIdleTimeout.
	DefaultKeepAlive = 5 * time.Second
	// DefaultHandshakeTimeout bounds the time from the first packet to an
	// established session: the QUIC handshake, and with WebTransport CONNECT.
	DefaultHandshakeTimeout = 10 * time.Second
)

// defaultVersions are the protocols offered and accepted when a config names
// none, preferred first.
func defaultVersions() []string {
	var names []string
	for _, v := range wire.Versions() {
		names = append(names, v.String())
	}
	return names
}

// settings are the parts of the two configs that shape a QUIC connection;
// zero values mean the defaults above.
type settings struct {
	base                          *quic.Config
	handshakeTimeout, idleTimeout time.Duration
	keepAlive                     time.Duration
	maxStreams, maxUniStreams     int64
}

// QUICConfig returns the settings of connections whose DialConfig or ListenConfig
// leaves all of them to this package: for measuring against what runs without it.
func QUICConfig() *quic.Config { return settings{}.quicConfig() }

func (s settings) quicConfig() *quic.Config {
	c := &quic.Config{}
	if s.base != nil {
		c = s.base.Clone()
	}
	// quic-go gives up after twice the HandshakeIdleTimeout.
	c.HandshakeIdleTimeout = cmp.Or(c.HandshakeIdleTimeout, cmp.Or(s.handshakeTimeout, DefaultHandshakeTimeout)/2)
	c.MaxIdleTimeout = cmp.Or(s.idleTimeout, c.MaxIdleTimeout, DefaultIdleTimeout)
	c.KeepAlivePeriod = cmp.Or(s.keepAlive, c.KeepAlivePeriod, DefaultKeepAlive)
	c.InitialStreamReceiveWindow = cmp.Or(c.InitialStreamReceiveWindow, DefaultStreamWindow)
	c.MaxStreamReceiveWindow = cmp.Or(c.MaxStreamReceiveWindow, maxStreamWindow)
	c.InitialConnectionReceiveWindow = cmp.Or(c.InitialConnectionReceiveWindow, connectionWindow)
	c.MaxConnectionReceiveWindow = cmp.Or(c.MaxConnectionReceiveWindow, maxConnectionWindow)
	c.MaxIncomingStreams = cmp.Or(s.maxStreams, c.MaxIncomingStreams, DefaultMaxStreams)
	c.MaxIncomingUniStreams = cmp.Or(s.maxUniStreams, c.MaxIncomingUniStreams, DefaultMaxUniStreams)
	// MOQT requires datagrams (moqt-18 §3.1), WebTransport both.
	c.EnableDatagrams = true
	c.EnableStreamResetPartialDelivery = true
	return c
}
