package subscriber

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"moqedge/cmd/moqedge/names"
	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/msf"
	"moqedge/moq/wire"
)

// Target says what to follow.
type Target struct {
	Namespace wire.Namespace
	// Track within Namespace; unset means all that the catalog lists.
	Track wire.Option[string]
}

// String is how people write the target.
func (t Target) String() string {
	if t.Track.Set {
		return names.Namespace(t.Namespace) + " " + names.Name(t.Track.Value)
	}
	return names.Namespace(t.Namespace)
}

// Sink gets every object, each once. Calls do not overlap. An error ends the
// Follower.
type Sink func(track wire.FullTrackName, o *live.Object) error

// Options of a Follower.
type Options struct {
	// Join also asks for the current group and that many before it; unset
	// begins with the next object.
	Join wire.Option[uint64]
	// Once ends when the target does not exist or ends, instead of waiting
	// for it to come back.
	Once bool
	// Retry is the pause before asking again; 0 means 500 ms.
	Retry time.Duration
	// Logger is told what is waited for. Required.
	Logger *slog.Logger
}

// errGone says that a target has ended.
var errGone = errors.New("ended")

// errFinished says that a Follower has come to its end.
var errFinished = errors.New("finished")

// Follower reads a target from one session after another. Its tracks outlive
// the sessions: what was missed between two of them is fetched from the later
// one, what comes twice is dropped, so the Sink gets every object once.
//
// Each track has a goroutine that subscribes and one that reads; all end with
// Close, or when the target does.
type Follower struct {
	target  Target
	options Options
	ctx     context.Context // done, with a cause, when there is nothing left to do
	stop    context.CancelCauseFunc
	running sync.WaitGroup

	sinking sync.Mutex // held while sink is called
	sink    Sink

	mu      sync.Mutex // guards what follows
	newest  *moq.Session
	serving map[*moq.Session]int // subscriptions on each
	changed chan struct{}        // closed, and replaced, when one of these changes
}

// NewFollower returns a follower that waits for a session. The caller closes it.
func NewFollower(t Target, o Options, sink Sink) *Follower {
	if o.Retry == 0 {
		o.Retry = 500 * time.Millisecond
	}
	f := &Follower{target: t, options: o, sink: sink, serving: make(map[*moq.Session]int), changed: make(chan struct{})}
	f.ctx, f.stop = context.WithCancelCause(context.Background())
	f.running.Go(func() { f.stop(f.run()) })
	return f
}

// Close ends the follower and waits for its goroutines.
func (f *Follower) Close() {
	f.stop(nil)
	f.running.Wait()
}

// Use follows the target over s, which is newer than the sessions before it. It
// returns when ctx or the session is done, when leave is closed and all tracks
// have moved to a newer session, and when the follower ends: with the error of
// the Sink, or with Options.Once nil when the target has ended and the refusal
// when there is none.
func (f *Follower) Use(ctx context.Context, s *moq.Session, leave <-chan struct{}) error {
	f.change(func() { f.newest = s })
	leaving := false
	for {
		f.mu.Lock()
		changed, needed := f.changed, f.newest == s || f.serving[s] > 0
		f.mu.Unlock()
		if leaving && !needed {
			return nil
		}
		select {
		case <-leave:
			leave, leaving = nil, true
		case <-changed:
		case <-f.ctx.Done():
			if err := context.Cause(f.ctx); !errors.Is(err, errFinished) {
				return err
			}
			return nil
		case <-s.Context().Done():
			return context.Cause(s.Context())
		case <-ctx.Done():
			return nil
		}
	}
}

// change changes what mu guards.
func (f *Follower) change(how func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	how()
	close(f.changed)
	f.changed = make(chan struct{})
}

// serve counts subscriptions on a session.
func (f *Follower) serve(s *moq.Session, n int) {
	f.change(func() {
		if f.serving[s] += n; f.serving[s] == 0 {
			delete(f.serving, s)
		}
	})
}

// session returns the newest session, nil when that is over, and a channel that
// is closed when there may be another.
func (f *Follower) session() (*moq.Session, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.newest == nil || f.newest.Context().Err() != nil {
		return nil, f.changed
	}
	return f.newest, f.changed
}

// run follows the target until the follower is closed or there is nothing left
// to do, and says why.
func (f *Follower) run() error {
	log, waiting := f.options.Logger, false
	for {
		var err error
		if f.target.Track.Set {
			err = f.track(f.ctx, wire.FullTrackName{Namespace: f.target.Namespace, Name: f.target.Track.Value}, f.options.Join)
		} else {
			err = f.publication(f.target.Namespace)
		}
		switch {
		case f.ctx.Err() != nil:
			return context.Cause(f.ctx)
		case errors.Is(err, errGone):
			log.Warn("the publication has ended", "name", f.target.String(), "reason", err)
			if f.options.Once {
				return errFinished
			}
			waiting = true
		case errors.Is(err, &moq.RequestError{Code: wire.RequestDoesNotExist}):
			if f.options.Once {
				return fmt.Errorf("nobody publishes %s", f.target)
			}
			if !waiting {
				log.Warn("nobody publishes this yet, waiting", "name", f.target.String())
			}
			waiting = true
		case errors.Is(err, errAnew):
			log.Warn("the track begins anew", "name", f.target.String())
		default:
			return err
		}
		select {
		case <-time.After(f.options.Retry):
		case <-f.ctx.Done():
		}
	}
}

// track follows one track until it ends (errGone), is another one of the same
// name (errAnew), is refused, or ctx is done.
func (f *Follower) track(ctx context.Context, name wire.FullTrackName, join wire.Option[uint64]) error {
	return f.read(ctx, name, join, func(o *live.Object) error {
		f.sinking.Lock()
		defer f.sinking.Unlock()
		return f.sink(name, o)
	})
}

// publication follows the catalog of a namespace and the tracks it lists,
// until the catalog's track ends (errGone), or the follower does.
func (f *Follower) publication(ns wire.Namespace) error {
	ctx, cancel := context.WithCancel(f.ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	var mu sync.Mutex
	following := make(map[string]bool)
	catalog := wire.FullTrackName{Namespace: ns, Name: msf.TrackName}
	return f.read(ctx, catalog, wire.Some(uint64(0)), func(o *live.Object) error {
		if o.ID != 0 {
			return nil // a delta; full catalogs follow each other within seconds
		}
		c, err := msf.Parse(o.Payload())
		if err != nil {
			return fmt.Errorf("catalog of %s: %w", names.Namespace(ns), err)
		}
		for _, t := range c.Tracks {
			mu.Lock()
			known := following[t.Name]
			following[t.Name] = true
			mu.Unlock()
			if known {
				continue
			}
			running.Go(func() {
				// That it ended or was refused is for the next catalog to mend.
				_ = f.track(ctx, wire.FullTrackName{Namespace: ns, Name: t.Name}, f.options.Join)
				mu.Lock()
				delete(following, t.Name)
				mu.Unlock()
			})
		}
		return nil
	})
}
