package notify

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// variables are an environment.
func variables(v map[string]string) func(string) string {
	return func(name string) string { return v[name] }
}

// listenAt is a manager at a name.
func listenAt(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// heard is the next message.
func heard(t *testing.T, l *net.UnixConn) string {
	t.Helper()
	_ = l.SetReadDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, 4096)
	n, err := l.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// silent checks that nothing waits.
func silent(t *testing.T, l *net.UnixConn) {
	t.Helper()
	_ = l.SetReadDeadline(time.Now().Add(time.Millisecond))
	b := make([]byte, 4096)
	if n, err := l.Read(b); err == nil {
		t.Errorf("told: %q", b[:n])
	}
}

func open(t *testing.T, v map[string]string) *Manager {
	t.Helper()
	m, err := Open(variables(v), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// What is said arrives, at sockets of both kinds of names.
func TestMessages(t *testing.T) {
	for what, name := range map[string]string{
		"path":     filepath.Join(t.TempDir(), "notify"),
		"abstract": fmt.Sprintf("@moqedge-test-%d-%s", os.Getpid(), t.Name()),
	} {
		t.Run(what, func(t *testing.T) {
			l := listenAt(t, name)
			m := open(t, map[string]string{"NOTIFY_SOCKET": name})
			for _, c := range []struct {
				say  func()
				want string
			}{
				{func() { m.Extend("waiting", 90*time.Second) }, "EXTEND_TIMEOUT_USEC=90000000\nSTATUS=waiting"},
				{func() { m.Ready("1 session") }, "READY=1\nSTATUS=1 session"},
				{func() { m.Ready("1 session") }, "READY=1"},
				{func() { m.Status("two\nlines\tof a peer") }, "STATUS=two lines of a peer"},
				{func() { m.Stopping("draining", 1500*time.Millisecond) }, "STOPPING=1\nEXTEND_TIMEOUT_USEC=1500000\nSTATUS=draining"},
			} {
				c.say()
				if got := heard(t, l); got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
			}
			m.Status("draining") // is known
			silent(t, l)
			before := monotonic()
			m.Reloading()
			var micros int64
			var status string
			if n, err := fmt.Sscanf(heard(t, l), "RELOADING=1\nMONOTONIC_USEC=%d\nSTATUS=%s", &micros, &status); n != 2 {
				t.Fatal(err)
			}
			if micros < before.Microseconds() || micros > monotonic().Microseconds() || micros == 0 {
				t.Errorf("a reload at %d µs, begun after %v", micros, before)
			}
		})
	}
}

// Without a manager nothing happens, and what can not be meant is an error.
func TestOpen(t *testing.T) {
	m := open(t, nil)
	if m != nil {
		t.Error("there is a manager")
	}
	m.Ready("")
	m.Status("x")
	m.Reloading()
	m.Stopping("", time.Second)
	m.Extend("", time.Second)
	m.Watch(t.Context(), func() { t.Error("looked at for nobody") })
	m.Follow(t.Context(), nil)

	path := filepath.Join(t.TempDir(), "notify")
	listenAt(t, path)
	for name, c := range map[string]struct {
		v    map[string]string
		want string
	}{
		"no socket there":   {map[string]string{"NOTIFY_SOCKET": path + "x"}, "NOTIFY_SOCKET: "},
		"another family":    {map[string]string{"NOTIFY_SOCKET": "vsock:2:1234"}, "neither a path nor an abstract socket"},
		"watchdog of words": {map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "often"}, "WATCHDOG_USEC"},
		"watchdog of 0":     {map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "0"}, "WATCHDOG_USEC"},
		"watchdog too long": {map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "9223372036854775807"}, "WATCHDOG_USEC"},
	} {
		t.Run(name, func(t *testing.T) {
			if m, err := Open(variables(c.v), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
				m.Close()
			}
		})
	}
	if m := open(t, map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}); m.watchdog != 0 {
		t.Error("the watchdog of another process is served")
	}
	if m := open(t, map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": fmt.Sprint(os.Getpid())}); m.watchdog != time.Second {
		t.Errorf("watchdog %v", m.watchdog)
	}
}

// A manager that was started anew, at the same name, is told again, and each of the two
// changes is logged once.
func TestManagerStartedAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	first := listenAt(t, path)
	var text strings.Builder
	m, err := Open(variables(map[string]string{"NOTIFY_SOCKET": path}), slog.New(slog.NewTextHandler(&text, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	m.Ready("one")
	heard(t, first)
	first.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	m.Status("two")
	m.Status("three")
	if n := strings.Count(text.String(), "the service manager is not told"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, text.String())
	}
	second := listenAt(t, path)
	m.Status("three")
	if got := heard(t, second); got != "STATUS=three" {
		t.Errorf("told: %q", got)
	}
	if !strings.Contains(text.String(), "is told again") {
		t.Errorf("log: %s", text.String())
	}
}

// The watchdog is told as long as the process can be touched, twice in its time; not while
// it is stuck; and again when it moves.
func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l := listenAt(t, path)
	const watchdog = 40 * time.Millisecond
	m := open(t, map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": fmt.Sprint(watchdog.Microseconds())})
	stuck := &lockedBuffer{}
	m.log = slog.New(slog.NewTextHandler(stuck, nil))
	var lock sync.Mutex
	touch := func() {
		lock.Lock()
		defer lock.Unlock()
	}
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { m.Watch(ctx, touch) })
	began := time.Now()
	for range 5 {
		if got := heard(t, l); got != "WATCHDOG=1" {
			t.Fatalf("told: %q", got)
		}
	}
	if took := time.Since(began); took < 3*watchdog/2 { // the first at once, the others one each half
		t.Errorf("told five times in %v: too often", took)
	}

	lock.Lock()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(stuck.String(), "stuck"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the log does not tell that the process is stuck")
		}
	}
	for { // what was sent before it was
		_ = l.SetReadDeadline(time.Now().Add(3 * watchdog))
		b := make([]byte, 64)
		if _, err := l.Read(b); err != nil {
			break
		}
	}
	silent(t, l)
	if n := strings.Count(stuck.String(), "stuck"); n != 1 {
		t.Errorf("told %d times that it is stuck:\n%s", n, stuck)
	}
	lock.Unlock()
	if got := heard(t, l); got != "WATCHDOG=1" {
		t.Errorf("told: %q", got)
	}
	cancel()
	watching.Wait()
	if !strings.Contains(stuck.String(), "moves again") {
		t.Errorf("log: %s", stuck)
	}
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
