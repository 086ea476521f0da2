package console

import (
	"fmt"
	"time"
)

// Rate turns a counter of bytes into megabits per second. The zero value is
// ready. It is used by one goroutine.
type Rate struct {
	last  uint64
	since time.Time
	known bool
}

// Next returns the Mbps since the reading before, 0 for the first one.
func (r *Rate) Next(bytes uint64, now time.Time) float64 {
	elapsed := now.Sub(r.since).Seconds()
	before, known := r.last, r.known
	r.last, r.since, r.known = bytes, now, true
	if !known || elapsed <= 0 || bytes < before {
		return 0
	}
	return float64(bytes-before) * 8 / 1e6 / elapsed
}

// Clock writes how long something runs: 1:05 or 2:01:05.
func Clock(d time.Duration) string {
	s := int(d.Seconds())
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
