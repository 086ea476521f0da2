package relay

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq"
	"moqedge/moq/deliver"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay/route"
)

// Config of a relay. The zero value is a relay without a parent.
type Config struct {
	// Name appears in logs.
	Name string
	// Upstream is the parent relay that tracks and namespaces are had from; nil: none.
	Upstream *Upstream
	// RetainGroups, RetainFor and MaxTrackBytes say what is kept of a track
	// (live.Options); 0 means 3 groups, 10 s and 64 MiB.
	RetainGroups  int
	RetainFor     time.Duration
	MaxTrackBytes uint64
	// Linger is how long a track stays subscribed after its last subscriber;
	// 0 means 5 s.
	Linger time.Duration
	// RecoverFor is how long a track whose publisher was lost waits for it or
	// another; 0 means 30 s.
	RecoverFor time.Duration
	// RequestTimeout bounds how long a subscriber waits for the answer of a
	// publisher; 0 means 10 s.
	RequestTimeout time.Duration
	// MaxLag is deliver.Config.MaxLag.
	MaxLag time.Duration
	// Implementation is sent in SETUP.
	Implementation string
	// Logger; nil means slog.Default.
	Logger *slog.Logger
}

// Upstream names a parent relay.
type Upstream struct {
	URL  string // moqt:// or https://
	Dial transport.DialConfig
	// Refresh, when set, may change Dial before each attempt, for pins that are renewed.
	Refresh func(ctx context.Context, d *transport.DialConfig) error
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&c.RetainFor, 10*time.Second)
	def(&c.Linger, 5*time.Second)
	def(&c.RecoverFor, 30*time.Second)
	def(&c.RequestTimeout, 10*time.Second)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Name != "" {
		c.Logger = c.Logger.With("relay", c.Name)
	}
	return c
}

// Relay is a MOQT relay. Serve and ServeConn give it sessions; Close ends all
// it began.
type Relay struct {
	config  Config
	log     *slog.Logger
	ctx     context.Context
	cancel  context.CancelFunc
	tasks   sync.WaitGroup
	parent  *parent // nil without an upstream
	local   *route.Table[*moq.Session]
	all     *route.Table[source]
	sent    deliver.Counters
	got     moq.Counters
	session atomic.Int64 // open sessions, the parent excepted
	served  counters

	mu        sync.Mutex
	tracks    map[string]*trackEntry
	publishes changes // moves when a namespace or a track gets a publisher
	offered   map[*trackEntry]struct{}
	wanting   map[*offers]struct{}
}

// source is where a track can be had: a session that announced it, or the parent.
type source struct {
	session *moq.Session
	parent  bool
}

// New returns a relay and connects it to its upstream.
func New(c Config) *Relay {
	c = c.withDefaults()
	r := &Relay{
		config: c, log: c.Logger,
		local: route.NewTable[*moq.Session](), all: route.NewTable[source](),
		tracks: map[string]*trackEntry{}, publishes: newChanges(),
		offered: map[*trackEntry]struct{}{}, wanting: map[*offers]struct{}{},
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	if c.Upstream != nil {
		r.parent = newParent(r, c.Upstream)
		r.tasks.Go(r.parent.run)
	}
	return r
}

// sessionConfig is how the relay holds sessions.
func (r *Relay) sessionConfig() moq.Config {
	return moq.Config{
		Handler: handler{r}, Implementation: r.config.Implementation, RequestTimeout: r.config.RequestTimeout,
		Deliver: deliver.Config{MaxLag: r.config.MaxLag, Counters: &r.sent}, Counters: &r.got, Logger: r.log,
	}
}

// Serve accepts sessions until the listener is closed.
func (r *Relay) Serve(l *transport.Listener) error {
	for {
		conn, err := l.Accept(r.ctx)
		if err != nil {
			if r.ctx.Err() != nil {
				return nil
			}
			return err
		}
		r.tasks.Go(func() { r.ServeConn(conn) })
	}
}

// ServeConn serves one connection until it ends.
func (r *Relay) ServeConn(conn transport.Conn) {
	started := time.Now()
	s, err := moq.NewSession(r.ctx, conn, r.sessionConfig())
	if err != nil {
		r.log.Info("session refused", "remote", conn.Info().RemoteAddr.String(), "error", err)
		return
	}
	log := r.log.With("remote", conn.Info().RemoteAddr.String())
	log.Info("session opened", "transport", conn.Info().Kind.String(), "draft", s.Version().String(), "path", s.Path(), "peer", s.PeerImplementation())
	r.session.Add(1)
	defer r.session.Add(-1)
	stop := context.AfterFunc(r.ctx, func() { s.Close(wire.SessionNoError, "relay stopped") })
	defer stop()
	s.Wait()
	log.Info("session closed", "after", time.Since(started).Round(time.Millisecond).String(), "why", context.Cause(s.Context()))
}

// Close ends all sessions and waits for the relay's goroutines.
func (r *Relay) Close() {
	r.cancel()
	r.tasks.Wait()
}

// track returns the entry of a track, made when it is missing, and counts the
// caller as a user, or as one who is about to fill it by PUBLISH.
func (r *Relay) track(name wire.FullTrackName, publishes bool) *trackEntry {
	key := name.Key()
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.tracks[key]
	if e == nil {
		e = newTrackEntry(r, name)
		r.tracks[key] = e
		r.tasks.Go(e.run)
	}
	if publishes {
		e.published++
		return e
	}
	e.users++
	e.idle.Stop()
	return e
}

// isPublished reports whether somebody fills the entry by PUBLISH or is about to.
func (r *Relay) isPublished(e *trackEntry) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return e.published > 0
}

// unpublish ends what track began for a publisher.
func (r *Relay) unpublish(e *trackEntry) {
	r.mu.Lock()
	e.published--
	if e.published == 0 {
		delete(r.offered, e)
		if e.users == 0 {
			e.idle.Reset(r.config.Linger)
		}
	}
	r.mu.Unlock()
	e.pushed.announce()
}

// release ends a use of the entry.
func (r *Relay) release(e *trackEntry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.users--; e.users == 0 {
		e.idle.Reset(r.config.Linger)
	}
}

// forget removes an entry that ended, or one that is unused; false means that it is in use.
func (r *Relay) forget(e *trackEntry, onlyIdle bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if onlyIdle && (e.users > 0 || e.published > 0) {
		return false
	}
	if key := e.name.Key(); r.tracks[key] == e {
		delete(r.tracks, key)
	}
	return true
}

func (r *Relay) newLiveTrack(name wire.FullTrackName) *live.Track {
	return live.NewTrack(name, live.Options{RetainGroups: r.config.RetainGroups, RetainFor: r.config.RetainFor, MaxBytes: r.config.MaxTrackBytes, Recover: true})
}

// changes lets goroutines wait for the next of a kind of event. The zero value is not usable.
type changes struct {
	next *atomic.Pointer[chan struct{}]
}

func newChanges() changes {
	c := changes{new(atomic.Pointer[chan struct{}])}
	first := make(chan struct{})
	c.next.Store(&first)
	return c
}

// wait returns a channel that is closed by the next announce.
func (c changes) wait() <-chan struct{} { return *c.next.Load() }

func (c changes) announce() {
	next := make(chan struct{})
	close(*c.next.Swap(&next))
}

var errStopped = errors.New("the relay is stopping")
