package main

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations up to an hour, each known to within 1/256. It may be
// used by any number of goroutines.
type histogram struct {
	counts [buckets]atomic.Uint64
	max    atomic.Int64
}

// Durations are counted in microseconds; below 256 each has its bucket, above
// each power of two has 128 of them.
const (
	exact   = 256
	perStep = exact / 2
	buckets = exact + 24*perStep
)

func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucketOf(uint64(d/time.Microsecond))].Add(1)
	for m := h.max.Load(); int64(d) > m && !h.max.CompareAndSwap(m, int64(d)); m = h.max.Load() {
	}
}

func bucketOf(us uint64) int {
	if us < exact {
		return int(us)
	}
	shift := bits.Len64(us) - 8
	return min(exact+(shift-1)*perStep+int(us>>shift)-perStep, buckets-1)
}

// middleOf is the duration that a bucket stands for.
func middleOf(i int) time.Duration {
	if i < exact {
		return time.Duration(i)*time.Microsecond + time.Microsecond/2
	}
	shift := (i-exact)/perStep + 1
	low := uint64((i-exact)%perStep+perStep) << shift
	return time.Duration(low)*time.Microsecond + time.Duration(1)<<shift*time.Microsecond/2
}

// latency is what a histogram says.
type latency struct {
	Count              uint64
	P50, P95, P99, Max time.Duration
}

// take returns what was counted since the last time.
func (h *histogram) take() latency {
	var counts [buckets]uint64
	l := latency{Max: time.Duration(h.max.Swap(0))}
	for i := range h.counts {
		counts[i] = h.counts[i].Swap(0)
		l.Count += counts[i]
	}
	quantile := func(q float64) time.Duration {
		seen, want := uint64(0), uint64(q*float64(l.Count))
		for i, n := range counts {
			if seen += n; seen > want {
				return middleOf(i)
			}
		}
		return l.Max
	}
	if l.Count > 0 {
		l.P50, l.P95, l.P99 = quantile(0.50), quantile(0.95), quantile(0.99)
	}
	return l
}
