package deliver

import (
	"time"

	"moqedge/moq/transport"
)

// A link that is interrupted shows in that nothing is heard of the peer. What is sent
// then is lost, and counts as under way until the peer is heard again: soon the
// congestion window is full, and the transport tries no more than two packets at a time,
// each time after a pause as long as all that went before (RFC 9002 §6.2.1). After an
// interruption of 3 s it is silent for up to 3 s more. So while nothing is heard as little
// is sent as will show that the link is back, and most of the window is left for that:
// one packet of what is most urgent, a few times a second.
//
// A silence belongs to the scheduler's goroutine.
type silence struct {
	stats    func() transport.Stats // nil: it lets everything pass
	looked   time.Time              // when stats were asked
	received uint64                 // packets, then
	heard    uint64                 // bytes sent when something was heard last
	asked    time.Time              // when something was sent that nothing came after; zero: there is none
	limit    time.Duration          // for how long that is nothing unusual; 0: not known
	next     time.Time              // when to try next
}

const (
	// listening is how often at most the transport is asked what it heard.
	listening = 5 * time.Millisecond
	// patienceRTTs and patienceTime are for how long nothing is heard without being taken
	// for an interruption: a round trip, one that varies, the delay of acknowledgements
	// and a peer that is busy.
	patienceRTTs = 2
	patienceTime = 100 * time.Millisecond
	// hurry is what is added to a round trip when half of the congestion window went
	// unheard: what is left of it is for the tries.
	hurry = 40 * time.Millisecond
	// A try is made after an eighth of the silence so far, within these bounds.
	leastPause = 25 * time.Millisecond
	mostPause  = 200 * time.Millisecond
)

// allow returns whether something may be sent now, and how many bytes; when none, it
// returns when to ask again.
func (q *silence) allow(now time.Time) (n int, again time.Time) {
	if q.stats == nil || q.asked.IsZero() {
		return maxAllowance, again
	}
	if now.Sub(q.looked) >= listening {
		q.look(now)
	}
	switch {
	case !q.silent(now):
		return maxAllowance, again
	case now.Before(q.next):
		return 0, now.Add(min(q.next.Sub(now), leastPause))
	}
	return packet, again
}

func (q *silence) look(now time.Time) {
	st := q.stats()
	q.looked = now
	if st.PacketsReceived != q.received {
		q.received, q.heard, q.asked = st.PacketsReceived, st.BytesSent, time.Time{}
	}
	switch unheard := st.BytesSent - q.heard; {
	case st.SmoothedRTT == 0: // before the first sample, or in memory
		q.limit = 0
	case st.CongestionWindow > 0 && unheard > st.CongestionWindow/2:
		q.limit = st.SmoothedRTT + hurry
	default:
		q.limit = patienceRTTs*st.SmoothedRTT + patienceTime
	}
}

func (q *silence) silent(now time.Time) bool {
	return q.limit > 0 && !q.asked.IsZero() && now.Sub(q.asked) > q.limit
}

// spent notes that something was sent.
func (q *silence) spent(now time.Time) {
	if q.stats == nil {
		return
	}
	if q.asked.IsZero() {
		q.asked = now
	}
	if q.silent(now) {
		q.next = now.Add(min(max(now.Sub(q.asked)/8, leastPause), mostPause))
	}
}
