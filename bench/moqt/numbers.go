package moqt

import (
	"sync"

	"moqedge/bench/media"
)

// Numbers tells which object a frame is. It is safe for concurrent use, and worth
// sharing among the viewers of a source.
type Numbers struct {
	source media.Source

	mu     sync.Mutex
	tracks [][]uint64 // by track and group, the number of its first frame
	next   []uint64   // by track, the first frame that was not looked at
}

// NewNumbers returns the numbers of a source.
func NewNumbers(s media.Source) *Numbers {
	n := len(s.Tracks())
	return &Numbers{source: s, tracks: make([][]uint64, n), next: make([]uint64, n)}
}

// maxAhead is how many groups are looked up at most beyond those that are known, so
// that a location out of the blue costs nothing.
const maxAhead = 10_000

// first returns the number of the first frame of a group; false when the group is
// too far away.
func (x *Numbers) first(track int, group uint64) (uint64, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	starts := x.tracks[track]
	if group > uint64(len(starts))+maxAhead {
		return 0, false
	}
	for ; group >= uint64(len(starts)); x.next[track]++ {
		if f := x.source.Slot(track, x.next[track]); f.Group == uint64(len(starts)) {
			starts = append(starts, f.N)
		}
	}
	x.tracks[track] = starts
	return starts[group], true
}

// Frame returns the number of the frame that is an object; false when there is no
// such track, or its group is too far away.
func (x *Numbers) Frame(track int, group, object uint64) (uint64, bool) {
	if track < 0 || track >= len(x.next) {
		return 0, false
	}
	first, ok := x.first(track, group)
	return first + object, ok
}
