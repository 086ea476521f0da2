package relay

import (
	"moqedge/moq"
	"moqedge/moq/deliver"
	"moqedge/moq/wire"
	"sync"
)

// use is one user of a track entry: a subscription, a fetch or a status
// request of a session. It is ended by release.
type use struct {
	entry    *trackEntry
	session  *moq.Session
	path     []string            // relays that depend on it; none when the session is not with a relay
	request  answerable          // nil when it is no subscription
	sent     func() deliver.Sent // of a subscription that is served, else nil; guarded by the entry's mu
	span     Span                // of the request; nil: it is not followed
	early    bool                // it was there before the track was established, or refused
	stay     func()              // ends what keeps the track from being forgotten before it is read
	accepted bool                // the request was answered; guarded by the entry's mu
	wants    bool                // it wants objects; guarded by the entry's mu, as what follows

	stranded bool // it was told last that nobody supplies the track
	telling  bool // it is being told, or cannot be

	groupsMu sync.Mutex
	groups   []uint64 // NEW_GROUP_REQUESTs to be asked for, in their order
	asking   bool     // a goroutine does
}

// TrackChanged implements live.Listener: who waits for a track is among its listeners
// until it is answered. Else a track that came and ended meanwhile would have none,
// and be forgotten (cache.Cache.Release).
func (*use) TrackChanged() {}

// answerable is a request that the relay can end, and tell of its track:
// *moq.SubscribeRequest.
type answerable interface {
	End(code wire.PublishDoneCode, reason string)
	Supply(stranded bool) error
}

// accept notes that the request is about to be answered.
func (u *use) accept() {
	u.entry.mu.Lock()
	defer u.entry.mu.Unlock()
	u.accepted = true
}

// use counts a user of a track, whose entry is made when it is missing. The caller
// calls u.stay when it reads the track, or has no use for it, and releases u.
// group is its NEW_GROUP_REQUEST, for subscriptions that are not made yet.
func (r *Relay) use(name wire.FullTrackName, u *use, group wire.Option[uint64]) *use {
	if r.count(name, u, group) {
		u.entry.seek() // before run: who waits for the track waits for one goroutine less
		r.tasks.Go(u.entry.run)
	}
	return u
}

// count is use without asking for the track. When it reports that the entry was made,
// the caller has that run.
func (r *Relay) count(name wire.FullTrackName, u *use, group wire.Option[uint64]) (made bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, made := r.entry(name)
	u.entry = e
	e.users++
	e.idle.Stop()
	e.join(u, group) // before it is sought: who asks decides who is asked
	u.early, u.stay = !e.isReady(), e.live.Listen(u)
	return made
}

// publishing counts somebody who is about to fill a track by PUBLISH.
func (r *Relay) publishing(name wire.FullTrackName) *trackEntry {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, made := r.entry(name)
	e.published++
	if made {
		r.tasks.Go(e.run)
	}
	return e
}

// entry finds or makes the entry of a track. The caller holds mu.
func (r *Relay) entry(name wire.FullTrackName) (e *trackEntry, made bool) {
	key := name.Key()
	e = r.tracks[key]
	if e == nil {
		e, made = newTrackEntry(r, name), true
		r.tracks[key] = e
		r.names.add(e)
	}
	return e, made
}

// isPublished reports whether somebody fills the entry by PUBLISH or is about to.
func (r *Relay) isPublished(e *trackEntry) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return e.published > 0
}

// unpublish ends what publishing began.
func (r *Relay) unpublish(e *trackEntry) {
	r.mu.Lock()
	e.published--
	if e.published == 0 {
		r.conceal(e)
		if e.users == 0 {
			e.idle.Reset(r.tuned().Linger)
		}
	}
	r.mu.Unlock()
	e.poke()
}

// release ends a use.
func (r *Relay) release(u *use) {
	e := u.entry
	e.leave(u)
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.users--; e.users == 0 {
		e.idle.Reset(r.tuned().Linger)
	}
}

// forget removes an entry that ended, or one that is unused; false means that it is in use.
func (r *Relay) forget(e *trackEntry, onlyIdle bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if onlyIdle && (e.users > 0 || e.published > 0) {
		return false
	}
	if key := e.name.Key(); r.tracks[key] == e {
		delete(r.tracks, key)
		r.names.remove(e)
	}
	return true
}
