package report

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"moqedge/bench/lab"
	"moqedge/bench/tally"
)

// HTML writes the report of a comparison as one file.
func HTML(w io.Writer, x lab.Result) error { return ComparePage(x).Write(w) }

// ComparePage is the report of a comparison.
func ComparePage(x lab.Result) Page {
	p := Page{Title: "Live media compared: " + systemNames(x), Data: x}
	p.Lead = append(MeasuredText(x), machineOf(x))
	p.Lead = append(p.Lead, fmt.Sprintf("%s, in %s.", when(x.Began), duration(x.Took)))
	if x.Interrupted {
		p.Lead = append(p.Lead, interruptedText(x))
	}
	short := Section{Title: "In short", Verdicts: Verdicts(x)}
	if len(short.Verdicts) == 0 {
		short.Text = []string{"Nothing was compared: there is one system at most."}
	}
	p.Sections = append(append(p.Sections, short), plotSections(x)...)
	p.Sections = append(p.Sections,
		Section{Title: "All figures", Tables: []Table{CompareTable(x, false)}},
		Section{Title: "Rounds", Text: []string{"What the load says of itself tells whether a round is about the system or about the load. A round in which the load was what gave way does not count; one in which the system lost viewers does: what they did not get is late and missing, and costs and startup are not taken from it."},
			Tables: []Table{RoundsTable(x.Rounds)}, Points: slices.Concat(lostRounds(x), invalidRounds(x))},
		Section{Title: "What differs besides the protocol", Points: x.Differences},
		Section{Title: "Method", Points: method()},
		Section{Title: "How to do it again", Facts: planFacts(x), Code: CommandText(x.Command)},
	)
	return p
}

func systemNames(x lab.Result) string {
	var names []string
	for _, s := range x.Plan.Systems {
		names = append(names, NameOf(s))
	}
	return strings.Join(names, ", ")
}

func method() []string {
	return []string{
		"Each server runs in a process of its own; publisher and viewers are in another one, on one clock. All processes are started anew for each round, and systems take turns in an order that changes.",
		"Latency is from the time at which a frame is due in the schedule to when it, and all before it in its group of pictures, is complete at the viewer. The clock is the schedule's: a publisher that is held up makes its frames late (no coordinated omission). Histograms are HDR histograms, merged over viewers.",
		"A frame is in time for a playout delay when its latency is at most that. Those that never come count as late there; quantiles of latency are of those that came, so read them beside the share that is complete.",
		"Stalls are those of a player with a fixed target latency, which catches up at once.",
		"Startup is from the first packet to the first complete key frame, measured for each viewer before the window.",
		"CPU time and memory are those of the server's process alone (rusage and the kernel's accounts), of the one that viewers are connected to where there is a chain.",
		"A figure is the median of the rounds that count, with the least and the largest. A system is called better when its worst round is better than the other's best; ratios are of the same round.",
	}
}

func planFacts(x lab.Result) []Fact {
	p := x.Plan
	what := p.Profile
	if p.Input != "" {
		what = filepath.Base(p.Input)
	}
	return []Fact{
		{"Media", fmt.Sprintf("%s, %s", what, Format(x.Bitrate, lab.BitRate))},
		{"Viewers", count(p.Viewers)},
		{"Server", servers(p)},
		{"Rounds", fmt.Sprintf("%d of %s", p.Rounds, exactly(p.Duration))},
		{"Line", LineText(x.Link)},
		{"Seed", fmt.Sprint(p.Seed)},
		{"Machine", machineOf(x)},
		{"Versions", strings.Join(x.Versions, "\n")},
	}
}

// RoundsTable has a row for each round, with what the load says of itself.
func RoundsTable(rounds []lab.Round) Table {
	t := Table{Caption: "Each round, in the order of their running.", Head: []string{
		"Round", "counts", "p50", "p99", "lost", "publisher late (p99)", "load late (p99)", "dropped by the load", "load, cores", "machine busy", "server, cores", "server, memory",
	}}
	var g Group
	for _, r := range rounds {
		counts := "yes"
		switch {
		case len(r.Invalid) > 0:
			counts = "no"
		case len(r.Lost) > 0:
			counts = "yes, viewers lost"
		}
		q := latencyOf(r.Metrics)
		row := Row{Name: fmt.Sprintf("%d, %s", r.Number, NameOf(r.System))}
		for _, text := range []string{
			counts, duration(q.P50), duration(q.P99), count(r.Metrics.Lost),
			duration(r.Load.Publisher.P99), duration(r.Load.Turns.P99), count(r.Load.Drops + r.Load.Overrun),
			Format(r.Load.Cores, lab.Count), Format(r.Load.Machine, lab.Share),
		} {
			row.Cells = append(row.Cells, Cell{Text: text})
		}
		if n := len(r.Servers); n > 0 {
			last := r.Servers[n-1]
			row.Cells = append(row.Cells, Cell{Text: Format(last.Cores, lab.Count)}, Cell{Text: Format(float64(last.Resident), lab.Bytes)})
		} else {
			row.Cells = append(row.Cells, Cell{Text: "none"}, Cell{Text: "none"})
		}
		g.Rows = append(g.Rows, row)
	}
	if len(g.Rows) > 0 {
		t.Groups = []Group{g}
	}
	return t
}

// latencyOf is that of pictures, where there are any.
func latencyOf(m tally.Metrics) tally.Quantiles {
	if q, ok := m.Latency["video"]; ok {
		return q
	}
	return m.Latency["all"]
}

// none is a figure that is not known.
func none() lab.Spread { return lab.Spread{Median: math.NaN()} }
