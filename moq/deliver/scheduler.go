package deliver

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Scheduler sends the objects of one session. Its exported methods are safe
// for concurrent use; all else is touched by the goroutine of Run alone, or by
// the one that stands in for it while that is blocked (see post).
type Scheduler struct {
	// First what is touched for each object, side by side: a thousand sessions do not
	// fit the processor's caches, and each line of them is waited for.
	marked    atomic.Pointer[mark] // the last one that was told of a change since the last look
	wake      chan struct{}
	gate      gate
	ending    atomic.Bool // set by end
	recalled  bool        // the deputy is to end
	waited    bool        // the transport may have let this step wait
	opening   bool        // a goroutine waits for stream credit
	posting   bool        // a datagram is being handed over
	serving   *ticket     // whose unit is being worked at
	sent      int         // bytes that were, in this step
	piece     int         // most bytes of the next write
	allowance int         // most bytes of this step
	queues
	lingering []lingering
	overdue   []*flow // held up for too long, found by top
	config    Config
	version   wire.Version
	governor  governor
	silence   silence
	sampled   sampled

	conn     transport.Conn
	ctx      context.Context // of Run
	spare    transport.SendStream
	scratch  []byte         // for datagrams; nil before the first
	volley   volley         // of datagrams
	fresh    []*live.Object // datagrams that just came
	relieved chan error     // what the deputy's work ended with
	ended    chan struct{}  // closed when Run has cleaned up
	late     sync.Mutex     // held by what is done after that, in place of the goroutine
	doing    []func()       // todo of the last look, whose memory is used again

	mu   sync.Mutex // guards what follows
	todo []func()
	over bool
}

// request is a subscription or a fetch.
type request interface {
	// entry is its place in the queues; a fill has that of its subscription.
	entry() *ticket
	// refresh looks for what to do after the track changed.
	refresh(now time.Time)
	// top returns what is most urgent of it and can be tried now, or nil, and
	// whether there is more.
	top(now time.Time) (u unit, more bool)
	// abandon resets all its streams.
	abandon(code wire.ResetCode)
}

// New returns a scheduler for a session of draft v. Run makes it work.
func New(conn transport.Conn, v wire.Version, c Config) *Scheduler {
	c = c.withDefaults()
	s := &Scheduler{
		conn: conn, version: v, config: c,
		queues:   queues{tickets: map[*ticket]struct{}{}, classes: map[uint32]*class{}},
		piece:    min(c.Piece, firstPiece),
		relieved: make(chan error, 1),
		wake:     make(chan struct{}, 1),
		ended:    make(chan struct{}),
	}
	s.ready, s.dirty = s.room.ready[:0], s.room.dirty[:0]
	s.gate.brief, s.gate.deputy = c.Stall, func() { c.Go(s.standIn) }
	if !c.Ungoverned {
		s.governor.stats, s.silence.stats = conn.Stats, conn.Stats
	}
	s.gate.noted.Store(noRank)
	return s
}

// Run sends until the connection ends or ctx is done, and returns why.
func (s *Scheduler) Run(ctx context.Context) error {
	defer s.shut()
	s.ctx = ctx
	defer context.AfterFunc(ctx, s.end)()
	defer context.AfterFunc(s.conn.Context(), s.end)()
	return s.work()
}

// work is the scheduler's goroutine. It returns nil when it is the deputy's and
// recalled.
func (s *Scheduler) work() error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	now := s.config.Now()
	for {
		s.attend(now)
		if s.recalled {
			s.recalled = false
			return nil
		}
		t := s.next(now)
		at := s.nextTime()
		if t != nil {
			if s.allowance, at = s.allow(t, at, now); s.allowance == 0 {
				t = nil
			}
		}
		if t != nil {
			var err error
			if now, err = s.serve(t, now); err != nil {
				return err
			}
			continue
		}
		s.sleep(at, now, timer)
		if s.ending.Load() {
			return s.cause()
		}
		now = s.config.Now()
	}
}

// end has the scheduler stop: its context is done, or the connection has ended.
func (s *Scheduler) end() {
	s.ending.Store(true)
	s.stir()
}

func (s *Scheduler) cause() error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	return context.Cause(s.conn.Context())
}

// sleep waits until the scheduler is woken, or for a time if that is not zero. It
// is woken for the end of the session, too, as it costs less to wait for one
// channel than for four.
func (s *Scheduler) sleep(at, now time.Time, timer *time.Timer) {
	if at.IsZero() {
		<-s.wake
		return
	}
	timer.Reset(max(at.Sub(now), minSleep))
	select {
	case <-s.wake:
	case <-timer.C:
	}
}

// minSleep bounds how often times are looked at.
const minSleep = 200 * time.Microsecond

