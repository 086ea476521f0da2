package moq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq/deliver"
	"moqedge/moq/task"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Config of a session. The zero value is a subscriber that answers no requests.
type Config struct {
	// Handler answers the peer's requests; nil refuses them all with NOT_SUPPORTED.
	Handler Handler
	// Implementation is the MOQT_IMPLEMENTATION sent, name and version; empty sends none.
	Implementation string
	// Relay, with an ID, says in SETUP that this side is a relay. When the peer says
	// so too, they tell each other routes and the paths of requests; other peers
	// ignore it (see Session.PeerRelay). The zero value says nothing.
	Relay wire.RelayOption
	// TraceContext says in SETUP that this side understands the trace context of
	// requests. Those of a peer that says so, too, may have one, and may be sent with
	// one (wire.Parameters.TraceContext); other peers ignore the option, and nothing
	// is sent to them.
	TraceContext bool
	// SetupTimeout bounds how long the peer may take for its SETUP; 0 means 10 s.
	SetupTimeout time.Duration
	// RequestTimeout bounds how long the peer may take to answer a request
	// whose context has no deadline; 0 means 10 s.
	RequestTimeout time.Duration
	// ControlTimeout bounds how long a control message may take from its first
	// byte to its last, in either direction, DataTimeout the same for an object or
	// a header that is received on a data stream: a peer that is slower, or does
	// not read what it is told, loses the session with CONTROL_MESSAGE_TIMEOUT or
	// DATA_STREAM_TIMEOUT; 0 means 10 s and 30 s.
	ControlTimeout, DataTimeout time.Duration
	// AliasTimeout is how long data of an unknown track alias is held back
	// for the message that explains it; 0 means 2 s.
	AliasTimeout time.Duration
	// Tokens are sent in SETUP.
	Tokens []wire.Token
	// MaxTokenCache is how many bytes of authorization tokens the peer may
	// register under aliases (moqt-18 §10.3.1.3); 0 means none.
	MaxTokenCache uint64
	// MaxFilterRanges is how many ranges the range filters of one request may
	// have (moqt-19 §10.3.1.6); 0 means 64.
	MaxFilterRanges uint64
	// MaxRequestUpdates is how many REQUEST_UPDATEs of one request may wait for
	// their answer (moqt-19 §10.3.1.7); 0 means 16.
	MaxRequestUpdates uint64
	// MaxPartialBytes bounds the payload bytes, over all streams of the session, of
	// objects that have begun to arrive and are not complete. A stream that brings
	// more is refused with EXCESSIVE_LOAD; 0 means 256 MiB.
	MaxPartialBytes uint64
	// Room, when set, is asked for each object, and each piece of one, that is
	// received: false refuses its stream with EXCESSIVE_LOAD, and drops a datagram. It
	// may block, which holds the peer up.
	Room func() bool
	// Intake, when set, is asked about data that comes.
	Intake Intake
	// Tolerance is how often in a minute the peer may do what costs something and
	// leads to nothing: send data streams or datagrams of a track alias that is
	// never explained, open streams that stay empty, make requests that are
	// refused with EXCESSIVE_LOAD. Beyond, it loses the session with
	// PROTOCOL_VIOLATION; 0 means 4096.
	Tolerance uint64
	// MaxObjectSize is the largest object accepted, in bytes; 0 means 16 MiB.
	MaxObjectSize uint64
	// Deliver configures how objects are sent.
	Deliver deliver.Config
	// NoGrease leaves out the option without meaning that SETUP carries from
	// draft 18 on, so that peers keep ignoring what they do not know (moqt-18 §14).
	NoGrease bool
	// OnGoaway is told of the peer's GOAWAY; it must not block.
	OnGoaway func(Goaway)
	// Counters are added to; nil means counters of the session's own.
	Counters *Counters
	// Panicked is told that a goroutine of the session panicked, in that goroutine,
	// when the stack is logged and the session has ended with INTERNAL_ERROR. A lock
	// of the application may be held for ever then. nil: the process ends, as with
	// any other panic.
	Panicked func(value any)
	// Refused is told of each request of the peer that is refused, with or without the
	// Handler: what it asked for and the code of REQUEST_ERROR. It must not block; nil:
	// nobody is told.
	Refused func(request wire.MessageType, code wire.RequestError)
	// Logger; nil means slog.Default.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&c.SetupTimeout, 10*time.Second)
	def(&c.RequestTimeout, 10*time.Second)
	def(&c.ControlTimeout, 10*time.Second)
	def(&c.DataTimeout, 30*time.Second)
	def(&c.AliasTimeout, 2*time.Second)
	if c.MaxFilterRanges == 0 {
		c.MaxFilterRanges = 64
	}
	if c.MaxRequestUpdates == 0 {
		c.MaxRequestUpdates = 16
	}
	if c.MaxPartialBytes == 0 {
		c.MaxPartialBytes = 256 << 20
	}
	if c.Tolerance == 0 {
		c.Tolerance = 4096
	}
	if c.MaxObjectSize == 0 {
		c.MaxObjectSize = 16 << 20
	}
	if c.Room == nil {
		c.Room = func() bool { return true }
	}
	if c.Counters == nil {
		c.Counters = new(Counters)
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Session is one MOQT session. Its methods are safe for concurrent use. It
// ends when either side closes it or its connection ends; all its goroutines
// end with it.
type Session struct {
	conn    transport.Conn
	version wire.Version
	config  Config
	sending lazySender
	ctx     context.Context // done when the session is over; its cause says why
	cancel  context.CancelCauseFunc
	tasks   task.Group
	failed  sync.Once

	control   *messageWriter
	shared    *sharedControl // draft 16: what carries the requests; valid when peer is
	peerReady chan struct{}  // closed when peer is valid
	peer      wire.Setup
	private   atomic.Uint32 // what both sides add to the draft: see dialect; set before peerReady
	tokens    tokenCache    // registered by the peer
	tolerance tolerance
	partial   partial
	early     early
	attention attention

	mu           sync.Mutex // guards all below; never held while writing to the connection. Maps are made by put.
	nextRequest  uint64
	peerRequests requestIDs
	aliases      aliases
	moved        chan struct{}      // closed by announce; nil while nobody waits
	received     map[string]int     // how many subscriptions of a track this side has
	fetches      map[uint64]*Fetch  // own fetches that are not over
	served       map[uint64]*served // subscriptions sent, by the request ID that made them
	servedTracks map[string]int     // how many of them there are of a track
	nextAlias    uint64
	prefixes     map[wire.MessageType][]wire.Namespace // of the peer's namespace subscriptions
	goawaySent   bool
	goawayGotten bool
	peerControl  bool // the peer's control stream was seen
	skipped      bool // draft 16: request IDs are missing that another stream may bring
}

// NewSession makes a session of a connection, of the draft that was negotiated with
// it, and waits for the peer's SETUP (moqt-18 §10.3). ctx bounds the wait, besides
// Config.SetupTimeout. The session owns conn from here on; on error conn is closed.
func NewSession(ctx context.Context, conn transport.Conn, c Config) (*Session, error) {
	v, ok := wire.ParseVersion(conn.Info().Protocol)
	if !ok {
		_ = conn.CloseWithError(uint64(wire.SessionVersionNegotiationFailed), "no MOQT version negotiated")
		return nil, fmt.Errorf("moq: peer negotiated %q, which is not spoken here", conn.Info().Protocol)
	}
	c = c.withDefaults()
	s := &Session{
		conn: conn, version: v, config: c,
		peerReady: make(chan struct{}),
	}
	if c.Panicked != nil {
		s.tasks.Caught = s.caught
	}
	s.partial.limit = int64(min(c.MaxPartialBytes, math.MaxInt64))
	s.peerRequests.parity = 0
	if conn.Info().Client {
		s.peerRequests.parity = 1
	} else {
		s.nextRequest = 1
	}
	s.ctx, s.cancel = context.WithCancelCause(conn.Context())
	if err := s.start(ctx); err != nil {
		s.fail(err)
		s.tasks.Wait()
		return nil, s.cause()
	}
	return s, nil
}

// caught ends the session after a panic in one of its goroutines. What is left of
// its requests ends with the connection; a lock of the session may be held for ever,
// so only what needs none is done here.
func (s *Session) caught(value any, stack []byte) {
	s.log().Error("panic: the session ends", "panic", fmt.Sprint(value), "stack", string(stack))
	s.Close(wire.SessionInternalError, "internal error")
	s.config.Panicked(value)
}

// put is an assignment to a map that is nil while there is nothing in it, as
// most maps of most sessions are.
func put[K comparable, V any](m *map[K]V, k K, v V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[k] = v
}

// start sends SETUP, begins to serve the peer and waits for its SETUP.
func (s *Session) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.config.SetupTimeout,
		&wire.Error{Code: wire.SessionControlMessageTimeout, Reason: "no SETUP in time"})
	defer cancel()
	if err := s.openControl(ctx); err != nil {
		return err
	}
	s.open()
	s.tasks.Go(s.acceptRequests)
	select {
	case <-s.peerReady:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.ctx.Done():
		return s.cause()
	}
}

