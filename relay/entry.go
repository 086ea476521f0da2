package relay

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// trackEntry is a track in a relay: the live model that all its subscribers
// read, and the one subscription that fills it. Its goroutine (run) finds a
// publisher, subscribes, and finds another when that one is lost; it ends when
// the track ended, when nobody used it for Config.Linger, or with the relay.
type trackEntry struct {
	relay *Relay
	name  wire.FullTrackName
	live  *live.Track

	// Guarded by the relay's mu.
	users     int // subscribers and fetches
	published int // PUBLISH requests that fill it or are being answered
	idle      *time.Timer

	mu      sync.Mutex
	current *moq.Subscription    // that fills the track now; nil while there is none
	asking  *moq.Session         // who is being asked for the track
	askers  map[*moq.Session]int // who has it from here, or waits for it
	ready   chan struct{}        // closed once there was a subscription, or err is set
	settled bool
	err     error
	pushed  changes // moves when a PUBLISH began or ended

	fetching sync.Mutex
}

func newTrackEntry(r *Relay, name wire.FullTrackName) *trackEntry {
	e := &trackEntry{relay: r, name: name, live: r.newLiveTrack(name), ready: make(chan struct{}), pushed: newChanges(), askers: map[*moq.Session]int{}}
	e.idle = time.NewTimer(time.Hour)
	e.idle.Stop()
	return e
}

// wait blocks until the track is established or refused. A session that is
// itself being asked for the track cannot have it from here.
func (e *trackEntry) wait(ctx context.Context, asker *moq.Session) error {
	e.mu.Lock()
	circular := !e.settled && e.asking == asker
	e.mu.Unlock()
	if circular {
		return doesNotExist()
	}
	select {
	case <-e.ready:
		return e.err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.relay.ctx.Done():
		return errStopped
	}
}

func doesNotExist() error {
	return &moq.RequestError{Request: wire.MsgSubscribe, Code: wire.RequestDoesNotExist, Reason: "nobody publishes this track"}
}

// join notes that a session uses the track, leave that it no longer does.
func (e *trackEntry) join(s *moq.Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.askers[s]++
}

func (e *trackEntry) leave(s *moq.Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.askers[s]--; e.askers[s] == 0 {
		delete(e.askers, s)
	}
}

// has reports whether a session has the track from here.
func (e *trackEntry) has(s *moq.Session) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.askers[s] > 0
}

// settle answers those in wait; only the first call has an effect.
func (e *trackEntry) settle(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.settled {
		e.settled, e.err = true, err
		close(e.ready)
	}
}

// run is the life of the entry.
func (e *trackEntry) run() {
	r := e.relay
	log := r.log.With("track", e.name.String())
	var lost time.Time // when the publisher was lost; zero before there was one
	attempt := 0
	for {
		moved, pushed := r.publishes.wait(), e.pushed.wait()
		sub, err := e.acquire(!lost.IsZero())
		if err == nil {
			attempt = 0
			e.settle(nil)
			log.Debug("track established")
			if done := e.hold(sub); done != nil {
				e.end(*done)
				return
			}
			lost = time.Now()
			log.Info("publisher lost")
			continue
		}
		if e.live.Done() != nil {
			return
		}
		if lost.IsZero() && r.isPublished(e) {
			select {
			case <-pushed:
				continue
			case <-r.ctx.Done():
				e.settle(errStopped)
				return
			}
		}
		if lost.IsZero() {
			r.forget(e, false)
			e.settle(err)
			e.live.Close(wire.DoneTrackEnded, "the publisher is gone")
			return
		}
		if time.Since(lost) > r.config.RecoverFor {
			e.end(live.Done{Code: wire.DoneInternalError, Reason: "the publisher was lost"})
			return
		}
		attempt++
		select {
		case <-moved:
		case <-pushed:
		case <-time.After(time.Duration(min(attempt, 10))*50*time.Millisecond + rand.N(100*time.Millisecond)):
		case <-e.idle.C:
			if r.forget(e, true) {
				e.live.Close(wire.DoneSubscriptionEnded, "unused")
				return
			}
		case <-r.ctx.Done():
			e.settle(errStopped)
			return
		}
	}
}

// end closes the track for its subscribers.
func (e *trackEntry) end(d live.Done) {
	e.relay.forget(e, false)
	e.settle(errors.New(d.Reason))
	e.live.Close(d.Code, d.Reason)
}

// hold waits for the end of a subscription. It returns why the track is over,
// or nil when another publisher shall continue it.
func (e *trackEntry) hold(sub *moq.Subscription) *live.Done {
	for {
		select {
		case <-sub.Done():
			e.setCurrent(nil)
			d := sub.Result()
			if sub.Lost() || d.Code == wire.DoneGoingAway {
				return nil
			}
			return d
		case <-e.idle.C:
			if e.relay.forget(e, true) {
				e.setCurrent(nil)
				sub.Close()
				return &live.Done{Code: wire.DoneSubscriptionEnded, Reason: "unused"}
			}
		case <-e.relay.ctx.Done():
			return &live.Done{Code: wire.DoneGoingAway, Reason: "the relay is stopping"}
		}
	}
}

