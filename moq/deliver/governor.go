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
	stats func() transport.Stats

	urgent   uint32    // rank of the most urgent that was sent lately
	urgentAt time.Time // when

	rate    float64   // bytes per second that may be sent; 0 until it is needed
	tokens  float64   // bytes that may be sent now
	filled  time.Time // when tokens were counted
	limited time.Time // when something had to wait for tokens last
	started bool      // the rate was found: it no longer doubles

	base      time.Duration // round trip time without a queue, as far as known
	recent    [2]time.Duration
	turned    time.Time     // when recent[0] was begun
	lowest    time.Duration // of the samples since checked; 0 without one
	checked   time.Time
	received  uint64    // packets, when the last sample was taken
	cut       time.Time // when the rate was lowered last
	high      time.Time // since when the queue is too long; zero while it is not
	highest   time.Duration
	tolerance float64

	sent  curve // bytes sent by time
	acked curve // bytes known to have arrived by time
}

const (
	// recently is how long something urgent counts after it was sent.
	recently = 2 * time.Second
	// packet is about what a packet of quic-go carries of a stream; with
	// overhead bytes around it.
	packet   = 1200
	overhead = 60
	// startPackets are sent in the first round trip.
	startPackets = 10
	// leastRate is in bytes per second.
	leastRate = 8 << 10
)

// sees notes that something of a rank is sent, or was subscribed to.
func (g *governor) sees(rank uint32, now time.Time) {
	if rank <= g.urgent || now.Sub(g.urgentAt) > recently {
		g.urgent, g.urgentAt = rank, now
	}
}

// governs reports whether something of a rank has to mind more urgent things.
func (g *governor) governs(rank uint32, now time.Time) bool {
	return rank > g.urgent && now.Sub(g.urgentAt) <= recently
}

// allow returns how many bytes may be sent now of something less urgent; when
// there are none, it returns when to ask again.
func (g *governor) allow(now time.Time) (n int, again time.Time) {
	if g.stats == nil {
		return maxAllowance, again
	}
	g.look(now)
	if g.rate == 0 {
		return maxAllowance, again
	}
	g.fill(now)
	batch := max(packet, min(g.rate*batchTime.Seconds(), maxAllowance))
	if g.tokens >= batch-0.5 {
		return int(g.tokens), again
	}
	g.limited = now
	wait := time.Duration((batch - g.tokens) / g.rate * float64(time.Second))
	return 0, now.Add(min(wait, 20*time.Millisecond))
}

const (
	batchTime    = 2 * time.Millisecond
	maxAllowance = 64 << 10
)

// fill counts the tokens that came since the last time. Those of a time in which
// nothing waited are not kept, lest they make a burst.
func (g *governor) fill(now time.Time) {
	most := max(packet, g.rate*batchTime.Seconds())
	if now.Sub(g.limited) < 3*batchTime+time.Duration(packet/g.rate*2*float64(time.Second)) { // it may be late
		most = max(2*packet, g.rate*5*batchTime.Seconds())
	}
	g.tokens = min(g.tokens+g.rate*now.Sub(g.filled).Seconds(), most)
	g.filled = now
}

// spend notes that n bytes were handed to the transport.
func (g *governor) spend(n int, now time.Time) {
	if g.rate > 0 {
		g.tokens -= float64(n + (n/packet+1)*overhead)
	}
}

// look takes in what the connection tells, and corrects the rate.
func (g *governor) look(now time.Time) {
	st := g.stats()
	g.sent.add(now, float64(st.BytesSent))
	if st.LatestRTT == 0 || st.MinRTT == 0 {
		return
	}
	if g.rate == 0 {
		g.begin(st, now)
	}
	if st.PacketsReceived != g.received {
		g.received = st.PacketsReceived
		g.sample(st.LatestRTT, now)
		g.acked.add(now, g.sent.at(now.Add(-st.LatestRTT)))
	}
	tick := min(max(g.base/4, 5*time.Millisecond), 25*time.Millisecond)
	if since := now.Sub(g.checked); g.lowest > 0 && since >= tick {
		g.correct(min(since, g.base+2*tick), st, now)
		g.lowest, g.checked = 0, now
	}
}

func (g *governor) begin(st transport.Stats, now time.Time) {
	g.base = st.MinRTT
	g.recent = [2]time.Duration{st.MinRTT, st.MinRTT}
	g.turned, g.checked, g.filled = now, now, now
	g.tolerance = 1
	g.rate = startPackets * packet / max(g.base.Seconds(), 0.0005)
	g.tokens = packet
}