// log returns a logger for what the session has to say, which is little: none is kept.
func (s *Session) log() *slog.Logger {
	info := s.conn.Info()
	return s.config.Logger.With("remote", info.RemoteAddr.String(), "transport", info.Kind.String())
}

// lazySender is the scheduler of a session, which is made when the session has
// something to send: most of what an idle session would hold is the scheduler's.
type lazySender struct {
	once      sync.Once
	scheduler *deliver.Scheduler
}

// sender returns what sends the session's objects.
func (s *Session) sender() *deliver.Scheduler {
	s.sending.once.Do(func() {
		s.attend() // looks would take time from the sending
		c := s.config.Deliver
		if c.Logger == nil {
			c.Logger = s.log
		}
		c.Go = s.tasks.Go
		s.sending.scheduler = deliver.New(s.conn, s.version, c)
		s.tasks.Go(func() { s.fail(s.sending.scheduler.Run(s.ctx)) })
	})
	return s.sending.scheduler
}

// fail ends the session because of err; a *wire.Error names the code. Only the
// first call has an effect: what fails because the session is over says nothing.
func (s *Session) fail(err error) {
	if err != nil {
		s.failed.Do(func() { s.end(err) })
	}
}

func (s *Session) end(err error) {
	code := wire.SessionInternalError
	reason := ""
	var e *wire.Error
	var closed *transport.CloseError
	switch {
	case errors.As(err, &closed), s.conn.Context().Err() != nil: // the connection is over already
		if cause := context.Cause(s.conn.Context()); cause != nil {
			err = cause
		}
		s.cancel(err)
		return
	case errors.As(err, &e):
		code, reason = e.Code, e.Reason
	case errors.Is(err, context.Canceled):
		code = wire.SessionNoError
	}
	s.cancel(err)
	_ = s.conn.CloseWithError(uint64(code), reason)
}

