package deliver

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Config of a Scheduler. The zero value works.
type Config struct {
	// MaxLag is how old the next object of a stream may be, while the track
	// has a newer group, before the stream is given up and the subscriber
	// goes on with the newer group; 0 means 3 s.
	MaxLag time.Duration
	// Piece is the most payload bytes written before priorities are looked
	// at again; 0 means 16 KiB.
	Piece int
	// Stall is how long one write may block without progress before other
	// streams get a turn; 0 means 250 ms.
	Stall time.Duration
	// MaxStall is how long the peer may take nothing of a subscription that has
	// something to send before that is ended with TOO_FAR_BEHIND (moqt-18 §10.11);
	// 0 means 30 s. A FETCH may wait for as long as its session.
	MaxStall time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Counters are added to; nil means counters of the scheduler's own.
	Counters *Counters
}

// Counters count what schedulers have sent. They may be shared by any number of sessions.
type Counters struct {
	// Bytes of streams and datagrams, headers included; Objects that were sent
	// whole on streams; Streams opened; Datagrams handed to the connection.
	Bytes, Objects, Streams, Datagrams atomic.Uint64
	// GroupsSkipped counts groups that a subscriber did not get to their end
	// because it fell behind (Config.MaxLag).
	GroupsSkipped atomic.Uint64
	// Timeouts counts streams and datagrams given up by a delivery timeout.
	Timeouts atomic.Uint64
	// DatagramsDropped counts datagrams too large for their session, or given up
	// because the network took none.
	DatagramsDropped atomic.Uint64
}

// Scheduler sends the objects of one session. Its exported methods are safe
// for concurrent use; all else is touched by the goroutine of Run alone.
type Scheduler struct {
	conn    transport.Conn
	version wire.Version
	config  Config

	requests  map[request]struct{}
	turn      uint64 // grows with each piece, for fairness between equals
	spare     transport.SendStream
	opening   bool // a goroutine waits for stream credit
	scratch   []byte
	timed     bool      // something is to be done without being told, at:
	timedAt   time.Time // the earliest of such times
	lingering []lingering
	overdue   []*flow // held up for too long, found by pick

	wake  chan struct{}
	ended chan struct{} // closed when Run has cleaned up
	late  sync.Mutex    // held by what is done after that, in place of the goroutine
	mu    sync.Mutex    // guards what follows
	todo  []func()
	hot   []request // told of changes since the last look
	over  bool
}

// request is a subscription or a fetch.
type request interface {
	// refresh looks for new flows after the track changed.
	refresh()
	// top returns what is most urgent of it and can be tried now, or nil.
	top(now time.Time) unit
	// lastTurn breaks ties between requests.
	lastTurn() *uint64
	// abandon resets all its streams.
	abandon(code wire.ResetCode)
}

// New returns a scheduler for a session of draft v. Run makes it work.
func New(conn transport.Conn, v wire.Version, c Config) *Scheduler {
	if c.MaxLag == 0 {
		c.MaxLag = 3 * time.Second
	}
	if c.Piece == 0 {
		c.Piece = 16 << 10
	}
	if c.Stall == 0 {
		c.Stall = 250 * time.Millisecond
	}
	if c.MaxStall == 0 {
		c.MaxStall = 30 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Counters == nil {
		c.Counters = new(Counters)
	}
	return &Scheduler{
		conn: conn, version: v, config: c,
		requests: map[request]struct{}{},
		scratch:  make([]byte, 0, 4<<10),
		wake:     make(chan struct{}, 1),
		ended:    make(chan struct{}),
	}
}

// Run sends until the connection ends or ctx is done, and returns why.
func (s *Scheduler) Run(ctx context.Context) error {
	defer s.shut()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s.attend()
		now := s.config.Now()
		if u, r := s.pick(now); u != nil {
			s.turn++
			*r.lastTurn() = s.turn
			if err := u.step(now); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			continue
		}
		var retry <-chan time.Time
		if s.timed {
			timer.Reset(max(s.timedAt.Sub(now), time.Millisecond))
			retry = timer.C
		}
		select {
		case <-s.wake:
		case <-retry:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.conn.Context().Done():
			return context.Cause(s.conn.Context())
		}
	}
}

// shut ends all requests without telling the peer, whose connection is gone.
func (s *Scheduler) shut() {
	defer close(s.ended)
	s.mu.Lock()
	s.over = true
	todo := s.todo
	s.todo = nil
	s.mu.Unlock()
	for _, f := range todo {
		f()
	}
	for r := range s.requests {
		r.abandon(wire.ResetSessionClosed)
	}
	if s.spare != nil {
		s.reset(s.spare, wire.ResetSessionClosed)
	}
}

// do has f called by the scheduler's goroutine; after its end f is called here.
func (s *Scheduler) do(f func()) {
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		<-s.ended
		s.late.Lock()
		defer s.late.Unlock()
		f()
		return
	}
	s.todo = append(s.todo, f)
	s.mu.Unlock()
	s.stir()
}

// touch notes that the track of r changed.
func (s *Scheduler) touch(r request) {
	s.mu.Lock()
	s.hot = append(s.hot, r)
	s.mu.Unlock()
	s.stir()
}

func (s *Scheduler) stir() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// attend does what other goroutines asked for since the last look.
func (s *Scheduler) attend() {
	s.mu.Lock()
	todo, hot := s.todo, s.hot
	s.todo, s.hot = nil, nil
	s.mu.Unlock()
	for _, f := range todo {
		f()
	}
	for _, r := range hot {
		if _, ok := s.requests[r]; ok {
			r.refresh()
		}
	}
}

// wakeAt has the scheduler look again at that time although nothing has changed.
func (s *Scheduler) wakeAt(t time.Time) {
	if !s.timed || t.Before(s.timedAt) {
		s.timed, s.timedAt = true, t
	}
}

// reset gives a stream up.
func (s *Scheduler) reset(st transport.SendStream, c wire.ResetCode) {
	st.Reset(s.version.ResetNumber(c))
}

// open returns a new stream, nil when the peer allows none now: then the
// scheduler wakes as soon as it does.
func (s *Scheduler) open() (transport.SendStream, error) {
	if st := s.spare; st != nil {
		s.spare = nil
		return st, nil
	}
	if s.opening {
		return nil, nil
	}
	st, err := s.conn.TryOpenUniStream()
	if !errors.Is(err, transport.ErrStreamLimit) {
		return st, err
	}
	s.opening = true
	go func() { // ends with the connection at the latest
		st, err := s.conn.OpenUniStream(s.conn.Context())
		s.do(func() {
			s.opening = false
			if err == nil {
				s.spare = st
			}
		})
	}()
	return nil, nil
}

// write sends b on a flow's stream as far as the stall limit lets it. It
// returns how much was sent; err is fatal for the stream.
func (s *Scheduler) write(f *flow, b []byte, now time.Time) (int, error) {
	_ = f.stream.SetWriteDeadline(time.Now().Add(s.config.Stall))
	n, err := f.stream.Write(b)
	s.config.Counters.Bytes.Add(uint64(n))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
		if n == 0 {
			f.park(now)
		}
	}
	if n > 0 {
		f.stalls, f.since = 0, time.Time{}
		if src, ok := f.source.(*subgroupSource); ok {
			src.subscription.stall = stall{}
		}
	}
	return n, err
}
