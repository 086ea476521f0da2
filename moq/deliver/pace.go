package deliver

import (
	"time"

	"moqedge/moq/transport"
)

// pace is how fast a link takes what is sent, found by trying.
type pace struct {
	rate    float64   // bytes per second that are sent
	known   float64   // bytes per second that the link was seen to take; 0 before
	sure    bool      // known was measured well
	best    float64   // most that arrived per second since the rate was too high first
	tokens  float64   // bytes that may be sent now
	filled  time.Time // when tokens were counted
	waited  time.Time // when something had to wait for tokens last
	blocked time.Time // when the transport took long to take something last

	base      time.Duration    // round trip time without a queue, as far as known
	lows      [2]time.Duration // lowest of the current and of the last period
	period    time.Time        // when the current one began
	low       time.Duration    // lowest since corrected; 0 without a sample
	corrected time.Time
	received  uint64        // packets, when the last sample was taken
	cut       time.Time     // when the rate was lowered last
	cutBy     time.Duration // the queue then
	peak      time.Duration // the longest queue since
	busy      time.Time     // since when there is a queue; zero while there is none
	long      time.Time     // since when it is too long; zero while it is not
	longest   time.Duration // of the queue then
	last      time.Duration // the queue when it was looked at last
	noise     time.Duration // how much of it comes and goes by itself
	tolerance float64       // how much more than usual is not too long
	before    float64       // the rate one or two steps ago, when it was raised
	then      float64       // the rate at the last step
	marked    time.Time     // when that was
	extra     time.Duration // the queue there would be if the link took no more than is known

	sent  curve // bytes sent by time
	acked curve // bytes known to have arrived by time
}

const (
	// packet is about what a packet of quic-go carries of a stream, and overhead
	// what is around that.
	packet   = 1200
	overhead = 40
	// startPackets are sent in the first round trip, or in startTime if that is
	// longer, but not over more than four round trips.
	startPackets = 10
	startTime    = 40 * time.Millisecond
	// leastRate and mostRate are in bytes per second.
	leastRate = 8 << 10
	mostRate  = 1 << 30
	// batchTime is how much is sent at a time, if that is more than a packet.
	batchTime = 2 * time.Millisecond
	// lateness is how much is made up for when the scheduler is late.
	lateness = 10 * time.Millisecond
	// slack is the delay by queues that is aimed at.
	slack = time.Millisecond
	// steady is how old a queue is at least before something is done about it, twice the
	// time that it takes to learn of it included: a short way is the noisier one.
	steady = 45 * time.Millisecond
	// far is a queue that shows that much less is taken than before.
	far = 40 * time.Millisecond
	// measure is the least time over which a rate is told.
	measure = 60 * time.Millisecond
	// lowPeriod is how long the lowest round trip time counts, at least.
	lowPeriod = 5 * time.Second
	// step is the least time for which the rate is tried before it is raised further.
	step = 50 * time.Millisecond
	// share of the known rate is used between attempts to find more, each of which begins
	// with trial times that rate, the time between two being calmRTTs round trips, or
	// calmTime if that is longer.
	share    = 0.95
	trial    = 1.04
	calmRTTs = 6
	calmTime = 300 * time.Millisecond
	// answer is how long it takes at most, beside a round trip and the queue, until a lower
	// rate shows: acknowledgements wait for another packet, and are looked at now and then.
	answer = 20 * time.Millisecond
)

func newPace(rtt time.Duration, now time.Time) *pace {
	return &pace{
		rate: startPackets * packet / min(max(rtt, startTime), 4*rtt).Seconds(), tokens: packet, filled: now,
		base: rtt, lows: [2]time.Duration{rtt, rtt}, period: now, corrected: now, tolerance: 1,
	}
}

// perPacket is how long the link takes for a packet, as far as is known.
func (p *pace) perPacket() time.Duration {
	return time.Duration(packet / max(p.known, p.rate) * float64(time.Second))
}

