package link

import (
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// path is one direction of a link. It decides at once, when a packet enters,
// whether and when it gets to the other end; no packet is kept here.
//
// A packet waits in the queue until those before it have left, takes its time
// at the line's rate, may get lost, and arrives a delay later. What is lost on
// the way has taken its share of the rate: noise is on the line, not before it.
//
// It is safe for concurrent use: mu guards what changes.
type path struct {
	table  timetable
	room   float64 // of the queue, in bits; 0: there is none as nothing waits
	delay  int64
	jitter int64
	loss   float64
	repeat int64 // after which a stream sends again what was lost

	mu       sync.Mutex
	packets  *rand.Rand // two numbers per packet, whatever becomes of it: the n-th packet has the same fate in each run
	segments *rand.Rand // for streams, so that they do not disturb the packets' sequence
	entered  int64      // when the latest one entered
	free     int64      // when all that has entered has left
	last     int64      // the latest arrival
	counted  Direction
}

// Directions have their own sequences of chance.
const (
	chanceDown = iota
	chanceUp
	chanceDownStream
	chanceUpStream
)

func newPath(l Link, base float64, towardsViewer bool, seed uint64) *path {
	table, highest := l.timetable(base, towardsViewer)
	packets, segments := uint64(chanceDown), uint64(chanceDownStream)
	if !towardsViewer {
		packets, segments = chanceUp, chanceUpStream
	}
	return &path{
		table: table, room: l.queue(highest),
		delay: int64(l.Delay), jitter: int64(l.Jitter), loss: l.Loss,
		repeat:  2 * int64(max(l.RTT(), minProbe)),
		entered: math.MinInt64, free: math.MinInt64, last: math.MinInt64, // the clock may be at less than 0
		packets:  rand.New(rand.NewPCG(seed, packets)),
		segments: rand.New(rand.NewPCG(seed, segments)),
	}
}

// pass takes a packet of so many bytes (IP headers included) that enters the
// line at a time. It returns when the packet arrives, if it does.
func (p *path) pass(now int64, bytes int) (due int64, arrives bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.transmit(p.packets, now, bytes)
}

// knock is pass for a packet of a handshake of streams.
func (p *path) knock(now int64) (due int64, arrives bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.transmit(p.segments, now, tcpHeaders)
}

// transmit draws the fate of a packet. The caller holds mu.
func (p *path) transmit(chance *rand.Rand, now int64, bytes int) (due int64, arrives bool) {
	lost := chance.Float64() < p.loss
	wobble := chance.Float64()
	bits := float64(bytes) * 8
	p.counted.Packets++
	p.counted.Bytes += uint64(bytes)
	now = p.enter(now)
	begin := max(now, p.free)
	if begin > now && p.table.carries(now, begin)+bits > p.room {
		p.counted.Dropped++
		return 0, false
	}
	left, cut := p.table.send(begin, bits, false)
	p.free = left
	if cut || lost || p.table[p.table.at(now)].rate == 0 {
		p.counted.Lost++
		return 0, false
	}
	p.counted.Arrived++
	p.counted.ArrivedBytes += uint64(bytes)
	return p.arrive(left + int64(wobble*float64(p.jitter))), true
}

const (
	// minProbe is the least round trip that a stream's timers reckon with.
	minProbe = 10 * time.Millisecond
	// maxRepeats of one segment of a stream.
	maxRepeats = 10
)

// carry is pass for a segment of a stream, which gets there in the end: it waits
// for room, is sent again after two round trips when it was lost (a tail loss
// probe, RFC 8985 §7.2), and waits for a line that is down.
func (p *path) carry(now int64, bytes int) (due int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now = p.enter(now)
	var late int64
	for repeats := 0; repeats < maxRepeats && p.segments.Float64() < p.loss; repeats++ {
		late += p.repeat
		p.counted.Lost++
	}
	wobble := p.segments.Float64()
	p.counted.Packets++
	p.counted.Bytes += uint64(bytes)
	left, _ := p.table.send(max(now, p.free), float64(bytes)*8, true)
	if left == never {
		return never
	}
	p.free = left
	p.counted.Arrived++
	p.counted.ArrivedBytes += uint64(bytes)
	return p.arrive(left + late + int64(wobble*float64(p.jitter)))
}

// enter keeps the order of those who read the clock at the same time. The caller
// holds mu.
func (p *path) enter(now int64) int64 {
	p.entered = max(p.entered, now)
	return p.entered
}

// arrive keeps the order. The caller holds mu.
func (p *path) arrive(sent int64) int64 {
	p.last = max(p.last, sent+p.delay)
	return p.last
}

// overrun corrects the count of a packet that arrived and found no reader.
func (p *path) overrun(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counted.Arrived--
	p.counted.ArrivedBytes -= uint64(bytes)
	p.counted.Overrun++
}

func (p *path) counters() Direction {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counted
}