func (e *trackEntry) setCurrent(sub *moq.Subscription) {
	e.mu.Lock()
	e.current = sub
	e.mu.Unlock()
}

func (e *trackEntry) setAsking(s *moq.Session) {
	e.mu.Lock()
	e.asking = s
	e.mu.Unlock()
}

// filling returns the subscription that fills the track now, nil when there is none.
func (e *trackEntry) filling() *moq.Subscription {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.current
}

// acquire subscribes to the track at the first publisher that has it. again
// says that the track was had before, so what was missed is fetched.
func (e *trackEntry) acquire(again bool) (*moq.Subscription, error) {
	if sub := e.filling(); sub != nil && sub.Result() == nil {
		return sub, nil // a PUBLISH fills it
	}
	var failed error
	for _, s := range e.relay.sources(e.name.Namespace) {
		if e.relay.isParent(s) && e.has(s) {
			continue // two relays would feed each other for ever
		}
		e.setAsking(s)
		sub, err := e.subscribe(s, again)
		for attempt := 0; errors.Is(err, &moq.RequestError{Code: wire.RequestDuplicateSubscription}) && attempt < 10; attempt++ {
			// A subscription that was just given up is not yet forgotten there.
			select {
			case <-time.After(50 * time.Millisecond):
			case <-e.relay.ctx.Done():
			}
			sub, err = e.subscribe(s, again)
		}
		e.setAsking(nil)
		if err == nil {
			e.setCurrent(sub)
			return sub, nil
		}
		if failed == nil || errors.Is(failed, &moq.RequestError{Code: wire.RequestDoesNotExist}) {
			failed = err
		}
	}
	if failed == nil {
		failed = doesNotExist()
	}
	return nil, failed
}

// maxRefill is how many groups are fetched after a loss; a longer gap is skipped.
const maxRefill = 5

// subscribe asks one publisher.
func (e *trackEntry) subscribe(s *moq.Session, again bool) (*moq.Subscription, error) {
	ctx, cancel := context.WithTimeoutCause(e.relay.ctx, e.relay.config.RequestTimeout, errors.New("the publisher did not answer in time"))
	defer cancel()
	o := moq.SubscribeOptions{Into: e.live}
	if !again {
		o.JoinGroups = wire.Some(uint64(0))
		return s.Subscribe(ctx, e.name, o)
	}
	had, _ := e.live.Largest()
	var missing live.Range
	o.Established = func(m live.Range) {
		if m.Empty() || m.To.Group-m.From.Group > maxRefill {
			e.live.Forget(m)
			return
		}
		missing = m
		e.live.ExpectFill(m)
	}
	sub, err := s.Subscribe(ctx, e.name, o)
	if err != nil {
		return nil, err
	}
	if l, ok := sub.Largest(); !ok || l.Less(had) {
		sub.Close() // moqt-18 §2.4.3: it numbers its groups anew, so this is another track
		e.live.EndFill(missing, false)
		e.end(live.Done{Code: wire.DoneTrackEnded, Reason: "the publisher began anew"})
		return nil, fmt.Errorf("publisher of %s began anew", e.name)
	}
	if missing.Empty() {
		e.live.Settle(had.Group)
		return sub, nil
	}
	last := missing.To
	last.Object-- // a range from Established ends behind an object
	fetch := s.Fetch(moq.FetchOptions{Into: e.live, First: missing.From, Last: last})
	e.relay.tasks.Go(func() {
		<-fetch.Done()
		e.live.Settle(missing.To.Group)
	})
	return sub, nil
}

// backfill has the parts of r that the track cannot speak for fetched from its
// publisher, once for any number of askers.
func (e *trackEntry) backfill(r live.Range) {
	sub := e.filling()
	if sub == nil {
		return
	}
	e.fetching.Lock() // so that two askers do not both see it missing
	defer e.fetching.Unlock()
	for _, u := range e.live.Missing(r) {
		last := u.To
		if last.Object == 0 {
			last = wire.Location{Group: last.Group - 1, Object: ^uint64(0)}
		} else {
			last.Object--
		}
		sub.Session().Fetch(moq.FetchOptions{Into: e.live, First: u.From, Last: last})
	}
}

// isParent reports whether s is the session with the parent.
func (r *Relay) isParent(s *moq.Session) bool {
	return r.parent != nil && r.parent.session(0) == s
}

// parentPatience is how long a track waits for a parent that is not connected.
const parentPatience = 2 * time.Second

// sources are the sessions a track can be had from: those that announced its
// namespace here, then the parent.
func (r *Relay) sources(ns wire.Namespace) []*moq.Session {
	out := r.local.Match(ns)
	if r.parent != nil {
		patience := time.Duration(0)
		if len(out) == 0 {
			patience = parentPatience
		}
		if s := r.parent.session(patience); s != nil {
			out = append(out, s)
		}
	}
	return out
}
