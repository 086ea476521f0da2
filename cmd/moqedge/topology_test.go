package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"moqedge/relay/topology"
)

var update = flag.Bool("update", false, "write the golden files of topology")

// golden compares with a file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what was drawn (write it with -update and look at it):\n%s", file, got)
	}
}

// The sample trees are drawn as they were when somebody looked at them, as text
// and as a picture.
func TestTopologySamples(t *testing.T) {
	folders, err := filepath.Glob("testdata/topology/*")
	if err != nil || len(folders) != 3 {
		t.Fatal(folders, err)
	}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		picture := filepath.Join(t.TempDir(), "tree.svg")
		code, text, errs := execute(t, append([]string{"topology", "--svg", picture, "-c"}, files...)...)
		if code != exitOK || errs != "" {
			t.Errorf("%s: code %d, %s", folder, code, errs)
		}
		golden(t, filepath.Join(folder, "tree.txt"), text)
		svg, err := os.ReadFile(picture)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join(folder, "tree.svg"), string(svg))
		if _, printed, _ := execute(t, append([]string{"topology", "--format", "svg"}, files...)...); printed != string(svg) {
			t.Errorf("%s: what is printed is not what is written", folder)
		}
	}
}

// Mistakes are told and are the exit code; warnings are told alone.
func TestTopologyMistakes(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	a := write("a.yaml", "listen: 127.0.0.1:1001\nupstream: {url: 'moqt://127.0.0.1:1002'}\n")
	b := write("b.yaml", "listen: 127.0.0.1:1002\nupstream: {url: 'moqt://127.0.0.1:1001'}\n")
	c := write("c.yaml", "listen: 127.0.0.1:1003\nupstream: {url: 'moqt://127.0.0.1:1004'}\n")
	bad := write("bad.yaml", "listen: here\n")
	code, text, errs := execute(t, "topology", "-c", a, b)
	if code != exitFailure || errs != "" || !strings.Contains(text, "error: ring of default upstreams, for everything: a > b > a") {
		t.Errorf("ring: code %d, %q, %s", code, errs, text)
	}
	code, text, _ = execute(t, "topology", "-c", c)
	if code != exitOK || !strings.Contains(text, "warning: 127.0.0.1:1004 is a single point of failure") || !strings.Contains(text, "note: 127.0.0.1:1004") {
		t.Errorf("external: code %d, %s", code, text)
	}
	code, text, _ = execute(t, "topology", "--json", "-c", a, "-c", b)
	var report topology.Report
	if code != exitFailure || json.Unmarshal([]byte(strings.ReplaceAll(text, `"severity":"error"`, `"severity":0`)), &report) != nil || len(report.Nodes) != 2 || len(report.Links) != 2 || report.Findings[0].Kind != "ring" {
		t.Errorf("JSON: code %d, %s", code, text)
	}
	code, text, _ = execute(t, "topology", "-c", a, a)
	if code != exitFailure || !strings.Contains(text, "a and a ("+a+") are both at 127.0.0.1:1001") {
		t.Errorf("twice: code %d, %s", code, text)
	}
	for _, args := range [][]string{{}, {"-c", bad}, {"-c", filepath.Join(dir, "none.yaml")}, {"--format", "pdf", "-c", a}} {
		if code, _, errs := execute(t, append([]string{"topology"}, args...)...); code == exitOK || strings.Count(errs, "\n") != 1 {
			t.Errorf("%q: code %d, %q", args, code, errs)
		}
	}
}
