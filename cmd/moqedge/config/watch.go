package config

import (
	"context"
	"io/fs"
	"os"
	"time"
)

// watchEvery is how often a Watcher looks.
const watchEvery = 2 * time.Second

// Watcher notices that a file has changed since NewWatcher.
type Watcher struct {
	file string
	read fs.FileInfo // of the file as it was read, nil: there was none
}

// NewWatcher notes how a file is now: call it before the file is read, so that no change
// is missed.
func NewWatcher(file string) *Watcher {
	read, _ := os.Stat(file) // an error shows in that it is nil
	return &Watcher{file, read}
}

// Run calls changed when the file is another one than before, or was written to, and has
// stayed so from one look to the next: who writes it may not be done. A file that is not
// there is waited for, as editors put another one in its place. It looks every 2 s, until
// ctx is done.
func (w *Watcher) Run(ctx context.Context, changed func()) {
	seen := w.read
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now, _ := os.Stat(w.file)
		settled := isSame(now, seen)
		seen = now
		if now == nil || !settled || isSame(now, w.read) {
			continue
		}
		w.read = now
		changed()
	}
}

func isSame(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
