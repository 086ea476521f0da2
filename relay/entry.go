package relay

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// trackEntry is a track in a relay: the live model that all its subscribers
// read, and the subscriptions that fill it, one at each publisher (moqt-18
// §9.3). Its goroutine (run) finds publishers, and others when those are lost;
// it ends when the last publisher ended the track, when nobody used it for
// Config.Linger, or with the relay.
type trackEntry struct {
	relay   *Relay
	name    wire.FullTrackName
	live    *live.Track
	resumed bool // what is kept is from before: nobody used the track for a while

	// Guarded by the relay's mu.
	users     int // uses
	published int // PUBLISH requests that fill it or are being answered
	idle      *time.Timer

	wake    chan struct{} // holds one: there is something for run to look at
	ready   chan struct{} // closed once there was a subscription, or err is set
	changed changes       // moves when a publisher was found, and at the end

	mu       sync.Mutex // guards all below
	uses     map[*use]struct{}
	feeds    []*feed // those that are asked included
	refused  map[source]refusal
	reason   error // the refusal that says most
	settled  bool
	err      error
	had      bool                       // there was a subscription
	first    wire.Option[wire.Location] // the largest location when there first was one
	stranded bool                       // nobody supplies it: relays below are told
	over     bool                       // the entry ended
	ended    *live.Done                 // how the publisher that left last ended the track; nil when it was lost
	lost     time.Time                  // when the last publisher was lost
	torn     bool                       // it was sending then
	attempt  int                        // of finding another
	next     time.Time                  // when that is made; zero: it is not decided
	groups   newGroups
	sent     delivered // of subscriptions that are over

	steering chan struct{} // has one element while forward states are changed
	fetching sync.Mutex    // held while it is decided what to fetch; taken before mu
}

// refusal is why a session does not provide the track.
type refusal struct {
	err   error
	again time.Time // when it may be asked again; zero: when it announces the namespace again
}

func newTrackEntry(r *Relay, name wire.FullTrackName) *trackEntry {
	t, resumed := r.liveTrack(name)
	e := &trackEntry{
		relay: r, name: name, live: t, resumed: resumed, wake: make(chan struct{}, 1), ready: make(chan struct{}), changed: newChanges(),
		uses: map[*use]struct{}{}, refused: map[source]refusal{}, steering: make(chan struct{}, 1),
	}
	e.idle = time.NewTimer(time.Hour)
	e.idle.Stop()
	return e
}

// poke has run look again.
func (e *trackEntry) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// join notes a user of the track, leave that it no longer is one.
func (e *trackEntry) join(u *use, group wire.Option[uint64]) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.uses[u] = struct{}{}
	if group.Set && len(e.providers()) == 0 {
		e.groups.ask(group.Value)
	}
	e.poke()
}

func (e *trackEntry) leave(u *use) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, there := e.uses[u]; there && u.sent != nil {
		e.sent.add(u.sent())
	}
	delete(e.uses, u)
	e.poke()
}

// has reports whether a session has the track from here. The caller holds mu.
func (e *trackEntry) has(s *moq.Session) bool {
	for u := range e.uses {
		if u.session == s {
			return true
		}
	}
	return false
}

// isReady reports whether the track is established or refused.
func (e *trackEntry) isReady() bool {
	select {
	case <-e.ready:
		return true
	default:
		return false
	}
}

// began is the largest location that there was when the track was established: who
// waited for that misses nothing of what came since.
func (e *trackEntry) began() wire.Option[wire.Location] {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.first
}

// wait blocks until the track is established or refused. A relay gets only
// what others than itself provide: two relays would feed each other for ever. One
// that subscribes may wait for them, when the track was had (present).
func (e *trackEntry) wait(ctx context.Context, u *use) error {
	from := e.relay.links.of(u.session)
	if from != nil && e.isBorrowed(from) {
		return doesNotExist()
	}
	select {
	case <-e.ready:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.relay.ctx.Done():
		return errStopped
	}
	if e.err == nil && from != nil && (e.isBorrowed(from) || u.request == nil && !e.isProvided(from)) {
		return doesNotExist()
	}
	return e.err
}