// limit is the delay by queues up to which nothing is done. A full packet takes longer
// than the small ones that base is of.
func (p *pace) limit() time.Duration {
	return p.full() + time.Duration(p.tolerance*float64(slack)) + 4*p.noise
}

func (p *pace) full() time.Duration { return p.perPacket() * 11 / 10 }

// allow returns how many bytes may be sent now, or when to ask again.
func (p *pace) allow(now time.Time) (n int, again time.Time) {
	batch := max(packet, min(p.rate*batchTime.Seconds(), maxAllowance))
	// Tokens of a time in which nothing waited are not kept, lest they make a burst.
	most := batch
	switch {
	case now.Sub(p.blocked) < 2*p.base:
		most = max(2*packet, p.rate*p.base.Seconds())
	case now.Sub(p.waited) < lateness+p.perPacket():
		most = max(2*packet, p.rate*lateness.Seconds())
	}
	p.tokens = min(p.tokens+p.rate*now.Sub(p.filled).Seconds(), most)
	p.filled = now
	if p.tokens >= batch-1 {
		return min(int(p.tokens)+1, maxAllowance), again
	}
	p.waited = now
	wait := time.Duration((batch - p.tokens) / p.rate * float64(time.Second))
	return 0, now.Add(min(wait, 2*lateness))
}

// look takes in what the connection tells, and corrects the rate.
func (p *pace) look(st transport.Stats, now time.Time) {
	p.sent.add(now, float64(st.BytesSent))
	if st.PacketsReceived != p.received && st.LatestRTT > 0 {
		p.received = st.PacketsReceived
		p.sample(st.LatestRTT, now)
		if at := now.Add(-st.LatestRTT); p.sent.reaches(at) {
			p.acked.add(now, p.sent.at(at)-float64(st.BytesLost))
		}
	}
	// Peers acknowledge every other packet.
	tick := min(max(p.base/4, 5*time.Millisecond, 5*p.perPacket()/2), 25*time.Millisecond)
	if since := now.Sub(p.corrected); p.low > 0 && since >= tick {
		p.correct(p.low-p.base, min(since, 2*tick), now)
		p.low, p.corrected = 0, now
	}
}

// sample takes in a round trip time.
func (p *pace) sample(rtt time.Duration, now time.Time) {
	if p.low == 0 || rtt < p.low {
		p.low = rtt
	}
	if now.Sub(p.period) > lowPeriod {
		p.lows[1], p.lows[0], p.period = p.lows[0], rtt, now
	}
	p.lows[0] = min(p.lows[0], rtt)
	p.base = min(p.lows[0], p.lows[1])
}

// correct sets the rate for the delay by queues that was seen in the time since.
func (p *pace) correct(queue, since time.Duration, now time.Time) {
	if queue <= p.full() {
		p.busy = time.Time{}
	} else if p.busy.IsZero() {
		p.busy = now
	}
	if p.known == 0 && !p.cut.IsZero() {
		p.settle(queue <= p.full(), now)
	}
	p.listen(queue, now)
	waiting := now.Sub(p.waited) < since+batchTime
	if queue <= p.limit() {
		p.long = time.Time{}
		if waiting || now.Sub(p.blocked) < since {
			p.raise(since, now)
		}
		return
	}
	if p.long.IsZero() {
		p.long, p.longest = now, queue
	}
	standing := now.Sub(p.long)
	switch {
	case standing > max(time.Second, 8*p.base) && queue > p.longest*7/10:
		// It is not ours: another's queue, another route, a busy machine.
		p.lows = [2]time.Duration{p.low, p.low}
		p.base, p.period, p.long = p.low, now, time.Time{}
		p.tolerance = min(2*p.tolerance, 16)
	case standing < steady-2*p.base, !waiting && standing < max(250*time.Millisecond, 3*p.base):
		// It may be a moment's.
	case now.Sub(p.cut) > p.base+queue+answer, queue > 2*p.cutBy+slack:
		p.lower(queue, now)
	}
}

