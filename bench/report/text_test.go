package report

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"moqedge/bench/lab"
)

func update() bool {
	f := flag.Lookup("test.run") // go test -run Golden -args update
	return f != nil && len(flag.Args()) > 0 && flag.Arg(0) == "update"
}

// The text of a comparison, at three widths; "go test -run Golden ./bench/report
// -args update" writes it anew.
func TestGolden(t *testing.T) {
	for _, width := range []int{50, 80, 120} {
		name := filepath.Join("testdata", "compare_"+strconv.Itoa(width)+".txt")
		got := Text(compared(), Style{Width: width}) + "\n"
		if update() {
			if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs:\n%s", name, got)
		}
		for line := range strings.Lines(got) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("%d columns of %d: %q", n, width, line)
			}
			if strings.HasSuffix(line, " \n") {
				t.Errorf("blanks at the end of %q", line)
			}
		}
		if strings.Contains(got, "\x1b") {
			t.Error("escapes without a terminal")
		}
	}
}

// Colors add nothing but escapes, and only where something is better or worse.
func TestColor(t *testing.T) {
	colored := Text(compared(), Style{Width: 80, Color: true})
	for _, escape := range []string{bold, green, red} {
		if !strings.Contains(colored, escape) {
			t.Errorf("no %q", escape)
		}
	}
	for _, escape := range []string{bold, green, red, plain} {
		colored = strings.ReplaceAll(colored, escape, "")
	}
	if colored != Text(compared(), Style{Width: 80}) {
		t.Error("colors change the text")
	}
}

