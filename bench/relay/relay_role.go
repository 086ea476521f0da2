package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"runtime/pprof"
	"strings"
	"time"

	"moqedge/certs"
	"moqedge/moq/transport"
	"moqedge/relay"
	"moqedge/relay/collector"
	"moqedge/relay/limit"
	metrics "moqedge/relay/meter"
)

// place is where a server listens and how its certificate is known.
type place struct {
	Addr        string `json:"addr"`        // host:port
	Fingerprint string `json:"fingerprint"` // SHA-256, in hexadecimal
}

// dial returns how clients connect to it.
func (p place) dial() (transport.DialConfig, error) {
	pins, err := certs.ParseFingerprints(p.Fingerprint)
	return transport.DialConfig{Fingerprints: pins, Versions: []string{version.String()}}, err
}

// url of the server, for a transport of transports.
func (p place) url(transport string) string {
	if transport == overWebTransport {
		return "https://" + p.Addr + "/moq"
	}
	return "moqt://" + p.Addr
}

// overQUIC and overWebTransport are the transports.
const (
	overQUIC         = "quic"
	overWebTransport = "webtransport"
)

// relayRole is the relay that is measured.
type relayRole struct {
	log      *slog.Logger
	relay    *relay.Relay
	listener *transport.Listener
	source   *certs.Source
	served   chan error
	stop     context.CancelFunc // ends what adjusts the collector
	tuned    chan struct{}      // closed when it has ended
	metered  *meter             // nil: streams are not counted
}

// relayConfig says what relay to make.
type relayConfig struct {
	// Upstream is its parent; nil: none.
	Upstream *place `json:"upstream,omitempty"`
	// Addr is where to listen; "" is any port.
	Addr string `json:"addr,omitempty"`
	// Certificates is a folder: relays with the same one have the same certificate.
	Certificates string        `json:"certificates,omitempty"`
	Linger       time.Duration `json:"linger,omitempty"`
	RetainFor    time.Duration `json:"retain_for,omitempty"`
	MaxLag       time.Duration `json:"max_lag,omitempty"`
	// Idle is after how long without a word a peer has gone; 0: as the transport has it.
	Idle time.Duration `json:"idle,omitempty"`
	// Meter has open streams counted, at some cost.
	Meter bool `json:"meter,omitempty"`
	// Limited and Unlimited are those of plan.
	Limited   bool `json:"limited,omitempty"`
	Unlimited bool `json:"unlimited,omitempty"`
	// Observed is that of plan.
	Observed bool `json:"observed,omitempty"`
}

// limits are those of the relay, and of its listener.
func (c relayConfig) limits() (*limit.Limiter, transport.Door) {
	switch none := (limit.Limits{Requests: limit.Unlimited, Namespaces: limit.Unlimited, BytesIn: limit.Unlimited}); {
	case c.Limited:
		l := limit.New(limit.Config{})
		return l, l
	case c.Unlimited:
		return limit.New(limit.Config{Global: none, Address: none, Session: none}), nil
	}
	return nil, nil
}

// relayState is what a relay says of itself. Streams are those of sessions that it
// accepted, by their open halves.
type relayState struct {
	relay.Stats
	Sending   int64 `json:"sending"`
	Receiving int64 `json:"receiving"`
}

// commandListen starts a server and is answered with its place.
const commandListen = "listen"

// commandState is answered with a relayState.
const commandState = "state"

// commandGoroutines is answered with what the goroutines of the process do, as text.
const commandGoroutines = "goroutines"

func newRelayRole() *relayRole {
	return &relayRole{
		log:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		served: make(chan error, 1),
	}
}

// Handle implements process.Role.
func (r *relayRole) Handle(command string, args json.RawMessage) (any, error) {
	if command == commandState && r.relay != nil {
		return r.state(), nil
	}
	if command == commandGoroutines {
		var text strings.Builder
		err := pprof.Lookup("goroutine").WriteTo(&text, 1)
		return text.String(), err
	}
	if command != commandListen || r.relay != nil {
		return nil, fmt.Errorf("the relay can not do %q", command)
	}
	var c relayConfig
	if err := json.Unmarshal(args, &c); err != nil {
		return nil, err
	}
	config := relay.Config{Logger: r.log, Linger: c.Linger, RetainFor: c.RetainFor, MaxLag: c.MaxLag}
	if c.Upstream != nil {
		dial, err := c.Upstream.dial()
		if err != nil {
			return nil, err
		}
		config.Upstreams = []relay.Upstream{{URL: c.Upstream.url(overQUIC), Dial: dial}}
	}
	var err error
	var door transport.Door
	config.Limits, door = c.limits()
	if r.source, err = certs.Development(c.Certificates, nil, r.log); err != nil {
		return nil, err
	}
	if r.listener, err = transport.Listen(&transport.ListenConfig{
		Addr: cmp.Or(c.Addr, "127.0.0.1:0"), GetCertificate: r.source.GetCertificate,
		IdleTimeout: c.Idle, KeepAlive: c.Idle / 4, Door: door,
	}); err != nil {
		r.source.Close()
		return nil, err
	}
	if c.Observed {
		config.Observer = metrics.New(metrics.Config{})
	}
	r.relay = relay.New(config)
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	r.tuned = make(chan struct{})
	go func() { // as the command does
		defer close(r.tuned)
		collector.Run(ctx, r.relay.Sessions, nil)
	}()
	if c.Meter {
		r.metered = &meter{}
		go func() { r.served <- r.metered.serve(r.relay, r.listener) }()
	} else {
		go func() { r.served <- r.relay.Serve(r.listener) }()
	}
	return placeOf(r.listener.Addr().String(), r.source), nil
}

func placeOf(addr string, source *certs.Source) place {
	f := source.Fingerprint()
	return place{Addr: addr, Fingerprint: hex.EncodeToString(f[:])}
}

func (r *relayRole) state() relayState {
	s := relayState{Stats: r.relay.Stats()}
	if r.metered != nil {
		s.Sending, s.Receiving = r.metered.sending.Load(), r.metered.receiving.Load()
	}
	return s
}

// Close implements process.Role.
func (r *relayRole) Close() error {
	if r.relay == nil {
		return nil
	}
	r.listener.Close()
	r.relay.Close()
	r.stop()
	<-r.tuned
	<-r.served
	return r.source.Close()
}
