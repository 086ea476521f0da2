package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// On a real terminal of 80 by 24 the dashboard shows a running node, says when it is
// gone, and ends at q; without a terminal it prints a snapshot.
func TestTop(t *testing.T) {
	node, at := serveNode(t, "--name", "watched", "--log-level", "error", "--srt", "127.0.0.1:0")
	url := "http://" + at.Admin
	code, out, errs := execute(t, "top", "--admin", url, "--json")
	if code != exitOK || !strings.Contains(out, `"name":"watched"`) {
		t.Fatalf("code %d, %s%s", code, out, errs)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "top", "--admin", url)
	cmd.Env = append(os.Environ(), asMoqedge+"=1")
	cmd.Env = append(cmd.Env, "TERM=xterm-256color")
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 80, Rows: 24})
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	var mu sync.Mutex
	var screen bytes.Buffer
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := terminal.Read(b)
			mu.Lock()
			screen.Write(b[:n])
			mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	shows := func(text string) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			mu.Lock()
			found := strings.Contains(screen.String(), text)
			mu.Unlock()
			if found {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("the terminal does not show %q: %q", text, screen.String())
			}
		}
	}
	shows("watched")
	shows("[1 Tracks]")
	node.interrupt()
	shows("does not answer")
	if _, err := terminal.Write([]byte("q")); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
