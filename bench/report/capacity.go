package report

import (
	"fmt"
	"math"
	"strings"

	"moqedge/bench/capacity"
	"moqedge/bench/lab"
)

// Capacity is a plan with what it was made from.
type Capacity struct {
	System  lab.System    `json:"system"`
	Plan    capacity.Plan `json:"plan"`
	Machine lab.Machine   `json:"measured_on"`
	Command []string      `json:"command"`
}

// Tables of a plan: what it takes, what one viewer costs, and the tree.
func (c Capacity) tables() []Table {
	p := c.Plan
	return []Table{
		{
			Caption: fmt.Sprintf("For %s at %s each, on edges of %s, %s of memory and %s that are at most %s busy.", many(p.Ask.Viewers, "viewer"), Format(p.Ask.Bitrate, lab.BitRate),
				many(p.Ask.Edge.Cores, "core"), Format(p.Ask.Edge.Memory, lab.Bytes), Format(p.Ask.Edge.NIC, lab.BitRate), Format(p.Ask.Target, lab.Share)),
			Head: []string{"", "likely", "at least", "at most"},
			Groups: []Group{{Rows: []Row{
				rangeRow("edges", p.Edges, lab.Count, 1),
				rangeRow("viewers on one edge", p.ViewersPerEdge, lab.Count, 1),
				rangeRow("  as its processors allow", p.ByLimit["processors"], lab.Count, 1),
				rangeRow("  as its memory allows", p.ByLimit["memory"], lab.Count, 1),
				rangeRow("  as its network allows", p.ByLimit["network"], lab.Count, 1),
				rangeRow("cores that viewers keep busy", p.Total.CPU, lab.Count, 1),
				rangeRow("cores to have for that", p.Total.CPU, lab.Count, 1/p.Ask.Target),
				rangeRow("memory for viewers", p.Total.Memory, lab.Bytes, 1),
				rangeRow("network to viewers", p.Total.Wire, lab.BitRate, 1),
			}}},
			Notes: []string{fmt.Sprintf("What an edge is short of first: %s.", p.Limit)},
		},
		c.costs(),
		c.tiers(),
	}
}

// rangeRow writes the bounds of a figure, times a number.
func rangeRow(name string, r capacity.Range, u lab.Unit, times float64) Row {
	row := Row{Name: name}
	for _, v := range []float64{r.Likely, r.Low, r.High} {
		text := Format(v*times, u)
		if u == lab.Count && v*times >= 10 {
			text = count(uint64(math.Round(v * times)))
		}
		row.Cells = append(row.Cells, Cell{Text: text})
	}
	return row
}

func (c Capacity) costs() Table {
	p := c.Plan
	t := Table{
		Caption: "What one viewer costs, measured and as it is for this bitrate.",
		Head:    []string{"bitrate", "viewers", "of a core", "memory", "on the wire"},
	}
	cell := func(r capacity.Range, u lab.Unit) Cell {
		var x Cell
		x.Text, x.Span = FormatSpread(lab.Spread{Median: r.Likely, Min: r.Low, Max: r.High}, u)
		return x
	}
	measured := Group{Title: "Measured: " + NameOf(c.System)}
	for _, m := range p.Model.Points {
		measured.Rows = append(measured.Rows, Row{Name: Format(m.Bitrate, lab.BitRate), Cells: []Cell{
			{Text: count(m.Viewers)}, cell(m.CPU, lab.CPU), cell(m.Memory, lab.Bytes), cell(m.Wire, lab.BitRate),
		}})
	}
	worked := Group{Title: "Worked out"}
	if len(p.Model.Points) > 1 {
		parts := func(name string, x capacity.Parts) Row {
			return Row{Name: name, Cells: []Cell{{}, {Text: Format(x.CPU, lab.CPU)}, {Text: Format(x.Memory, lab.Bytes)}, {Text: Format(x.Wire, lab.BitRate)}}}
		}
		worked.Rows = append(worked.Rows, parts("any viewer", p.Model.Fixed), parts("and each Mbit/s", p.Model.PerMegabit))
	}
	worked.Rows = append(worked.Rows, Row{Name: Format(p.Ask.Bitrate, lab.BitRate), Cells: []Cell{
		{}, cell(p.PerViewer.CPU, lab.CPU), cell(p.PerViewer.Memory, lab.Bytes), cell(p.PerViewer.Wire, lab.BitRate),
	}})
	t.Groups = []Group{measured, worked}
	return t
}

