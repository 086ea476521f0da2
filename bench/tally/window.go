package tally

import (
	"sort"
	"time"

	"moqedge/bench/media"
)

// Window returns what viewers got of the frames due in [from, to). It looks at all
// that came until now: call it when the last of these frames have had their time, a
// second and more after to. A window that ends less than that before viewers leave
// takes what was on its way to them for lost. One that ends before it begins is
// empty.
func (b *Board) Window(from, to time.Time) Metrics {
	w := window{board: b, from: from.Sub(b.start), spans: make(map[int]*span)}
	w.to = max(to.Sub(b.start), w.from)
	sum := newSum(b, w.from, w.to)
	for _, v := range b.all() {
		w.view(v, sum)
	}
	return sum.metrics()
}

// window looks at one span of time. Its table of the schedule is for all viewers.
type window struct {
	board    *Board
	from, to time.Duration
	spans    map[int]*span // by track
	notes    []time.Duration
	handed   []time.Duration
}

// span is the part of a track's schedule that matters to a window: frames due in
// it, those that have to be there for them, the one before the first, to know
// whether a stall goes on, and the one after the last, to know how long that lasts.
type span struct {
	kind  media.Kind
	base  uint64        // number of slots[0]
	slots []media.Frame // one more than there are frames to look at
	first int           // index of the first frame due in the window
}

// find returns the first frame of a track that is due at t or later.
func (b *Board) find(track int, t time.Duration) uint64 {
	due := func(n int) bool { return b.source.Slot(track, uint64(n)).Due >= t }
	end := 1
	for !due(end) && end < maxNumber {
		end *= 2
	}
	return uint64(sort.Search(end, due))
}

func (w *window) span(track int) *span {
	if s := w.spans[track]; s != nil {
		return s
	}
	b := w.board
	s := &span{kind: b.tracks[track].Kind}
	w.spans[track] = s
	first, end := b.find(track, w.from), b.find(track, w.to)
	s.base = first
	if first > 0 {
		s.base = first - 1
	}
	if s.kind.Chained() {
		for !b.source.Slot(track, s.base).Key {
			s.base--
		}
	}
	s.first = int(first - s.base)
	for n := s.base; n <= end; n++ {
		s.slots = append(s.slots, b.source.Slot(track, n))
	}
	return s
}

// view adds up what a viewer got.
func (w *window) view(v *Viewer, sum *sum) {
	v.mu.Lock()
	connecting, left := v.connecting, v.left
	sum.start(v.connecting, v.started, v.ready)
	sum.strays += v.strays
	tracks := make([]int, 0, len(v.notes))
	complete := true
	for track, n := range v.notes {
		tracks = append(tracks, track)
		complete = complete && n.joined
	}
	v.mu.Unlock()
	if connecting >= w.to {
		return
	}
	sum.viewer(!complete, left < w.to)
	for _, track := range tracks {
		s := w.span(track)
		frames := s.slots[:len(s.slots)-1]
		v.mu.Lock()
		n := v.notes[track]
		first := n.first // 0 if it never joined
		w.notes = n.read(w.notes[:0], s.base, s.base+uint64(len(frames)))
		v.mu.Unlock()
		w.handed = s.handOver(w.handed[:0], w.notes)
		to := min(s.dueFrom(left), len(frames))
		from := max(s.owedFrom(first), s.dueFrom(connecting))
		sum.track(s, from, to, w.notes, w.handed)
	}
}

// owedFrom returns the index of the first frame owed to who joined at a frame: of
// pictures, nothing before a key frame can be shown.
func (s *span) owedFrom(number uint64) int {
	if number < s.base {
		number = s.base
	}
	i := min(number-s.base, uint64(len(s.slots)))
	for s.kind.Chained() && i < uint64(len(s.slots)) && !s.slots[i].Key {
		i++
	}
	return int(i)
}

// dueFrom returns the index of the first frame due at t or later.
func (s *span) dueFrom(t time.Duration) int {
	return sort.Search(len(s.slots), func(i int) bool { return s.slots[i].Due >= t })
}

// handOver appends when each frame was handed to the decoder, or never.
func (s *span) handOver(b, notes []time.Duration) []time.Duration {
	at := never
	for i, note := range notes {
		if !s.kind.Chained() || s.slots[i].Key {
			at = 0
		}
		if note <= absent {
			at = never
		}
		at = max(at, note)
		b = append(b, at)
	}
	return b
}
