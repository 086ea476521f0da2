package whip

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"moqedge/bridge"
)

// TestPanic: a panic while media is received ends that publication alone, and is told of;
// one in a request leaves nothing behind. Names and places are free again, others do not
// notice.
func TestPanic(t *testing.T) {
	const variable = "WHIP_WITHOUT_A_NET" // the negative control: nobody is told, so the process ends
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
	hub := &fakeHub{mined: "mined"}
	h, url := serve(t, c, hub)
	clip := vp8Clip(t)
	_, healthy := publish(t, url+"cam1", clip, nil)
	defer healthy.start(t)()
	cam := hub.only(t)
	frames := func() (n int) {
		cam.look(func(b *fakeBroadcast) bool { n = len(b.video); return true })
		return n
	}
	eventually(t, "frames", func() bool { return frames() > 0 })

	for n := range 2 {
		_, sender := publish(t, url+"mined", clip, nil)
		stop := sender.start(t)
		hub.mu.Lock()
		mined := hub.all[n+1]
		hub.mu.Unlock()
		eventually(t, "the end of the mined one", func() bool {
			return mined.look(func(b *fakeBroadcast) bool { return b.closed && errors.Is(b.reason, bridge.ErrPanicked) })
		})
		stop()
		if os.Getenv(variable) != "" {
			t.Fatal("the process goes on")
		}
		eventually(t, "its place", func() bool { return h.Sessions() == 1 })
	}
	if n := panics.Load(); n != 2 {
		t.Errorf("told of %d panics, want 2", n)
	}

	asked, err := http.NewRequest(http.MethodPost, url+"cam2", strings.NewReader(browserOffer))
	if err != nil {
		t.Fatal(err)
	}
	asked.Header.Set("Content-Type", sdpHeader["Content-Type"])
	asked.Header.Set("Authorization", "Bearer bomb")
	if r, err := http.DefaultClient.Do(asked); err == nil {
		r.Body.Close()
		t.Errorf("a bomb was answered: %s", r.Status)
	}
	if h.Sessions() != 1 {
		t.Errorf("%d sessions", h.Sessions())
	}
	before := frames()
	eventually(t, "more of the first", func() bool { return frames() > before })

	if os.Getenv(variable) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestPanic$")
		cmd.Env = append(os.Environ(), variable+"=1")
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "panic: a bomb") || strings.Contains(string(out), "goes on") {
			t.Errorf("without a net: %v\n%s", err, out)
		}
	}
}
