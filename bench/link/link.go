package link

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Link is one viewer's access line. The zero value is a clean one, which costs
// nothing. Both directions are the same unless a field says otherwise; each has
// its own losses, jitter and queue.
type Link struct {
	Name    string        `json:"name"`
	Delay   time.Duration `json:"delay_ns,omitempty"`    // one way: a round trip takes twice this
	Jitter  time.Duration `json:"jitter_ns,omitempty"`   // added to each packet, uniformly 0 to Jitter; packets keep their order
	Loss    float64       `json:"loss,omitempty"`        // probability per packet and direction, 0 to 1
	Rate    float64       `json:"rate_bps,omitempty"`    // bit/s to the viewer, IP and UDP headers included; 0: unlimited
	Up      float64       `json:"up_rate_bps,omitempty"` // bit/s from the viewer; 0: unlimited
	Queue   time.Duration `json:"queue_ns,omitempty"`    // what the queue before a limited rate holds, as time at Rate (at Up from the viewer); packets that find it full are dropped. 0: 200 ms
	Changes []Change      `json:"changes,omitempty"`     // in the order of At
}

// Change is what a link becomes at a point in time, until the next one.
type Change struct {
	At   time.Duration `json:"at_ns"`              // since the start of the emulator's clock
	Rate float64       `json:"rate_bps,omitempty"` // bit/s to the viewer; 0: what Link.Rate says
	Down bool          `json:"down,omitempty"`     // nothing gets through, in both directions
}

// defaultQueue is what home routers are found to hold, give or take.
const defaultQueue = 200 * time.Millisecond

// Clean reports whether packets pass a link as if it was not there.
func (l Link) Clean() bool {
	return l.Delay == 0 && l.Jitter == 0 && l.Loss == 0 && l.Rate == 0 && l.Up == 0 && len(l.Changes) == 0
}

// RTT is what a round trip takes at least.
func (l Link) RTT() time.Duration { return 2 * l.Delay }

// Validate says which field is impossible.
func (l Link) Validate() error {
	switch {
	case l.Delay < 0 || l.Jitter < 0 || l.Queue < 0:
		return errors.New("delay, jitter and queue of a link must not be negative")
	case !(l.Loss >= 0 && l.Loss < 1):
		return fmt.Errorf("the loss of a link is a probability from 0 to below 1, not %v", l.Loss)
	case !isRate(l.Rate) || !isRate(l.Up):
		return errors.New("a rate of a link is in bit/s, at least 1000, or 0 for unlimited")
	case !slices.IsSortedFunc(l.Changes, func(a, b Change) int { return int(a.At - b.At) }):
		return errors.New("the changes of a link must be in the order of their times")
	}
	for _, c := range l.Changes {
		if !isRate(c.Rate) {
			return fmt.Errorf("the rate that a link has from %v is in bit/s, at least 1000, not %v", c.At, c.Rate)
		}
	}
	return nil
}

func isRate(r float64) bool { return r == 0 || r >= 1000 && !math.IsInf(r, 1) }

// queue is the length of the drop-tail queue in bits, given the highest rate it
// serves: a queue is so many bytes of memory, so a line that gets slower keeps
// packets longer.
func (l Link) queue(highest float64) float64 {
	length := l.Queue
	if length == 0 {
		length = defaultQueue
	}
	return highest * length.Seconds()
}
