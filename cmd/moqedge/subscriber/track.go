package subscriber

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

const (
	// keep is how long objects are remembered, so that those which a later
	// session brings again are known.
	keep = 20 * time.Second
	// recoverFor is how long a track that was lost may be refused: the relay
	// that is asked next may not have found it yet.
	recoverFor = 30 * time.Second
	// handover is how long a subscription goes on after another took its
	// place, so that streams under way come to their end.
	handover = 2 * time.Second
	// maxRefill is how many groups are fetched after a loss.
	maxRefill = 1024
)

// errAnew says that a track is not the one that was had under its name.
var errAnew = errors.New("the track has other groups than before")

// reading is one track, from its first subscription to its end.
type reading struct {
	follower *Follower
	track    *live.Track
	join     wire.Option[uint64]
	ctx      context.Context
	tasks    sync.WaitGroup // refills

	// What follows is used by the goroutine of run alone.
	had   bool              // there was a subscription before
	sub   *moq.Subscription // nil: none
	asked *moq.Session      // that has answered for good
	lost  time.Time         // since when there is no subscription
}

// read subscribes to a track, on one session after another, and gives its
// objects to each. An error of each ends the follower.
func (f *Follower) read(ctx context.Context, name wire.FullTrackName, join wire.Option[uint64], each func(*live.Object) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &reading{
		follower: f, join: join, ctx: ctx,
		track: live.NewTrack(name, live.Options{Recover: true, RetainFor: keep}),
	}
	reader := r.track.NewReader(wire.Location{})
	var objects sync.WaitGroup
	objects.Go(func() {
		defer reader.Close()
		for {
			o, err := reader.Next(f.ctx)
			if err == nil {
				err = each(o)
			}
			if err != nil {
				if !errors.Is(err, live.ErrClosed) {
					f.stop(err)
				}
				return
			}
		}
	})
	err := r.run()
	cancel()
	r.tasks.Wait()
	r.track.Close(wire.DoneTrackEnded, "") // the reader ends when it has read the rest
	objects.Wait()
	return err
}

// run keeps a subscription on the newest session.
func (r *reading) run() error {
	f := r.follower
	defer func() { r.replace(nil) }()
	for {
		s, changed := f.session()
		var again <-chan time.Time
		if s != nil && s != r.asked {
			err := r.subscribe(s)
			switch {
			case r.ctx.Err() != nil:
				return r.ctx.Err()
			case err == nil:
				r.asked = s
			case s.Context().Err() != nil, errors.Is(err, moq.ErrGoaway):
				r.asked = s // the next session is waited for
			case r.sub == nil && (!r.had || errors.Is(err, errAnew) || time.Since(r.lost) > recoverFor):
				return err
			default:
				again = time.After(f.options.Retry)
			}
		}
		var ended <-chan struct{}
		if r.sub != nil {
			ended = r.sub.Done()
		}
		select {
		case <-ended:
			d := r.sub.Result()
			if !r.sub.Lost() && d.Code != wire.DoneGoingAway {
				return gone(d)
			}
			from := r.sub.Session()
			r.lost = time.Now()
			r.replace(nil)
			if from.Context().Err() != nil {
				from.Wait() // what it was writing is left by now
				continue
			}
			if r.asked == from { // it may have it again soon
				r.asked = nil
			}
			select {
			case <-time.After(f.options.Retry):
			case <-r.ctx.Done():
			}
		case <-changed:
		case <-again:
		case <-r.ctx.Done():
			return r.ctx.Err()
		}
	}
}

func gone(d *live.Done) error {
	if d == nil {
		return errGone
	}
	return fmt.Errorf("%w: %s %q", errGone, d.Code, d.Reason)
}

// subscribe asks a session for the track and, when it has it, puts that in the
// place of what there was. What lies between that and the beginning of this
// subscription is fetched.
func (r *reading) subscribe(s *moq.Session) error {
	had, any := r.track.Largest()
	var missing live.Range
	again, alone := r.had, r.sub == nil
	o := moq.SubscribeOptions{Into: r.track, Established: func(m live.Range) {
		if l, any := r.track.Largest(); !alone && any && m.From.Less(l.Next()) {
			m.From = l.Next() // the subscription before brings that
		}
		switch {
		case m.Empty():
		case !again, m.To.Group-m.From.Group > maxRefill:
			r.track.Forget(m)
		default:
			missing = m
			r.track.ExpectFill(m)
		}
	}}
	if !again {
		o.JoinGroups = r.join
	}
	sub, err := s.Subscribe(r.ctx, r.track.Name(), o)
	if err != nil {
		return err
	}
	l, some := sub.Largest()
	if _, kept := r.track.Size(); again && any && some && l.Group < had.Group && had.Group-l.Group > uint64(kept) {
		sub.Close()
		r.track.EndFill(missing, false)
		return errAnew
	}
	r.had = true
	r.replace(sub)
	r.tasks.Go(func() { r.refill(s, missing, l, alone && again) })
	return nil
}

// replace ends a subscription for another, which has begun, or for none. Its
// session serves it for a while, so that streams under way come to their end.
func (r *reading) replace(sub *moq.Subscription) {
	old := r.sub
	r.sub = sub
	if sub != nil {
		r.follower.serve(sub.Session(), 1)
	}
	if old == nil {
		return
	}
	leave := func() {
		old.Close()
		r.follower.serve(old.Session(), -1)
	}
	if sub == nil {
		leave()
		return
	}
	r.tasks.Go(func() {
		select {
		case <-time.After(handover):
		case <-old.Done():
		case <-r.ctx.Done():
		}
		leave()
		upTo, _ := r.track.Largest()
		r.refill(sub.Session(), live.Range{}, upTo, true)
	})
}

// refill fetches what is missing of the track from a session that has it up to
// a location, and with alone also the rest of what was interrupted.
func (r *reading) refill(s *moq.Session, missing live.Range, upTo wire.Location, alone bool) {
	var parts []live.Range
	if alone {
		for _, p := range r.track.Interrupted() {
			switch {
			case upTo.Less(p.From), upTo.Group-p.From.Group > maxRefill:
			case !missing.Empty() && !p.To.Less(missing.From): // it goes on there
				missing.From = least(p.From, missing.From)
			default:
				parts = append(parts, p)
			}
		}
	}
	if !missing.Empty() {
		parts = append(parts, missing)
	}
	var all []*moq.Fetch
	for _, p := range parts {
		all = append(all, s.Fetch(moq.FetchOptions{Into: r.track, First: p.From, Last: last(p)}))
	}
	for _, x := range all {
		select {
		case <-x.Done():
		case <-r.ctx.Done():
			x.Close()
		}
	}
	if alone {
		r.track.Settle(upTo.Group)
	}
}

func least(a, b wire.Location) wire.Location {
	if b.Less(a) {
		return b
	}
	return a
}

// last is the last location of a range, that of its group when it ends with one.
func last(r live.Range) wire.Location {
	if r.To.Object > 0 {
		return wire.Location{Group: r.To.Group, Object: r.To.Object - 1}
	}
	return wire.Location{Group: r.To.Group - 1, Object: math.MaxUint64}
}
