package glass

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"moqedge/bench/lab"
	"moqedge/bench/report"
	"moqedge/bench/tally"
)

// Page is the report as one file.
func Page(x Result) report.Page {
	return report.Page{
		Title: "What a person sees: MOQT and WebRTC in a browser", Lead: preface(x), Data: x,
		Sections: []report.Section{
			{Title: "All figures", Tables: []report.Table{figures(x)}},
			{Title: "Latency", Plots: []report.Plot{distribution(x), overTime(x)}},
			{Title: "Startup", Plots: []report.Plot{bars(x, "Startup", "From the navigation, and from when the page's script asked to play, to the first picture. Shorter is better.", "time", lab.Seconds,
				"startup", "from the navigation", "from_play", "from play()")}},
			stalls(x),
			{Title: "Rounds", Text: []string{"Blind is the share of the time in which the browser did not get to paint: what was to be seen then is not known, and a round with more than 10 % of it does not count; neither does one in which this program, in which the line is, got its turns more than 20 ms late (p99)."},
				Tables: []report.Table{rounds(x)}, Points: invalid(x)},
			{Title: "What differs besides the protocol", Points: x.Differences},
			{Title: "Method", Points: method()},
			{Title: "How to do it again", Code: report.CommandText(x.Command), Facts: []report.Fact{
				{Name: "Browser", Value: x.Browser}, {Name: "Line", Value: report.LineText(x.Link)}, {Name: "Seed", Value: fmt.Sprint(x.Plan.Seed)},
				{Name: "Began", Value: x.Began.UTC().Format(time.DateTime) + " UTC"}, {Name: "Versions", Value: strings.Join(x.Versions, "\n")},
			}},
		},
	}
}

// stalls are plots, or a sentence where there were none.
func stalls(x Result) report.Section {
	s := report.Section{Title: "Stalls"}
	is := func(of func(Summary) bool) bool { return slices.ContainsFunc(x.Systems, of) }
	switch {
	case is(func(s Summary) bool { return s.Figures["frozen"].Max > 0 }):
		s.Plots = append(s.Plots, bars(x, "Time frozen", "Time in a minute in which a picture stood still that had done so for more than 200 ms, and the longest such time. Less is better.", "time", lab.Seconds,
			"frozen", "in a minute", "stall_longest", "longest"))
	case is(func(s Summary) bool { return s.Valid > 0 }):
		s.Text = []string{"No picture stood for more than 200 ms."}
	default:
		s.Text = []string{"No round counts."}
	}
	s.Plots = append(s.Plots, bars(x, "Pictures never seen", "Share of the pictures that were sent and not there at any look. Less is better.", "share", lab.Share, "missed", "never seen"))
	return s
}

func method() []string {
	return []string{
		"Each picture of the clip shows its number as black and white cells, and the clip is aligned to UTC: a picture tells when it was sent. Publisher and browser have one clock.",
		"The page is looked at whenever the browser is about to paint, sixty times a second. The age of the picture counts a hundred times a second, whether a picture came or not (no coordinated omission).",
		"Each round has a browser of its own with empty caches, and a line of its own, with the same seed. The window begins some seconds after the navigation, at a time that was set before.",
		"Relay, forwarding unit and publishers are processes of their own, and run through all rounds.",
	}
}

// look is how a system is drawn: like what carries it in other reports.
func look(s System) report.Slot {
	if s == WebRTC {
		return report.SlotOf(lab.WebRTC)
	}
	return report.SlotOf(lab.WebTransport)
}

// counting calls do for each round of a system that counts.
func (x Result) counting(s System, do func(Round)) {
	for _, r := range x.Rounds {
		if r.System == s && len(r.Invalid) == 0 {
			do(r)
		}
	}
}

// distribution draws for which share of the time the picture was at most how old.
func distribution(x Result) report.Lines {
	l := report.Lines{
		Title: "Age of the picture", Text: "In which share of the time the picture was at most how old. Left and high is better; the scale of shares is stretched towards 100 %.",
		X: report.Axis{Title: "age", Unit: lab.Seconds, Scale: report.Log}, Y: report.Axis{Title: "share of the time", Unit: lab.Share, Scale: report.Nines},
	}
	for _, s := range x.Plan.Systems {
		var all []tally.Quantiles
		x.counting(s, func(r Round) { all = append(all, r.Sight.Age) })
		curve := report.Series{Name: nameOf(s), Slot: look(s)}
		merged, err := tally.MergeQuantiles(all...)
		if err == nil {
			var steps []tally.Step
			steps, err = merged.Distribution()
			for _, step := range steps {
				curve.Points = append(curve.Points, report.Point{X: step.Value.Seconds(), Y: step.Share})
			}
		}
		if err != nil {
			curve.Name += " (cannot be drawn: " + err.Error() + ")"
		}
		l.Series = append(l.Series, curve)
	}
	return l
}

