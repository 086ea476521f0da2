package link

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// maxQueued is how many packets may be on their way at most: 40 Mbyte/s at a delay
// of 150 ms.
const maxQueued = 4096

// parcel is something on its way.
type parcel struct {
	due  int64
	data []byte
	addr address
}

// address is where a packet comes from or goes to: UDP in the form that needs no
// allocation, or whatever else a net.PacketConn has.
type address struct {
	udp   netip.AddrPort
	other net.Addr // if udp is not valid
}

// queue holds what is on its way in one direction of one socket, in the order in
// which it arrives, until it is due and taken. Any goroutine may put; those that
// take do so one after the other.
//
// Lock order: taking, then mu.
type queue struct {
	clock func() int64
	slack int64

	taking sync.Mutex    // held by who takes, also while it waits
	taken  chan struct{} // tells who puts to look again

	mu       sync.Mutex  // guards what follows
	timer    *time.Timer // who takes waits for it; set to now by who has news for it
	ring     []parcel    // len is a power of two
	head     int
	count    int
	bytes    int
	deadline int64 // of who takes
	idle     bool  // who takes waits, and nothing is there
	full     bool  // who puts waits for something to be taken
	end      error // returned when the queue is empty, from endsAt on
	endsAt   int64
	broken   error // returned at once
}

func newQueue(clock func() int64, slack int64) *queue {
	q := &queue{
		clock: clock, slack: slack, timer: time.NewTimer(time.Hour),
		taken: make(chan struct{}, 1), deadline: never,
	}
	q.timer.Stop()
	return q
}

// copy adds a packet that is due no earlier than those before it. False: there is no
// room for more, or nobody will take it.
func (q *queue) copy(due int64, b []byte, a address) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	slot := q.slot()
	if slot == nil {
		return false
	}
	slot.data, slot.due, slot.addr = append(slot.data[:0], b...), due, a
	q.added(len(b))
	return true
}

// slot returns the next free one, nil if there is none. The caller holds mu.
func (q *queue) slot() *parcel {
	if q.end != nil || q.broken != nil || q.count == maxQueued {
		return nil
	}
	if q.count == len(q.ring) {
		ring := make([]parcel, max(16, 2*len(q.ring)))
		for i := range q.count {
			ring[i] = q.ring[(q.head+i)&(len(q.ring)-1)]
		}
		q.ring, q.head = ring, 0
	}
	return &q.ring[(q.head+q.count)&(len(q.ring)-1)]
}

// added counts the slot in. The caller holds mu.
func (q *queue) added(bytes int) {
	q.count++
	q.bytes += bytes
	if q.idle {
		q.idle = false
		q.arm(min(q.deadline, q.round(q.ring[q.head].due-q.slack)))
	}
}

// arm has who takes look again at a time. The caller holds mu.
func (q *queue) arm(at int64) {
	if at == never {
		q.timer.Stop()
	} else {
		q.timer.Reset(time.Duration(at - q.clock()))
	}
}

// look has who takes look again. The caller holds mu.
func (q *queue) look() { q.timer.Reset(0) }

// tell wakes who waits for c, or keeps them from waiting the next time.
func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// take waits until a packet is due and copies it to b; what does not fit is cut off,
// unless whole is false: then the rest stays for the next take.
func (q *queue) take(b []byte, whole bool) (n int, a address, err error) {
	q.taking.Lock()
	defer q.taking.Unlock()
	for {
		n, a, wait, err := q.poll(b, whole)
		if !wait {
			return n, a, err
		}
		<-q.timer.C
	}
}

// poll is take without waiting: it says whether to wait for the timer, which it sets.
func (q *queue) poll(b []byte, whole bool) (n int, a address, wait bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken != nil {
		return 0, address{}, false, q.broken
	}
	now := q.clock()
	if q.deadline <= now {
		return 0, address{}, false, os.ErrDeadlineExceeded
	}
	next := q.deadline
	if q.count > 0 {
		p := &q.ring[q.head]
		if p.due-q.slack <= now {
			n = copy(b, p.data)
			q.remove(n, whole)
			return n, p.addr, false, nil
		}
		next = min(next, q.round(p.due-q.slack))
	} else if q.end != nil {
		if q.endsAt-q.slack <= now {
			return 0, address{}, false, q.end
		}
		next = min(next, q.endsAt-q.slack)
	}
	q.idle = q.count == 0
	q.arm(next)
	return 0, address{}, true, nil
}

// round puts off a wake-up by up to half of the slack, to a time that the queues of other
// viewers have as well, so that the process wakes up once for many of them.
func (q *queue) round(at int64) int64 {
	grid := q.slack / 2
	if grid == 0 {
		return at
	}
	over := at % grid
	if over > 0 {
		at += grid
	}
	return at - over
}

// remove takes n bytes of the first parcel away, or all of it. The caller holds mu.
func (q *queue) remove(n int, whole bool) {
	p := &q.ring[q.head]
	if n < len(p.data) && !whole {
		p.data = append(p.data[:0], p.data[n:]...)
		q.bytes -= n
	} else {
		q.bytes -= len(p.data)
		q.head = (q.head + 1) & (len(q.ring) - 1)
		q.count--
	}
	if q.full {
		q.full = false
		tell(q.taken)
	}
}

// maxFlight is how many bytes of a stream are on their way at most.
const maxFlight = 64 << 10

// await waits until there is room for a segment of a stream, at most until the
// clock shows by, which is asked again after recheck.
func (q *queue) await(by func() int64) error {
	for {
		q.mu.Lock()
		err, full := q.broken, q.bytes >= maxFlight || q.count == maxQueued
		if err == nil {
			err = q.end
		}
		q.full = full
		q.mu.Unlock()
		wait := by() - q.clock()
		switch {
		case err != nil:
			return err
		case wait <= 0:
			return os.ErrDeadlineExceeded
		case !full:
			return nil
		}
		timer := time.NewTimer(time.Duration(wait))
		select {
		case <-q.taken:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// recheck has await look at its deadline again.
func (q *queue) recheck() { tell(q.taken) }

// setDeadline is for take, as a time of the clock; never: none.
func (q *queue) setDeadline(at int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.deadline = at
	q.look()
}

// finish has take return an error after all that was put is taken, at the time at
// which that is due. Nothing can be put any more.
func (q *queue) finish(due int64, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.end == nil {
		q.end, q.endsAt = err, due
	}
	q.look()
	tell(q.taken)
}

// abort has take return an error at once, and drops what was put.
func (q *queue) abort(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken == nil {
		q.broken = err
	}
	q.ring, q.count, q.bytes = nil, 0, 0
	q.look()
	tell(q.taken)
}

// deadlineOf converts one as net.Conn has it.
func (e *Emulator) deadlineOf(t time.Time) int64 {
	if t.IsZero() {
		return never
	}
	return min(int64(t.Sub(e.start)), never-1)
}

// isFinished reports whether nothing more can be put.
func (q *queue) isFinished() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.end != nil || q.broken != nil
}
