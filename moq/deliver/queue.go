package deliver

import (
	"container/heap"
	"sync/atomic"
	"time"
)

// ticket is the place of a request in the scheduler's queues. All but the
// atomics belongs to the scheduler's goroutine.
type ticket struct {
	// eager is the rank of the most urgent that the request may have.
	eager atomic.Uint32

	dirty   bool // it is in queues.dirty
	known   bool // the request was admitted
	gone    bool // it was dismissed
	short   bool // it is in queues.starved
	request request
	unit    unit  // most urgent of the request, while it is in the ready queue
	place   place // of unit
	rivals  bool  // the request has other units that could be tried

	class *class // of those that take turns with it
	spent uint64 // virtual time: bytes sent, comparable within the class

	due   time.Time // when to look at the request again although nothing changed; zero: never
	ready int       // position in the ready queue, or -1
	timed int       // position in the queue of due times, or -1
}

// class is what requests of the same urgency share: a clock that says where
// one that has waited for nothing joins the others.
type class struct {
	rank  uint32
	clock uint64
}

// rank is the urgency of a place as a number: requests of the same rank take
// turns, a lower one goes first. None is 0.
func (p place) rank() uint32 { return uint32(p.subscriber)<<8 | uint32(p.publisher) + 1 }

// noRank is less urgent than all ranks.
const noRank = 1<<17 - 1

// readyQueue is a heap of the tickets that have something to send, by urgency
// and then by what was sent for them.
type readyQueue []*ticket

func (q readyQueue) Len() int { return len(q) }
func (q readyQueue) Less(i, j int) bool {
	a, b := q[i], q[j]
	if a.class != b.class {
		return a.class.rank < b.class.rank
	}
	return a.spent < b.spent
}
func (q readyQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].ready, q[j].ready = i, j
}
func (q *readyQueue) Push(x any) {
	t := x.(*ticket)
	t.ready = len(*q)
	*q = append(*q, t)
}
func (q *readyQueue) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	t.ready = -1
	return t
}

// dueQueue is a heap of tickets by the time at which they want to be looked at.
type dueQueue []*ticket

func (q dueQueue) Len() int           { return len(q) }
func (q dueQueue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q dueQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].timed, q[j].timed = i, j
}
func (q *dueQueue) Push(x any) {
	t := x.(*ticket)
	t.timed = len(*q)
	*q = append(*q, t)
}
func (q *dueQueue) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	t.timed = -1
	return t
}

// queues order the requests of a scheduler. A request costs nothing while
// nothing changes in it.
type queues struct {
	looking *ticket // being looked at
	ready   readyQueue
	dirty   []*ticket // to be looked at before the next choice
	room    struct {  // most sessions have one request that is sent: it needs no other memory
		ready, dirty [1]*ticket
	}
	timed   dueQueue
	starved []*ticket // they have a unit that waits for a stream or for datagrams to leave
	tickets map[*ticket]struct{}
	classes map[uint32]*class // by rank
}

// admit makes a request known.
func (q *queues) admit(t *ticket) {
	t.known, t.ready, t.timed = true, -1, -1
	q.tickets[t] = struct{}{}
	q.changed(t)
}

// dismiss forgets a request.
func (q *queues) dismiss(t *ticket) {
	t.gone = true
	if !t.known {
		return
	}
	delete(q.tickets, t)
	if t.ready >= 0 {
		heap.Remove(&q.ready, t.ready)
	}
	if t.timed >= 0 {
		heap.Remove(&q.timed, t.timed)
	}
	t.unit = nil
}

// changed has a request looked at before the next choice.
func (q *queues) changed(t *ticket) {
	if !t.dirty && t.known && !t.gone {
		t.dirty = true
		q.dirty = append(q.dirty, t)
	}
}

// feed has the requests looked at that wait for what there is again.
func (q *queues) feed() {
	for i, t := range q.starved {
		t.short = false
		q.changed(t)
		q.starved[i] = nil
	}
	q.starved = q.starved[:0]
}

// starve notes that the request being looked at cannot go on for want of a
// stream, or of room for datagrams.
func (q *queues) starve() {
	if t := q.looking; !t.short {
		t.short = true
		q.starved = append(q.starved, t)
	}
}

// wakeAt has the request being looked at looked at again at that time although
// nothing has changed.
func (q *queues) wakeAt(at time.Time) {
	if t := q.looking; t.due.IsZero() || at.Before(t.due) {
		t.due = at
	}
}

// settle looks at all requests that changed or whose time has come.
func (q *queues) settle(now time.Time) {
	for len(q.timed) > 0 && !now.Before(q.timed[0].due) {
		q.changed(heap.Pop(&q.timed).(*ticket))
	}
	for len(q.dirty) > 0 {
		last := len(q.dirty) - 1
		t := q.dirty[last]
		q.dirty[last] = nil
		q.dirty = q.dirty[:last]
		t.dirty = false
		if !t.gone {
			q.look(t, now)
		}
	}
}

// look finds out what a request has to send, and puts it where it belongs.
func (q *queues) look(t *ticket, now time.Time) {
	q.looking = t
	t.due = time.Time{}
	t.unit, t.rivals = t.request.top(now)
	switch {
	case t.due.IsZero() && t.timed >= 0:
		heap.Remove(&q.timed, t.timed)
	case !t.due.IsZero() && t.timed >= 0:
		heap.Fix(&q.timed, t.timed)
	case !t.due.IsZero():
		heap.Push(&q.timed, t)
	}
	if t.unit == nil {
		if t.ready >= 0 {
			heap.Remove(&q.ready, t.ready)
		}
		return
	}
	t.place = t.unit.place()
	q.join(t, t.place.rank())
	if t.ready >= 0 {
		heap.Fix(&q.ready, t.ready)
	} else {
		heap.Push(&q.ready, t)
	}
}

// join puts a ticket into the class of its rank. Who waited for nothing, or
// comes from another class, has no claim to the turns it did not take.
func (q *queues) join(t *ticket, rank uint32) {
	if t.class != nil && t.class.rank == rank {
		if t.ready < 0 {
			t.spent = max(t.spent, t.class.clock)
		}
		return
	}
	c := q.classes[rank]
	if c == nil {
		c = &class{rank: rank}
		q.classes[rank] = c
	}
	t.class, t.spent = c, c.clock
}

// served notes that n bytes of a ticket's request were sent.
func (q *queues) served(t *ticket, n int) {
	if t.class != nil {
		t.class.clock = max(t.class.clock, t.spent)
		t.spent += uint64(n) + 1
	}
	q.changed(t)
}