func TestStyleOf(t *testing.T) {
	for _, c := range []struct {
		width   int
		noColor string
		term    string
		want    Style
	}{
		{0, "", "xterm", Style{}}, {100, "", "xterm", Style{100, true}}, {100, "1", "xterm", Style{100, false}}, {100, "", "dumb", Style{100, false}},
	} {
		env := map[string]string{"NO_COLOR": c.noColor, "TERM": c.term}
		if got := StyleOf(&screen{width: c.width}, func(k string) string { return env[k] }); got != c.want {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

// Where WebRTC wins the text says so as plainly, line for line the mirror image.
func TestNegative(t *testing.T) {
	x := compared()
	x.Systems = []lab.Summary{x.Systems[0], x.Systems[2]}
	straight := Verdicts(x)
	x.Systems[0].Figures, x.Systems[1].Figures = x.Systems[1].Figures, x.Systems[0].Figures
	mirrored := Verdicts(x)
	if len(straight) != 1 || len(mirrored) != 1 {
		t.Fatalf("%d and %d verdicts", len(straight), len(mirrored))
	}
	find := func(v Verdict, m Mark) Line {
		for _, l := range v.Lines {
			if l.Mark == m {
				return l
			}
		}
		return Line{}
	}
	for m, other := range map[Mark]Mark{Better: Worse, Worse: Better, Unclear: Unclear, Same: Same} {
		a, b := find(straight[0], m), find(mirrored[0], other)
		if strings.Join(a.What, "\n") != strings.Join(b.What, "\n") || len(a.What) == 0 {
			t.Errorf("%s: %q, but the other way round %s: %q", m, a.What, other, b.What)
		}
	}
	if who := find(mirrored[0], Worse).Who; who != "WebRTC is better" {
		t.Errorf("WebRTC wins: %q", who)
	}
}

func TestJudge(t *testing.T) {
	s := func(min, median, max float64) lab.Spread { return lab.Spread{Min: min, Median: median, Max: max} }
	for _, c := range []struct {
		name     string
		x, other lab.Spread
		n, m     int
		less     bool
		want     Mark
	}{
		{"better", s(1, 2, 3), s(4, 5, 6), 3, 3, true, Better},
		{"worse", s(4, 5, 6), s(1, 2, 3), 3, 3, true, Worse},
		{"more is better", s(4, 5, 6), s(1, 2, 3), 3, 3, false, Better},
		{"less is worse", s(1, 2, 3), s(4, 5, 6), 3, 3, false, Worse},
		{"they touch", s(1, 2, 4), s(4, 5, 6), 3, 3, true, Unclear},
		{"they overlap", s(1, 2, 5), s(4, 5, 6), 3, 3, true, Unclear},
		{"once", s(2, 2, 2), s(5, 5, 5), 1, 3, true, Unclear},
		{"never", s(2, 2, 2), s(5, 5, 5), 3, 0, true, Unclear},
		{"equal", s(2, 2, 2), s(2, 2, 2), 1, 1, true, Same},
		{"nearly", s(99, 100, 101), s(98, 101, 102), 3, 3, true, Same},
		{"small but certain", s(99.9, 100, 100.1), s(100.9, 101, 101.1), 3, 3, true, Better},
	} {
		if got := Judge(c.x, c.n, c.other, c.m, c.less); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Each system measured once: the figures are there, but no verdict.
func TestOnce(t *testing.T) {
	x := compared()
	for i := range x.Systems {
		x.Systems[i].Valid = 1
		for name, v := range x.Systems[i].Figures {
			x.Systems[i].Figures[name] = lab.Spread{Median: v.Median, Min: v.Median, Max: v.Median}
		}
	}
	text := Text(x, Style{})
	if strings.Contains(text, "is better") || !strings.Contains(text, "measured once") || !strings.Contains(text, "30.2 ms") {
		t.Error(text)
	}
}

// Results without something say that it is missing.
func TestMissing(t *testing.T) {
	interrupted, invalid := compared(), compared()
	interrupted.Interrupted, interrupted.Rounds = true, interrupted.Rounds[:4]
	for i := range invalid.Systems {
		invalid.Systems[i] = lab.Summary{System: invalid.Systems[i].System}
	}
	for i := range invalid.Rounds {
		invalid.Rounds[i].Invalid = []string{"the load\x1b[31m got its turn late"}
	}
	for name, c := range map[string]struct {
		x    lab.Result
		want []string
	}{
		"interrupted": {interrupted, []string{"Interrupted: this is from the 4 rounds that had ended, of 9."}},
		"invalid":     {invalid, []string{"No round counts.", "no round of WebRTC counts", "WebRTC, round 3: the load [31m got its turn late"}},
		"empty":       {lab.Result{}, []string{"No round has ended."}},
	} {
		text := Text(c.x, Style{})
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", name, want, text)
			}
		}
	}
}

// Rounds in which viewers were lost count, and are named apart from those that do not.
func TestLost(t *testing.T) {
	x := compared()
	x.Rounds[0].Lost = []string{"2 of 20 viewers did not get what they asked for until the end"}
	text := Text(x, Style{})
	lost, invalid, found := strings.Cut(text, "Rounds that do not count\n")
	_, lost, named := strings.Cut(lost, "Rounds that count, in which viewers were lost\n")
	if !found || !named || !strings.Contains(lost, "MOQT QUIC, round 1: 2 of 20") || strings.Contains(invalid, "2 of 20") {
		t.Errorf("%s", text)
	}
	var page strings.Builder
	if err := HTML(&page, x); err != nil || !strings.Contains(page.String(), "yes, viewers lost") || !strings.Contains(page.String(), "round 1: 2 of 20") {
		t.Errorf("the page says nothing of it: %v", err)
	}
	x.Rounds[0].Lost = nil
	if strings.Contains(Text(x, Style{}), "viewers were lost") {
		t.Error("nobody was lost")
	}
}

// Pictures and sound are told apart: what all frames have together hides neither, and
// is left out where there is one kind.
func TestKinds(t *testing.T) {
	x := compared()
	same := func(v float64) lab.Spread { return lab.Spread{Median: v, Min: v, Max: v} }
	for i, video := range map[int]float64{0: 0.95, 2: 1} {
		x.Systems[i].Figures["in_time_200ms"] = same(0.99)
		x.Systems[i].Figures["audio_in_time_200ms"] = same(1)
		x.Systems[i].Figures["video_in_time_200ms"] = same(video)
	}
	const total = "All frames in time"
	text := Text(x, Style{Width: 120})
	for _, want := range []string{"video frames in time at 200 ms 100 % instead of 95.0 %", "Video frames in time", "Audio frames in time", total} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	var page strings.Builder
	if err := HTML(&page, x); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Video frames in time, by playout delay", "Audio frames in time, by playout delay", total} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("no %q on the page", want)
		}
	}
	for _, s := range x.Systems {
		for name := range s.Figures {
			if strings.HasPrefix(name, "audio_") {
				delete(s.Figures, name)
			}
		}
	}
	if text := Text(x, Style{}); strings.Contains(text, total) || !strings.Contains(text, "Video frames in time") {
		t.Error(text)
	}
}

// Of a server that was there already no costs are known: the page says so and draws none.
func TestCostsUnknown(t *testing.T) {
	x := compared()
	x.Systems, x.Plan.Systems, x.Plan.Target = x.Systems[:1], x.Plan.Systems[:1], &lab.Target{}
	for _, name := range []string{"cpu_viewer", "memory"} {
		delete(x.Systems[0].Figures, name)
	}
	var page strings.Builder
	if err := HTML(&page, x); err != nil {
		t.Fatal(err)
	}
	if p := page.String(); !strings.Contains(p, "nothing is known") || strings.Contains(p, "Share of one core") {
		t.Error("costs that nobody knows are drawn")
	}
}

// Every figure of the lab has a place in the reports, once.
func TestTopics(t *testing.T) {
	known, placed := figuresByName(), map[string]int{}
	for _, topic := range topics() {
		for _, f := range topic.figures {
			placed[f.name]++
			if _, ok := known[f.name]; !ok {
				t.Errorf("the lab has no figure %s", f.name)
			}
		}
	}
	for name := range known {
		if placed[name] != 1 {
			t.Errorf("figure %s has %d places", name, placed[name])
		}
	}
}
