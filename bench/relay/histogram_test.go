package main

import (
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	var h histogram
	for i := range 1000 {
		h.add(time.Duration(i+1) * time.Millisecond)
	}
	l := h.take()
	for _, c := range []struct {
		name      string
		got, want time.Duration
	}{{"p50", l.P50, 501 * time.Millisecond}, {"p95", l.P95, 951 * time.Millisecond}, {"p99", l.P99, 991 * time.Millisecond}, {"max", l.Max, time.Second}} {
		if off := (c.got - c.want).Abs(); off > c.want/200 {
			t.Errorf("%s is %v, want %v", c.name, c.got, c.want)
		}
	}
	if l.Count != 1000 {
		t.Errorf("counted %d", l.Count)
	}
	if l := h.take(); l != (latency{}) {
		t.Errorf("taken twice: %+v", l)
	}
}

// Each duration is counted in the bucket that stands for it, up to the largest.
func TestBuckets(t *testing.T) {
	last := -1
	for us := uint64(1); us < 4e9; us += 1 + us/300 {
		i := bucketOf(us)
		if i < last || i >= buckets {
			t.Fatalf("%d us: bucket %d after %d of %d", us, i, last, buckets)
		}
		last = i
		d := time.Duration(us) * time.Microsecond
		if off := (middleOf(i) - d).Abs(); i < buckets-1 && off > d/250+time.Microsecond {
			t.Fatalf("%v is counted as %v", d, middleOf(i))
		}
	}
}
