package bridge

import (
	"testing"
	"time"

	"moqedge/moq/live/clockset"
)

// A clock that is set by hours, forward or backward, goes on for who began before.
func TestSteady(t *testing.T) {
	for _, by := range []time.Duration{0, 5 * time.Hour, -5 * time.Hour} {
		began := time.Now()
		now := began
		clock := Steady(func() time.Time { return now })
		if got := clock(); got.UnixMicro() != began.UnixMicro() {
			t.Errorf("it begins at %v, not %v", got, began)
		}
		now = clockset.Set(began.Add(time.Second), by)
		if moved := now.UnixMicro() - began.UnixMicro(); moved != (time.Second + by).Microseconds() {
			t.Errorf("nothing is tested: the clock was set by %d µs", moved)
		}
		if got := clock().UnixMicro() - began.UnixMicro(); got != 1e6 {
			t.Errorf("set by %v: %d µs after a second", by, got)
		}
		if got := Steady(func() time.Time { return now })(); got.UnixMicro() != now.UnixMicro() {
			t.Errorf("a new one does not have the clock as it was set: %v, not %v", got, now)
		}
	}
}
