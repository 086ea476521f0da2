package cache

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"go.uber.org/goleak"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func named(s string) wire.FullTrackName {
	return wire.FullTrackName{Namespace: wire.Namespace{"n"}, Name: s}
}

// rig is a cache in virtual time, whose reaper runs.
type rig struct {
	*Cache
	t *testing.T
}

// bubble runs a test in virtual time. Groups of one object of 10,000 bytes take unit.
func bubble(t *testing.T, c Config, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{New(c), t}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go r.Run(ctx)
		f(r)
	})
}

// unit is about what a group of one object of 10,000 bytes counts.
const unit = 11_400

func (r *rig) track(name string, o live.Options) *live.Track { return r.NewTrack(named(name), o) }

// put adds a group of one object of 10,000 bytes and ends it.
func (r *rig) put(t *live.Track, groups ...uint64) {
	r.t.Helper()
	for _, g := range groups {
		r.write(t, g, 1).Close()
		time.Sleep(time.Millisecond) // so that their order is known
	}
}

// write adds a group of n such objects, which stays open.
func (r *rig) write(t *live.Track, group uint64, n int) *live.SubgroupWriter {
	r.t.Helper()
	w, err := t.OpenSubgroup(live.SubgroupInfo{Group: group})
	if err != nil {
		r.t.Fatal(err)
	}
	for id := range uint64(n) {
		if err := w.Append(live.WholeObject{ID: id, Payload: make([]byte, 10_000)}); err != nil {
			r.t.Fatal(err)
		}
	}
	return w
}

// kept names what a track has: "1" is a whole group of one object.
func kept(t *live.Track) string {
	largest, any := t.Largest()
	if !any {
		return ""
	}
	var out []string
	for walk := t.NewWalk(wire.Location{}, largest, false); ; {
		step, o, _ := walk.Next()
		switch step {
		case live.StepEnd:
			return strings.Join(out, " ")
		case live.StepObject:
			out = append(out, fmt.Sprintf("%d/%d", o.Group, o.ID))
		case live.StepWait:
			return strings.Join(append(out, "..."), " ")
		}
	}
}

func (r *rig) want(t *live.Track, want string) {
	r.t.Helper()
	synctest.Wait()
	if got := kept(t); got != want {
		r.t.Errorf("%s keeps %q, want %q", t.Name().Name, got, want)
	}
}

// listener is somebody who reads a track.
type listener struct{}

func (*listener) TrackChanged() {}

// The oldest groups over all tracks go first, by the time of their newest objects,
// whatever their IDs, and never the newest of a track that lives and is read.
func TestOldestFirst(t *testing.T) {
	bubble(t, Config{Bytes: 8*unit + unit/2}, func(r *rig) {
		o := live.Options{RetainGroups: 100}
		a, b, c := r.track("a", o), r.track("b", o), r.track("c", o)
		defer c.Listen(&listener{})()
		r.put(c, 7)      // the oldest of all, but read
		r.put(a, 10, 11) // a10 goes second
		r.put(b, 50, 51)
		r.put(a, 1) // the past, fetched now: the youngest of a
		r.put(b, 52)
		r.put(a, 12)
		r.want(c, "7/0")
		r.want(a, "1/0 10/0 11/0 12/0")
		r.put(b, 53) // 9
		r.want(a, "1/0 11/0 12/0")
		r.put(b, 54)
		r.want(a, "1/0 12/0")
		r.put(b, 55, 56)
		r.want(b, "52/0 53/0 54/0 55/0 56/0")
		r.put(b, 57)
		r.want(a, "12/0")
		r.want(c, "7/0")
		r.put(c, 8) // now 7 is not the newest any more, and the oldest
		r.want(c, "8/0")
		if s := r.Stats(); s.Forgotten["evicted"] != 6 || s.Bytes > s.Budget || s.Groups != 8 {
			t.Errorf("%+v", s)
		}
	})
}

// What was evicted is unknown, also in the middle, and what a fill brought and was
// evicted before its end is not taken for absent.
func TestUnknownAfterEviction(t *testing.T) {
	bubble(t, Config{Bytes: 4*unit + unit/2}, func(r *rig) {
		x, y := r.track("x", live.Options{RetainGroups: 100, Recover: true}), r.track("y", live.Options{RetainGroups: 100})
		r.put(x, 10, 20, 30)
		whole := live.Range{From: wire.Location{Group: 1}, To: wire.Location{Group: 30}}
		x.Forget(live.Range{To: wire.Location{Group: 10}})
		fill := live.Range{From: wire.Location{Group: 1}, To: wire.Location{Group: 3}}
		x.ExpectFill(fill)
		f := x.NewFiller()
		fetched := func(group uint64) {
			if err := f.Begin(group, 0, 128, live.ObjectHeader{ID: 0, Size: 10_000}); err != nil {
				t.Fatal(err)
			}
			for n := 0; n < 10_000; {
				k := len(f.Buffer())
				f.Commit(k)
				n += k
			}
		}
		fetched(1)
		time.Sleep(time.Millisecond)
		r.put(y, 1, 2, 3) // evicts 10, 20, 30 of x, the newest of which nobody reads
		r.want(x, "1/0 ...")
		fetched(2)
		r.put(y, 4) // and 1, while it is filled
		if err := f.End(); err != nil {
			t.Fatal(err)
		}
		x.EndFill(fill, true)
		r.want(x, "2/0")
		got := x.Unknown(whole)
		want := []live.Range{{From: wire.Location{Group: 1}, To: wire.Location{Group: 2}}, {From: wire.Location{Group: 3}, To: wire.Location{Group: 30}}}
		if !slices.Equal(got, want) {
			t.Errorf("unknown: %v, want %v", got, want)
		}
	})
}

