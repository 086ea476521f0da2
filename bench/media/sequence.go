package media

import (
	"container/heap"
	"time"
)

// Sequence yields the frames of several tracks in the order in which they are due.
// It is used by one goroutine.
type Sequence struct {
	source Source
	next   slots
}

// slots are the next frames of each track, as a heap.
type slots []slot

type slot struct {
	track int
	n     uint64
	due   time.Duration
}

func (s slots) Len() int { return len(s) }
func (s slots) Less(i, j int) bool {
	return s[i].due < s[j].due || s[i].due == s[j].due && s[i].track < s[j].track
}
func (s slots) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s *slots) Push(x any)   { *s = append(*s, x.(slot)) }
func (s *slots) Pop() any     { x := (*s)[len(*s)-1]; *s = (*s)[:len(*s)-1]; return x }

// NewSequence returns the frames of the given tracks of a source from the first on.
func NewSequence(s Source, tracks []int) *Sequence {
	q := &Sequence{source: s}
	for _, t := range tracks {
		q.next = append(q.next, slot{track: t, due: s.Slot(t, 0).Due})
	}
	heap.Init(&q.next)
	return q
}

// Next returns the next frame, with its payload, and its track; false when there
// are no tracks.
func (q *Sequence) Next() (track int, f Frame, ok bool) {
	if len(q.next) == 0 {
		return 0, Frame{}, false
	}
	head := &q.next[0]
	track, f = head.track, q.source.Frame(head.track, head.n)
	head.n++
	head.due = q.source.Slot(track, head.n).Due
	heap.Fix(&q.next, 0)
	return track, f, true
}