// cause says why the session ended.
func (s *Session) cause() error { return context.Cause(s.ctx) }

// Close ends the session with a code, all its requests and the connection (moqt-18
// §3.5). Bytes that are not sent yet are lost. It does not wait: see Wait. Only the
// first call has an effect.
func (s *Session) Close(code wire.SessionError, reason string) {
	s.fail(&wire.Error{Code: code, Reason: reason})
}

// Wait waits until the session is over and its goroutines have ended. It must
// not be called by a Handler.
func (s *Session) Wait() {
	<-s.ctx.Done()
	s.tasks.Wait()
}

// Context is done when the session is over; context.Cause says why: a *wire.Error
// when this side closed it, by Close or for a fault of the peer, a
// *transport.CloseError when the peer did, else what the transport says.
func (s *Session) Context() context.Context { return s.ctx }

// Conn returns the connection, for its Info and Stats.
func (s *Session) Conn() transport.Conn { return s.conn }

// Version is the draft spoken.
func (s *Session) Version() wire.Version { return s.version }

// PeerRelay is what the peer says of itself as a relay; false means that it is
// none, or that this side does not say that it is one.
func (s *Session) PeerRelay() (wire.RelayOption, bool) {
	o, _ := s.peer.Relay()
	return o, s.betweenRelays()
}

// What both sides say that they understand besides the draft.
const (
	asRelays = 1 << iota
	withTraces
)

// betweenRelays reports whether both sides are relays.
func (s *Session) betweenRelays() bool { return s.private.Load()&asRelays != 0 }

// PeerTraces reports whether both sides understand the trace context of requests: what is
// asked with one is sent with it, and what the peer asks for may have one.
func (s *Session) PeerTraces() bool { return s.private.Load()&withTraces != 0 }

// dialect is the draft that messages are written in.
func (s *Session) dialect() wire.Version {
	v, private := s.version, s.private.Load()
	if private&asRelays != 0 {
		v = v.BetweenRelays()
	}
	if private&withTraces != 0 {
		v = v.WithTraceContext()
	}
	return v
}

// Path is the path and query the client asked for, "" when it named none.
func (s *Session) Path() string {
	if p := s.peer.Path; p.Set {
		return p.Value
	}
	return s.conn.Info().Path
}

// PeerImplementation is what the peer calls itself; quote it in logs.
func (s *Session) PeerImplementation() string { return s.peer.Implementation.Or("") }

// PeerTokens are the authorization tokens of the peer's SETUP, as USE_VALUE.
func (s *Session) PeerTokens() []wire.Token { return s.peer.AuthTokens }

// Intake is Config.Intake.
func (s *Session) Intake() Intake { return s.config.Intake }

// Peer is the peer's SETUP. What it holds is shared and must not be changed.
func (s *Session) Peer() wire.Setup { return s.peer }
