package report

import (
	"fmt"
	"slices"
	"strings"

	"moqedge/bench/lab"
)

// KneesTable has a row for each system: the most viewers that it served well, and
// what happened beyond.
func KneesTable(x lab.RampResult) Table {
	t := Table{
		Caption: fmt.Sprintf("The most viewers for whom nothing was lost and latency was at most %s at the 99th percentile.", duration(x.Plan.MaxP99)),
		Head:    []string{"", "viewers", "payload", "p99", "server's cores", "steps"},
	}
	var g Group
	for _, k := range x.Knees {
		row := Row{Name: NameOf(k.System)}
		best, ok := bestOf(k)
		text := count(k.Viewers)
		if k.OfLoad {
			text += " or more"
		}
		row.Cells = append(row.Cells, Cell{Text: text})
		if ok {
			row.Cells = append(row.Cells, Cell{Text: Format(best.Round.Metrics.Goodput, lab.BitRate)},
				Cell{Text: duration(best.Round.Metrics.Latency["all"].P99)}, Cell{Text: coresOf(best.Round)})
		} else {
			row.Cells = append(row.Cells, Cell{Text: "none"}, Cell{Text: "none"}, Cell{Text: "none"})
		}
		row.Cells = append(row.Cells, Cell{Text: count(len(k.Steps))})
		g.Rows = append(g.Rows, row)
		t.Notes = append(t.Notes, fmt.Sprintf("%s: %s.", NameOf(k.System), beyond(k)))
	}
	t.Groups = []Group{g}
	return t
}

// beyond says what happens with more viewers.
func beyond(k lab.Knee) string {
	more := clean(k.Limit)
	if k.OfLoad {
		return more + "; that is the load's limit, not the system's, which may serve more"
	}
	return more
}

// bestOf is the step with the most viewers that were served well.
func bestOf(k lab.Knee) (best lab.Step, ok bool) {
	for _, s := range k.Steps {
		if s.Over == "" && s.Viewers == k.Viewers {
			best, ok = s, true
		}
	}
	return best, ok
}

func coresOf(r lab.Round) string {
	if len(r.Servers) == 0 {
		return "none"
	}
	return Format(r.Servers[len(r.Servers)-1].Cores, lab.Count)
}

// StepsTable has a row for each step of a ramp.
func StepsTable(x lab.RampResult) Table {
	t := Table{
		Caption: "Each step, in the order of their running, with the cores that server and load kept busy, and how busy the machine was. One that seemed too much was run again.",
		Head:    []string{"viewers", "p50", "p99", "lost", "server", "load", "machine"},
	}
	for _, k := range x.Knees {
		g := Group{Title: NameOf(k.System)}
		for _, s := range k.Steps {
			q := s.Round.Metrics.Latency["all"]
			row := Row{Name: count(s.Viewers)}
			if s.Over != "" {
				row.Name += " *"
				t.Notes = append(t.Notes, fmt.Sprintf("* %s, %s: %s.", NameOf(k.System), many(s.Viewers, "viewer"), clean(s.Over)))
			}
			for _, text := range []string{
				duration(q.P50), duration(q.P99), count(s.Round.Metrics.Lost), coresOf(s.Round),
				Format(s.Round.Load.Cores, lab.Count), Format(s.Round.Load.Machine, lab.Share),
			} {
				row.Cells = append(row.Cells, Cell{Text: text})
			}
			g.Rows = append(g.Rows, row)
		}
		t.Groups = append(t.Groups, g)
	}
	return t
}

// rampText says what was looked for.
func rampText(x lab.RampResult) []string {
	p := x.Plan
	what := "the profile " + p.Profile
	if p.Input != "" {
		what = "a recording"
	}
	all := []string{
		clean(fmt.Sprintf("Viewers of %s (%s each) are added, from %d to at most %d, each step measured for %s. Line of each viewer: %s.",
			what, Format(x.Bitrate, lab.BitRate), p.From, p.Most, duration(p.Duration), clean(p.Plan.Link))),
		MachineText(x.Machine),
	}
	if x.Interrupted {
		all = append(all, "Interrupted: not all that was to be tried was.")
	}
	return all
}

// RampText is the report of a ramp for a terminal.
func RampText(x lab.RampResult, s Style) string {
	var out strings.Builder
	for _, p := range rampText(x) {
		writeLines(&out, wrap(p, s.width(), "  "))
	}
	out.WriteString("\n" + KneesTable(x).Text(s) + "\n\n" + StepsTable(x).Text(s))
	return strings.TrimRight(out.String(), "\n")
}

// RampPage is the report of a ramp.
func RampPage(x lab.RampResult) Page {
	p := Page{Title: "How many viewers until it gives way", Data: x, Lead: append(rampText(x), fmt.Sprintf("%s, in %s.", when(x.Began), duration(x.Took)))}
	p.Sections = []Section{
		{Title: "The knee", Tables: []Table{KneesTable(x)}},
		{Title: "On the way there", Plots: []Plot{
			overViewers(x, "Latency", "Latency of the slowest of a hundred frames. Steps in which the load gave way are drawn, too: the table says which.", secondsAxis("p99", Log), func(s lab.Step) (float64, bool) {
				q := s.Round.Metrics.Latency["all"]
				return q.P99.Seconds(), q.Count > 0
			}),
			overViewers(x, "Processors", "CPU time of the server's process in a second.", Axis{Title: "cores", Unit: lab.Count}, func(s lab.Step) (float64, bool) {
				n := len(s.Round.Servers)
				if n == 0 {
					return 0, false
				}
				return s.Round.Servers[n-1].Cores, true
			}),
		}, Tables: []Table{StepsTable(x)}},
		{Title: "What differs besides the protocol", Points: x.Differences},
		{Title: "How to do it again", Facts: []Fact{{"Machine", MachineText(x.Machine)}, {"Seed", fmt.Sprint(x.Plan.Seed)}, {"Versions", strings.Join(x.Versions, "\n")}}, Code: CommandText(x.Command)},
	}
	return p
}

// overViewers is a curve for each system over the number of viewers.
func overViewers(x lab.RampResult, title, text string, y Axis, of func(lab.Step) (float64, bool)) Lines {
	l := Lines{Title: title + " by number of viewers", Text: text, X: Axis{Title: "viewers", Unit: lab.Count}, Y: y,
		Table: Table{Caption: title + " by number of viewers.", Head: []string{"viewers"}}}
	at := map[int]int{} // the row of a number of viewers
	var rows []Row
	for column, k := range x.Knees {
		series := Series{Name: NameOf(k.System), Slot: SlotOf(k.System)}
		l.Table.Head = append(l.Table.Head, series.Name)
		for _, s := range k.Steps {
			v, ok := of(s)
			if !ok {
				continue
			}
			series.Points = append(series.Points, Point{float64(s.Viewers), v})
			row, known := at[s.Viewers]
			if !known {
				row = len(rows)
				at[s.Viewers] = row
				rows = append(rows, Row{Name: count(s.Viewers), Cells: blank(len(x.Knees))})
			}
			rows[row].Cells[column].Text = Format(v, y.Unit)
		}
		slices.SortFunc(series.Points, func(a, b Point) int { return int(a.X - b.X) })
		l.Series = append(l.Series, series)
	}
	if len(rows) > 0 {
		l.Table.Groups = []Group{{Rows: rows}}
	}
	return l
}

func blank(n int) []Cell {
	cells := make([]Cell, n)
	for i := range cells {
		cells[i].Text = "none"
	}
	return cells
}
