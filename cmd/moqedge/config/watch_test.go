package config

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "c.yaml")
		write := func(name, text string) {
			t.Helper()
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(file, "1")
		var calls atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		watcher := NewWatcher(file)
		write(file, "before it runs")
		var watching sync.WaitGroup
		watching.Go(func() { watcher.Run(ctx, func() { calls.Add(1) }) })
		want := func(what string, n int64) {
			t.Helper()
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if got := calls.Swap(0); got != n {
				t.Errorf("%s: called %d times, want %d", what, got, n)
			}
		}
		want("written after it was noted", 1)
		want("nothing", 0)
		write(file, "22")
		want("written", 1)
		write(file+".new", "333")
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
		want("replaced", 1)
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		want("gone", 0)
		write(file, "4444")
		want("there again", 1)
		for i := range 20 { // somebody is writing for a while
			write(file, string(make([]byte, 10+i)))
			time.Sleep(time.Second)
			synctest.Wait()
			if calls.Load() > 0 {
				t.Error("called while it is being written")
			}
		}
		want("written slowly", 1)
		other := file + ".other"
		write(other, "55555")
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(other, file); err != nil {
			t.Fatal(err)
		}
		want("a link in its place", 1)
		cancel()
		watching.Wait()
	})
}
