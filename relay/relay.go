package relay

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq"
	"moqedge/moq/deliver"
	"moqedge/moq/task"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay/cache"
	"moqedge/relay/limit"
	"moqedge/relay/route"
)

// Relay is a MOQT relay. Serve and ServeConn give it sessions; Close ends all
// it began.
type Relay struct {
	config   Config                 // as it was made
	tuning   atomic.Pointer[Config] // as Tune left it
	log      *slog.Logger
	ctx      context.Context
	cancel   context.CancelFunc
	tasks    task.Group
	links    links
	id       string // in hop lists
	routes   *route.Table[source]
	listed   *listed    // nil without a directory
	names    trackNames // the namespaces of the tracks
	accounts accounts
	regions  regions
	session  atomic.Int64 // open sessions that are served
	served   counters
	limits   *limit.Limiter
	cache    *cache.Cache

	mu        sync.Mutex // taken before that of a trackEntry, never after
	tracks    map[string]*trackEntry
	publishes changes // moves when a namespace or a track gets a publisher
	left      changes // moves when a served session is over
	heeding   *announcements
	offered   map[*trackEntry]struct{}
	exposed   map[string]int // how many of them there are in a namespace
	wanting   map[*offers]struct{}
	held      map[held]int              // requests that wait for a track
	sessions  map[*moq.Session]struct{} // served ones
	arriving  int                       // connections whose session is being made
	silent    map[*moq.Session]struct{} // links that nothing is heard of
	draining  *moq.Goaway               // what every session is told; nil when the relay stays

	redirects   redirects
	permissions permissions
	census      census // has a lock of its own
}

// New returns a relay and connects it to its upstreams.
func New(c Config) *Relay {
	c = c.withDefaults()
	r := &Relay{
		config: c, log: c.Logger, cache: newCache(c), accounts: newAccounts(), limits: c.Limits,
		id: c.ID, routes: route.NewTable[source](), names: newTrackNames(),
		exposed: map[string]int{},
		tracks:  map[string]*trackEntry{}, publishes: newChanges(), left: newChanges(), heeding: newAnnouncements(),
		offered: map[*trackEntry]struct{}{}, wanting: map[*offers]struct{}{}, held: map[held]int{},
		sessions: map[*moq.Session]struct{}{}, silent: map[*moq.Session]struct{}{}, redirects: redirects{known: map[string]redirect{}},
	}
	r.permissions.relay = r
	r.tuning.Store(&c)
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.tasks.Go(func() { r.cache.Run(r.ctx) })
	r.tasks.Go(func() { r.heeding.run(r.ctx, r.heed) })
	for i, u := range c.Upstreams {
		r.links.all = append(r.links.all, newLink(r, u, true, i))
	}
	upstreams := r.links.list()
	if c.Directory != nil {
		r.join()
	}
	for _, l := range upstreams { // each may look at all, and at what the directory told
		l.keep()
	}
	return r
}

// limitedConfig is how the relay holds a session that is limited.
func (r *Relay) limitedConfig(l *limit.Session, a *account) moq.Config {
	c := r.sessionConfig(nil, a)
	c.Intake, c.Deliver.Pacer = l, l
	return c
}

// sessionConfig is how the relay holds sessions, those of a link when that is not nil,
// with the account that they are counted in.
func (r *Relay) sessionConfig(l *link, a *account) moq.Config {
	self, tuned := wire.RelayOption{ID: r.id, Region: r.config.Region}, r.tuned()
	if l != nil {
		self.Cost = uint64(l.upstream.Cost)
	}
	sending := deliver.Config{MaxLag: tuned.MaxLag, MaxLagBytes: tuned.MaxLagBytes, Ungoverned: tuned.Ungoverned, Counters: &a.sent}
	if r.config.Observer != nil {
		sending.Observe = r.config.Observer.Sampled
	}
	return moq.Config{
		Handler: handler{r, l}, Implementation: r.config.Implementation, RequestTimeout: r.config.RequestTimeout,
		MaxTokenCache: uint64(max(r.config.MaxTokenCache, 0)), Relay: self, TraceContext: r.config.Tracer != nil,
		MaxPartialBytes: r.config.MaxPartialBytes, Tolerance: r.config.Tolerance, Room: r.cache.Room,
		Deliver: sending, Counters: &a.got, Refused: r.accounts.reject, Logger: r.log,
		Panicked: r.panicked,
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
		r.tasks.Go(func() { r.begin(conn, func() {}) })
	}
}

