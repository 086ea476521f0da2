package deliver

import (
	"log/slog"
	"sync/atomic"
	"time"
)

// Config of a Scheduler. The zero value works.
type Config struct {
	// MaxLag is how old the next object of a stream may be, while the track
	// has a newer group, before the stream is given up and the subscriber
	// goes on with the newer group; 0 means 3 s.
	MaxLag time.Duration
	// MaxLagBytes is how many payload bytes of the track may have come after
	// the next object of a stream, likewise; 0 means 32 MiB.
	MaxLagBytes uint64
	// Piece is the most payload bytes written before priorities are looked
	// at again, on a link that takes them at once; 0 means 64 KiB.
	Piece int
	// Stall is how long one write may block before other streams get a turn;
	// 0 means 20 ms. What is more urgent does not wait for that.
	Stall time.Duration
	// MaxStall is how long the peer may take nothing of a subscription that has
	// something to send before that is ended with TOO_FAR_BEHIND (moqt-18 §10.11);
	// 0 means 30 s. A FETCH may wait for as long as its session.
	MaxStall time.Duration
	// Ungoverned leaves it to the congestion control of the transport how full
	// the queues of the network get. Else what is less urgent is sent so that
	// they stay nearly empty while something more urgent is sent, too. It also leaves
	// to the transport what is sent while nothing is heard of the peer; else it is
	// little, so that an interrupted link is noticed to be back within 0.2 s.
	Ungoverned bool
	// Pacer, when set, bounds how fast all of it is sent.
	Pacer Pacer
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger returns whom to tell, at debug level, when a subscriber falls behind
	// and when it has caught up; nil means nobody.
	Logger func() *slog.Logger
	// Counters are added to; nil means counters of the scheduler's own.
	Counters *Counters
	// Go starts the goroutines of the scheduler beside Run, which end with the
	// connection; nil means the go statement.
	Go func(f func())
	// Observe is told how one of SampleEvery objects of subscriptions fared that came
	// while they were subscribed to, by the scheduler's goroutine: it must not block.
	// nil: nobody is told.
	Observe func(Sample)
	// SampleEvery is 64 when it is 0.
	SampleEvery uint32
}

// Sample is how an object fared whose first bytes were given to the transport.
type Sample struct {
	// Forward is the time from when its first byte came, or was produced, until then;
	// Queued is how long it could have been sent, and was not, when its turn came.
	Forward, Queued time.Duration
}

// Pacer says how much may be sent. It is called by one goroutine at a time and must not
// block.
type Pacer interface {
	// Allow returns how many bytes may be sent now; when none, when to ask again.
	Allow(now time.Time) (n int, again time.Time)
	// Spent tells that n bytes were sent, which may be more than were allowed.
	Spent(n int)
}

// Counters count what schedulers have sent. They may be shared by any number of sessions.
type Counters struct {
	// Bytes of streams and datagrams, headers included; Objects that were sent
	// whole on streams; Streams opened; Datagrams handed to the connection.
	Bytes, Objects, Streams, Datagrams atomic.Uint64
	// These count groups that a subscriber did not get to their end because it fell
	// behind: by age (Config.MaxLag), by bytes (Config.MaxLagBytes), or so far that the
	// track no longer keeps them.
	SkippedLag, SkippedFlooded, SkippedLost atomic.Uint64
	// Timeouts counts streams and datagrams given up by a delivery timeout.
	Timeouts atomic.Uint64
	// DatagramsDropped counts datagrams too large for their session, or given up
	// because the network took none.
	DatagramsDropped atomic.Uint64
}

// GroupsSkipped is how many groups were skipped, for whatever reason.
func (c *Counters) GroupsSkipped() uint64 {
	return c.SkippedLag.Load() + c.SkippedFlooded.Load() + c.SkippedLost.Load()
}

func (c Config) withDefaults() Config {
	if c.MaxLag == 0 {
		c.MaxLag = 3 * time.Second
	}
	if c.MaxLagBytes == 0 {
		c.MaxLagBytes = 32 << 20
	}
	if c.Piece == 0 {
		c.Piece = 64 << 10
	}
	if c.Stall == 0 {
		c.Stall = 20 * time.Millisecond
	}
	if c.MaxStall == 0 {
		c.MaxStall = 30 * time.Second
	}
	if c.SampleEvery == 0 {
		c.SampleEvery = 64
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = func() *slog.Logger { return slog.New(slog.DiscardHandler) }
	}
	if c.Counters == nil {
		c.Counters = new(Counters)
	}
	if c.Go == nil {
		c.Go = func(f func()) { go f() }
	}
	return c
}
