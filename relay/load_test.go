package relay

import (
	"runtime"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	n := time.Duration(runtime.GOMAXPROCS(0))
	start := time.Unix(1000, 0)
	var c cpuLoad
	for _, step := range []struct {
		after, used time.Duration
		want        float64
	}{
		{0, 5 * time.Second, 0}, // what was before counts nothing
		{time.Second, 5*time.Second + n*time.Second/4, 0.25},
		{1100 * time.Millisecond, 5*time.Second + n*time.Second, 0.25}, // too soon to say
		{2 * time.Second, 5*time.Second + n*5*time.Second, 1},
		{3 * time.Second, 5*time.Second + n*5*time.Second, 0},
	} {
		if got := c.note(start.Add(step.after), step.used); got != step.want {
			t.Errorf("after %v: %v, want %v", step.after, got, step.want)
		}
	}
	if before, after := processTime(), processTime(); before <= 0 || after < before {
		t.Errorf("the process used %v, then %v", before, after)
	}
}