// ServeConn serves one connection until it ends.
func (r *Relay) ServeConn(conn transport.Conn) {
	over := make(chan struct{})
	r.begin(conn, func() { close(over) })
	<-over
}

// begin makes the session of a connection, which is served from then on without a
// goroutine that waits for its end. over is called then, or at once when there is no
// session.
func (r *Relay) begin(conn transport.Conn, over func()) {
	started := time.Now()
	arrived := r.arrive()
	var served bool // what is done when the session ends is settled
	l, err := r.open(conn)
	a := r.accounts.begin()
	defer r.surviveBegin(conn, func() {
		if !served {
			l.Close()
			r.accounts.end(a)
			arrived()
			over()
		}
	})
	var s *moq.Session
	if err == nil {
		s, err = moq.NewSession(r.ctx, conn, r.limitedConfig(l, a))
	}
	if err != nil {
		l.Close()
		r.accounts.end(a)
		arrived()
		r.log.Info("session refused", "remote", conn.Info().RemoteAddr.String(), "error", err)
		over()
		return
	}
	r.log.Info("session opened", "remote", conn.Info().RemoteAddr.String(), "transport", conn.Info().Kind.String(), "draft", s.Version().String(), "path", r.shownPath(s), "peer", s.PeerImplementation())
	r.session.Add(1)
	r.accounts.hold(a, s, r.regionOf(s))
	r.opened(s, started)
	delist, gone := r.enlist(s), r.census.add(s)
	arrived()
	if r.isUnlimited(s) {
		l.Exempt()
	}
	stop := context.AfterFunc(r.ctx, func() { s.Close(wire.SessionNoError, "relay stopped") })
	r.tasks.Add()
	context.AfterFunc(s.Context(), func() {
		defer r.tasks.Done()
		defer over()
		s.Wait()
		stop()
		delist()
		l.Close()
		gone()
		r.session.Add(-1)
		r.recordSession(s, started, r.accounts.leave(a))
		r.accounts.forget(a, s)
		r.accounts.end(a)
		r.log.Info("session closed", "remote", conn.Info().RemoteAddr.String(),
			"after", time.Since(started).Round(time.Millisecond).String(), "why", context.Cause(s.Context()))
	})
	served = true
	permitted := r.permitSession(s)
	if _, ok := s.PeerRelay(); ok && permitted {
		r.tasks.Go(r.part(s, func() { r.serveRelay(s) }))
	}
}

// Reconsider has all permissions asked about again, because what Config.Authorize
// goes by has changed: what it permits no more ends. It does not wait.
func (r *Relay) Reconsider() { r.permissions.again() }

// Dismiss closes the sessions of those whose certificate names something else than
// before: they are asked about anew when they return. It does not wait.
func (r *Relay) Dismiss(changed func(*x509.Certificate) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.sessions {
		if info := s.Conn().Info(); info.Verified && changed(info.Certificate) {
			r.tasks.Go(func() { s.Close(wire.SessionNoError, "what the certificate may carry has changed") })
		}
	}
}

// shownPath is the path of a session for logs: without the query, which may hold a token,
// and "" for a resident session, which may be known by its path alone.
func (r *Relay) shownPath(s *moq.Session) string {
	if r.config.Resident != nil && r.config.Resident(s) {
		return ""
	}
	path, _, _ := strings.Cut(s.Path(), "?")
	return path
}

// Close ends all sessions and waits for the relay's goroutines.
func (r *Relay) Close() {
	r.cancel()
	r.permissions.stop()
	r.tasks.Wait()
}

var errStopped = errors.New("the relay is stopping")
