package certs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"moqedge/moq/transport"
)

// page opens WebTransport sessions with fingerprints that it was given once: both,
// before and after the server has gone from one certificate to the next, and the old
// alone.
const page = `<!doctype html><script>
const hashes = %q.split(",").map((hex) => ({algorithm: "sha-256", value: Uint8Array.from(hex.match(/../g), (x) => parseInt(x, 16))}));
async function connect(hashes) {
  const t = new WebTransport(%q, {serverCertificateHashes: hashes, protocols: ["moqt-18"]});
  t.closed.catch(() => {});
  try { await t.ready; return "connected"; } catch { return "refused"; } finally { t.close(); }
}
(async () => {
  const told = [await connect(hashes), await connect([hashes[1]])];
  await fetch("/change", {method: "POST"});
  told.push(await connect(hashes), await connect([hashes[1]]), await connect([hashes[0]]));
  await fetch("/told", {method: "POST", body: told.join(" ")});
})();
</script>`

// A browser that was told two fingerprints connects before and after the change.
func TestChromiumOverAChange(t *testing.T) {
	file, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("no chromium is on PATH: on Debian, apt-get install chromium")
	}
	// Half an hour is short enough for the next one to be valid already, as its beginning
	// is an hour before it is served.
	d := &development{names: []string{"localhost", "127.0.0.1"}, log: slog.New(slog.DiscardHandler), lifetime: 30 * time.Minute}
	s, err := start(d.log, time.Hour, d.refresh)
	closing(t, s, err)
	first := s.Fingerprints()
	l, err := transport.Listen(&transport.ListenConfig{Addr: "127.0.0.1:0", GetCertificate: s.GetCertificate})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			<-conn.Context().Done()
		}
	}()
	told := make(chan string, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, page, Hex(first), "https://"+l.Addr().String()+"/live")
	})
	mux.HandleFunc("POST /change", func(http.ResponseWriter, *http.Request) {
		if err := s.reloadAt(time.Now().Add(25*time.Minute), false); err != nil || s.Fingerprint() != first[1] {
			t.Errorf("not changed: %v", err)
		}
	})
	mux.HandleFunc("POST /told", func(_ http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(io.LimitReader(r.Body, 1000))
		told <- fmt.Sprint(string(text), err)
	})
	site := httptest.NewServer(mux)
	defer site.Close()

	args := []string{"--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--user-data-dir=" + profile(t), "--remote-debugging-port=0"}
	if os.Geteuid() == 0 { // Chromium's sandbox does not work for root
		args = append(args, "--no-sandbox")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	browser := exec.CommandContext(ctx, file, append(args, site.URL+"/")...)
	browser.WaitDelay = 5 * time.Second
	if err := browser.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- browser.Wait() }()
	select {
	case got := <-told:
		if want := "connected refused connected connected refused<nil>"; got != want {
			t.Errorf("%s, want %s (both, next alone; change; both, next alone, old alone)", got, want)
		}
		cancel()
		<-ended
	case err := <-ended:
		t.Errorf("the browser has told nothing: %v", errors.Join(err, ctx.Err()))
	}
}

// profile is a folder for what a browser keeps. Processes of one that was killed write
// to it for a moment longer, which the removal of t.TempDir would fail at.
func profile(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			if err := os.RemoveAll(folder); err == nil {
				return
			} else if time.Now().After(deadline) {
				t.Error(err)
				return
			}
		}
	})
	return folder
}
