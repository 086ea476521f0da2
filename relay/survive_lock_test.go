package relay

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"moqedge/moq/wire"
)

// TestLockLeftBehind: a process whose relay has a lock that a panic left behind ends,
// one whose locks are free goes on.
func TestLockLeftBehind(t *testing.T) {
	const variable = "LOCK_LEFT_BEHIND"
	if what := os.Getenv(variable); what != "" {
		r := New(Config{Logger: slog.New(slog.DiscardHandler)})
		if what == "held" {
			r.mu.Lock()
		}
		r.panicked(nil)
		if what == "held" {
			select {} // until the process ends
		}
		r.Close()
		return
	}
	t.Parallel()
	for what, ends := range map[string]bool{"held": true, "free": false} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestLockLeftBehind$")
			c.Env = append(os.Environ(), variable+"="+what)
			out, err := c.CombinedOutput()
			var exit *exec.ExitError
			if ended := errors.As(err, &exit) && strings.Contains(string(out), "holds a lock"); ended != ends {
				t.Errorf("ended by a panic: %v, want %v: %v\n%s", ended, ends, err, out)
			}
		})
	}
}

// TestTouch: it returns when nobody holds a lock that sessions share, and not before.
func TestTouch(t *testing.T) {
	r := New(Config{Logger: slog.New(slog.DiscardHandler)})
	defer r.Close()
	r.mu.Lock()
	e, _ := r.entry(wire.FullTrackName{Namespace: wire.Namespace{"live"}, Name: "camera"})
	r.mu.Unlock()
	for name, lock := range map[string]sync.Locker{"the relay's": &r.mu, "the links'": &r.links.mu, "the accounts'": &r.accounts.mu, "a track's": &e.mu} {
		t.Run(name, func(t *testing.T) {
			touched := make(chan struct{})
			lock.Lock()
			go func() {
				r.Touch()
				close(touched)
			}()
			select {
			case <-touched:
				t.Error("it does not need the lock")
			case <-time.After(20 * time.Millisecond): // it never will
			}
			lock.Unlock()
			<-touched
		})
	}
}
