package meter

import (
	"testing"
	"time"
)

// Quantiles are within the bucket that they are in, and of what came since an earlier
// reading alone.
func TestDistribution(t *testing.T) {
	var early, late []time.Duration
	for range 100 {
		early = append(early, 3*time.Second)
	}
	for i := range 100 {
		late = append(late, time.Duration(i+1)*time.Millisecond)
	}
	d := NewDistribution(append(early, late...)...).Since(NewDistribution(early...))
	if d.Count() != 100 {
		t.Errorf("%d observed", d.Count())
	}
	for _, c := range []struct {
		share    float64
		from, to time.Duration // the bucket of the exact one
	}{
		{0.01, 500 * time.Microsecond, time.Millisecond}, {0.2, 10 * time.Millisecond, 25 * time.Millisecond},
		{0.5, 25 * time.Millisecond, 50 * time.Millisecond}, {0.99, 50 * time.Millisecond, 100 * time.Millisecond}, {1, 99 * time.Millisecond, 100 * time.Millisecond},
	} {
		if got := d.Quantile(c.share); got < c.from || got > c.to {
			t.Errorf("%v of them are up to %v, want %v to %v", c.share, got, c.from, c.to)
		}
	}
	if got := (Distribution{}).Quantile(0.5); got != 0 {
		t.Errorf("of none: %v", got)
	}
	if got := NewDistribution(time.Hour).Quantile(0.5); got != 10*time.Second {
		t.Errorf("beyond the last bound: %v", got)
	}
	if n := NewDistribution(early...).Since(NewDistribution(append(early, late...)...)).Count(); n != 0 {
		t.Errorf("%d since a later reading", n)
	}
}
