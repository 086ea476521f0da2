package srt

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gosrt "github.com/datarhei/gosrt"

	"moqedge/bridge"
)

// TestPanic: a panic while a publisher is served, or let in, ends that one alone, with the
// stack in the log, and is told of. Its name is free again, others do not notice.
func TestPanic(t *testing.T) {
	const variable = "SRT_WITHOUT_A_NET" // the negative control: nobody is told, so the process ends
	stream := makeTS(t, join(sources, []string{"-t", "2"}, encodings)...)
	var panics atomic.Int64
	c := Config{
		Panicked: func(any) { panics.Add(1) },
		Authorize: bridge.NewPermits(func(_ context.Context, _ string, _ bridge.Ingest, token string) (time.Time, error) {
			if token == "bomb" {
				panic("a bomb in a token")
			}
			return time.Time{}, nil
		}),
	}
	if os.Getenv(variable) != "" {
		c.Panicked = nil
	}
	r := serve(t, c)
	r.hub.mined = "mined"
	publish(t, r.url("publish:cam1"))
	cam := r.media(t, "cam1", 0, 1, 1)

	for n := range 2 {
		write(t, dial(t, r, "publish:mined"), stream)
		wait(t, "the end of the mined one", func() bool {
			all := r.hub.publications("mined")
			return len(all) == n+1 && all[n].isClosed()
		})
		if os.Getenv(variable) != "" {
			t.Fatal("the process goes on")
		}
		if err := r.hub.publications("mined")[n].reason; !errors.Is(err, bridge.ErrPanicked) {
			t.Errorf("ended by %v", err)
		}
		wait(t, "its place", func() bool { return r.connOf("mined") == nil })
	}
	config := gosrt.DefaultConfig()
	config.StreamId = "#!::m=publish,r=cam2,t=bomb"
	if conn, err := gosrt.Dial("srt", r.Addr().String(), config); err == nil {
		conn.Close()
		t.Error("a bomb was let in")
	}
	if n := panics.Load(); n != 3 {
		t.Errorf("told of %d panics, want 3", n)
	}
	r.log.want(t, 2, "panic: the ingest ends", "a bomb", "addVideo")
	r.log.want(t, 1, "panic: the ingest ends", "a bomb in a token", "TestPanic")

	before, _ := cam.counts()
	wait(t, "more of the first", func() bool { after, _ := cam.counts(); return after > before })

	if os.Getenv(variable) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestPanic$")
		cmd.Env = append(os.Environ(), variable+"=1")
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "panic: a bomb") || strings.Contains(string(out), "goes on") {
			t.Errorf("without a net: %v\n%s", err, out)
		}
	}
}
