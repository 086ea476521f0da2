package cache

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"moqedge/moq/live"
)

// BenchmarkAppend appends objects of 1 KiB, thirty to a group, to tracks that a
// cache keeps and to others that none does, in turn in one run: "ratio" is what the
// first take of the time of the second, of the medians. With goroutines each has a track of its own,
// and all share the counters of one cache.
//
//	go test -run '^$' -bench Append ./relay/cache
func BenchmarkAppend(b *testing.B) {
	for _, goroutines := range []int{1, 2, 8} {
		b.Run(strconv.Itoa(goroutines), func(b *testing.B) {
			c := New(Config{Bytes: 64 << 20})
			var spent [2][]time.Duration
			tracks := [2][]*live.Track{}
			for i := range goroutines {
				name := named(strconv.Itoa(i))
				tracks[0] = append(tracks[0], c.NewTrack(name, live.Options{}))
				tracks[1] = append(tracks[1], live.NewTrack(name, live.Options{}))
			}
			group := uint64(0)
			b.ReportAllocs()
			const rounds = 50 // of a group, each time
			for b.Loop() {
				for k := range 2 {
					i := (k + int(group)) % 2 // neither is always the first
					began := time.Now()
					var wait sync.WaitGroup
					for _, t := range tracks[i] {
						wait.Go(func() { appendGroups(b, t, group, rounds) })
					}
					wait.Wait()
					spent[i] = append(spent[i], time.Since(began))
				}
				group += rounds
			}
			kept, alone := median(spent[0]), median(spent[1])
			objects := rounds * 30 * float64(goroutines)
			b.ReportMetric(kept/objects, "kept-ns/object")
			b.ReportMetric(alone/objects, "alone-ns/object")
			b.ReportMetric(kept/alone, "ratio")
		})
	}
}

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2])
}

func appendGroups(b *testing.B, t *live.Track, from uint64, n uint64) {
	payload := make([]byte, 1<<10)
	for g := from; g < from+n; g++ {
		w, err := t.OpenSubgroup(live.SubgroupInfo{Group: g})
		if err != nil {
			b.Error(err)
			return
		}
		for id := range uint64(30) {
			if err := w.Append(live.WholeObject{ID: id, Payload: payload}); err != nil {
				b.Error(err)
				return
			}
		}
		if err := w.Close(); err != nil {
			b.Error(err)
		}
	}
}

// BenchmarkEvict makes room for one group at a time in a cache of ten thousand
// tracks whose groups came in turn.
func BenchmarkEvict(b *testing.B) {
	var now atomic.Int64
	c := New(Config{Bytes: 1 << 50, Now: func() time.Time { return time.Unix(0, now.Add(1)) }})
	const tracks, groups = 10_000, 3
	var all []*live.Track
	for i := range tracks {
		all = append(all, c.NewTrack(named(strconv.Itoa(i)), live.Options{RetainGroups: 1 << 30, MaxBytes: 1 << 50}))
	}
	next := 0
	add := func() {
		appendGroups(b, all[next%tracks], uint64(next/tracks), 1)
		next++
	}
	for range groups * tracks {
		add()
	}
	c.budget.Store(c.bytes.Load() * 32 / 31) // what there is now is what eviction comes down to
	for b.Loop() {
		add()
		c.mu.Lock()
		c.makeRoom()
		c.tell()
	}
	if n := c.forgotten[live.Evicted].Load(); n == 0 || c.excess() > 0 {
		b.Errorf("%d groups evicted, %d bytes too much", n, c.excess())
	}
}