// sample takes in a round trip time.
func (g *governor) sample(rtt time.Duration, now time.Time) {
	if g.lowest == 0 || rtt < g.lowest {
		g.lowest = rtt
	}
	if now.Sub(g.turned) > 5*time.Second {
		g.recent[1], g.recent[0], g.turned = g.recent[0], rtt, now
	}
	g.recent[0] = min(g.recent[0], rtt)
	g.base = min(g.recent[0], g.recent[1])
}

// correct sets the rate for what was seen in the time since.
func (g *governor) correct(since time.Duration, st transport.Stats, now time.Time) {
	queue := g.lowest - g.base
	// A full packet alone takes longer than the small ones that base is of.
	limit := time.Duration(g.tolerance*float64(3*time.Millisecond)) + time.Duration(1.2*packet/g.rate*float64(time.Second))
	waiting := now.Sub(g.limited) < since+batchTime
	if queue <= limit {
		g.high = time.Time{}
		if waiting {
			g.raise(since, now)
		}
		return
	}
	if g.high.IsZero() {
		g.high, g.highest = now, queue
	}
	standing := now.Sub(g.high)
	switch {
	case standing > max(time.Second, 8*g.base) && g.lowest-g.base > g.highest*7/10:
		// It is not ours: another's queue, another route, a busy machine.
		g.recent = [2]time.Duration{g.lowest, g.lowest}
		g.turned, g.high = now, time.Time{}
		g.tolerance = min(2*g.tolerance, 16)
	case !waiting && standing < max(250*time.Millisecond, 3*g.base):
		// It may be a moment's.
	case now.Sub(g.cut) > g.base+queue:
		g.lower(queue, now)
	}
}

// raise lets more be sent, by as much more the longer it went well.
func (g *governor) raise(since time.Duration, now time.Time) {
	rounds := since.Seconds() / max(g.base.Seconds(), 0.001)
	gain := 1.0
	if g.started {
		switch calm := now.Sub(g.cut) / max(g.base, time.Millisecond); {
		case calm < 20:
			gain = 0.02
		case calm < 40:
			gain = 0.08
		default:
			gain = 0.25
		}
	}
	g.rate *= 1 + gain*rounds
}

// lower sets the rate below what arrives, so that the queue empties.
func (g *governor) lower(queue time.Duration, now time.Time) {
	arrives := g.acked.slope(now, max(g.base+queue, 60*time.Millisecond))
	if arrives == 0 {
		return
	}
	g.started, g.cut = true, now
	drain := min(max(queue.Seconds()/(queue.Seconds()+0.3), 0.08), 0.5)
	g.rate = max(min(g.rate, arrives*(1-drain)), leastRate)
}

// curve is a growing quantity over time, of which the recent past is known.
type curve struct {
	points [64]point
	n      int // points ever added
}

type point struct {
	at    time.Time
	value float64
}

// resolution is the least time between two points.
const resolution = 4 * time.Millisecond

func (c *curve) add(at time.Time, value float64) {
	if c.n > 0 && at.Sub(c.points[(c.n-1)%len(c.points)].at) < resolution {
		return
	}
	c.points[c.n%len(c.points)] = point{at, value}
	c.n++
}

// at returns the value at a time, between two points in proportion.
func (c *curve) at(at time.Time) float64 {
	if c.n == 0 {
		return 0
	}
	after := c.points[(c.n-1)%len(c.points)]
	for i := c.n - 1; i >= 0 && i >= c.n-len(c.points); i-- {
		p := c.points[i%len(c.points)]
		if !p.at.After(at) {
			if span := after.at.Sub(p.at); span > 0 && at.Before(after.at) {
				return p.value + (after.value-p.value)*float64(at.Sub(p.at))/float64(span)
			}
			return p.value
		}
		after = p
	}
	return after.value
}

// slope returns the growth per second over the last span of time, as far as
// it is known; 0 when it is not.
func (c *curve) slope(now time.Time, span time.Duration) float64 {
	if c.n < 2 {
		return 0
	}
	last := c.points[(c.n-1)%len(c.points)]
	first := c.points[max(0, c.n-len(c.points))%len(c.points)]
	from := last.at.Add(-span)
	if first.at.After(from) {
		from = first.at
	}
	took := last.at.Sub(from).Seconds()
	if took <= 0 {
		return 0
	}
	return (last.value - c.at(from)) / took
}