// serve has a request do one bounded piece of work, and returns the time after it. The
// error ends the session.
func (s *Scheduler) serve(t *ticket, now time.Time) (time.Time, error) {
	s.serving, s.sent, s.waited = t, 0, false
	rank := t.class.rank
	err := t.unit.step(now)
	s.served(t, s.sent)
	after := now
	if s.waited { // asking costs about as much as the rest
		after = s.config.Now()
	}
	if s.sent > 0 {
		s.silence.spent(now)
		s.governor.sees(rank, now)
		s.governor.spent(s.sent, after.Sub(now), now)
		if s.config.Pacer != nil {
			s.config.Pacer.Spent(s.sent)
		}
	}
	if err == nil && s.ending.Load() {
		err = s.cause()
	}
	return after, err
}

// allow returns how many bytes may be sent now for a ticket; with none it also returns
// the earlier one of at and when to ask again.
func (s *Scheduler) allow(t *ticket, at, now time.Time) (int, time.Time) {
	n, again := s.silence.allow(now)
	if n > 0 && s.governor.governs(t.class.rank, now) {
		var governed int
		governed, again = s.governor.allow(now)
		n = min(n, governed)
	}
	if n > 0 && s.config.Pacer != nil {
		var paced int
		paced, again = s.config.Pacer.Allow(now)
		n = min(n, paced)
	}
	if n == 0 && (at.IsZero() || again.Before(at)) {
		at = again
	}
	return n, at
}

// next returns whom to serve next, nil when nobody has anything to send now.
func (s *Scheduler) next(now time.Time) *ticket {
	s.giveUp(now)
	for {
		s.settle(now)
		if len(s.overdue) == 0 {
			break
		}
		s.shed(now)
	}
	if len(s.ready) == 0 {
		return nil
	}
	return s.ready[0]
}

// nextTime is when something is to be done without being told, zero for never.
func (s *Scheduler) nextTime() time.Time {
	var at time.Time
	if len(s.timed) > 0 {
		at = s.timed[0].due
	}
	for i := range s.lingering {
		if l := s.lingering[i].until; at.IsZero() || l.Before(at) {
			at = l
		}
	}
	return at
}

// first reports whether what is served goes before other things of the session.
func (s *Scheduler) first() bool {
	return len(s.classes) > 1 && s.serving.class.rank == s.governor.urgent
}

// contested reports whether others wait while the current unit is served.
func (s *Scheduler) contested() bool { return len(s.ready) > 1 || s.serving.rivals }

// shut ends all requests without telling the peer, whose connection is gone.
func (s *Scheduler) shut() {
	defer close(s.ended)
	s.mu.Lock()
	s.over = true
	todo := s.todo
	s.todo = nil
	s.mu.Unlock()
	s.gate.stop()
	for _, f := range todo {
		f()
	}
	for t := range s.tickets {
		t.request.abandon(wire.ResetSessionClosed)
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
	s.tell(0)
}

// mark is by what a request is told that its track changed.
type mark struct {
	request request
	noted   atomic.Bool // it is in Scheduler.marked
	next    *mark       // that was noted before it; of who sets noted
}

// touch notes that the track of a request changed. It takes no lock: whoever appends
// to a track calls it for each subscriber.
func (s *Scheduler) touch(m *mark, t *ticket) {
	if !m.noted.CompareAndSwap(false, true) {
		return
	}
	for {
		m.next = s.marked.Load()
		if s.marked.CompareAndSwap(m.next, m) {
			break
		}
	}
	s.tell(t.eager.Load())
}

// refresh looks at the requests whose tracks changed, in the order in which they were told.
func (s *Scheduler) refresh(now time.Time) {
	var first *mark
	for m := s.marked.Swap(nil); m != nil; {
		m, m.next, first = m.next, first, m
	}
	for m := first; m != nil; {
		next := m.next
		m.next = nil
		m.noted.Store(false) // before it looks
		m.request.refresh(now)
		m = next
	}
}

// tell wakes the scheduler, or interrupts it in what is less urgent.
func (s *Scheduler) tell(rank uint32) {
	s.gate.note(rank)
	s.stir()
}

func (s *Scheduler) stir() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// attend does what other goroutines asked for since the last look.
func (s *Scheduler) attend(now time.Time) {
	if s.gate.noted.Load() == noRank {
		return
	}
	if s.gate.noted.Swap(noRank) == 0 { // the rank of what do was called for
		s.mu.Lock()
		todo := s.todo
		s.todo = s.doing[:0]
		s.mu.Unlock()
		for _, f := range todo {
			f()
		}
		clear(todo)
		s.doing = todo
	}
	s.refresh(now)
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
	s.config.Go(func() { // ends with the connection at the latest
		st, err := s.conn.OpenUniStream(s.conn.Context())
		s.do(func() {
			s.opening = false
			s.feed()
			if err == nil {
				s.spare = st
			}
		})
	})
	return nil, nil
}