// A reader of a group that is evicted is cut off, so that it does not keep the
// memory; one that is being written goes on with what comes.
func TestEvictedReaders(t *testing.T) {
	bubble(t, Config{Bytes: 6*unit + unit/2}, func(r *rig) {
		x, y := r.track("x", live.Options{RetainGroups: 100}), r.track("y", live.Options{RetainGroups: 100})
		defer x.Listen(&listener{})()
		feed := x.NewFeed(wire.Location{})
		r.put(x, 1)
		w := r.write(x, 2, 2)
		time.Sleep(time.Millisecond)
		r.put(x, 3)
		old, _ := feed.Subgroup()
		r.put(y, 1, 2, 3, 4)
		if o, state, code := old.Next(0); o != nil || state != live.Aborted || code != wire.ResetTooFarBehind || !old.Lost() {
			t.Errorf("evicted: %v %v %v", o, state, code)
		}
		r.want(x, "3/0")
		if err := w.Append(live.WholeObject{ID: 2, Payload: []byte("x")}); err != nil {
			t.Fatal(err)
		}
		s, _ := feed.Subgroup()
		if o, state, _ := s.Next(2); o == nil || state != live.Open || s.Lost() {
			t.Errorf("written: %v %v", o, state)
		}
		r.want(x, "2/2 ...")
		w.Close()
		r.want(x, "2/2 3/0")
	})
}

