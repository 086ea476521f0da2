package node

import (
	"os"
	"runtime/debug"
	"testing"

	"moqedge/cmd/moqedge/config"
)

func TestMemoryLimit(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		budget, sessions, inUse uint64
		want                    int64
	}{
		{64 * mib, 0, 10 * mib, (24 + 64 + 8) * mib},
		{512 * mib, 1000, 400 * mib, (24 + 512 + 64 + 250) * mib},
		{64 * mib, 0, 400 * mib, 500 * mib}, // used by something else: there is room above it
	} {
		if got := memoryLimit(c.budget, c.sessions, c.inUse); got != c.want {
			t.Errorf("%+v: %d MiB", c, got>>20)
		}
	}
}

func TestGarbageRoom(t *testing.T) {
	for _, c := range []struct{ budget, inUse, want uint64 }{{512, 12, 250}, {512, 512, 0}, {64, 400, 0}} {
		if got := garbageRoom(c.budget, c.inUse); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// A node limits the memory of its process until it is closed, unless it is told not to.
func TestLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	for _, set := range []string{"", "1GiB"} {
		t.Setenv("GOMEMLIMIT", set) // too late for the runtime
		if os.Getenv("GOMEMLIMIT") != set {
			t.Fatal("not set")
		}
		n := start(t, config.Config{Listen: "127.0.0.1:0", Certificate: config.Certificate{Development: true}, Retention: config.Retention{CacheBytes: 64 << 20}})
		n.LimitMemory()
		limited := func() bool { return debug.SetMemoryLimit(-1) != before }
		if set == "" {
			eventually(t, "the limit", limited)
		} else if limited() {
			t.Errorf("limited, though GOMEMLIMIT is %q", set)
		}
		n.Close()
		if limited() {
			t.Error("the limit is left")
		}
	}
}
