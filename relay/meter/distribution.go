package meter

import "time"

// reading is what was observed so far.
func (h *histogram) reading() Distribution {
	d := Distribution{bounds: h.bounds}
	for i := range d.counts {
		d.counts[i] = h.buckets[i].Load()
	}
	return d
}

// Distribution is how durations were spread: a reading of a histogram. The zero value
// has none.
type Distribution struct {
	bounds []time.Duration // shared: not to be changed
	counts [maxBuckets + 1]uint64
}

// NewDistribution returns one of durations that were observed, in the buckets that
// delays are told in.
func NewDistribution(observed ...time.Duration) Distribution {
	h := newHistogram(fast())
	for _, x := range observed {
		h.observe(x)
	}
	return h.reading()
}

// Since is what was observed after an earlier reading of the same.
func (d Distribution) Since(earlier Distribution) Distribution {
	for i := range d.counts {
		d.counts[i] -= min(d.counts[i], earlier.counts[i])
	}
	return d
}

// Count is how many were observed.
func (d Distribution) Count() (n uint64) {
	for _, c := range d.counts {
		n += c
	}
	return n
}

// Quantile is what a share of them, above 0 and up to 1, was not longer than: as exact
// as the buckets are, between whose bounds they are taken to be spread evenly. Of those
// beyond the last bound it says that bound. 0 when there are none.
func (d Distribution) Quantile(share float64) time.Duration {
	rank := share * float64(d.Count())
	before, low := 0.0, time.Duration(0)
	for i, bound := range d.bounds {
		n := float64(d.counts[i])
		if n > 0 && before+n >= rank {
			return low + time.Duration(float64(bound-low)*(rank-before)/n)
		}
		before, low = before+n, bound
	}
	if d.Count() == 0 {
		return 0
	}
	return low
}
