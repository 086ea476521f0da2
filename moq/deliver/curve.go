package deliver

import "time"

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

// reaches reports whether the value at a time is known.
func (c *curve) reaches(at time.Time) bool {
	return c.n > 0 && !c.points[max(0, c.n-len(c.points))%len(c.points)].at.After(at)
}

// slope returns the growth per second over a span of time up to the last point;
// 0 when less than least of it is known.
func (c *curve) slope(span, least time.Duration) float64 {
	if c.n < 2 {
		return 0
	}
	last := c.points[(c.n-1)%len(c.points)]
	first := c.points[max(0, c.n-len(c.points))%len(c.points)]
	span = min(span, last.at.Sub(first.at))
	if span < least {
		return 0
	}
	return (last.value - c.at(last.at.Add(-span))) / span.Seconds()
}
