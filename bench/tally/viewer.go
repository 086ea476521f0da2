package tally

import (
	"math"
	"sync"
	"time"

	"moqedge/bench/media"
)

// never is later than all times.
const never = time.Duration(math.MaxInt64)

// maxEarly is how long before its time a frame may arrive: clocks of two machines
// may differ by that much.
const maxEarly = time.Second

// maxNumber bounds the numbers of frames that can be.
const maxNumber = 1 << 32

// Viewer notes what one viewer gets. Each method may be called by any goroutine, at
// any time and in any order.
type Viewer struct {
	board *Board
	video bool // one of the tracks is

	mu         sync.Mutex     // for all below
	notes      map[int]*notes // by track that it wants
	connecting time.Duration  // since the start of the schedule, as all times
	ready      time.Duration
	started    time.Duration
	left       time.Duration
	strays     uint64
}

// notes are of one track.
type notes struct {
	joined bool
	first  uint64
	chunks []*[chunkSize]time.Duration // when frames were complete, by number
}

// chunkSize is how many frames memory is taken for at once.
const chunkSize = 128

// What notes have instead of a time, which is above zero.
const (
	absent  time.Duration = 0
	damaged time.Duration = -1
)

// Connecting notes that the first packet is about to be sent. The first call counts.
func (v *Viewer) Connecting(at time.Time) { v.note(&v.connecting, at) }

// Ready notes when a key frame could have been complete if one had been sent as
// soon as media began to flow. Systems whose viewers have to wait for the next key
// frame state it beside their real startup. The first call counts.
func (v *Viewer) Ready(at time.Time) { v.note(&v.ready, at) }

// Left notes that the viewer was told to leave: frames due from then on are not
// owed. One that fails has not left. The first call counts.
func (v *Viewer) Left(at time.Time) { v.note(&v.left, at) }

func (v *Viewer) note(what *time.Duration, at time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if *what == never {
		*what = at.Sub(v.board.start)
	}
}

// Joined notes that a track is had from a frame on: those before it are not owed.
// Until it is called all are, since the viewer began to connect. The first call counts, so that what is lost between two connections stays owed.
func (v *Viewer) Joined(track int, first uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if n := v.notes[track]; n != nil && !n.joined {
		n.joined, n.first = true, first
	}
}

// Complete notes that frame f.N was put together from its last byte at a time. It
// compares f.Payload with what was sent, does not keep it, and reads nothing else
// of f. Of a frame that comes several times the first right copy counts.
func (v *Viewer) Complete(track int, f media.Frame, at time.Time) {
	b := v.board
	since := max(at.Sub(b.start), 1)
	slot, ok := b.slot(track, f.N, since)
	if !ok {
		v.mu.Lock()
		v.strays++
		v.mu.Unlock()
		return
	}
	right := b.checker.Check(track, f.N, f.Payload)
	v.mu.Lock()
	defer v.mu.Unlock()
	n := v.notes[track]
	if n == nil {
		v.strays++
		return
	}
	place := n.place(f.N)
	switch {
	case right && (*place <= absent || since < *place):
		*place = since
	case !right && *place == absent:
		*place = damaged
	}
	if right && since < v.started && slot.Key && (!v.video || b.tracks[track].Kind == media.Video) {
		v.started = since
	}
}

// slot returns a frame's place in the schedule; false when it can not have been
// sent by now.
func (b *Board) slot(track int, n uint64, since time.Duration) (media.Frame, bool) {
	if track < 0 || track >= len(b.tracks) || n > maxNumber {
		return media.Frame{}, false
	}
	slot := b.source.Slot(track, n)
	return slot, slot.Due <= since+maxEarly
}

// place returns where the time of a frame is kept.
func (n *notes) place(number uint64) *time.Duration {
	for uint64(len(n.chunks)) <= number/chunkSize {
		n.chunks = append(n.chunks, nil)
	}
	chunk := &n.chunks[number/chunkSize]
	if *chunk == nil {
		*chunk = new([chunkSize]time.Duration)
	}
	return &(*chunk)[number%chunkSize]
}

// read appends the notes of frames [from, to).
func (n *notes) read(b []time.Duration, from, to uint64) []time.Duration {
	for number := from; number < to; {
		i := number / chunkSize
		end := min(to, (i+1)*chunkSize)
		if i < uint64(len(n.chunks)) && n.chunks[i] != nil {
			b = append(b, n.chunks[i][number%chunkSize:number%chunkSize+end-number]...)
		} else {
			for range end - number {
				b = append(b, absent)
			}
		}
		number = end
	}
	return b
}
