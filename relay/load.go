package relay

import (
	"runtime"
	"sync"
	"time"
)

// cpuLoad measures which share of the processors the process uses.
type cpuLoad struct {
	mu   sync.Mutex
	at   time.Time
	used time.Duration
	load float64
}

// minLoadTime is the least time that a reading covers.
const minLoadTime = 500 * time.Millisecond

// read returns the load since it was last read, 0 the first time.
func (c *cpuLoad) read() float64 { return c.note(time.Now(), processTime()) }

func (c *cpuLoad) note(now time.Time, used time.Duration) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	passed := now.Sub(c.at)
	if c.at.IsZero() {
		c.at, c.used = now, used
	} else if passed >= minLoadTime {
		c.load = min(1, (used-c.used).Seconds()/passed.Seconds()/float64(runtime.GOMAXPROCS(0)))
		c.at, c.used = now, used
	}
	return c.load
}
