package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"moqedge/bench/lab"
	"moqedge/bench/report"
	"moqedge/bench/tally"
)

// What can not be measured is said before anything is started, and leaves no report.
func TestBenchSizesRefuse(t *testing.T) {
	for args, want := range map[string]string{
		"ceiling --viewers 0":               "--viewers",
		"ceiling --systems hls":             "must be one of",
		"ceiling --input nowhere.mp4":       "nowhere.mp4",
		"ramp --from 5 --most 3":            "--most",
		"ramp --systems udp --link 50ms-1%": "bare loops",
		"capacity --viewers 0":              "0 viewers",
		"capacity --bitrate fast":           "no bit rate",
		"capacity --memory much":            "not a size",
		"capacity --target 200%":            "200",
		"capacity --result nowhere.json":    "nowhere.json",
	} {
		page := filepath.Join(t.TempDir(), "report.html")
		code, out, errs := execute(t, append([]string{"bench"}, append(strings.Fields(args), "--report", page)...)...)
		if code == exitOK || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, %q, %q", args, code, out, errs)
		}
		if _, err := os.Stat(page); !os.IsNotExist(err) {
			t.Errorf("%s: report: %v", args, err)
		}
	}
}

// A plan is made from what compare --json printed, as text with the tree, as a page,
// and as JSON.
func TestBenchCapacity(t *testing.T) {
	folder := t.TempDir()
	file := func(name string, bitrate, cpu float64) string {
		x := lab.Result{Rounds: []lab.Round{{
			System: lab.QUIC, Metrics: tally.Metrics{Viewers: 10, Goodput: 10 * bitrate},
			Servers: []lab.Cost{{PerViewer: cpu, OfViewer: 1e5, Resident: 21e6}},
		}}}
		b, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.Join(folder, name)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	page := filepath.Join(folder, "report.html")
	args := []string{
		"bench", "capacity", "--viewers", "5000", "--bitrate", "2M", "--cores", "4", "--target", "50%", "--nic", "100G", "--report", page,
		"--result", file("one.json", 1e6, 0.002), "--result", file("three.json", 3e6, 0.004),
	}
	code, out, errs := execute(t, args...)
	if code != exitOK || errs != "" {
		t.Fatalf("exit code %d, %q", code, errs)
	}
	// 4 cores, half of them busy, at 0.003 for a viewer: 666 of them.
	for _, want := range []string{"666", "edge 1, 625 viewers", "edge 3 to 8, likewise", "was not counted", "one round counted"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if b, err := os.ReadFile(page); err != nil || !strings.Contains(string(b), "Edges by number of viewers") {
		t.Errorf("page: %v", err)
	}
	code, out, errs = execute(t, append(args, "--json")...)
	var x report.Capacity
	if err := json.Unmarshal([]byte(out), &x); err != nil || code != exitOK || x.Plan.Edges.Likely != 8 || x.Plan.Limit != "processors" {
		t.Errorf("exit code %d, %q, %v: %+v", code, errs, err, x.Plan.Edges)
	}
}

// Ceiling and ramp run real processes, and print what they found as JSON.
func TestBenchCeilingAndRamp(t *testing.T) {
	t.Setenv(asMoqedge, "1") // for the processes that are started
	code, out, errs := execute(t, strings.Fields("bench ceiling --systems udp --profile audio --viewers 1 --rounds 1 --duration 500ms --json --report=")...)
	var x lab.Result
	if err := json.Unmarshal([]byte(out), &x); err != nil || len(x.Rounds) != 2 || x.Plan.Baseline != lab.BareQUIC || (code != exitOK) != (x.Err() != nil) {
		t.Errorf("ceiling: exit code %d, %q, %v: %d rounds", code, errs, err, len(x.Rounds))
	}
	for _, r := range x.Rounds {
		if r.Metrics.Complete == 0 || r.Servers[0].CPU == 0 {
			t.Errorf("ceiling: nothing of %s", r.System)
		}
	}
	code, out, errs = execute(t, strings.Fields("bench ramp --systems quic --profile audio --from 1 --most 1 --duration 500ms --p99 10s --json --report=")...)
	var y lab.RampResult
	if err := json.Unmarshal([]byte(out), &y); err != nil || code != exitOK || len(y.Knees) != 1 || len(y.Knees[0].Steps) == 0 {
		t.Errorf("ramp: exit code %d, %q, %v", code, errs, err)
	}
}
