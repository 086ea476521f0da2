package glass

import (
	"strings"
	"testing"
	"time"

	"moqedge/bench/link"
	"moqedge/bench/report"
)

// measured is a result of two rounds that count, of one that does not, and of an outage.
func measured(t *testing.T) Result {
	t.Helper()
	line, err := link.Parse("outage", 15*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	still := func(at int64) int64 {
		if at >= 6000 && at < 9000 {
			at = 6000
		}
		return late(at)
	}
	p := Plan{Systems: Systems(), Rounds: 2, Duration: 15 * time.Second}
	x := Result{Browser: "Chrome/1", Plan: p, Link: line, Command: []string{"moqedge", "bench", "glass"}, Differences: []string{"All differs."}}
	for number := 1; number <= 2; number++ {
		x.Rounds = append(x.Rounds,
			Round{System: MOQT, Number: number, Startup: 300 * time.Millisecond, Sight: see(watching(-100, 15000, still), epoch, epoch+15000)},
			Round{System: WebRTC, Number: number, Startup: 600 * time.Millisecond, Sight: see(watching(-100, 15000, late), epoch, epoch+15000)})
	}
	x.Rounds = append(x.Rounds, Round{System: WebRTC, Number: 3, Startup: time.Hour, Invalid: []string{"the machine is too busy"}})
	x.Systems = summarize(p, x.Rounds)
	return x
}

func TestText(t *testing.T) {
	x := measured(t)
	got := Text(x, report.Style{Width: 100})
	for _, want := range []string{
		"Chrome/1", "Line: outage (", "MOQT player", "from the navigation", "0.50x+", "WebRTC page, round 3: the machine is too busy", "/min",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "1 h") || strings.Contains(got, "play() to the peer connection") {
		t.Errorf("a round that does not count, or a figure that nobody has, is in\n%s", got)
	}
	x.Rounds, x.Interrupted = nil, true
	x.Systems = summarize(x.Plan, nil)
	if got := Text(x, report.Style{}); !strings.Contains(got, "No round counts.") || !strings.Contains(got, "Interrupted") {
		t.Error(got)
	}
}

func TestPage(t *testing.T) {
	x := measured(t)
	var b strings.Builder
	if err := Page(x).Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Age of the picture over time", "nothing gets through", "Time frozen", "All differs.", "the machine is too busy"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(b.String(), "No picture stood") {
		t.Error("the page says that there were no stalls")
	}
	// What was not measured is said, not drawn.
	b.Reset()
	x.Rounds = nil
	x.Systems = summarize(x.Plan, nil)
	if err := Page(x).Write(&b); err != nil || strings.Contains(b.String(), "No picture stood") || !strings.Contains(b.String(), "No round counts.") {
		t.Error(err)
	}
}
