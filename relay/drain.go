package relay

import (
	"context"
	"time"

	"moqedge/moq"
)

// arrive notes a connection whose session is being made, until the returned
// function is called: a drain does not end in between.
func (r *Relay) arrive() (arrived func()) {
	r.mu.Lock()
	r.arriving++
	r.mu.Unlock()
	return func() {
		r.mu.Lock()
		r.arriving--
		r.mu.Unlock()
		r.left.announce()
	}
}

// enlist notes a session that is served, until the returned function is called.
func (r *Relay) enlist(s *moq.Session) (delist func()) {
	if r.config.Resident != nil && r.config.Resident(s) {
		return func() {}
	}
	r.mu.Lock()
	r.sessions[s] = struct{}{}
	leave := r.draining
	r.mu.Unlock()
	if leave != nil {
		_ = s.Goaway(leave.URI, leave.Timeout) // its session is over when it fails
	}
	return func() {
		r.mu.Lock()
		delete(r.sessions, s)
		r.mu.Unlock()
		r.left.announce()
	}
}

// Drain asks all peers but the Config.Resident ones to move, to the relay at uri
// when it is not empty, and waits until they have left or ctx is done. Sessions that
// are still open after timeout, when that is not 0, are closed. Until Close the
// relay keeps what it has from its own publishers: who moves misses nothing
// (moqt-18 §3.6). It is called once.
func (r *Relay) Drain(ctx context.Context, uri string, timeout time.Duration) error {
	r.mu.Lock()
	r.draining = &moq.Goaway{URI: uri, Timeout: timeout}
	sessions := make([]*moq.Session, 0, len(r.sessions))
	for s := range r.sessions {
		sessions = append(sessions, s)
	}
	r.mu.Unlock()
	r.log.Info("draining", "sessions", len(sessions), "uri", uri)
	if r.listed != nil {
		r.listed.leave() // nobody shall come anew
	}
	for _, s := range sessions {
		_ = s.Goaway(uri, timeout) // its session is over when it fails
	}
	for told := time.Now(); ; {
		left := r.left.wait()
		r.mu.Lock()
		n := len(r.sessions) + r.arriving
		r.mu.Unlock()
		if n == 0 {
			return nil
		}
		if now := time.Now(); now.Sub(told) >= drainLog {
			told = now
			r.log.Info("draining", "sessions", n)
		}
		select {
		case <-left:
		case <-time.After(drainLog):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// drainLog is how often it is logged how many sessions are left.
const drainLog = time.Second

// pause waits; false means that ctx was done before.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// moveCheck is how often it is looked whether all tracks have moved.
const moveCheck = 100 * time.Millisecond

// move has the tracks that a session provides asked for elsewhere.
func (r *Relay) move(s *moq.Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.tracks {
		e.mu.Lock()
		for _, f := range e.feeds {
			if f.session == s {
				f.leaving = true
			}
		}
		e.mu.Unlock()
		e.poke()
	}
}

// fedBy reports whether a session provides a track.
func (r *Relay) fedBy(s *moq.Session) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.tracks {
		e.mu.Lock()
		for _, f := range e.feeds {
			if f.session == s {
				e.mu.Unlock()
				return true
			}
		}
		e.mu.Unlock()
	}
	return false
}
