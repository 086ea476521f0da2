package whip

import (
	"time"

	"github.com/pion/rtp"
)

const (
	// reorderSlots bounds how far ahead of a missing packet others are held:
	// at 1200 bytes a packet about a second of 20 Mbit/s.
	reorderSlots = 2048
	// restartRun is how many consecutive packets far behind the expected
	// sequence number prove that the sender started over (RFC 3550 A.1).
	restartRun = 3
)

// reorder puts the packets of one stream back into sequence order. A missing
// packet is waited for until the first packet behind it has been held for wait;
// then it counts as lost. It holds no clock: the caller passes the time and asks
// deadline when to call pop again. Not safe for concurrent use.
type reorder struct {
	wait    time.Duration
	slots   [reorderSlots]*rtp.Packet
	held    int
	next    uint16
	started bool
	// arrivals is the order in which held packets came; its front that is
	// still held is the longest waiting.
	arrivals []arrival
	// behind and behindRun watch for a sender that restarted its numbering.
	behind    uint16
	behindRun int
	// skipped is the number of packets given up since the last pop.
	skipped int
}

type arrival struct {
	packet *rtp.Packet
	at     time.Time
}

func newReorder(wait time.Duration) *reorder { return &reorder{wait: wait} }

// push takes a packet that arrived at the given time. Duplicates and packets
// older than what was handed out are dropped. The packet is owned by reorder
// until pop returns it.
func (r *reorder) push(p *rtp.Packet, at time.Time) {
	seq := p.SequenceNumber
	if !r.started {
		r.started = true
		r.next = seq
	}
	ahead := int(int16(seq - r.next)) //nolint:gosec // the wrap is the point
	switch {
	case ahead < 0:
		r.pushBehind(p, at)
		return
	case ahead >= reorderSlots:
		// Too far ahead to hold what is between: everything missing is lost.
		r.flushTo(seq)
	}
	r.behindRun = 0
	slot := &r.slots[seq%reorderSlots]
	if *slot != nil {
		return
	}
	*slot = p
	r.held++
	r.arrivals = append(r.arrivals, arrival{packet: p, at: at})
}

// pushBehind handles a packet older than the next expected one: usually a late
// or repeated packet, but a run of them in sequence is a restarted sender.
func (r *reorder) pushBehind(p *rtp.Packet, at time.Time) {
	seq := p.SequenceNumber
	if r.behindRun > 0 && seq == r.behind+1 && int(r.next-seq) > reorderSlots/2 {
		r.behindRun++
	} else {
		r.behindRun = 1
	}
	r.behind = seq
	if r.behindRun < restartRun {
		return
	}
	r.behindRun = 0
	r.flushTo(seq)
	r.push(p, at)
}

// flushTo gives up on everything held and missing and expects seq next. Held
// packets are dropped too: they would belong to frames that are not complete.
func (r *reorder) flushTo(seq uint16) {
	clear(r.slots[:])
	r.skipped += 1 + r.held
	r.held = 0
	r.arrivals = r.arrivals[:0]
	r.next = seq
}

// pop returns the next packet in order if it is there or if what is missing
// before it was waited for long enough. lost says how many packets were given
// up right before it.
func (r *reorder) pop(now time.Time) (p *rtp.Packet, lost int, ok bool) {
	if r.held == 0 {
		return nil, 0, false
	}
	if r.slots[r.next%reorderSlots] == nil {
		since, waiting := r.oldest()
		if !waiting || now.Sub(since) < r.wait {
			return nil, 0, false
		}
		for r.slots[r.next%reorderSlots] == nil {
			r.next++
			r.skipped++
		}
	}
	slot := &r.slots[r.next%reorderSlots]
	p, *slot = *slot, nil
	r.held--
	r.next++
	lost, r.skipped = r.skipped, 0
	return p, lost, true
}

// deadline is when pop gives up on the packet it waits for; ok is false when
// nothing is held.
func (r *reorder) deadline() (at time.Time, ok bool) {
	since, ok := r.oldest()
	return since.Add(r.wait), ok
}

// oldest is the arrival time of the packet held longest.
func (r *reorder) oldest() (time.Time, bool) {
	for i, a := range r.arrivals {
		if r.slots[a.packet.SequenceNumber%reorderSlots] == a.packet {
			r.arrivals = append(r.arrivals[:0], r.arrivals[i:]...)
			return a.at, true
		}
	}
	r.arrivals = r.arrivals[:0]
	return time.Time{}, false
}