// Newest groups that are too much alone lose their first objects, the largest of
// them alone, and then what comes is refused until there is room.
func TestNewestGroupsAlone(t *testing.T) {
	bubble(t, Config{Bytes: 100 * unit}, func(r *rig) {
		var tracks []*live.Track
		var writers []*live.SubgroupWriter
		for i := range 5 {
			x := r.track(fmt.Sprint(i), live.Options{})
			defer x.Listen(&listener{})()
			tracks = append(tracks, x)
			writers = append(writers, r.write(x, 1, 5))
		}
		for id := range uint64(40) {
			for _, w := range writers[1:] {
				if err := w.Append(live.WholeObject{ID: 5 + id, Payload: make([]byte, 10_000)}); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
			if s := r.Stats(); s.Bytes > s.Budget || s.Refused > 0 {
				t.Fatalf("%+v", s)
			}
			time.Sleep(50 * time.Millisecond)
		}
		r.want(tracks[0], "1/0 1/1 1/2 1/3 1/4") // a small one lost nothing
		for _, x := range tracks[1:] {
			if got := kept(x); !strings.HasSuffix(got, "1/42 1/43 1/44") || strings.HasPrefix(got, "1/0") {
				t.Errorf("kept: %s", got)
			}
		}
		if s := r.Stats(); s.Shortened == 0 || s.Forgotten["evicted"] > 0 {
			t.Errorf("%+v", s)
		}
		// Objects that are arriving cannot be forgotten.
		for _, w := range writers {
			if err := w.Begin(live.ObjectHeader{ID: 100, Size: 400_000}); err != nil {
				t.Fatal(err)
			}
		}
		commit := func(w *live.SubgroupWriter, n int) {
			for n > 0 && r.Room() {
				k := min(n, len(w.Buffer()))
				w.Commit(k)
				n -= k
			}
		}
		for _, w := range writers {
			commit(w, 390_000)
		}
		s := r.Stats()
		if r.Room() || s.Refused == 0 || s.Bytes > s.Budget+s.Budget/16+(64<<10)+objects(tracks) {
			t.Errorf("%+v", s)
		}
		for _, w := range writers {
			w.Abort(wire.ResetExcessiveLoad)
		}
		time.Sleep(time.Second)
		if !r.Room() {
			t.Errorf("still no room: %+v", r.Stats())
		}
	})
}

// set is what time.Now returns at t when the clock of the machine was set by so much
// before: another time of the day at the same uptime. by is in whole seconds.
func set(t *testing.T, now time.Time, by time.Duration) time.Time {
	t.Helper()
	was := now
	*(*uint64)(unsafe.Pointer(&now)) += uint64(by/time.Second) << 30 //nolint:gosec // the seconds of time.Time
	if now.Sub(was) != 0 || now.Round(0).Sub(was.Round(0)) != by {
		t.Fatalf("time.Time is made in another way: %v after %v", now, was)
	}
	return now
}

// A clock that is set does not make it taken for granted, until it is as late again, that
// there is no room; nor are groups younger or older by it.
func TestRoomAfterTheClockWasSet(t *testing.T) {
	for _, by := range []time.Duration{5 * time.Hour, -5 * time.Hour} {
		now := time.Now()
		r := &rig{New(Config{Bytes: 1 << 30, Now: func() time.Time { return now }}), t} // without a reaper
		x := r.track("a", live.Options{RetainGroups: 1 << 20, MaxBytes: 1 << 30})
		for g := range uint64(6) {
			now = now.Add(time.Second)
			r.put(x, g)
		}
		r.Resize(2 * unit)
		r.exhausted.Store(now.UnixNano())
		if r.Room() {
			t.Error("it has looked already")
		}
		now = set(t, now.Add(time.Second), by)
		if !r.Room() {
			t.Errorf("no room after the clock was set by %v: %+v", by, r.Stats())
		}
		if got := kept(x); got != "5/0" {
			t.Errorf("kept after the clock was set by %v: %s", by, got)
		}
	}
}

// objects is what the newest objects of tracks may take besides.
func objects(tracks []*live.Track) uint64 { return uint64(len(tracks)) * unit }

// Pinned tracks are spared, but for what goes beyond a quarter of the budget.
func TestPin(t *testing.T) {
	pin := func(n wire.FullTrackName) bool { return strings.HasPrefix(n.Name, "catalog") }
	bubble(t, Config{Bytes: 20 * unit, Pin: pin}, func(r *rig) {
		o := live.Options{RetainGroups: 100}
		catalog, other, x := r.track("catalog", o), r.track("other", o), r.track("x", o)
		r.put(catalog, 1)
		r.put(other, 1)
		fill := func(from uint64) {
			for g := range uint64(30) {
				r.put(x, from+g)
			}
		}
		fill(0)
		r.want(catalog, "1/0")
		r.want(other, "")
		r.Pin(named("other"), true)
		r.put(other, 2)
		r.put(catalog, 2)
		fill(100)
		r.want(catalog, "1/0 2/0")
		r.want(other, "2/0")
		r.Pin(named("catalog"), false)
		fill(200)
		r.want(catalog, "")
		r.want(other, "2/0")
		for g := range uint64(20) {
			r.put(other, 10+g)
		}
		fill(300)
		if n, _ := other.Size(); n < 3*unit || n > 6*unit {
			t.Errorf("pinned tracks take %d bytes of %d", n, r.Stats().Budget)
		}
		if s := r.Stats(); s.Pinned != 1 || s.Bytes > s.Budget {
			t.Errorf("%+v", s)
		}
	})
}

// A purge leaves nothing: what is read is spared for the second that its readers
// need.
func TestPurge(t *testing.T) {
	bubble(t, Config{Bytes: 1 << 20}, func(r *rig) {
		read, idle := r.track("read", live.Options{RetainGroups: 10}), r.track("idle", live.Options{RetainGroups: 10})
		defer read.Listen(&listener{})()
		r.put(read, 1)
		r.put(idle, 1)
		time.Sleep(2 * time.Second)
		r.put(read, 2)
		r.put(idle, 2)
		w := r.write(read, 3, 2)
		if n := r.Purge(func(n wire.FullTrackName) bool { return n.Name != "none" }); n != 2 {
			t.Errorf("%d tracks", n)
		}
		r.want(idle, "")
		r.want(read, "2/0 3/0 3/1")
		time.Sleep(time.Second / 2)
		if err := w.Append(live.WholeObject{ID: 2, Payload: []byte("later")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if _, groups := read.Size(); groups != 1 { // by the reaper: nobody asked
			t.Errorf("%d groups", groups)
		}
		r.want(read, "3/2")
		w.Close()
		if s := r.Stats(); s.Forgotten["purged"] != 4 {
			t.Errorf("%+v", s)
		}
	})
}

// asking is a reader that uses the cache when it is told.
type asking struct {
	cache *Cache
	told  int
}

func (a *asking) TrackChanged() {
	a.told++
	a.cache.Stats() // waits for the lock of the cache
}

// TestToldWithoutLock: who reads what is evicted is told when the cache holds no
// lock, whoever evicts: one that takes its time holds up nobody else.
func TestToldWithoutLock(t *testing.T) {
	for name, evict := range map[string]func(c *Cache){
		"reaper": func(c *Cache) { c.reap() },
		"writer": func(c *Cache) { c.Room() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &rig{New(Config{Bytes: 4 * unit}), t}
				x := r.track("x", live.Options{RetainGroups: 100})
				r.put(x, 1, 2, 3, 4, 5, 6, 7, 8)
				a := &asking{cache: r.Cache}
				defer x.Listen(a)()
				done := make(chan struct{})
				go func() {
					defer close(done)
					evict(r.Cache)
				}()
				<-done
				if a.told != 1 || kept(x) == "" || r.Stats().Forgotten["evicted"] == 0 {
					t.Errorf("told %d times, kept %s, %+v", a.told, kept(x), r.Stats())
				}
			})
		})
	}
}
