package deliver

import (
	"time"

	"moqedge/moq/transport"
)

// The congestion control of quic-go fills the queue in front of the narrowest
// link before it slows down, and what is urgent then waits in that queue behind
// what is not, however it was ordered here. So while a session has things of
// different urgency, the less urgent ones are handed to the transport no faster
// than the link takes them away. Its rate shows in how long packets are on their
// way: a queue grows when more is sent than leaves.
//
// A governor holds such a rate and keeps the delay by queues at a few
// milliseconds. It belongs to the scheduler's goroutine.
type governor struct {
	stats    func() transport.Stats // nil: it lets everything pass
	urgent   uint32                 // rank of the most urgent that was sent lately
	urgentAt time.Time              // when
	pace     *pace                  // nil until it is needed
}

const (
	// recently is how long something urgent counts after it was sent.
	recently = 2 * time.Second
	// maxAllowance is the most bytes of a step.
	maxAllowance = 64 << 10
	// mostDebt is for how long at most what is less urgent makes up for what was sent
	// above the rate: more urgent things have none, and what they sent earlier has left.
	mostDebt = time.Second
)

// sees notes that something of a rank is sent, or was subscribed to.
func (g *governor) sees(rank uint32, now time.Time) {
	if rank <= g.urgent || now.Sub(g.urgentAt) > recently {
		g.urgent, g.urgentAt = rank, now
	}
}

// governs reports whether something of a rank has to mind more urgent things.
func (g *governor) governs(rank uint32, now time.Time) bool {
	return rank > g.urgent && g.stats != nil && now.Sub(g.urgentAt) <= recently
}

// allow returns how many bytes may be sent now of something less urgent; when
// there are none, it returns when to ask again.
func (g *governor) allow(now time.Time) (n int, again time.Time) {
	st := g.stats()
	if g.pace == nil {
		if st.MinRTT == 0 {
			return maxAllowance, again // in memory, or before the first sample
		}
		g.pace = newPace(st.MinRTT, now)
	}
	g.pace.look(st, now)
	return g.pace.allow(now)
}

// spent notes that n bytes were handed to the transport, which took that long.
func (g *governor) spent(n int, took time.Duration, now time.Time) {
	if p := g.pace; p != nil {
		p.tokens = max(p.tokens-float64(n+max(1, (n+packet/2)/packet)*overhead), -p.rate*mostDebt.Seconds())
		if took > batchTime {
			p.blocked = now
		}
	}
}
