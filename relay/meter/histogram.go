package meter

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// maxBuckets is how many bounds a histogram may have.
const maxBuckets = 24

// histogram counts durations. Observing takes no lock and no memory: it adds to one of
// a fixed number of counters. Its methods are safe for concurrent use; a reading that
// is taken meanwhile may lack what is being added.
type histogram struct {
	bounds  []time.Duration // upper ones, ascending
	buckets [maxBuckets + 1]atomic.Uint64
	sum     atomic.Uint64 // microseconds: of nanoseconds there can be too many
}

func newHistogram(bounds []time.Duration) *histogram { return &histogram{bounds: bounds} }

// observe adds a duration; less than nothing, as after a step of a clock, is nothing.
func (h *histogram) observe(d time.Duration) {
	d = max(d, 0)
	i := 0
	for i < len(h.bounds) && d > h.bounds[i] {
		i++
	}
	h.sum.Add(uint64((d + time.Microsecond/2) / time.Microsecond))
	h.buckets[i].Add(1)
}

// metric is a reading.
func (h *histogram) metric(d *prometheus.Desc, labels ...string) prometheus.Metric {
	sum := float64(h.sum.Load()) / 1e6
	buckets := make(map[float64]uint64, len(h.bounds))
	var n uint64
	for i, bound := range h.bounds {
		n += h.buckets[i].Load()
		buckets[bound.Seconds()] = n
	}
	n += h.buckets[len(h.bounds)].Load()
	return prometheus.MustNewConstHistogram(d, n, sum, buckets, labels...)
}

// Bounds of the histograms: fast is for what a relay adds, slow for what waits for a
// network or for another relay.
func fast() []time.Duration {
	return []time.Duration{
		50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
		time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
		100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
	}
}

func slow() []time.Duration {
	return []time.Duration{
		500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond,
		40 * time.Millisecond, 80 * time.Millisecond, 160 * time.Millisecond, 320 * time.Millisecond, 640 * time.Millisecond,
		1280 * time.Millisecond, 2560 * time.Millisecond, 5120 * time.Millisecond, 10240 * time.Millisecond,
	}
}
