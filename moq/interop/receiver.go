package interop

import (
	"context"
	"errors"
	"fmt"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// receiver takes the objects of a subscription.
type receiver struct {
	run    *run
	role   string
	sub    *moq.Subscription
	track  *live.Track
	reader *live.Reader
	got    []object        // in order of arrival within a subgroup, by group over subgroups
	ctx    context.Context // done with the case, or when the joining FETCH failed
}

// into makes a track that keeps all that arrives, with the order of arrival.
func (r *run) into(name wire.FullTrackName) *live.Track {
	options := keep
	options.Now = r.clock.now
	t := live.NewTrack(name, options)
	r.undo = append(r.undo, func() { t.Close(wire.DoneInternalError, "the case is over") })
	return t
}

// subscribe asks for a track.
func (r *run) subscribe(role string, s *moq.Session, name wire.FullTrackName, o moq.SubscribeOptions) (*receiver, error) {
	o.Into = r.into(name)
	r.await("%sSUBSCRIBE_OK for track %q", of(role), name.Name)
	sub, err := s.Subscribe(r.ctx, name, o)
	if err != nil {
		return nil, err
	}
	v := &receiver{run: r, role: role, sub: sub, track: o.Into, reader: o.Into.NewReader(wire.Location{})}
	over := make(chan struct{})
	var fail context.CancelCauseFunc
	v.ctx, fail = context.WithCancelCause(r.ctx)
	go func() {
		defer close(over)
		if join := sub.Join(); join != nil {
			<-join.Done()
			if err := join.Err(); err != nil {
				fail(err)
			}
		}
		<-sub.Done()
		d := sub.Result()
		o.Into.Close(d.Code, d.Reason)
	}()
	r.undo = append(r.undo, func() {
		sub.Close()
		<-over
		fail(nil)
		v.reader.Close()
	})
	return v, nil
}

// Once all that was wanted has come, more is looked for until the publisher
// ends the subscription, but no longer than grace.
const grace = 300 * time.Millisecond

var errQuiet = errors.New("nothing more comes")

// collect takes objects until all that are wanted have come and the
// subscription is over or quiet, or until the time of the case is over. It
// fails when a joining FETCH does.
func (v *receiver) collect(want []object) error { return v.read(want, true) }

// take is collect that does not look for more than what is wanted.
func (v *receiver) take(want []object) error { return v.read(want, false) }

func (v *receiver) read(want []object, more bool) error {
	v.run.await("%s%d objects of track %q", of(v.role), len(want), v.track.Name().Name)
	missing := map[wire.Location]struct{}{}
	for _, o := range want {
		missing[o.location()] = struct{}{}
	}
	for _, o := range v.got {
		delete(missing, o.location())
	}
	ctx := v.ctx
	for more || len(missing) > 0 {
		if len(missing) == 0 && ctx == v.ctx {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, grace, errQuiet)
			defer cancel()
		}
		o, err := v.reader.Next(ctx)
		if err != nil {
			return v.ended(err, len(missing))
		}
		v.got = append(v.got, arrived(o))
		delete(missing, o.Location())
	}
	return nil
}

// ended judges why no more objects came.
func (v *receiver) ended(err error, missing int) error {
	switch {
	case missing == 0:
		return nil
	case errors.Is(err, live.ErrClosed):
		d := v.sub.Result()
		v.run.step(fmt.Sprintf("%sthe subscription ended with %s %q, %d objects are missing", of(v.role), d.Code, d.Reason, missing))
		return nil // compare tells what is missing
	case errors.Is(err, errTimeout):
		v.run.step(fmt.Sprintf("%s%d objects did not come in time", of(v.role), missing))
		return nil
	}
	return err
}

// check compares what was collected with what was published.
func (v *receiver) check(want []object) error {
	return v.run.same(of(v.role), want, v.got)
}

// same compares two sets of objects.
func (r *run) same(who string, want, got []object) error {
	list := compare(want, got)
	if len(list) == 0 {
		return nil
	}
	return &failure{
		expected: fmt.Sprintf("%d objects as they were published", len(want)),
		received: fmt.Sprintf("%d objects", len(got)), differences: list,
		message: who + list[0],
	}
}

// done waits until the subscription is over and says how the relay ended it.
func (v *receiver) done() (live.Done, error) {
	v.run.await("%sPUBLISH_DONE for track %q", of(v.role), v.track.Name().Name)
	select {
	case <-v.sub.Done():
		return *v.sub.Result(), nil
	case <-v.run.ctx.Done():
		return live.Done{}, context.Cause(v.run.ctx)
	}
}
