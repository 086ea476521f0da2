package cache

import "container/heap"

// The queues of a cache, and that of a share.
const (
	byAge   = iota // tracks with something to evict
	byDue          // tracks with something to reap
	byShare        // tracks of an owner, while it loses something
)

// queue is a heap of records by record.at[which]. The cache's mu guards it.
type queue struct {
	records []*record
	which   int
}

// Len implements heap.Interface.
func (q *queue) Len() int { return len(q.records) }

// Less implements heap.Interface.
func (q *queue) Less(i, j int) bool {
	return q.records[i].at[q.which].Before(q.records[j].at[q.which])
}

// Swap implements heap.Interface.
func (q *queue) Swap(i, j int) {
	q.records[i], q.records[j] = q.records[j], q.records[i]
	q.records[i].index[q.which], q.records[j].index[q.which] = i, j
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	r := x.(*record)
	r.index[q.which] = len(q.records)
	q.records = append(q.records, r)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(q.records) - 1
	r := q.records[last]
	q.records[last] = nil
	q.records = q.records[:last]
	r.index[q.which] = -1
	return r
}

// top is the first record, nil without one.
func (q *queue) top() *record {
	if len(q.records) == 0 {
		return nil
	}
	return q.records[0]
}

// put adds a record, or moves one whose time has changed.
func (q *queue) put(r *record) {
	if i := r.index[q.which]; i >= 0 {
		heap.Fix(q, i)
	} else {
		heap.Push(q, r)
	}
}

// remove takes a record out, if it is in.
func (q *queue) remove(r *record) {
	if i := r.index[q.which]; i >= 0 {
		heap.Remove(q, i)
	}
}
