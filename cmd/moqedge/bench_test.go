package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moqedge/bench/lab"
)

// The examples of the help of each kind of benchmark are command lines that parse.
func TestBenchHelp(t *testing.T) {
	_, list, _ := execute(t, "bench", "--help")
	for _, kind := range []string{"compare", "load", "whep", "ceiling", "ramp"} {
		if !strings.Contains(list, "bench "+kind) {
			t.Errorf("bench --help does not list %s:\n%s", kind, list)
		}
		code, text, errs := execute(t, "bench", kind, "--help")
		_, examples, found := strings.Cut(text, "Examples:\n")
		if code != exitOK || errs != "" || !found || !strings.Contains(text, "--json") {
			t.Errorf("bench %s: code %d, %s\n%s", kind, code, errs, text)
		}
		examples, _, _ = strings.Cut(examples, "\nFlags:")
		for line := range strings.Lines(examples) {
			if _, line, found := strings.Cut(line, "moqedge "); found {
				if code, _, errs := execute(t, append(strings.Fields(line), "--help")...); code != exitOK {
					t.Errorf("%s: %s", line, errs)
				}
			}
		}
	}
}

// What cannot be is said at once, and no report is left or lost.
func TestBenchMistakes(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, "kept.html")
	if err := os.WriteFile(kept, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--viewers 0", exitUsage, "--viewers is 0"},
		{"--viewers 9999", exitUsage, "9999 viewers: 1 to 5000"},
		{"--hops 4", exitUsage, "4 hops: 1 to 3"},
		{"--rounds=-1", exitUsage, "--rounds is -1"},
		{"--duration=-1s", exitUsage, "--duration is -1s"},
		{"--duration 2", exitUsage, "duration"},
		{"--systems rtmp", exitUsage, "rtmp"},
		{"--profile 8k", exitUsage, "use one of audio, 360p"},
		{"--link pigeon", exitUsage, "it is one of clean, 50ms"},
		{"--loss 2", exitUsage, "write 1% or 0.01"},
		{"--rate fast", exitUsage, "write 3M"},
		{"--draft 99", exitUsage, "moqt-99 is not spoken here"},
		{"--input a.mp4 --profile 3mbps", exitUsage, "either the recording"},
		{"--input nowhere.mp4", exitFailure, "nowhere.mp4"},
	} {
		fresh := filepath.Join(dir, "fresh.html")
		for _, report := range []string{kept, fresh} {
			code, out, errs := execute(t, append([]string{"bench", "compare", "--report", report}, strings.Fields(c.args)...)...)
			if code != c.code || out != "" || !strings.Contains(errs, c.want) || strings.Count(errs, "\n") != 1 {
				t.Errorf("%s: code %d, want %d and %q: %q%q", c.args, code, c.code, c.want, errs, out)
			}
		}
		if _, err := os.Stat(fresh); err == nil {
			t.Errorf("%s: an empty report is left", c.args)
		}
	}
	if b, err := os.ReadFile(kept); err != nil || string(b) != "before" {
		t.Errorf("the report that was there is %q, %v", b, err)
	}
	code, _, errs := execute(t, "bench", "compare", "--report", filepath.Join(dir, "nowhere", "r.html"))
	if code != exitFailure || !strings.Contains(errs, "the report can not be written") {
		t.Errorf("code %d: %s", code, errs)
	}
}

// Servers of others are measured with plans that can be, and what hinders is said.
func TestBenchTargets(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"load moqt://127.0.0.1:1 --viewers 0", exitUsage, "--viewers is 0"},
		{"load moqt://127.0.0.1:1 --rounds 0", exitUsage, "--rounds is 0"},
		{"load moqt://127.0.0.1:1 --duration 0s", exitUsage, "--duration is 0s"},
		{"load http://127.0.0.1:1", exitUsage, "want moqt://HOST:PORT"},
		{"whep http://127.0.0.1:1/x --viewers 0", exitUsage, "--viewers is 0"},
		{"whep http://127.0.0.1:1/x --duration=-1s", exitUsage, "--duration is -1s"},
		{"whep rtsp://127.0.0.1:1/x", exitUsage, "want http://HOST/PATH"},
		{"whep http://127.0.0.1:1/x", exitFailure, "connection refused"},
	} {
		code, out, errs := execute(t, append([]string{"bench"}, strings.Fields(c.args+" --report=")...)...)
		if code != c.code || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%s: code %d, want %d and %q: %q%q", c.args, code, c.code, c.want, errs, out)
		}
	}
}

// Ctrl-C ends a comparison with what there is by then: JSON, the page, and an exit
// code that says that it is not all. No process stays.
func TestBenchInterrupted(t *testing.T) {
	page := filepath.Join(t.TempDir(), "report.html")
	p := start(t, "bench", "compare", "--systems", "quic", "--viewers", "1", "--rounds", "9", "--duration", "500ms", "--profile", "audio", "--json", "--report", page)
	for deadline := time.Now().Add(40 * time.Second); !strings.Contains(p.stderr.String(), "round 2 of 9, quic"); {
		if time.Now().After(deadline) {
			t.Fatalf("no second round: %s", p.stderr.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var x lab.Result
	if err := json.Unmarshal([]byte(p.line()), &x); err != nil {
		t.Fatal(err)
	}
	for p.lines.Scan() {
		t.Errorf("more on stdout: %s", p.lines.Text())
	}
	err := p.cmd.Wait()
	if p.cmd.ProcessState.ExitCode() != exitFailure || !strings.Contains(p.stderr.String(), "interrupted after 1 of 9 rounds") {
		t.Errorf("%v, stderr %s", err, p.stderr.String())
	}
	if !x.Interrupted || len(x.Rounds) != 1 || x.Rounds[0].Metrics.Frames == 0 {
		t.Errorf("%d rounds, interrupted %v", len(x.Rounds), x.Interrupted)
	}
	b, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(b), "Interrupted: this is from the 1 round") || !strings.HasSuffix(strings.TrimSpace(string(b)), "</html>") {
		t.Errorf("%d bytes of a page, %v", len(b), err)
	}
	p.gone()
}
