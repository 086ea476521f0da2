package main

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// viewer is a subscriber that stays, and notes what it gets.
type viewer struct {
	over    string
	session *moq.Session
	sub     *moq.Subscription
	track   *live.Track

	at chan struct{} // holds one: something came

	mu     sync.Mutex
	first  uint64            // the first whole group that it is owed
	groups map[uint64]uint64 // which objects came of each group, a bit for each; whole ones below first are forgotten
	bad    error
}

func newViewer(over string) *viewer {
	return &viewer{over: over, at: make(chan struct{}, 1), first: math.MaxUint64, groups: map[uint64]uint64{}}
}

// join subscribes from the next group on.
func (v *viewer) join(l *soakLoad, name wire.FullTrackName) error {
	var err error
	if v.session, err = l.session(1, v.over, nil, nil); err != nil {
		return err
	}
	v.track = live.NewTrack(name, live.Options{RetainGroups: 60})
	ctx, cancel := context.WithTimeout(l.ctx, 10*time.Second)
	defer cancel()
	v.sub, err = v.session.Subscribe(ctx, name, moq.SubscribeOptions{Into: v.track, Params: wire.Parameters{
		RendezvousTimeout: wire.Some(5 * time.Second), Filter: wire.Some(wire.Filter{Type: wire.FilterNextGroup}),
	}})
	return err
}

// watch notes what comes until ctx is done; an error says that something is wrong.
func (v *viewer) watch(ctx context.Context) error {
	defer v.session.Wait()
	defer v.session.Close(wire.SessionNoError, "")
	r := v.track.NewReader(wire.Location{})
	defer r.Close()
	for {
		o, err := v.next(ctx, r)
		if err != nil {
			return err
		}
		if err := v.note(o); err != nil {
			return err
		}
		select {
		case v.at <- struct{}{}:
		default:
		}
	}
}

// next reads an object; the track ends with the subscription and that with the session.
func (v *viewer) next(ctx context.Context, r *live.Reader) (*live.Object, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(v.session.Context(), func() {
		cancel(fmt.Errorf("the session of one who stays was closed: %w", context.Cause(v.session.Context())))
	})()
	o, err := r.Next(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return o, err
}

func (v *viewer) note(o *live.Object) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.first = min(v.first, o.Group)
	bit := uint64(1) << o.ID
	switch {
	case o.ID >= soakGroup || o.Size != soakObject:
		return fmt.Errorf("got object %s of %d bytes, which nobody published", o.Location(), o.Size)
	case v.groups[o.Group]&bit != 0:
		return fmt.Errorf("got object %s twice", o.Location())
	}
	v.groups[o.Group] |= bit
	return nil
}

// complete waits until all groups up to the last are there, and counts them.
func (v *viewer) complete(ctx context.Context, last uint64) (uint64, error) {
	for {
		missing := v.missing(last)
		if missing == "" {
			return last - v.first + 1, nil
		}
		select {
		case <-v.at:
		case <-ctx.Done():
			return 0, fmt.Errorf("%w: %s", context.Cause(ctx), missing)
		}
	}
}

// missing says what of the groups up to the last did not come.
func (v *viewer) missing(last uint64) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.first > last {
		return "everything"
	}
	for g := v.first; g <= last; g++ {
		if got := v.groups[g]; got != 1<<soakGroup-1 {
			return fmt.Sprintf("of group %d (%d to %d) the objects %0*b came", g, v.first, last, soakGroup, got)
		}
	}
	return ""
}
