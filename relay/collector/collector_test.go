package collector

import (
	"context"
	"runtime/debug"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// fake is a collector that notes what it is told.
type fake struct {
	live    uint64
	room    uint64
	percent int
	set     []int
	freed   int
}

func (f *fake) crowd() *crowd {
	c := &crowd{
		live: func() uint64 { return f.live },
		room: func() uint64 { return f.room },
		setPercent: func(p int) int {
			before := f.percent
			f.percent = p
			f.set = append(f.set, p)
			return before
		},
		free: func() { f.freed++ },
	}
	c.enter()
	f.set = nil
	return c
}

func TestCrowd(t *testing.T) {
	for _, x := range []struct {
		name   string
		before int
		counts []int64 // the last one stays
		during int     // the percentage after counts
		freed  int     // in the end
	}{
		{"none", 100, []int64{0, 0}, 100, 0},
		{"few at a time", 100, []int64{1, 2, 4, 7}, 100, 0},
		{"few, and in all many", 100, []int64{3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33}, 100, 0},
		{"a crowd", 100, []int64{4, 20, 60}, strict, 1},
		{"a crowd too small to be worth it", 100, []int64{4, 20}, strict, 0},
		{"they come and go", 100, []int64{1000, 960}, strict, 1},
		{"all have gone", 100, []int64{1000, 0}, strict, 0},
		{"always as many, and always others", 100, []int64{50, 46, 50, 45, 51, 47, 50, 46, 51, 50, 46, 50}, 100, 1},
		{"it works more often already", 10, []int64{1000}, 10, 1},
		{"it is off", -1, []int64{1000}, -1, 1},
	} {
		t.Run(x.name, func(t *testing.T) {
			f := &fake{percent: x.before}
			c := f.crowd()
			for _, n := range x.counts {
				c.look(n)
			}
			if f.percent != x.during {
				t.Errorf("%d %% while they come, want %d", f.percent, x.during)
			}
			for range 10 * settled {
				c.look(x.counts[len(x.counts)-1])
			}
			if f.percent != x.before {
				t.Errorf("%d %% in the end, want %d", f.percent, x.before)
			}
			if f.freed != x.freed {
				t.Errorf("memory was given back %d times, want %d", f.freed, x.freed)
			}
		})
	}
}

// What lives is small: there is room for garbage until it is not, and a part of that while
// a crowd comes. The percentage follows what lives when it makes a difference.
func TestRoom(t *testing.T) {
	const mb = 1 << 20
	f := &fake{percent: 100, live: 10 * mb, room: 256 * mb}
	c := f.crowd()
	open := int64(0)
	for _, x := range []struct {
		name       string
		live, room uint64
		come       int64
		want       int
		set        int // times
	}{
		{"at first", 10 * mb, 256 * mb, 0, 2560, 1},
		{"a little more", 12 * mb, 256 * mb, 0, 2560, 0},
		{"a crowd", 16 * mb, 256 * mb, 100, 100, 1},
		{"a larger one", 200 * mb, 256 * mb, 1000, strict, 1},
		{"it is there", 200 * mb, 256 * mb, 0, 128, 1},
		{"the room is taken by what is kept", 500 * mb, 20 * mb, 0, 100, 1},
		{"next to nothing", 0, 256 * mb, 0, highest, 1},
	} {
		f.live, f.room, f.set = x.live, x.room, nil
		open += x.come
		c.look(open)
		if x.come == 0 {
			for range settled {
				c.look(open)
			}
		}
		if f.percent != x.want || len(f.set) != x.set {
			t.Errorf("%s: %d %%, set %v, want %d %% and %d times", x.name, f.percent, f.set, x.want, x.set)
		}
	}
	if c.leave(); f.percent != 100 {
		t.Errorf("%d %% is left", f.percent)
	}
}

// A second crowd is worth a collection of its own when it is a part of all.
func TestNextCrowd(t *testing.T) {
	f := &fake{percent: 100}
	c := f.crowd()
	var freed []int
	for _, n := range []int64{1000, 1100, 1200, 1300} {
		for range 2 * settled {
			c.look(n)
		}
		freed = append(freed, f.freed)
	}
	if want := []int{1, 1, 2, 2}; !slices.Equal(freed, want) {
		t.Errorf("given back %v times, want %v", freed, want)
	}
}

// Run leaves the collector as it found it, whenever it ends, and alone where the
// environment says how it works.
func TestRun(t *testing.T) {
	for _, env := range []string{"", "100"} {
		t.Setenv("GOGC", env)
		was := debug.SetGCPercent(100)
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			over := make(chan struct{})
			open := int64(0)
			go func() {
				defer close(over)
				Run(ctx, func() int64 { open += 100; return open }, nil)
			}()
			time.Sleep(10 * every)
			synctest.Wait()
			now := debug.SetGCPercent(100)
			debug.SetGCPercent(now)
			if want := map[string]int{"": strict, "100": 100}[env]; now != want {
				t.Errorf("GOGC=%q: %d %% while they come, want %d", env, now, want)
			}
			stop()
			<-over
		})
		if left := debug.SetGCPercent(was); left != 100 {
			t.Errorf("GOGC=%q: %d %% is left", env, left)
		}
	}
}
