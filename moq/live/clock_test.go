package live

import (
	"testing"
	"time"

	"moqedge/moq/live/clockset"
	"moqedge/moq/wire"
)

// TestComingAfterTheClockWasSet: an object that another writer goes on with is as old as
// the time that passed since, whatever was done to the clock: readers are measured by it.
func TestComingAfterTheClockWasSet(t *testing.T) {
	for _, by := range []time.Duration{5 * time.Hour, -5 * time.Hour} {
		now := time.Now()
		track := NewTrack(name, Options{Now: func() time.Time { return now }})
		lost := open(t, track, SubgroupInfo{FirstObject: true})
		if err := lost.Begin(ObjectHeader{Size: 10}); err != nil {
			t.Fatal(err)
		}
		lost.Buffer()
		lost.Commit(3)
		o := lost.current
		lost.Interrupt()
		now = clockset.Set(now.Add(3*time.Second), by)
		next := open(t, track, SubgroupInfo{FirstObject: true})
		if err := next.Begin(ObjectHeader{Size: 10}); err != nil {
			t.Fatal(err)
		}
		if got := now.Add(time.Second).Sub(o.Coming()); got != time.Second {
			t.Errorf("set by %v: it comes since %v, want a second", by, got)
		}
		if got := o.Coming().Sub(o.Arrived); got != 3*time.Second {
			t.Errorf("set by %v: it was gone on with after %v, want 3 s", by, got)
		}
		next.Abort(wire.ResetCancelled)
	}
}