// listen finds out how much of the delay is no queue of ours: that shrinks only
// after less was sent than the link takes. Whoever is busy, here or on the way,
// makes delays that go as they came.
func (p *pace) listen(queue time.Duration, now time.Time) {
	fell := p.last - queue - min(p.perPacket(), 5*time.Millisecond)
	p.last, p.peak = queue, max(p.peak, queue)
	switch {
	case p.corrected.Sub(p.cut) < 2*p.base+p.peak: // ours may have shrunk since the last look
	case fell > p.noise:
		p.noise += (fell - p.noise) / 2
	default:
		p.noise -= p.noise / 64
	}
}

// settle finds out what the link takes when the first rate was too high, by
// what arrived while there was a queue.
func (p *pace) settle(gone bool, now time.Time) {
	p.best = max(p.best, p.acked.slope(max(p.base, measure), measure/2))
	if p.best > 0 && gone && now.Sub(p.cut) > p.base {
		p.known = p.best
	}
}

// raise lets more be sent: soon as much as the link is known to take, and after a time
// a little more, until the queue that this makes would show. When it does not, the link
// has become wider, and the rate grows fast: who watches is to be back at live within a
// second, whenever the link becomes wider between two attempts.
func (p *pace) raise(since time.Duration, now time.Time) {
	rtt := max(p.base, time.Millisecond)
	rounds := float64(since) / float64(rtt)
	steps := float64(since) / float64(max(rtt, step)) // a queue takes time to be told from noise
	calm := now.Sub(p.cut)
	switch {
	case p.known == 0 && p.cut.IsZero(): // no more than twice what is seen to arrive
		most := 2 * p.acked.slope(max(p.base, 2*resolution), 0)
		p.rate = min(p.rate*(1+rounds), max(p.rate, most))
	case p.known == 0:
	case calm < rtt: // it has not shown yet what lowering the rate did
	case p.rate < share*p.known:
		p.rate = min(p.rate*(1+rounds/2), share*p.known)
	case !p.sure:
		p.rate *= 1 + 0.05*rounds
	case calm < max(calmRTTs*rtt, calmTime):
	case p.rate < trial*p.known:
		p.rate, p.extra = trial*p.known, 0
	case p.extra < p.limit()+time.Duration((trial-1)*float64(rtt)): // what the last round trip adds shows later
		p.extra += time.Duration((p.rate/p.known - 1) * float64(since))
	default: // the further above what was known, the less is the question by how much that was wrong
		p.rate *= 1 + min(0.2, p.rate/p.known-0.98)*steps
	}
	p.rate = min(p.rate, mostRate)
	if now.Sub(p.marked) >= max(rtt, step) {
		p.before, p.then, p.marked = p.then, p.rate, now
	}
}

// lower sets the rate below what the link takes, so that the queue empties.
func (p *pace) lower(queue time.Duration, now time.Time) {
	if p.cut.IsZero() { // nothing is known yet: wait until the queue is gone
		p.rate, p.best = max(p.rate/8, leastRate), p.rate/4
	} else if arrives := p.acked.slope(min(now.Sub(p.busy), max(p.base, measure)), measure/2); arrives > 0 {
		if queue < far+4*p.noise { // it may be noise, and over so short a time a packet counts for a twentieth
			arrives = max(arrives, p.known-(p.known-arrives)/4)
		}
		if p.known > 0 { // what is seen now was sent a round trip ago
			arrives = min(arrives, max(p.known, p.before))
		}
		p.known, p.sure = arrives, p.noise < slack
	} else if p.known > 0 { // the queue is short, so it is about what was sent
		p.known = max(p.known, p.rate*9/10)
	}
	p.cut, p.cutBy, p.peak = now, queue, queue
	if p.known > 0 {
		drain := min(max(float64(queue)/float64(queue+100*time.Millisecond), 0.15), 0.5)
		p.rate = max(p.known*(1-drain), leastRate)
	}
}
