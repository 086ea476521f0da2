package cluster_test

import (
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"moqedge/relay/cluster"
)

// BenchmarkEmbedded measures the server in the process of a cluster of one: the
// time until it is ready, and what it takes of the heap and of goroutines.
//
//	go test -run '^$' -bench Embedded -benchtime 20x ./relay/cluster
func BenchmarkEmbedded(b *testing.B) {
	var before, after runtime.MemStats
	var heap uint64
	var goroutines int
	for b.Loop() {
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&before)
		were := runtime.NumGoroutine()
		b.StartTimer()
		d, err := cluster.New(cluster.Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&after)
		heap += after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc)
		goroutines = runtime.NumGoroutine() - were
		d.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(heap)/float64(b.N)/1e6, "MB")
	b.ReportMetric(float64(goroutines), "goroutines")
}

// BenchmarkNamespaces measures how 100,000 namespaces of one relay become known
// to another, to one that joins later, and what they cost.
//
//	go test -run '^$' -bench Namespaces -benchtime 1x ./relay/cluster
func BenchmarkNamespaces(b *testing.B) {
	const count = 100_000
	for b.Loop() {
		a := join(b, "a", cluster.Config{Embedded: cluster.Embedded{Listen: "127.0.0.1:0"}})
		c := cluster.Config{URL: "nats://" + a.Addr()}
		watcher := join(b, "b", c)
		watcher.wait(b, "a is known", 10*time.Second, func() bool { return watcher.up("a") })
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		for i := range count {
			a.Announce(namespace("customer", fmt.Sprint(i), "live.loc"), false)
		}
		all := func(j *joined) func() bool {
			return func() bool { j.mu.Lock(); defer j.mu.Unlock(); return len(j.names["a"]) == count }
		}
		watcher.wait(b, "all", 30*time.Second, all(watcher))
		b.ReportMetric(float64(time.Since(start).Milliseconds()), "ms-announce")
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/count, "B/namespace-of-2-relays+server")
		start = time.Now()
		late := join(b, "c", c)
		late.wait(b, "all", 30*time.Second, all(late))
		b.ReportMetric(float64(time.Since(start).Milliseconds()), "ms-late-joiner")
		start = time.Now()
		a.Announce(namespace("one", "more"), false)
		late.wait(b, "one more", 30*time.Second, late.holds("a", "one-more"))
		b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "ms-one-more")
		late.stop()
		watcher.stop()
		a.stop()
	}
}