func (c Capacity) tiers() Table {
	t := Table{Caption: fmt.Sprintf("The tree: %s, of which a viewer is %s away from the publisher.", many(c.Plan.Relays(), "relay"), many(len(c.Plan.Tiers), "hop")),
		Head: []string{"", "relays", "clients of one", "it sends", "of a core"}}
	var g Group
	for _, x := range c.Plan.Tiers {
		g.Rows = append(g.Rows, Row{Name: x.Name, Cells: []Cell{
			{Text: count(x.Relays)}, {Text: count(x.Below)}, {Text: Format(x.Sends, lab.BitRate)}, {Text: Format(x.Busy, lab.CPU)},
		}})
	}
	t.Groups = []Group{g}
	return t
}

// CapacityText is a plan for a terminal.
func CapacityText(c Capacity, s Style) string {
	var out strings.Builder
	for _, t := range c.tables() {
		out.WriteString(t.Text(s) + "\n\n")
	}
	out.WriteString(c.Plan.Tree() + "\n")
	for _, n := range c.notes() {
		writeLines(&out, wrap(n, s.width(), "  "))
	}
	return strings.TrimRight(out.String(), "\n")
}

func (c Capacity) notes() []string {
	return append(c.Plan.Notes, "Measured "+lower(MachineText(c.Machine)))
}

func lower(text string) string { return strings.ToLower(text[:1]) + text[1:] }

// CapacityPage is a plan as a page.
func CapacityPage(c Capacity) Page {
	p := Page{Title: "What it takes to serve " + many(c.Plan.Ask.Viewers, "viewer"), Data: c}
	tables := c.tables()
	p.Sections = []Section{
		{Title: "In short", Tables: tables[:1]},
		{Title: "One viewer", Tables: tables[1:2], Plots: c.curves()},
		{Title: "The tree", Tables: tables[2:], Code: strings.TrimRight(c.Plan.Tree(), "\n")},
		{Title: "What this rests on", Points: c.notes()},
		{Title: "How to do it again", Code: CommandText(c.Command)},
	}
	return p
}

// curves draw how many edges more or fewer viewers take.
func (c Capacity) curves() []Plot {
	p := c.Plan
	l := Lines{
		Title: "Edges by number of viewers", Text: "How many edges it takes, with the bounds of what was measured.",
		X: Axis{Title: "viewers", Unit: lab.Count}, Y: Axis{Title: "edges", Unit: lab.Count},
		Series: []Series{{Name: "likely", Slot: 0}, {Name: "at least", Slot: 1}, {Name: "at most", Slot: 2}},
		Table:  Table{Caption: "Edges by number of viewers.", Head: []string{"viewers", "likely", "at least", "at most"}},
	}
	var g Group
	const steps = 8
	for i := range steps {
		n := float64(p.Ask.Viewers) * 2 * float64(i+1) / steps
		e := p.ViewersPerEdge
		row := Row{Name: count(uint64(n))}
		for k, per := range []float64{e.Likely, e.High, e.Low} {
			edges := math.Ceil(n / per)
			l.Series[k].Points = append(l.Series[k].Points, Point{n, edges})
			row.Cells = append(row.Cells, Cell{Text: count(uint64(edges))})
		}
		g.Rows = append(g.Rows, row)
	}
	l.Table.Groups = []Group{g}
	return []Plot{l}
}
