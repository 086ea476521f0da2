package whip

import (
	"sync/atomic"
	"testing"
	"time"

	"moqedge/moq/live/clockset"
)

// turned is the clock of a machine that somebody sets.
type turned struct{ by atomic.Int64 } // seconds

func (c *turned) now() time.Time {
	return clockset.Set(time.Now(), time.Duration(c.by.Load())*time.Second)
}

// The timestamps of a publication go on while the clock of the machine is set.
func TestClockIsSet(t *testing.T) {
	t.Parallel()
	var clock turned
	hub := &fakeHub{}
	_, url := serve(t, Config{Now: clock.now}, hub)
	_, sender := publish(t, url+"cam1", vp8Clip(t), nil)
	defer sender.start(t)()
	b := hub.only(t)
	for _, hours := range []int64{0, -5, 5} {
		before := time.Now()
		clock.by.Store(hours * 3600)
		if moved := clock.now().Round(0).Sub(before.Round(0)); moved.Round(time.Hour) != time.Duration(hours)*time.Hour {
			t.Fatalf("nothing is tested: the clock is off by %v", moved)
		}
		n := 0
		b.look(func(b *fakeBroadcast) bool { n = len(b.video); return true })
		eventually(t, "frames", func() bool { return b.look(func(b *fakeBroadcast) bool { return len(b.video) > n+20 }) })
		b.look(func(b *fakeBroadcast) bool {
			first, last := b.video[max(n-1, 0)], b.video[n+20]
			took, stamped := last.at.Sub(first.at), time.Duration(last.PTS-first.PTS)*time.Microsecond
			if stamped < took/2 || stamped > 2*took {
				t.Errorf("set by %d h: %v of media in %v", hours, stamped, took)
			}
			return true
		})
	}
}
