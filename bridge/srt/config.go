package srt

import (
	"fmt"
	"log/slog"
	"time"

	gosrt "github.com/datarhei/gosrt"

	"moqedge/bridge"
)

// Config of a Server.
type Config struct {
	// Addr is the UDP address to listen on; the host is a numeric address or
	// empty for all. "" means ":9000".
	Addr string
	// Hub takes the publications. Required.
	Hub *bridge.Hub
	// Passphrase of 10 to 79 characters makes encryption with it a condition;
	// "" accepts unencrypted publishers only.
	Passphrase string
	// Passphrases are those of single names, which then need no other credential. The
	// rules of Passphrase hold for each.
	Passphrases map[string]string
	// Authorize is asked about every publication of a name without a passphrase of
	// its own, with the token of the stream id (#!::t=TOKEN); nil permits all.
	Authorize *bridge.Permits
	// Admit is asked about the address of every publisher, HOST:PORT, before anything
	// else; nil takes all.
	Admit func(remote string) bool
	// Latency is how long SRT keeps packets so that lost ones can be sent
	// again; a publisher may ask for more. 0 means 120 ms, at most 10 s.
	Latency time.Duration
	// HandshakeLimit is how long after connecting a publisher may take until a
	// programme plays. 0 means 10 s.
	HandshakeLimit time.Duration
	// SilenceLimit is how long a publisher may send no media. 0 means 10 s.
	SilenceLimit time.Duration
	// MaxPublishers bounds the connections; 0 means 100.
	MaxPublishers int
	// Panicked is told of a panic in a goroutine that serves one publisher.
	Panicked bridge.Panicked
	// Logger; nil discards.
	Logger *slog.Logger
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
}

// valid fills in the defaults and checks the rest.
func (c Config) valid() (Config, error) {
	if c.Addr == "" {
		c.Addr = ":9000"
	}
	if n := len(c.Passphrase); n != 0 && (n < 10 || n > 79) {
		return c, fmt.Errorf("srt: the passphrase has %d characters, SRT wants 10 to 79", n)
	}
	for name, phrase := range c.Passphrases {
		if n := len(phrase); n < 10 || n > 79 {
			return c, fmt.Errorf("srt: the passphrase of %q has %d characters, SRT wants 10 to 79", name, n)
		}
	}
	if c.Latency == 0 {
		c.Latency = 120 * time.Millisecond
	}
	if c.Latency < 0 || c.Latency > 10*time.Second {
		return c, fmt.Errorf("srt: latency %v is not between 0 and 10 s", c.Latency)
	}
	if c.HandshakeLimit < 0 || c.SilenceLimit < 0 || c.MaxPublishers < 0 {
		return c, fmt.Errorf("srt: limits must not be negative")
	}
	if c.HandshakeLimit == 0 {
		c.HandshakeLimit = 10 * time.Second
	}
	if c.SilenceLimit == 0 {
		c.SilenceLimit = 10 * time.Second
	}
	if c.MaxPublishers == 0 {
		c.MaxPublishers = 100
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

// listen is the library's configuration.
func (c Config) listen() gosrt.Config {
	l := gosrt.DefaultConfig()
	l.Latency = c.Latency
	l.PeerIdleTimeout = peerIdle
	l.ListenerControl = enlargeReceiveBuffer
	return l
}
