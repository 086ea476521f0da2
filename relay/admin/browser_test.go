package admin

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// render is the page as Chromium has it after some seconds of its own time.
func render(t *testing.T, url string) string {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("this test needs Chromium (on Debian: apt-get install chromium): ", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	args := []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
		"--user-data-dir=" + t.TempDir(), "--virtual-time-budget=7000", "--dump-dom", url}
	dom, err := exec.CommandContext(ctx, browser, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(dom)
}

// In a browser the page has its tables with and without its script; with it, it follows
// what changes, without it, it stays as it was loaded.
func TestBrowser(t *testing.T) {
	var loads atomic.Uint64
	var silent atomic.Bool // the script of the page does not come
	w := newWorld(t, func(c *Config) {
		c.Ingests = func() []Ingest {
			return []Ingest{{Name: "cam1", Protocol: "srt", Live: true, Dropped: 7000 + loads.Load()}}
		}
	})
	site := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			loads.Add(1)
		}
		if silent.Load() && r.URL.Path == "/assets/status.js" {
			http.NotFound(out, r)
			return
		}
		w.server.ServeHTTP(out, r)
	}))
	defer site.Close()
	tables := []string{"<caption id=\"links\"", "live-cam1--video", "memory:client", "<caption id=\"sessions\"", "ready"}
	for name, c := range map[string]struct {
		silent      bool
		want, never []string
	}{
		"with":    {false, []string{"data-updates=", "Updated every 2 s."}, []string{">7001<"}},
		"without": {true, []string{">7001<", "Load again"}, []string{"data-updates=", "Updated every"}},
	} {
		loads.Store(0)
		silent.Store(c.silent)
		dom := render(t, site.URL)
		for _, want := range append(c.want, tables...) {
			if !strings.Contains(dom, want) {
				t.Errorf("%s script: no %q in\n%s", name, want, dom)
			}
		}
		for _, never := range c.never {
			if strings.Contains(dom, never) {
				t.Errorf("%s script: %q", name, never)
			}
		}
	}
}
