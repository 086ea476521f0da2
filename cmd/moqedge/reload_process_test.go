package main

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// said waits until a process has logged something.
func (p *process) said(what string) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(p.stderr.String(), what); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("not logged: %s\n%s", what, p.stderr)
		}
	}
}

// A node reads its file again on SIGHUP and when it has changed; one with mistakes
// changes nothing, and the variables and flags that it was started with stay.
func TestReloadProcess(t *testing.T) {
	t.Setenv("MOQEDGE_DRAIN_URI", "moqt://other.example:443")
	dir := t.TempDir()
	const head = "listen: 127.0.0.1:0\nadmin: {listen: '127.0.0.1:0'}\n"
	file := written(t, dir, "c.yaml", head)
	p := start(t, "serve", "--json", "-c", file, "--name", "by-flag")
	var a struct{ Relay, Admin string }
	p.json("addresses", &a)

	written(t, dir, "c.yaml", head+"name: by-file\nlog: {level: debug}\ndrain: {timeout: 33s, uri: 'moqt://file.example'}\nregion: eu\n")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.said(`key=drain.timeout from=10s to=33s`)
	p.said(`level=WARN msg="configuration change waits for a restart" node=by-flag key=region from="" to=eu`)
	p.said(`key=log.level from=info to=debug`)
	p.said(`msg="configuration read again" node=by-flag applied=2 pending=1`)
	if text := p.stderr.String(); strings.Contains(text, "drain.uri") || strings.Contains(text, "by-file") {
		t.Errorf("the file went before a variable or a flag:\n%s", text)
	}

	// By renaming, as editors do, and without a signal.
	broken := written(t, dir, "new.yaml", head+"log:\n  level: loud\ndrain: {timeout: 44s}\n")
	if err := os.Rename(broken, file); err != nil {
		t.Fatal(err)
	}
	p.said(`level=ERROR msg="configuration not applied, that of before stays" node=by-flag error="` + file + `:4: log.level: \"loud\" is none of debug, info, warn, error"`)
	if strings.Contains(p.stderr.String(), "44s") {
		t.Error("a part of a file with mistakes was applied")
	}
	written(t, dir, "c.yaml", head+"log: {level: info}\ndrain: {timeout: 55s}\n")
	p.said(`key=drain.timeout from=33s to=55s`)
	if rsp, err := http.Get("http://" + a.Admin + "/healthz"); err != nil || rsp.StatusCode != http.StatusOK {
		t.Errorf("%v, %v", rsp, err)
	} else {
		rsp.Body.Close()
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for p.lines.Scan() {
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, p.stderr)
	}
	p.gone()
}
