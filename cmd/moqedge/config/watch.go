package config

import (
	"context"
	"io/fs"
	"os"
	"time"
)

// watchEvery is how often Watch looks.
const watchEvery = 2 * time.Second

// Watch calls changed when a file is another one than before, or was written to, and has
// stayed so from one look to the next: who writes it may not be done. A file that is not
// there is waited for, as editors put another one in its place. It looks every 2 s, until
// ctx is done.
func Watch(ctx context.Context, file string, changed func()) {
	read, _ := os.Stat(file) // an error shows in that it is nil
	seen := read
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now, _ := os.Stat(file)
		settled := isSame(now, seen)
		seen = now
		if now == nil || !settled || isSame(now, read) {
			continue
		}
		read = now
		changed()
	}
}

func isSame(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
