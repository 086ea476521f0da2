package live_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq/live"
)

type calls struct{ atomic.Int64 }

func (c *calls) TrackChanged() { c.Add(1) }

// TestPartsAreGathered: who listens is told of a whole object at once, of its
// parts after a moment or when there are many bytes.
func TestPartsAreGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const packet = 1200
		track := live.NewTrack(name, live.Options{})
		c := new(calls)
		defer track.Listen(c)()
		expect := func(what string, want int64) {
			t.Helper()
			synctest.Wait()
			if n := c.Swap(0); n != want {
				t.Errorf("%s: told %d times, want %d", what, n, want)
			}
		}
		w, err := track.OpenSubgroup(live.SubgroupInfo{Group: 1})
		if err != nil {
			t.Fatal(err)
		}
		begin := func(id, size uint64) {
			t.Helper()
			if err := w.Begin(live.ObjectHeader{ID: id, Size: size}); err != nil {
				t.Fatal(err)
			}
		}
		commit := func(bytes int) {
			for bytes > 0 {
				n := min(bytes, len(w.Buffer()), packet)
				w.Commit(n)
				bytes -= n
			}
		}
		begin(0, 10*packet)
		commit(9 * packet)
		expect("parts in an instant", 0)
		commit(packet)
		expect("the whole object", 1)
		time.Sleep(time.Second)
		expect("nothing more", 0)
		begin(1, 100*packet)
		commit(2 * packet)
		time.Sleep(time.Millisecond)
		expect("parts, a moment later", 1)
		commit(60 * packet) // 72,000 bytes
		expect("many parts", 4)
		time.Sleep(time.Millisecond)
		expect("the rest of them", 1)
		w.Abort(0)
		expect("the end", 1)
	})
}
