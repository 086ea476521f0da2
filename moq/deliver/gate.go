package deliver

import (
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq/transport"
)

// gate lets other goroutines interrupt what the scheduler is blocked in. A write
// has no deadline: quic-go would start a timer for each. It is given one in the
// past when something more urgent comes up, or when it has taken long and others
// could be tried. A datagram that the connection has no room for cannot be
// interrupted: there the scheduler gets a deputy.
type gate struct {
	// state is 0 between writes, else made of the number of the write, its
	// rank and whether it was interrupted: it says which write an interrupt is
	// for, so that one that comes late does not hit the next.
	state atomic.Uint64
	// noted is the lowest rank of what the scheduler was told of and has not
	// looked at.
	noted atomic.Uint32
	// watch is how soon the timer looks at the write.
	watch  atomic.Uint32
	number uint64               // of the write; the scheduler's
	stream transport.SendStream // of the write; set before state, read only by whoever has marked that

	deputy func() // has another goroutine go on with the scheduler's work; does not wait

	mu      sync.Mutex // held while a write is interrupted; guards what follows
	late    bool       // the timer interrupted it
	watched uint64     // number of the write that the timer was started for
	timer   *time.Timer
	brief   time.Duration
}

// How soon the timer looks at a write.
const (
	unwatched uint32 = iota
	patient          // nobody else could be served: it is looked at for the sake of timeouts
	briefly          // others could
)

// patience is how many times longer than brief a patient watch is.
const patience = 10

// Parts of gate.state.
const (
	interrupted = 1 << iota
	handing     // of a datagram
	rankShift   = iota
	rankBits    = 17
	numberShift = rankShift + rankBits
)

func stateRank(state uint64) uint32 { return uint32(state>>rankShift) & (1<<rankBits - 1) }

// enter begins a write of a rank. It reports false, and there is none, when
// something more urgent was noted meanwhile, or anything at all for one that yields:
// that is interrupted whatever comes up.
func (g *gate) enter(stream transport.SendStream, rank uint32, yields bool, watch uint32) (state uint64, ok bool) {
	shown := rank
	if yields {
		shown = noRank
	}
	g.number++
	g.stream = stream
	state = g.number<<numberShift | uint64(shown)<<rankShift
	g.state.Store(state)
	// Whoever notes something does so before it looks at state.
	switch noted := g.noted.Load(); {
	case noted < shown && g.state.CompareAndSwap(state, 0):
		return state, false
	case noted < noRank: // it has others to look at
		watch = briefly
	}
	g.start(watch)
	return state, true
}

// hand begins the handing over of a datagram.
func (g *gate) hand(watch uint32) (state uint64) {
	g.number++
	state = g.number<<numberShift | noRank<<rankShift | handing
	g.state.Store(state)
	if g.noted.Load() < noRank {
		watch = briefly
	}
	g.start(watch)
	return state
}

// leave ends a write to a stream; late reports that it took longer than it may.
func (g *gate) leave(state uint64) (late bool) {
	if g.state.CompareAndSwap(state, 0) {
		return false
	}
	g.mu.Lock() // whoever interrupted it has set the deadline
	late, g.late = g.late, false
	g.mu.Unlock()
	_ = g.stream.SetWriteDeadline(time.Time{})
	g.state.Store(0)
	return late
}

// note tells of something of a rank: if less urgent things are being written, they
// are interrupted.
func (g *gate) note(rank uint32) {
	for {
		was := g.noted.Load()
		if was <= rank || g.noted.CompareAndSwap(was, rank) {
			break
		}
	}
	state := g.state.Load()
	if state == 0 || state&interrupted != 0 {
		return
	}
	if rank >= stateRank(state) {
		g.start(briefly) // it has others to look at now
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if state := g.state.Load(); state != 0 && rank < stateRank(state) {
		g.interrupt(state)
	}
}

// handed ends the handing over of a datagram. It reports false when a deputy has
// taken the work over.
func (g *gate) handed(state uint64) bool { return g.state.CompareAndSwap(state, 0) }

// interrupt ends the write that state is of, unless it is over. The caller holds mu.
func (g *gate) interrupt(state uint64) bool {
	if state&handing != 0 {
		if !g.state.CompareAndSwap(state, 0) {
			return false
		}
		g.deputy() // ends when the scheduler comes back, or with it
		return true
	}
	if state&interrupted != 0 || !g.state.CompareAndSwap(state, state|interrupted) {
		return false
	}
	_ = g.stream.SetWriteDeadline(time.Unix(1, 0))
	return true
}

// start has the timer look at the write in its time, or sooner.
func (g *gate) start(watch uint32) {
	if g.watch.Load() >= watch {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.arm(watch)
}

func (g *gate) arm(watch uint32) {
	g.watch.Store(watch)
	g.watched = g.state.Load() >> numberShift
	after := g.brief
	if watch == patient {
		after *= patience
	}
	if g.timer == nil {
		g.timer = time.AfterFunc(after, g.expire)
	} else {
		g.timer.Reset(after)
	}
}

// expire interrupts a write that was under way when the timer was started. When
// another one is, that is watched; when none is, the next one starts the timer.
func (g *gate) expire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	watch := g.watch.Swap(unwatched)
	state := g.state.Load()
	switch {
	case state == 0:
	case state>>numberShift != g.watched:
		g.arm(max(watch, patient))
	case g.interrupt(state):
		g.late = state&handing == 0 // who comes back from a datagram does not ask
	}
}

// stop ends the timer.
func (g *gate) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.timer != nil {
		g.timer.Stop()
	}
}