// present waits until a publisher provides the track, when all were lost: there
// is no SUBSCRIBE_OK without one (moqt-18 §9.4). A relay needs one that is not itself
// and can be relied on: it may be asking others as well. Who was there before the
// track came has had its publisher, even if the track has ended by now.
func (e *trackEntry) present(ctx context.Context, u *use) error {
	from := e.relay.links.of(u.session)
	patience := time.NewTimer(e.relay.config.RequestTimeout / 2)
	defer patience.Stop()
	for {
		changed := e.changed.wait()
		e.mu.Lock()
		there, over := slices.ContainsFunc(e.providers(), func(f *feed) bool { return from == nil || f.link != from && f.isSound() }), e.over
		e.mu.Unlock()
		switch {
		case there, over && u.early && (from == nil || !e.isBorrowed(from)):
			return nil
		case over, from != nil && e.isBorrowed(from):
			return doesNotExist()
		}
		select {
		case <-changed:
		case <-patience.C:
			return &moq.RequestError{Request: wire.MsgSubscribe, Code: wire.RequestTimeout, Reason: "the publisher was lost", Retry: wire.Some(time.Second)}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func doesNotExist() error {
	return &moq.RequestError{Request: wire.MsgSubscribe, Code: wire.RequestDoesNotExist, Reason: "nobody publishes this track"}
}

// settle answers those in wait; only the first call has an effect. The caller holds mu.
func (e *trackEntry) settle(err error) {
	if !e.settled {
		e.settled, e.err = true, err
		close(e.ready)
	}
}

// run is the life of the entry.
func (e *trackEntry) run() {
	r := e.relay
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	for !e.isOver() {
		e.seek()
		v := e.judge(r.isPublished(e))
		switch {
		case v.end != nil:
			e.end(*v.end, nil)
			return
		case v.refuse != nil:
			e.end(live.Done{Code: wire.DoneTrackEnded, Reason: "the publisher is gone"}, v.refuse)
			return
		case v.retry > 0:
			retry.Reset(v.retry)
		default:
			retry.Stop()
		}
		e.warn()
		if e.misled() != nil {
			r.tasks.Go(func() { e.steer(r.ctx) })
		}
		select {
		case <-e.wake:
		case <-retry.C:
			e.forgive()
		case <-e.idle.C:
			if r.forget(e, true) {
				e.rest()
				return
			}
		case <-r.ctx.Done():
			e.end(live.Done{Code: wire.DoneGoingAway, Reason: "the relay is stopping"}, errStopped)
			return
		}
	}
}

// verdict is what becomes of an entry; a zero one means to wait.
type verdict struct {
	end    *live.Done
	refuse error         // there never was a publisher
	retry  time.Duration // look for publishers again after this
}

// judge decides what becomes of the entry.
func (e *trackEntry) judge(published bool) verdict {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.isStranded():
		return verdict{retry: e.respite()}
	case len(e.feeds) > 0:
		return verdict{retry: e.nextAttempt()}
	case !e.had && published:
		return verdict{}
	case !e.had && e.reason != nil:
		return verdict{refuse: e.reason}
	case !e.had:
		return verdict{refuse: doesNotExist()}
	case e.ended != nil:
		return verdict{end: e.ended}
	case e.beganAnew():
		return verdict{end: &live.Done{Code: wire.DoneTrackEnded, Reason: errAnew.Error()}}
	case time.Since(e.lost) > e.relay.config.RecoverFor:
		return verdict{end: &live.Done{Code: wire.DoneInternalError, Reason: "the publisher was lost"}}
	}
	e.lend()
	return verdict{retry: e.respite()}
}

// respite is how long until another publisher is looked for. The caller holds mu.
func (e *trackEntry) respite() time.Duration {
	if e.next.IsZero() { // it stays, however often run looks
		e.attempt++
		e.next = time.Now().Add(time.Duration(min(e.attempt, 10))*50*time.Millisecond + rand.N(100*time.Millisecond))
	}
	return max(time.Until(e.next), 1)
}

// nextAttempt is how long until a publisher that refused may be asked again; 0
// when none may. The caller holds mu.
func (e *trackEntry) nextAttempt() time.Duration {
	next := time.Duration(0)
	for _, x := range e.refused {
		if wait := time.Until(x.again); wait > 0 && (next == 0 || wait < next) {
			next = wait
		}
	}
	return next
}

// forgive lets publishers that refused be asked again when there is no other:
// a lost track is asked for until Config.RecoverFor is over, although a refusal
// without a Retry Interval speaks against it (moqt-18 §10.6.2).
func (e *trackEntry) forgive() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next = time.Time{}
	if len(e.feeds) == 0 || e.isStranded() {
		clear(e.refused)
		e.reason = nil
	}
}

// reconsider has a publisher or a link asked that announced the track's namespace.
func (e *trackEntry) reconsider(s source) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.refused, s)
	e.poke()
}

// beganAnew reports whether a publisher numbers its groups anew. The caller holds mu.
func (e *trackEntry) beganAnew() bool {
	for _, x := range e.refused {
		if x.err == errAnew {
			return true
		}
	}
	return false
}

// end closes the track for its subscribers and gives up its publishers; err,
// when there is one, is the answer for those who still wait for the track.
func (e *trackEntry) end(d live.Done, err error) {
	e.relay.forget(e, false)
	if err == nil {
		err = &moq.RequestError{Request: wire.MsgSubscribe, Code: wire.RequestDoesNotExist, Reason: d.Reason}
	}
	e.quit(err)
	e.live.Close(d.Code, d.Reason)
	e.relay.cache.Release(e.live)
	e.changed.announce()
	e.poke()
}

// rest ends an entry that nobody uses. What is kept of the track stays for a while,
// for who asks for it next (cache.Cache.Rest).
func (e *trackEntry) rest() {
	e.quit(doesNotExist())
	e.relay.cache.Rest(e.live)
	e.changed.announce()
}

// quit has the entry be over and gives up its publishers; err is the answer for
// those who wait for the track.
func (e *trackEntry) quit(err error) {
	e.mu.Lock()
	e.over = true
	e.settle(err)
	feeds := e.feeds
	e.feeds = nil
	e.mu.Unlock()
	for _, f := range feeds {
		f.close()
	}
}

// isOver reports whether the entry ended: nothing can be published into it.
func (e *trackEntry) isOver() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.over
}
