package flood

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"time"

	"moqedge/certs"
	"moqedge/moq/transport"
)

// Kind of a flood.
type Kind string

// Kinds.
const (
	Hellos     Kind = "hellos"
	Retries    Kind = "retries"
	Handshakes Kind = "handshakes"
	Namespaces Kind = "namespaces"
)

// Kinds lists them.
func Kinds() []Kind { return []Kind{Hellos, Retries, Handshakes, Namespaces} }

// Task says what to do.
type Task struct {
	Kind Kind `json:"kind"`
	// Addr is host:port of the relay, Fingerprint that of its certificate in
	// hexadecimal, which namespaces need alone: others do not care whom they flood.
	Addr        string `json:"addr"`
	Fingerprint string `json:"fingerprint"`
	// Rate is how many connections begin in a second, for as long as Span; fewer when
	// the machine has no time for them. Of real clients at most 256 wait at a time.
	Rate int           `json:"rate"`
	Span time.Duration `json:"span"`
	// Many is how many namespaces there are.
	Many int `json:"many"`
	// Polite takes the time alone that other processes leave.
	Polite bool `json:"polite"`
}

// Result is what became of it.
type Result struct {
	Tried int // connections or namespaces
	// Asked is how many clients were asked to show that they are at their address, and
	// did. Of real ones, which do it by themselves, it is not known.
	Asked int
	// Taken and Refused were answered so, Other came to nothing. Of clients that are
	// made by hand they are not known.
	Taken, Refused, Other int
	Took                  time.Duration
	Why                   string // one of Other came to nothing
}

// Add adds up the figures of several.
func (r *Result) Add(o Result) {
	r.Tried, r.Asked, r.Taken, r.Refused, r.Other = r.Tried+o.Tried, r.Asked+o.Asked, r.Taken+o.Taken, r.Refused+o.Refused, r.Other+o.Other
	r.Took += o.Took
}

// Commands of a Role, with a Task each. CommandReady makes what is needed; a Result
// answers CommandFlood, which floods.
const (
	CommandReady = "ready"
	CommandFlood = "flood"
)

// Role floods a relay. It implements process.Role.
type Role struct {
	ctx     context.Context
	cancel  context.CancelFunc
	sockets []*net.UDPConn // each with an address of its own
}

// sources is how many addresses a flood of connections comes from.
const sources = 250

// NewRole returns a role.
func NewRole() *Role {
	r := &Role{}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// Handle implements process.Role.
func (r *Role) Handle(command string, args json.RawMessage) (any, error) {
	var t Task
	if err := json.Unmarshal(args, &t); err != nil {
		return nil, err
	}
	switch command {
	case CommandReady:
		if t.Polite {
			if err := yield(); err != nil {
				return nil, err
			}
		}
		if t.Kind == Namespaces {
			return nil, nil
		}
		return nil, r.open()
	case CommandFlood:
		began := time.Now()
		result, err := r.flood(t)
		result.Took = time.Since(began)
		return result, err
	}
	return nil, fmt.Errorf("a flood can not do %q", command)
}

// open opens the sockets.
func (r *Role) open() error {
	for i := range sources {
		s, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 1, byte(i>>8), byte(i)+1)})
		if err != nil {
			return err
		}
		r.sockets = append(r.sockets, s)
	}
	return nil
}

func (r *Role) flood(t Task) (Result, error) {
	to, err := net.ResolveUDPAddr("udp4", t.Addr)
	if err != nil {
		return Result{}, err
	}
	switch t.Kind {
	case Hellos, Retries:
		c, err := newCrowd(r.ctx, r.sockets, to)
		if err != nil {
			return Result{}, err
		}
		return c.flood(r.ctx, t)
	case Handshakes:
		return shakeHands(r.ctx, r.sockets, to, t), nil
	case Namespaces:
		pins, err := certs.ParseFingerprints(t.Fingerprint)
		if err != nil {
			return Result{}, err
		}
		return announce(r.ctx, "moqt://"+t.Addr, transport.DialConfig{Fingerprints: pins}, t.Many)
	}
	return Result{}, fmt.Errorf("no flood is called %q", t.Kind)
}

// each calls f at a rate for a span, and returns how often. What there was no time for
// is made up for at once.
func each(ctx context.Context, t Task, f func(i int)) (n int) {
	began := time.Now()
	for ctx.Err() == nil {
		since := time.Since(began)
		if since >= t.Span {
			break
		}
		if n >= int(since.Seconds()*float64(t.Rate)) {
			time.Sleep(time.Millisecond)
			continue
		}
		f(n)
		n++
	}
	return n
}

// Close implements process.Role.
func (r *Role) Close() error {
	r.cancel()
	for _, s := range r.sockets {
		s.Close()
	}
	return nil
}
