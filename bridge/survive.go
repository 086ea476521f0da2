package bridge

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
)

// Panicked is told what a goroutine of an ingest panicked with, in that goroutine: the
// ingest ends, others go on. It must not block. nil: the process ends, as without it.
type Panicked func(value any)

// ErrPanicked is why an ingest ended that panicked.
var ErrPanicked = errors.New("internal error")

// Catch is deferred in a goroutine that serves one ingest. After a panic it logs the stack,
// tells, and has the ingest end; others go on.
func (p Panicked) Catch(log *slog.Logger, end func(error)) {
	if p == nil {
		return
	}
	value := recover()
	if value == nil {
		return
	}
	log.Error("panic: the ingest ends", "panic", fmt.Sprint(value), "stack", string(debug.Stack()))
	p(value) // first: with a lock left behind the rest may wait for ever
	end(ErrPanicked)
}

// Touch takes the locks that ingests share, one after the other. It does not return while
// one of them is held.
func (h *Hub) Touch() {
	h.mu.Lock()
	stations := make([]*station, 0, len(h.stations))
	for _, s := range h.stations {
		stations = append(stations, s)
	}
	h.mu.Unlock()
	for _, s := range stations {
		s.touch()
	}
}

// touch takes the locks of the station and its tracks.
func (s *station) touch() {
	s.mu.Lock()
	outputs := slices.Clone(s.outputs)
	s.mu.Unlock()
	for _, o := range outputs {
		for i := range o.lanes {
			o.lanes[i].track.Largest()
		}
	}
	for i := range s.catalogs {
		s.catalogs[i].track.Largest()
	}
}
