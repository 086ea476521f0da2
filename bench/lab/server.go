package lab

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"moqedge/bench/process"
	"moqedge/bench/sfu"
	"moqedge/certs"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/auth"
)

// names of roles.
const (
	roleRelay = "bench-relay"
	roleSFU   = "bench-sfu"
	roleBare  = "bench-bare"
	roleLoad  = "bench-load"
)

// Role returns what a process that was started as "--role NAME" is.
func Role(name string) (process.Role, error) {
	switch name {
	case roleRelay:
		return newRelayRole(), nil
	case roleSFU:
		return &sfu.Role{}, nil
	case roleBare:
		return newBareRole(), nil
	case roleLoad:
		return newLoadRole(), nil
	}
	return nil, fmt.Errorf("no role %q", name)
}

// Place is where a server is, and how it is known.
type Place struct {
	// URL is moqt:// or https:// of a relay; http:// or https:// of a WHIP or WHEP
	// endpoint.
	URL string `json:"url"`
	// Of a relay at most one of these is given; none: the system's roots decide.
	Fingerprint string `json:"fingerprint,omitempty"` // SHA-256 of its certificate, in hexadecimal
	CA          string `json:"ca,omitempty"`          // a PEM file of roots
	Insecure    bool   `json:"insecure,omitempty"`
	// Token is shown to a WHIP or WHEP endpoint as bearer, to a relay in SETUP.
	Token string `json:"token,omitempty"`
}

// tokens are what is shown to a relay.
func (p Place) tokens() []wire.Token {
	if t, ok := auth.ParseText(p.Token); ok {
		return []wire.Token{t}
	}
	return nil
}

// dial returns how clients connect to a relay.
func (p Place) dial(draft string) (d transport.DialConfig, err error) {
	if draft != "" {
		d.Versions = []string{draft}
	}
	d.TLS, d.Fingerprints, err = certs.Client(p.CA, p.Fingerprint, p.Insecure)
	return d, err
}

// chain starts the servers of a system, from the publisher's to the viewers', and
// returns the places of the first and the last. Who calls it stops the processes,
// whatever it returns.
func chain(ctx context.Context, s System, hops int) (servers []*process.Child, first, last Place, err error) {
	if s.unit() {
		config := sfu.Config{Batch: sfu.BatchNone}
		if s == WebRTCSegments {
			config.Batch = sfu.BatchSegments
		}
		c, url, err := startUnit(ctx, config)
		if err != nil {
			return nil, first, last, err
		}
		return []*process.Child{c}, Place{URL: url + "/whip/bench"}, Place{URL: url + "/whep/bench"}, nil
	}
	for i := range hops {
		var upstream *Place
		if i > 0 {
			upstream = &Place{URL: last.URL, Fingerprint: last.Fingerprint}
		}
		c, at, err := StartRelay(ctx, upstream)
		if err != nil {
			return servers, first, last, err
		}
		servers, last = append(servers, c), at
		if i == 0 {
			first = last
		}
	}
	if s == WebTransport {
		first.URL, last.URL = overWebTransport(first.URL), overWebTransport(last.URL)
	}
	return servers, first, last, nil
}

// overWebTransport is where a relay of ours that was told as moqt:// has
// WebTransport: it serves both.
func overWebTransport(url string) string {
	return "https" + strings.TrimPrefix(url, "moqt") + "/moq"
}

// relayRole is our relay as it is, with the settings that it has by default.
type relayRole struct {
	log      *slog.Logger
	relay    *relay.Relay
	listener *transport.Listener
	source   *certs.Source
	served   chan error
}

// relayConfig says what relay to make.
type relayConfig struct {
	Upstream *Place `json:"upstream,omitempty"` // nil: none
}

// commandListen starts a relay and is answered with its Place.
const commandListen = "listen"

func newRelayRole() *relayRole {
	return &relayRole{
		log:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		served: make(chan error, 1),
	}
}

// Handle implements process.Role.
func (r *relayRole) Handle(command string, args json.RawMessage) (any, error) {
	if command != commandListen || r.relay != nil {
		return nil, fmt.Errorf("the relay can not do %q", command)
	}
	var c relayConfig
	if err := json.Unmarshal(args, &c); err != nil {
		return nil, err
	}
	config := relay.Config{Logger: r.log}
	if c.Upstream != nil {
		dial, err := c.Upstream.dial("")
		if err != nil {
			return nil, err
		}
		config.Upstreams = []relay.Upstream{{URL: c.Upstream.URL, Dial: dial}}
	}
	var err error
	if r.source, err = certs.Development("", nil, r.log); err != nil {
		return nil, err
	}
	if r.listener, err = transport.Listen(&transport.ListenConfig{Addr: "127.0.0.1:0", GetCertificate: r.source.GetCertificate}); err != nil {
		return nil, errors.Join(err, r.source.Close())
	}
	r.relay = relay.New(config)
	go func() { r.served <- r.relay.Serve(r.listener) }()
	f := r.source.Fingerprint()
	return Place{URL: "moqt://" + r.listener.Addr().String(), Fingerprint: hex.EncodeToString(f[:])}, nil
}

// Close implements process.Role.
func (r *relayRole) Close() error {
	if r.relay == nil {
		return nil
	}
	r.listener.Close()
	r.relay.Close()
	<-r.served
	return r.source.Close()
}