// overTime draws the largest age in each quarter of a second.
func overTime(x Result) report.Lines {
	l := report.Lines{
		Title: "Age of the picture over time", Text: "The oldest that the picture was in each quarter of a second; the median of all rounds that count.",
		X: report.Axis{Title: "time", Unit: lab.Seconds}, Y: report.Axis{Title: "age", Unit: lab.Seconds, Scale: report.Log},
	}
	for _, s := range x.Plan.Systems {
		at := map[time.Duration][]float64{}
		x.counting(s, func(r Round) {
			for _, p := range r.Sight.Series {
				at[p.At] = append(at[p.At], p.Age.Seconds())
			}
		})
		curve := report.Series{Name: nameOf(s), Slot: look(s)}
		for end := step; end <= x.Plan.Duration; end += step {
			y := math.NaN()
			if values := at[end]; len(values) > 0 {
				y = lab.SpreadOf(values).Median
			}
			curve.Points = append(curve.Points, report.Point{X: end.Seconds(), Y: y})
		}
		l.Series = append(l.Series, curve)
	}
	for i, c := range x.Link.Changes {
		end := x.Plan.Duration
		if i+1 < len(x.Link.Changes) {
			end = x.Link.Changes[i+1].At
		}
		switch {
		case c.Down:
			l.Bands = append(l.Bands, report.Band{From: c.At.Seconds(), To: end.Seconds(), Name: "nothing gets through"})
		case c.Rate > 0:
			l.Bands = append(l.Bands, report.Band{From: c.At.Seconds(), To: end.Seconds(), Name: report.Format(c.Rate, lab.BitRate)})
		}
	}
	return l
}

// bars draws figures, given as name and label by turns.
func bars(x Result, title, text, axis string, u lab.Unit, figures ...string) report.Bars {
	b := report.Bars{Title: title, Text: text + " The thin line is from the least to the largest round.", Y: report.Axis{Title: axis, Unit: u}}
	for i := 1; i < len(figures); i += 2 {
		b.Categories = append(b.Categories, figures[i])
	}
	for _, s := range x.Systems {
		series := report.BarSeries{Name: nameOf(s.System), Slot: look(s.System)}
		for i := 0; i < len(figures); i += 2 {
			v, ok := s.Figures[figures[i]]
			if !ok {
				v.Median = math.NaN()
			}
			series.Values = append(series.Values, v)
		}
		b.Series = append(b.Series, series)
	}
	return b
}

// rounds is a table with a row for each round.
func rounds(x Result) report.Table {
	t := report.Table{Caption: "Each round, in the order of their running.", Head: []string{
		"Round", "counts", "startup", "age p50", "age p95", "stalls", "frozen", "shown", "never seen", "looks", "blind", "line late (p99)", "machine busy", "lost on the line",
	}}
	var g report.Group
	for _, r := range x.Rounds {
		counts := "yes"
		if len(r.Invalid) > 0 {
			counts = "no"
		}
		time := func(d time.Duration) string { return report.Format(d.Seconds(), lab.Seconds) }
		row := report.Row{Name: fmt.Sprintf("%d, %s", r.Number, nameOf(r.System))}
		for _, text := range []string{
			counts, time(r.Startup), time(r.Sight.Age.P50), time(r.Sight.Age.P95),
			fmt.Sprint(len(r.Sight.Stalls)), time(r.Sight.Frozen), fmt.Sprint(r.Sight.Shown), fmt.Sprint(r.Sight.Missed), fmt.Sprint(r.Sight.Looks),
			report.Format(r.Sight.Blind, lab.Share), time(r.Load.Turns.P99), report.Format(r.Load.Machine, lab.Share), fmt.Sprint(r.Wire.Down.Lost + r.Wire.Down.Dropped),
		} {
			row.Cells = append(row.Cells, report.Cell{Text: text})
		}
		g.Rows = append(g.Rows, row)
	}
	if len(g.Rows) > 0 {
		t.Groups = []report.Group{g}
	}
	return t
}
