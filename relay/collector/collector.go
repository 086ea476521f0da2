package collector

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// every is how often sessions are counted.
	every = 250 * time.Millisecond
	// many is how many more sessions in that time are a crowd that comes.
	many = 4
	// strict is by how many percent of what lives the heap may grow meanwhile, and
	// strictPart what part of the room for garbage counts then, one in this many.
	strict, strictPart = 25, 16
	// settled is for how many counts no crowd has to come for it to be there: 2 s.
	settled = 8
	// forget is what part of the most sessions there were is forgotten with each count, one
	// in this many: those that come in place of others are no crowd.
	forget = 32
	// worthwhile is how many sessions have to have come for a collection of their
	// own, and what part of all, one in worthwhilePart.
	worthwhile, worthwhilePart = 32, 8
	// highest is the most percent, of a process that keeps next to nothing.
	highest = 10_000
)

// Run adjusts the collector to the number of open sessions, and to how many bytes there
// are for garbage in any case, until ctx is done, and leaves it as it was. room may be
// nil: then garbage is in proportion to what lives. Where the environment sets GOGC Run
// does nothing.
func Run(ctx context.Context, sessions func() int64, room func() uint64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	if room == nil {
		room = func() uint64 { return 0 }
	}
	c := crowd{setPercent: debug.SetGCPercent, live: Live, room: room, free: debug.FreeOSMemory}
	c.enter()
	defer c.leave()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.look(sessions())
		case <-ctx.Done():
			return
		}
	}
}

// Live is what the last collection has left, in bytes.
func Live() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// crowd is what is known of the sessions that come. It belongs to one goroutine.
type crowd struct {
	setPercent func(int) int
	live, room func() uint64 // bytes
	free       func()        // collects and gives memory back

	open    int64 // at the last count
	most    int64 // lately
	fresh   int64 // came since memory was given back
	quiet   int   // counts since a crowd came
	pressed bool  // one comes
	before  int   // the percentage that is given back
	percent int   // the one in force
}

// enter finds out how the collector works.
func (c *crowd) enter() {
	c.before = c.setPercent(100)
	c.setPercent(c.before)
	c.percent = c.before
}

// look takes in how many sessions are open.
func (c *crowd) look(open int64) {
	more := open - c.most
	c.fresh = max(0, c.fresh+open-c.open)
	c.open, c.most = open, max(open, c.most-c.most/forget)
	there := false // the crowd is
	if more >= many {
		c.quiet, c.pressed = 0, true
	} else if c.quiet++; c.quiet == settled {
		there, c.pressed = true, false
	}
	c.adjust()
	if there && c.fresh >= max(worthwhile, open/worthwhilePart) {
		c.fresh = 0
		c.free()
	}
}

// adjust sets how much garbage there may be. All that runs stands still for that, so it is
// done when it makes a difference.
func (c *crowd) adjust() {
	percent, room := c.before, c.room()
	if percent < 0 { // it is off
		return
	}
	if c.pressed {
		percent, room = min(percent, strict), room/strictPart
	}
	percent = max(percent, int(min(room*100/max(c.live(), 1), highest)))
	if percent != c.before && c.percent*3/4 < percent && percent < c.percent*4/3 {
		return
	}
	c.set(percent)
}

func (c *crowd) set(percent int) {
	if c.percent != percent {
		c.setPercent(percent)
		c.percent = percent
	}
}

// leave has the collector work as it did.
func (c *crowd) leave() { c.set(c.before) }
