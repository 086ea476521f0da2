package interop

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/qlogwriter"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Config says which relay is looked at, and how to connect to it.
type Config struct {
	// URL of the relay: moqt://host:port for raw QUIC or https://host:port/path
	// for WebTransport. Required.
	URL string
	// Dial configures connections; its Versions choose the draft.
	Dial transport.DialConfig
	// Refresh, when set, may change the copy of Dial used for a connection.
	Refresh func(ctx context.Context, d *transport.DialConfig) error
	// Timeout bounds each case; 0 means Case.Timeout.
	Timeout time.Duration
	// Implementation is sent in SETUP; empty sends none.
	Implementation string
	// Logger of the sessions; nil means that they log nothing.
	Logger *slog.Logger
}

// run is a case on its way. It is used by the goroutine of the case; what the
// sessions call is guarded by mu.
type run struct {
	ctx    context.Context // done when the time of the case is over
	config *Config
	step   func(text string) // tells of progress
	clock  *clock
	id     string // tells runs apart, in namespaces

	awaited  string // what the case is waiting for
	sessions []session
	undo     []func() // what end does, last first

	mu          sync.Mutex
	connections []Connection
}

// session is one that a case has made.
type session struct {
	role string
	*moq.Session
}

// Run does one case. It returns when all connections of the case are closed.
// step, when it is not nil, is told what the case is about to wait for.
func (c *Config) Run(ctx context.Context, k Case, step func(text string)) Result {
	timeout := k.Timeout
	if c.Timeout > 0 {
		timeout = c.Timeout
	}
	outer := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	if step == nil {
		step = func(string) {}
	}
	var id [4]byte
	_, _ = rand.Read(id[:]) // it never fails
	r := &run{ctx: ctx, config: c, step: step, clock: new(clock), id: hex.EncodeToString(id[:])}
	started := time.Now()
	result := Result{Name: k.Name, Outcome: Passed}
	err := k.do(r)
	if err == nil {
		err = r.leave()
	}
	if err != nil && outer.Err() != nil {
		err = errInterrupted
	}
	if len(r.sessions) > 0 {
		result.Draft = r.sessions[0].Version().String()
		result.Transport = r.sessions[0].Conn().Info().Kind.String()
	}
	if err != nil {
		result.explain(err, r.awaited)
		result.Message += r.lost(err)
	}
	r.end()
	result.Duration = time.Since(started)
	result.Connections = r.connections
	return result
}

// lost tells of sessions that the relay has closed, other than by err itself.
func (r *run) lost(err error) string {
	var text strings.Builder
	for _, s := range r.sessions {
		var closed *transport.CloseError
		if cause := context.Cause(s.Context()); errors.As(cause, &closed) && closed.Remote && !errors.Is(err, closed) {
			fmt.Fprintf(&text, "; %s%v", of(s.role), closed)
		}
	}
	return text.String()
}

// await notes what the case waits for from now on: a failure says it.
func (r *run) await(format string, args ...any) {
	r.awaited = fmt.Sprintf(format, args...)
	r.step(r.awaited)
}

// namespace is that of the objects of this run: two runs do not meet.
func (r *run) namespace(more ...string) wire.Namespace {
	return append(wire.Namespace{"moq-test", "interop", r.id}, more...)
}

// link says how a connection differs from others; the zero value does not.
type link struct {
	handler moq.Handler
	gate    *gate // holds back the data streams
	window  uint64
}

// connect makes a session. Its role is "" when the case has one connection.
func (r *run) connect(role string, l link) (*moq.Session, error) {
	r.await("%sSETUP of the relay", of(role))
	dial := r.config.Dial
	if r.config.Refresh != nil {
		if err := r.config.Refresh(r.ctx, &dial); err != nil {
			return nil, err
		}
	}
	dial.QUIC = r.quic(role, dial.QUIC, l.window)
	conn, err := transport.Dial(r.ctx, r.config.URL, &dial)
	if err != nil {
		return nil, err
	}
	if l.gate != nil {
		conn = &gatedConn{Conn: conn, gate: l.gate}
	}
	logger := r.config.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s, err := moq.NewSession(r.ctx, conn, moq.Config{Handler: l.handler, Implementation: r.config.Implementation, Logger: logger})
	if err != nil {
		return nil, err
	}
	r.sessions = append(r.sessions, session{role, s})
	r.step(fmt.Sprintf("%s%s over %s, the relay calls itself %q", of(role), s.Version(), conn.Info().Kind, s.PeerImplementation()))
	return s, nil
}

// of begins a sentence about a role.
func of(role string) string {
	if role == "" {
		return ""
	}
	return role + ": "
}

// quic makes the settings of a connection, which tell its ID.
func (r *run) quic(role string, base *quic.Config, window uint64) *quic.Config {
	c := &quic.Config{}
	if base != nil {
		c = base.Clone()
	}
	if window > 0 {
		c.InitialStreamReceiveWindow, c.MaxStreamReceiveWindow = window, window
		c.InitialConnectionReceiveWindow, c.MaxConnectionReceiveWindow = window, window
	}
	also := c.Tracer
	c.Tracer = func(ctx context.Context, client bool, id quic.ConnectionID) qlogwriter.Trace {
		r.identify(Connection{Role: role, ID: id.String()})
		if also != nil {
			return also(ctx, client, id)
		}
		return nil
	}
	return c
}

// identify notes the ID of a connection; a second one replaces it, as after
// version negotiation.
func (r *run) identify(c Connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.connections, func(x Connection) bool { return x.Role == c.Role })
	if i < 0 {
		r.connections = append(r.connections, c)
		return
	}
	r.connections[i] = c
}

// leave closes all sessions, which the relay must not have done before.
func (r *run) leave() error {
	for _, s := range r.sessions {
		r.awaited = "a session that this side closes"
		s.Close(wire.SessionNoError, "")
		s.Wait()
		var own *wire.Error // a close by this side is one with NO_ERROR
		if cause := context.Cause(s.Context()); !errors.As(cause, &own) || own.Code != wire.SessionNoError {
			return cause
		}
	}
	return nil
}

// end releases all that the run holds.
func (r *run) end() {
	for _, s := range r.sessions {
		s.Close(wire.SessionNoError, "")
	}
	for _, undo := range slices.Backward(r.undo) {
		undo()
	}
	for _, s := range r.sessions {
		s.Wait()
	}
}

// clock is time.Now that never gives one time twice: what arrives has an order.
type clock struct {
	mu   sync.Mutex
	last time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := time.Now()
	if !t.After(c.last) {
		t = c.last.Add(1)
	}
	c.last = t
	return t
}
