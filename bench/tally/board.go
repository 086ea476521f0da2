package tally

import (
	"slices"
	"sync"
	"time"

	"moqedge/bench/media"
)

// Options of a board.
type Options struct {
	// Source is what is sent.
	Source media.Source
	// Start is when its schedule begins. It should have a monotonic reading, as
	// all times given to viewers.
	Start time.Time
	// Delays are the playout delays for shares of frames in time; nil: 50, 100,
	// 200, 500 and 1000 ms.
	Delays []time.Duration
	// Targets are the target latencies for stalls; nil: 200, 500 and 1000 ms.
	Targets []time.Duration
}

// Board has the viewers of one round. It is safe for concurrent use.
//
// Locks: mu is for the list of viewers, each viewer has one for its notes. Neither
// is held while the other is taken.
type Board struct {
	source  media.Source
	tracks  []media.Track
	start   time.Time
	delays  []time.Duration
	targets []time.Duration
	checker *media.Checker

	mu      sync.Mutex
	viewers []*Viewer
}

// New returns a board without viewers.
func New(o Options) *Board {
	if o.Delays == nil {
		o.Delays = []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second}
	}
	if o.Targets == nil {
		o.Targets = []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second}
	}
	return &Board{
		source: o.Source, tracks: o.Source.Tracks(), start: o.Start,
		delays: slices.Clone(o.Delays), targets: slices.Clone(o.Targets),
		checker: media.NewChecker(o.Source),
	}
}

// Viewer adds a viewer that wants the given tracks; none: all of them.
func (b *Board) Viewer(tracks ...int) *Viewer {
	if len(tracks) == 0 {
		for i := range b.tracks {
			tracks = append(tracks, i)
		}
	}
	v := &Viewer{board: b, notes: make(map[int]*notes, len(tracks)), connecting: never, ready: never, started: never, left: never}
	for _, t := range tracks {
		v.notes[t] = new(notes)
		v.video = v.video || b.tracks[t].Kind == media.Video
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.viewers = append(b.viewers, v)
	return v
}

// Started returns how many viewers have begun to connect, and how many of these
// have their first key frame.
func (b *Board) Started() (started, connecting int) {
	for _, v := range b.all() {
		v.mu.Lock()
		if v.connecting != never {
			connecting++
			if v.started != never {
				started++
			}
		}
		v.mu.Unlock()
	}
	return started, connecting
}

func (b *Board) all() []*Viewer {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.viewers)
}
