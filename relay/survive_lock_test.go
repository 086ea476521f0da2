package relay

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
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
