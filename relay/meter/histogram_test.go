package meter

import (
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"moqedge/moq/deliver"
	"moqedge/relay"
)

// TestHistogram: what is observed is in the bucket of the least bound that it does not
// exceed, and in those above; of goroutines that observe at a time none is lost.
func TestHistogram(t *testing.T) {
	h := newHistogram([]time.Duration{time.Millisecond, 10 * time.Millisecond})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				for _, d := range []time.Duration{-time.Second, time.Millisecond, time.Millisecond + 1, 3 * time.Second} {
					h.observe(d)
				}
			}
		})
	}
	all.Wait()
	var m dto.Metric
	if err := h.metric(descriptions(table())[roundTrip].desc).Write(&m); err != nil {
		t.Fatal(err)
	}
	got := m.GetHistogram()
	if n := got.GetSampleCount(); n != 16_000 {
		t.Errorf("%d were counted, want 16000", n)
	}
	for i, want := range []uint64{8000, 12_000} {
		if n := got.GetBucket()[i].GetCumulativeCount(); n != want {
			t.Errorf("up to %v s: %d, want %d", got.GetBucket()[i].GetUpperBound(), n, want)
		}
	}
	if sum := got.GetSampleSum(); sum < 12_007.9 || sum > 12_008.1 {
		t.Errorf("the sum is %v s, want 12008", sum)
	}
}

// Bounds fit into the array, ascend, and are finite.
func TestBounds(t *testing.T) {
	for _, bounds := range [][]time.Duration{fast(), slow()} {
		if len(bounds) > maxBuckets {
			t.Errorf("%d bounds, at most %d", len(bounds), maxBuckets)
		}
		for i := 1; i < len(bounds); i++ {
			if bounds[i] <= bounds[i-1] {
				t.Errorf("%v comes after %v", bounds[i], bounds[i-1])
			}
		}
	}
}

// TestAllocations: what is told for each of many objects, and for each subscription,
// takes no memory.
func TestAllocations(t *testing.T) {
	m := New(Config{})
	if n := testing.AllocsPerRun(1000, func() {
		m.Sampled(deliver.Sample{Forward: 3 * time.Millisecond, Queued: time.Microsecond})
		m.Subscribed(relay.SourceUpstream, time.Millisecond)
		m.Opened(1, time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// BenchmarkSampled is what one object in 64 costs, by as many sessions at a time as
// there are processors.
func BenchmarkSampled(b *testing.B) {
	m := New(Config{})
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			m.Sampled(deliver.Sample{Forward: 3 * time.Millisecond, Queued: 200 * time.Microsecond})
		}
	})
}
