package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"moqedge/bench/lab"
	"moqedge/bench/tally"
)

func ceilingResult() lab.Result {
	sum := func(s lab.System, perGB, ratio float64) lab.Summary {
		x := lab.Summary{System: s, Valid: 2, Figures: map[string]lab.Spread{
			"cpu_gigabyte": {Median: perGB, Min: perGB * 0.9, Max: perGB * 1.1}, "core_rate": {Median: 8e9 / perGB, Min: 8e9 / perGB, Max: 8e9 / perGB},
			"latency_p99": {Median: 0.012, Min: 0.01, Max: 0.02}, "cpu_viewer": {Median: 0.002, Min: 0.002, Max: 0.002},
		}}
		if ratio > 0 {
			x.Ratios = map[string]lab.Spread{"cpu_gigabyte": {Median: ratio, Min: ratio - 0.1, Max: ratio + 0.1}}
		}
		return x
	}
	return lab.Result{
		Plan:    lab.Plan{Systems: []lab.System{lab.BareUDP, lab.BareQUIC, lab.QUIC, lab.WebRTC}, Baseline: lab.BareQUIC, Viewers: 50, Rounds: 2, Duration: time.Second, Profile: "3mbps"},
		Rounds:  []lab.Round{{System: lab.QUIC, Number: 1}, {System: lab.WebRTC, Number: 1, Invalid: []string{"the load <gave> way"}}},
		Systems: []lab.Summary{sum(lab.BareUDP, 2, 0.4), sum(lab.BareQUIC, 5, 0), sum(lab.QUIC, 5.5, 1.1), {System: lab.WebRTC}},
	}
}

// A ceiling is told as a table that fits a terminal, with ratios to the bare loop.
func TestCeiling(t *testing.T) {
	x := ceilingResult()
	text := CeilingText(x, Style{Width: 80})
	for _, want := range []string{"bare UDP ", "0.40x", "1.45 Gbit/s", "MOQT QUIC", "1.10x", "WebRTC", "none", "bare QUIC needs", "gave", "What the machine can do at most"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		if len([]rune(line)) > 80 {
			t.Errorf("too wide: %q", line)
		}
	}
	if strings.Contains(text, "CPU/GB:") {
		t.Errorf("the columns have no room:\n%s", text)
	}
	var page bytes.Buffer
	if err := CeilingPage(x).Write(&page); err != nil {
		t.Fatal(err)
	}
	if html := page.String(); !strings.Contains(html, "CPU time per gigabyte") || strings.Contains(html, "<gave>") {
		t.Error("the page lacks a plot, or does not escape")
	}
}

func rampResult() lab.RampResult {
	step := func(viewers int, p99 time.Duration, over string) lab.Step {
		return lab.Step{Viewers: viewers, Over: over, Round: lab.Round{
			Metrics: tally.Metrics{Goodput: float64(viewers) * 3e6, Latency: map[string]tally.Quantiles{"all": {Count: 1, P50: p99 / 2, P99: p99}}},
			Servers: []lab.Cost{{Cores: float64(viewers) / 100}},
		}}
	}
	return lab.RampResult{
		Plan: lab.Ramp{From: 10, Most: 80, MaxP99: 50 * time.Millisecond, Plan: lab.Plan{Profile: "3mbps"}},
		Knees: []lab.Knee{
			{System: lab.QUIC, Steps: []lab.Step{step(10, 5e6, ""), step(20, 90e6, "latency is 90ms"), step(20, 9e6, ""), step(20, 8e6, "")}, Viewers: 20, Limit: "20 viewers are the most that were tried"},
			{System: lab.WebRTC, Steps: []lab.Step{step(10, 90e6, "the load got its turn late")}, Limit: "the load got its turn late", OfLoad: true},
		},
	}
}

// A ramp is told with its knees, whose limit they are, and all steps.
func TestRamp(t *testing.T) {
	x := rampResult()
	text := RampText(x, Style{Width: 80})
	for _, want := range []string{"MOQT QUIC", "60.0 Mbit/s", "0 or more", "20 *", "which may serve more", "* MOQT QUIC, 20 viewers: latency is 90ms."} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "p50:") {
		t.Errorf("the columns have no room:\n%s", text)
	}
	var page bytes.Buffer
	if err := RampPage(x).Write(&page); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), "Latency by number of viewers") {
		t.Error("the page lacks a plot")
	}
}
