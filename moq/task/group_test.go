package task_test

import (
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"moqedge/moq/task"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestGroup: all that were begun before are waited for, whoever else waits or
// begins others meanwhile.
func TestGroup(t *testing.T) {
	var g, others task.Group
	g.Wait() // of nothing
	for range 200 {
		var ended atomic.Int32
		release := make(chan struct{})
		for range 3 {
			g.Go(func() {
				<-release
				g.Go(func() { ended.Add(1) }) // begun by one that is waited for
				ended.Add(1)
			})
		}
		waited := make(chan struct{}, 3)
		for range 3 {
			others.Go(func() {
				g.Wait()
				waited <- struct{}{}
			})
		}
		others.Go(func() { g.Go(func() {}) })
		close(release)
		for range 3 {
			<-waited
		}
		g.Wait()
		if n := ended.Load(); n != 6 {
			t.Fatalf("%d of 6 goroutines had ended", n)
		}
	}
	others.Wait()
}
