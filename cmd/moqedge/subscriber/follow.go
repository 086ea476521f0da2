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

// Sink gets every object. Calls do not overlap. An error ends Follow.
type Sink func(track wire.FullTrackName, o *live.Object) error

// Options of Follow.
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

// Follow reads the target from a session until ctx or the session is done, or
// the Sink returns an error, which it then returns. With Options.Once it also
// ends with the target: nil when that has ended, the refusal otherwise.
func Follow(ctx context.Context, s *moq.Session, t Target, o Options, sink Sink) error {
	f := &follower{session: s, options: o, sink: sink}
	if o.Retry == 0 {
		f.options.Retry = 500 * time.Millisecond
	}
	waiting := false
	for {
		var err error
		if t.Track.Set {
			err = f.track(ctx, wire.FullTrackName{Namespace: t.Namespace, Name: t.Track.Value}, o.Join)
		} else {
			err = f.publication(ctx, t.Namespace)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case s.Context().Err() != nil:
			return context.Cause(s.Context())
		case errors.Is(err, errGone):
			o.Logger.Warn("the publication has ended", "name", t.String(), "reason", err)
			if o.Once {
				return nil
			}
			waiting = true
		case errors.Is(err, &moq.RequestError{Code: wire.RequestDoesNotExist}):
			if o.Once {
				return fmt.Errorf("nobody publishes %s", t)
			}
			if !waiting {
				o.Logger.Warn("nobody publishes this yet, waiting", "name", t.String())
			}
			waiting = true
		default:
			return err
		}
		select {
		case <-time.After(f.options.Retry):
		case <-ctx.Done():
			return nil
		}
	}
}

// follower is one Follow.
type follower struct {
	session *moq.Session
	options Options

	mu   sync.Mutex // held while sink is called
	sink Sink
}

// track follows one track until it ends (errGone), or ctx is done.
func (f *follower) track(ctx context.Context, name wire.FullTrackName, join wire.Option[uint64]) error {
	return f.read(ctx, name, join, func(o *live.Object) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.sink(name, o)
	})
}

func (f *follower) read(ctx context.Context, name wire.FullTrackName, join wire.Option[uint64], each func(*live.Object) error) error {
	sub, err := f.session.Subscribe(ctx, name, moq.SubscribeOptions{JoinGroups: join})
	if err != nil {
		return err
	}
	defer sub.Close()
	reader := sub.Track().NewReader(wire.Location{})
	defer reader.Close()
	for {
		o, err := reader.Next(ctx)
		if errors.Is(err, live.ErrClosed) {
			return gone(sub.Track().Done())
		}
		if err != nil {
			return err
		}
		if err := each(o); err != nil {
			return err
		}
	}
}

func gone(d *live.Done) error {
	if d == nil {
		return errGone
	}
	return fmt.Errorf("%w: %s %q", errGone, d.Code, d.Reason)
}

// publication follows the catalog of a namespace and the tracks it lists,
// until the catalog's track ends (errGone), or ctx is done.
func (f *follower) publication(ctx context.Context, ns wire.Namespace) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel(nil)
	var mu sync.Mutex
	following := make(map[string]bool)
	catalog := wire.FullTrackName{Namespace: ns, Name: msf.TrackName}
	err := f.read(ctx, catalog, wire.Some(uint64(0)), func(o *live.Object) error {
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
				err := f.track(ctx, wire.FullTrackName{Namespace: ns, Name: t.Name}, f.options.Join)
				mu.Lock()
				delete(following, t.Name) // the next catalog may bring it back
				mu.Unlock()
				if refused := new(moq.RequestError); err != nil && !errors.Is(err, errGone) && !errors.As(err, &refused) {
					cancel(err)
				}
			})
		}
		return nil
	})
	if ctx.Err() != nil && context.Cause(ctx) != nil {
		return context.Cause(ctx)
	}
	return err
}
