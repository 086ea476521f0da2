package relay

import (
	"context"
	"math"
	"sync"
	"time"

	"moqedge/moq/wire"
)

// announced has the tracks below a namespace asked for where it was announced,
// besides those they have (moqt-18 §9.5). That is done at once for a few tracks. A
// short prefix, the empty one at last, stands for many, and is announced, changed
// and withdrawn as often as a peer likes: those take their turn.
func (r *Relay) announced(ns wire.Namespace, s source) {
	r.redirects.forget(ns)
	r.mu.Lock()
	tracks, all := r.names.below(ns, fewTracks)
	r.mu.Unlock()
	if !all {
		r.heeding.note(ns, s)
		return
	}
	for _, e := range tracks {
		e.reconsider(s)
	}
}

const (
	fewTracks = 64
	// heedPause is how long nobody else has a turn, for each of the tracks.
	heedPause = 20 * time.Microsecond
)

// heed has all tracks below a namespace asked for, and returns how many there are.
func (r *Relay) heed(ns wire.Namespace, s source) int {
	r.mu.Lock()
	tracks, _ := r.names.below(ns, math.MaxInt)
	r.mu.Unlock()
	for _, e := range tracks {
		e.reconsider(s)
	}
	r.publishes.announce() // who waits for a publisher looks again
	return len(tracks)
}

// announcements are those that concern many tracks and were not heeded yet. What
// is announced again meanwhile is heeded once.
type announcements struct {
	wake chan struct{}
	mu   sync.Mutex
	all  map[announcement]wire.Namespace
}

type announcement struct {
	namespace string // its key
	source    source
}

func newAnnouncements() *announcements {
	return &announcements{wake: make(chan struct{}, 1), all: map[announcement]wire.Namespace{}}
}

func (a *announcements) note(ns wire.Namespace, s source) {
	a.mu.Lock()
	a.all[announcement{ns.Key(), s}] = ns
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// run has announcements heeded, one after the other, until ctx is done.
func (a *announcements) run(ctx context.Context, heed func(wire.Namespace, source) (tracks int)) {
	for {
		select {
		case <-a.wake:
		case <-ctx.Done():
			return
		}
		a.mu.Lock()
		all := a.all
		a.all = map[announcement]wire.Namespace{}
		a.mu.Unlock()
		for what, ns := range all {
			if !pause(ctx, time.Duration(heed(ns, what.source))*heedPause) {
				return
			}
		}
	}
}
