package main

import (
	"context"
	"fmt"
	"math"
	"strings"
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
	groups map[uint64]uint64 // which objects came of each group, a bit for each
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

// watch notes what comes until ctx is done; an error says that something is wrong,
// such as that the session or the subscription has ended.
func (v *viewer) watch(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var ends sync.WaitGroup
	defer ends.Wait()
	ends.Go(func() { cancel(v.ended(ctx)) })
	defer v.session.Wait()
	defer v.session.Close(wire.SessionNoError, "")
	r := v.track.NewReader(wire.Location{})
	defer r.Close()
	for {
		o, err := r.Next(ctx)
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

// ended waits until the session or the subscription ends, or ctx is done.
func (v *viewer) ended(ctx context.Context) error {
	select {
	case <-v.session.Context().Done():
		return fmt.Errorf("the session of one who stays was closed: %w", context.Cause(v.session.Context()))
	case <-v.sub.Done():
		d := v.sub.Result()
		return fmt.Errorf("the subscription of one who stays was ended: %s %q", d.Code, d.Reason)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
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

// missing says what of the groups up to the last did not come; of many groups, of
// some and how many.
func (v *viewer) missing(last uint64) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.first > last {
		return "everything"
	}
	var parts []string
	n := 0
	for g := v.first; g <= last; g++ {
		if got := v.groups[g]; got != 1<<soakGroup-1 {
			if n++; n <= 5 {
				parts = append(parts, fmt.Sprintf("of group %d the objects %0*b came", g, soakGroup, got))
			}
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d groups of %d to %d: %s", n, v.first, last, strings.Join(parts, ", "))
}
