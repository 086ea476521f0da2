package report

import (
	"fmt"
	"slices"
	"strings"

	"moqedge/bench/lab"
)

// CeilingTable has a row for each system and bare loop: what it costs, and how that
// compares with the plan's baseline.
func CeilingTable(x lab.Result) Table {
	base := NameOf(x.Plan.Baseline)
	t := Table{
		Caption: "CPU time of the server's process for what viewers got. Median of the rounds that count, and from the least to the largest.",
		Head:    []string{"", "CPU/GB", "ratio", "a core", "p99", "busy", "rounds"},
	}
	known := figuresByName()
	var bare, servers Group
	bare.Title, servers.Title = "What the machine can do at most", "What servers make of it"
	for _, s := range x.Systems {
		row := Row{Name: NameOf(s.System)}
		for _, name := range []string{"cpu_gigabyte", "", "core_rate", "latency_p99", ""} {
			row.Cells = append(row.Cells, ceilingCell(known, s, name))
		}
		row.Cells[1] = ceilingRatio(s, x.Plan.Baseline)
		row.Cells[4] = Cell{Text: "none"}
		if v, ok := s.Figures["cpu_viewer"]; ok {
			row.Cells[4].Text = Format(v.Median*float64(x.Plan.Viewers), lab.CPU)
		}
		row.Cells = append(row.Cells, Cell{Text: fmt.Sprintf("%d of %d", s.Valid, roundsOf(x, s.System))})
		if s.System.Bare() {
			bare.Rows = append(bare.Rows, row)
		} else {
			servers.Rows = append(servers.Rows, row)
		}
	}
	for _, g := range []Group{bare, servers} {
		if len(g.Rows) > 0 {
			t.Groups = append(t.Groups, g)
		}
	}
	t.Notes = []string{
		"Ratio: to the CPU time that " + base + " needs for a gigabyte, in the same rounds. A core: what one that is fully busy delivers. p99: latency of frames at this load. Busy: of one core.",
	}
	return t
}

func ceilingCell(known map[string]lab.Figure, s lab.Summary, name string) Cell {
	v, ok := s.Figures[name]
	if !ok {
		return Cell{Text: "none"}
	}
	var c Cell
	c.Text, c.Span = FormatSpread(v, known[name].Unit)
	return c
}

func ceilingRatio(s lab.Summary, baseline lab.System) Cell {
	if s.System == baseline {
		return Cell{Text: "1"}
	}
	r, ok := s.Ratios["cpu_gigabyte"]
	if !ok {
		return Cell{Text: "none"}
	}
	c := Cell{Text: Ratio(r.Median)}
	if r.Min < r.Max {
		c.Span = strings.TrimSuffix(Ratio(r.Min), "x") + "-" + strings.TrimSuffix(Ratio(r.Max), "x")
	}
	return c
}

// roundsOf is how many rounds of a system have ended.
func roundsOf(x lab.Result, s lab.System) (n int) {
	for _, r := range x.Rounds {
		if r.System == s {
			n++
		}
	}
	return n
}

// CeilingText is the report of a ceiling for a terminal.
func CeilingText(x lab.Result, s Style) string {
	var out strings.Builder
	for _, p := range append(MeasuredText(x), MachineText(x.Machine)) {
		writeLines(&out, wrap(p, s.width(), "  "))
	}
	if x.Interrupted {
		out.WriteString(s.paint(bold, interruptedText(x)) + "\n")
	}
	out.WriteString("\n" + CeilingTable(x).Text(s) + "\n")
	troubleText(&out, x, s)
	return strings.TrimRight(out.String(), "\n")
}

// CeilingPage is the report of a ceiling.
func CeilingPage(x lab.Result) Page {
	p := Page{Title: "What servers cost, beside what the machine can do", Data: x}
	p.Lead = append(append(MeasuredText(x), MachineText(x.Machine)), fmt.Sprintf("%s, in %s.", when(x.Began), duration(x.Took)))
	if x.Interrupted {
		p.Lead = append(p.Lead, interruptedText(x))
	}
	one := func(title, text, axis string, u lab.Unit, name string) Plot {
		return categories(x.Systems, title, text+" The thin line is from the least to the largest round.", Axis{Title: axis, Unit: u}, name)
	}
	p.Sections = []Section{
		{Title: "Cost", Tables: []Table{CeilingTable(x)}, Plots: []Plot{
			one("CPU time per gigabyte", "What the server's process needs for a gigabyte of payload delivered. Less is better.", "CPU seconds", lab.CPUPerGB, "cpu_gigabyte"),
			one("What one core delivers", "Payload to all viewers by one core that is fully busy. More is better.", "payload", lab.BitRate, "core_rate"),
		}},
		{Title: "Latency", Plots: []Plot{CDF(slices.DeleteFunc(slices.Clone(x.Systems), isUDP))}},
		{Title: "Rounds", Tables: []Table{RoundsTable(x.Rounds)}, Points: slices.Concat(lostRounds(x), invalidRounds(x))},
		{Title: "What differs", Points: x.Differences},
		{Title: "How to do it again", Facts: planFacts(x), Code: CommandText(x.Command)},
	}
	return p
}

// isUDP reports whether a system is one of the loops whose curves would cover the
// others'.
func isUDP(s lab.Summary) bool {
	return s.System.Bare() && s.System != lab.BareQUIC && s.System != lab.BareWebTransport
}

// categories draws one figure of all systems side by side.
func categories(all []lab.Summary, title, text string, y Axis, name string) Bars {
	b := Bars{Title: title, Text: text, Y: y, Series: []BarSeries{{Name: title}}}
	for _, s := range all {
		b.Categories = append(b.Categories, NameOf(s.System))
		v, ok := s.Figures[name]
		if !ok {
			v = none()
		}
		b.Series[0].Values = append(b.Series[0].Values, v)
	}
	return b
}
