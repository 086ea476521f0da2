package cache

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// The reaper forgets what outlives its time without traffic, and sleeps while
// nothing is due.
func TestReaper(t *testing.T) {
	bubble(t, Config{Bytes: 1 << 20}, func(r *rig) {
		x := r.track("x", live.Options{RetainGroups: 2, RetainFor: 10 * time.Second})
		aged := r.NewTrack(named("aged"), live.Options{Cache: true, RetainFor: time.Hour, Properties: wire.AppendProperties(nil, wire.KeyValue{Type: wire.PropMaxCacheDuration, Value: 3000})})
		r.put(x, 1, 2, 3, 4)
		r.put(aged, 1, 2)
		w := r.write(aged, 3, 1)
		sizes := func() string {
			_, a := x.Size()
			b, c := aged.Size()
			return fmt.Sprint(a, c, b > 2*unit)
		}
		for _, c := range []struct {
			after time.Duration
			want  string
		}{{2 * time.Second, "4 3 true"}, {2 * time.Second, "4 1 false"}, {5 * time.Second, "4 1 false"}, {2 * time.Second, "2 1 false"}, {time.Hour, "2 1 false"}} {
			time.Sleep(c.after)
			synctest.Wait()
			if got := sizes(); got != c.want {
				t.Errorf("after %v: %s, want %s", c.after, got, c.want)
			}
		}
		w.Close()
		if s := r.Stats(); s.Forgotten["outlived"] != 2 || s.Forgotten["aged"] != 2 || s.Groups != 3 {
			t.Errorf("%+v", s)
		}
		// A track that is over goes on being kept for its time while somebody reads it.
		stop := x.Listen(&listener{})
		x.Close(wire.DoneTrackEnded, "")
		r.Release(x)
		time.Sleep(time.Second)
		stop()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if s := r.Stats(); s.Tracks != 1 {
			t.Errorf("%+v", s)
		}
		aged.Close(wire.DoneTrackEnded, "")
		r.Release(aged)
		if s := r.Stats(); s.Tracks != 0 || s.Bytes != 0 || s.Groups != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A cache in which nothing is due does nothing.
func TestReaperSleeps(t *testing.T) {
	var wakes atomic.Int64
	now := func() time.Time { wakes.Add(1); return time.Now() }
	bubble(t, Config{Bytes: 1 << 30, Now: now}, func(r *rig) {
		x := r.track("x", live.Options{RetainGroups: 3, RetainFor: 10 * time.Second})
		r.put(x, 1, 2)
		synctest.Wait()
		before := wakes.Load()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := wakes.Load() - before; n != 0 {
			t.Errorf("looked at the clock %d times in a day without traffic", n)
		}
	})
}

// A track that nobody uses is kept for its time and goes on where it was.
func TestRest(t *testing.T) {
	bubble(t, Config{Bytes: 1 << 20}, func(r *rig) {
		o := live.Options{RetainFor: 10 * time.Second}
		x := r.track("x", o)
		r.put(x, 1, 2, 3)
		r.Rest(x)
		if s := r.Stats(); s.Resting != 1 {
			t.Errorf("%+v", s)
		}
		time.Sleep(5 * time.Second)
		if r.Resume(named("y")) != nil || r.Resume(named("x")) != x || r.Resume(named("x")) != nil {
			t.Error("not resumed")
		}
		r.put(x, 4)
		r.want(x, "1/0 2/0 3/0 4/0")
		time.Sleep(time.Hour)
		r.want(x, "2/0 3/0 4/0")
		r.Rest(x)
		synctest.Wait()
		if s := r.Stats(); s.Tracks != 0 || s.Bytes != 0 || r.Resume(named("x")) != nil {
			t.Errorf("it is over its time: %+v", s)
		}
		// One with nothing to keep, and two of one name.
		r.Rest(r.track("empty", o))
		a, b := r.track("x", o), r.track("x", o)
		r.put(a, 1)
		r.put(b, 2)
		r.Rest(a)
		r.Rest(b)
		if s := r.Stats(); s.Tracks != 1 || s.Groups != 1 || r.Resume(named("x")) != b {
			t.Errorf("%+v", s)
		}
	})
}

// What is due sooner than the reaper was told is not left until then: groups of a
// burst beyond their number, what a purge left, and an age that was lowered.
func TestReaperHastened(t *testing.T) {
	age := func(d time.Duration) wire.Properties {
		return wire.AppendProperties(nil, wire.KeyValue{Type: wire.PropMaxCacheDuration, Value: uint64(d.Milliseconds())})
	}
	bubble(t, Config{Bytes: 1 << 20}, func(r *rig) {
		var tracks []*live.Track
		for _, name := range []string{"burst", "purged", "aged"} {
			x := r.track(name, live.Options{Cache: true, RetainGroups: 2, RetainFor: 10 * time.Second, Properties: age(time.Hour)})
			defer x.Listen(&listener{})()
			r.put(x, 1, 2)
			tracks = append(tracks, x)
		}
		synctest.Wait() // the reaper was told of an hour
		r.put(tracks[0], 3, 4)
		r.Purge(func(name wire.FullTrackName) bool { return name.Name == "purged" })
		if err := tracks[2].SetProperties(age(time.Second)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(12 * time.Second)
		synctest.Wait()
		for i, want := range []int{2, 0, 0} {
			if _, groups := tracks[i].Size(); groups != want {
				t.Errorf("%s has %d groups, want %d", tracks[i].Name().Name, groups, want)
			}
		}
	})
}

// What a fetch brings to a track that was dropped is not kept, nor counted.
func TestFillOfDropped(t *testing.T) {
	bubble(t, Config{Bytes: 1 << 20}, func(r *rig) {
		x := r.track("x", live.Options{RetainFor: 10 * time.Second})
		r.Rest(x) // it has nothing
		f := x.NewFiller()
		if err := f.Begin(1, 0, 128, live.ObjectHeader{ID: 0, Size: 1000}); err == nil {
			f.Commit(copy(f.Buffer(), make([]byte, 1000)))
		}
		_ = f.End()
		if s := r.Stats(); s.Bytes != 0 || s.Groups != 0 || s.Tracks != 0 {
			t.Errorf("%+v", s)
		}
	})
}
