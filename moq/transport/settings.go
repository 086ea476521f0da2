package transport

import "time"

// The limits that this package gives to its connections, unless a config
// says otherwise. They are chosen for live media and for servers with
// thousands of sessions: a window costs memory only while its bytes wait to
// be read.
const (
	// DefaultStreamWindow is the receive window that a stream starts with, in
	// bytes: a video frame of one second's bitrate at 4 Mbit/s arrives without
	// waiting for a window update.
	DefaultStreamWindow = 512 << 10
	// DefaultMaxStreams bounds the bidirectional streams (requests) that the
	// peer may have open at a time.
	DefaultMaxStreams = 1024
	// DefaultMaxUniStreams bounds the unidirectional streams (subgroups) that
	// the peer may have open at a time.
	DefaultMaxUniStreams = 4096
	// DefaultIdleTimeout ends a connection on which nothing arrives, not even
	// the answer to a keep-alive, so that dead peers are noticed.
	DefaultIdleTimeout = 15 * time.Second
	// DefaultKeepAlive is how often a quiet connection sends a PING.
	DefaultKeepAlive = 5 * time.Second
	// DefaultHandshakeTimeout bounds the time from the first packet to an
	// established session: the QUIC handshake, and with WebTransport CONNECT.
	DefaultHandshakeTimeout = 10 * time.Second
)
