package moq

import (
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq/wire"
)

// tolerance counts what a peer does that costs this side something and that a
// peer in good faith does now and then: data of a track whose subscription was
// refused meanwhile, streams that stay empty, requests in spite of overload.
// What goes on is no accident.
type tolerance struct {
	mu    sync.Mutex
	since time.Time
	borne uint64
}

// bear notes one of it. A peer beyond Config.Tolerance loses the session.
func (s *Session) bear(what string) {
	t := &s.tolerance
	now := time.Now()
	t.mu.Lock()
	if now.Sub(t.since) >= time.Minute {
		t.since, t.borne = now, 0
	}
	t.borne++
	over := t.borne > s.config.Tolerance
	t.mu.Unlock()
	if over {
		s.fail(violation("too often: " + what))
	}
}

// partial counts payload bytes of objects that have begun to arrive on any
// stream of a session and are not complete.
type partial struct {
	bytes atomic.Int64
	limit int64
}

// errOverload ends a stream for which there is no room.
type errOverload struct{}

func (errOverload) Error() string { return "too much of incomplete objects" }

// unwanted counts and refuses a data stream that nobody asked for.
func (s *Session) unwanted(stream interface{ Stop(code uint64) }) {
	s.config.Counters.Unwanted.Add(1)
	stream.Stop(s.version.ResetNumber(wire.ResetCancelled))
}

// asked reports whether this side ever used a request ID.
func (s *Session) asked(id uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return id%2 == s.nextRequest%2 && id < s.nextRequest
}
