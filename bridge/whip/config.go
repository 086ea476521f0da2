package whip

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"moqedge/bridge"
)

// Config of a Handler. Hub is required; zero values of the rest are defaults.
type Config struct {
	// Hub takes the publications.
	Hub *bridge.Hub
	// Prefix is the URL path the handler is mounted at, with slashes at both
	// ends. Mount it without http.StripPrefix. Empty means "/whip/".
	Prefix string
	// ICEAddr is a UDP address such as ":8189": all sessions share that one
	// port, on every address of the machine or on the given one. Empty means a
	// port of its own for each session, chosen by the system.
	ICEAddr string
	// Loopback also offers 127.0.0.1 and ::1 as addresses for media, for
	// browsers on the same machine.
	Loopback bool
	// LoopbackOnly offers nothing else. It includes Loopback.
	LoopbackOnly bool
	// PublicIPs replace the local addresses in answers, for a machine behind
	// one-to-one NAT. Empty means the local addresses.
	PublicIPs []string
	// ICEServers are told to clients in Link headers (RFC 9725 §4.6); the
	// server itself needs none.
	ICEServers []ICEServer
	// MaxSessions bounds the sessions at one time; further ones get 503.
	// 0 means 100.
	MaxSessions int
	// PacketWait is how long a missing packet is waited for (and asked for
	// again) before its frame is given up. 0 means 100 ms.
	PacketWait time.Duration
	// KeyFrameEvery is the longest distance between key frames, which are
	// requested from the sender. 0 means 2 s.
	KeyFrameEvery time.Duration
	// ConnectTimeout is how long a client may take from the answer until media
	// can flow. 0 means 20 s.
	ConnectTimeout time.Duration
	// Authorize is asked about every publication, with the bearer token of its
	// request (RFC 9725 §4.7); nil permits all.
	Authorize *bridge.Permits
	// CheckOrigin decides on pages by their Origin header; nil: all are accepted.
	CheckOrigin func(origin string) bool
	// Panicked is told of a panic in a goroutine that serves one publication. Those of
	// ServeHTTP are its caller's.
	Panicked bridge.Panicked
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	// Logger; nil discards.
	Logger *slog.Logger
}

// ICEServer is a STUN or TURN server for clients.
type ICEServer struct {
	// URL like "stun:stun.example.net" or "turn:turn.example.net?transport=udp".
	URL string
	// Username and Credential are for TURN; both empty means none.
	Username, Credential string
}

// validate fills in defaults and reports what cannot work.
func (c Config) validate() (Config, error) {
	if c.Prefix == "" {
		c.Prefix = "/whip/"
	}
	if !strings.HasPrefix(c.Prefix, "/") || !strings.HasSuffix(c.Prefix, "/") {
		return c, fmt.Errorf("whip: prefix %q: want slashes at both ends, like /whip/", c.Prefix)
	}
	if c.ICEAddr != "" {
		if _, _, err := splitICEAddr(c.ICEAddr); err != nil {
			return c, err
		}
	}
	for _, ip := range c.PublicIPs {
		if net.ParseIP(ip) == nil {
			return c, fmt.Errorf("whip: public IP %q is not an IP address", ip)
		}
	}
	for _, s := range c.ICEServers {
		if strings.ContainsAny(s.URL+s.Username+s.Credential, "<>\"\r\n") || s.URL == "" {
			return c, fmt.Errorf("whip: ICE server %q cannot be written into a Link header", s.URL)
		}
	}
	if c.MaxSessions < 0 || c.PacketWait < 0 || c.KeyFrameEvery < 0 || c.ConnectTimeout < 0 {
		return c, errors.New("whip: negative limits make no sense")
	}
	c.MaxSessions = orElse(c.MaxSessions, 100)
	c.PacketWait = orElse(c.PacketWait, 100*time.Millisecond)
	c.KeyFrameEvery = orElse(c.KeyFrameEvery, 2*time.Second)
	c.ConnectTimeout = orElse(c.ConnectTimeout, 20*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Loopback = c.Loopback || c.LoopbackOnly
	return c, nil
}

func orElse[T int | time.Duration](value, zero T) T {
	if value == 0 {
		return zero
	}
	return value
}

// splitICEAddr parses "host:port"; a nil IP means every address.
func splitICEAddr(addr string) (net.IP, int, error) {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, 0, fmt.Errorf("whip: ICE address %q: want host:port or :port", addr)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, 0, fmt.Errorf("whip: ICE address %q: the port is not a number up to 65535", addr)
	}
	if host == "" {
		return nil, int(port), nil
	}
	ip := net.ParseIP(host)
	if ip == nil {
		return nil, 0, fmt.Errorf("whip: ICE address %q: the host is not an IP address", addr)
	}
	if ip.IsUnspecified() {
		ip = nil
	}
	return ip, int(port), nil
}
