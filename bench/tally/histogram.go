package tally

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Durations from a microsecond to an hour are told apart to within 0.1 %; shorter
// and longer ones count as these.
const (
	shortest = int64(time.Microsecond)
	longest  = int64(time.Hour)
	digits   = 3
)

// Histogram counts durations. The zero value is empty. It is safe for concurrent
// use.
type Histogram struct {
	mu  sync.Mutex
	hdr *hdrhistogram.Histogram // nil: empty
	max time.Duration           // exact
}

// Add counts d; below zero as zero.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hdr == nil {
		h.hdr = hdrhistogram.New(shortest, longest, digits)
	}
	h.max = max(h.max, d)
	_ = h.hdr.RecordValue(min(int64(d), longest)) // within its range
}

// Quantiles says what was counted.
func (h *Histogram) Quantiles() Quantiles {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.quantiles()
}

// Take says what was counted since the last call, and begins anew.
func (h *Histogram) Take() Quantiles {
	h.mu.Lock()
	defer h.mu.Unlock()
	q := h.quantiles()
	h.hdr, h.max = nil, 0
	return q
}

// quantiles is Quantiles. The caller holds mu.
func (h *Histogram) quantiles() Quantiles {
	if h.hdr == nil {
		return Quantiles{}
	}
	at := h.hdr.ValueAtPercentilesSlice([]float64{50, 90, 95, 99, 99.9})
	limit := func(i int) time.Duration { return min(time.Duration(at[i]), h.max) }
	q := Quantiles{
		Count: uint64(h.hdr.TotalCount()),
		P50:   limit(0), P90: limit(1), P95: limit(2), P99: limit(3), P999: limit(4), Max: h.max,
	}
	encoded, err := h.hdr.EncodeV2()
	if err == nil { // it is written to memory
		q.HDR = string(encoded)
	}
	return q
}

// merge adds what q has counted.
func (h *Histogram) merge(q Quantiles) error {
	if q.Count == 0 {
		return nil
	}
	other, err := q.decode()
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if dropped := h.add(other, q.Max); dropped > 0 {
		return fmt.Errorf("tally: histogram: %d values are out of range", dropped)
	}
	return nil
}

// join adds what another histogram has counted. Nobody else uses either.
func (h *Histogram) join(other *Histogram) {
	if other.hdr != nil {
		h.add(other.hdr, other.max)
	}
}

func (h *Histogram) add(other *hdrhistogram.Histogram, largest time.Duration) (dropped int64) {
	if h.hdr == nil {
		h.hdr = hdrhistogram.New(shortest, longest, digits)
	}
	h.max = max(h.max, largest)
	return h.hdr.Merge(other)
}

// Quantiles of durations: that which the given share of them does not exceed.
type Quantiles struct {
	Count uint64        `json:"count"`
	P50   time.Duration `json:"p50_ns"`
	P90   time.Duration `json:"p90_ns"`
	P95   time.Duration `json:"p95_ns"`
	P99   time.Duration `json:"p99_ns"`
	P999  time.Duration `json:"p999_ns"`
	Max   time.Duration `json:"max_ns"`
	// HDR is the whole histogram in nanoseconds, as HdrHistogram's V2 format has
	// it: compressed, base64. It is empty when Count is 0.
	HDR string `json:"hdr,omitempty"`
}

func (q Quantiles) decode() (*hdrhistogram.Histogram, error) {
	h, err := hdrhistogram.Decode([]byte(q.HDR))
	if err != nil {
		return nil, fmt.Errorf("tally: histogram: %w", err)
	}
	if uint64(h.TotalCount()) != q.Count {
		return nil, fmt.Errorf("tally: histogram: it has %d values, not %d", h.TotalCount(), q.Count)
	}
	return h, nil
}

// MergeQuantiles returns the quantiles of all that was counted.
func MergeQuantiles(all ...Quantiles) (Quantiles, error) {
	var h Histogram
	for _, q := range all {
		if err := h.merge(q); err != nil {
			return Quantiles{}, err
		}
	}
	return h.Quantiles(), nil
}

// Step is a point of a cumulative distribution: Share of all are at most Value.
type Step struct {
	Value time.Duration `json:"value_ns"`
	Share float64       `json:"share"`
}

// Distribution returns the cumulative distribution, ascending: one step for each
// value that occurs. It is empty when nothing was counted.
func (q Quantiles) Distribution() ([]Step, error) {
	if q.Count == 0 {
		return nil, nil
	}
	h, err := q.decode()
	if err != nil {
		return nil, err
	}
	var steps []Step
	seen := int64(0)
	for _, bar := range h.Distribution() {
		if bar.Count > 0 {
			seen += bar.Count
			steps = append(steps, Step{Value: min(time.Duration(bar.To), q.Max), Share: float64(seen) / float64(q.Count)})
		}
	}
	return slices.Clip(steps), nil
}
