package relay

import (
	"fmt"
	"runtime/debug"
	"time"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// A panic in a goroutine of a session ends that session (moq.Config.Panicked), and so does
// one in a goroutine that the relay has for it (Relay.part); all others go on. One in a
// goroutine of the relay itself ends the process: a track that nobody looks after any more
// is worse than a restart, after which peers are back within a second. So does one that
// leaves a lock of the relay behind, as every session would soon wait for it.

// lockPatience is how long a lock may be held, on a machine that has no time at all.
const lockPatience = 5 * time.Second

// panicked counts a panic of a session, and finds out whether the relay can go on.
func (r *Relay) panicked(any) { r.Survived(nil) }

// Survived counts a panic that was caught (Stats.Panics), also one beside the relay, as of
// an ingest, and finds out whether all can go on: the process ends when a lock of the relay
// was left behind, or one that touch takes; nil: there are no others.
func (r *Relay) Survived(touch func()) {
	r.served.panics.Add(1)
	r.tasks.Go(func() {
		free := make(chan struct{})
		go func() { // left behind with the lock otherwise
			r.Touch()
			if touch != nil {
				touch()
			}
			close(free)
		}()
		patience := time.NewTimer(lockPatience)
		defer patience.Stop()
		select {
		case <-free:
		case <-patience.C:
			panic("relay: a session or an ingest that panicked holds a lock that all others need")
		}
	})
}

// Touch takes the locks that sessions share, one after the other. It does not return while
// one of them is held, so that a watchdog can tell by it that the relay is stuck.
func (r *Relay) Touch() {
	r.Stats()
	r.Routes(nil, 1)
	r.mu.Lock()
	entries := make([]*trackEntry, 0, len(r.tracks))
	for _, e := range r.tracks {
		entries = append(entries, e)
	}
	r.mu.Unlock()
	for _, e := range entries {
		e.isOver()
		largest(e.live)
	}
}

// part is f as a part of what is done for one session, for a goroutine of its own: a panic
// in it ends that session, as one in a goroutine of the session does.
func (r *Relay) part(s *moq.Session, f func()) func() {
	return func() {
		defer r.survivePart(s)
		f()
	}
}

// survivePart is deferred.
func (r *Relay) survivePart(s *moq.Session) {
	value := recover()
	if value == nil {
		return
	}
	r.log.Error("panic: the session ends", "remote", s.Conn().Info().RemoteAddr.String(), "panic", fmt.Sprint(value), "stack", string(debug.Stack()))
	r.panicked(value) // first: with a lock left behind the rest may wait for ever
	s.Close(wire.SessionInternalError, "internal error")
}

// surviveBegin is deferred by who begins a session: a panic there, in what peers send
// first or in Config.Authorize, ends the connection alone.
func (r *Relay) surviveBegin(conn transport.Conn, undo func()) {
	value := recover()
	if value == nil {
		return
	}
	r.log.Error("panic: the session is not begun", "remote", conn.Info().RemoteAddr.String(), "panic", fmt.Sprint(value), "stack", string(debug.Stack()))
	r.panicked(value) // first, as above
	_ = conn.CloseWithError(uint64(wire.SessionInternalError), "internal error")
	undo()
}
