package collector

import (
	"context"
	"os"
	"runtime/debug"
	"time"
)

const (
	// every is how often sessions are counted.
	every = 250 * time.Millisecond
	// many is how many more sessions in that time are a crowd that comes.
	many = 4
	// strict is by how many percent of what lives the heap may grow meanwhile.
	strict = 25
	// settled is for how many counts no crowd has to come for it to be there: 2 s.
	settled = 8
	// worthwhile is how many sessions have to have come for a collection of their
	// own, and what part of all, one in worthwhilePart.
	worthwhile, worthwhilePart = 32, 8
)

// Run adjusts the collector to the number of open sessions until ctx is done, and
// leaves it as it was. Where the environment sets GOGC it does nothing.
func Run(ctx context.Context, sessions func() int64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	c := crowd{setPercent: debug.SetGCPercent, free: debug.FreeOSMemory}
	defer c.relax()
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

// crowd is what is known of the sessions that come. It belongs to one goroutine.
type crowd struct {
	setPercent func(int) int
	free       func() // collects and gives memory back

	open   int64 // at the last count
	fresh  int64 // came since memory was given back
	quiet  int   // counts since a crowd came
	before *int  // the percentage that is given back; nil: it is in force
}

// look takes in how many sessions are open.
func (c *crowd) look(open int64) {
	came := open - c.open
	c.open = open
	c.fresh = max(0, c.fresh+came)
	if came >= many {
		c.quiet = 0
		c.press()
		return
	}
	if c.quiet++; c.quiet != settled {
		return
	}
	c.relax()
	if c.fresh >= max(worthwhile, open/worthwhilePart) {
		c.fresh = 0
		c.free()
	}
}

// press has the collector work more often.
func (c *crowd) press() {
	if c.before != nil {
		return
	}
	before := c.setPercent(strict)
	c.before = &before
	if before < strict { // or it is off
		c.setPercent(before)
	}
}

// relax has it work as it did.
func (c *crowd) relax() {
	if c.before != nil {
		c.setPercent(*c.before)
		c.before = nil
	}
}
