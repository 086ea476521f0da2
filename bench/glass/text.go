package glass

import (
	"fmt"
	"strings"

	"moqedge/bench/lab"
	"moqedge/bench/report"
)

// nameOf is a system's name for people.
func nameOf(s System) string {
	switch s {
	case MOQT:
		return "MOQT player"
	case WebRTC:
		return "WebRTC page"
	}
	return string(s)
}

// Text is the report for a terminal.
func Text(x Result, s report.Style) string {
	parts := []string{report.Table{Notes: preface(x)}.Text(s), figures(x).Text(s)}
	if invalid := invalid(x); len(invalid) > 0 {
		parts = append(parts, report.Table{Caption: "Rounds that do not count", Notes: invalid}.Text(s))
	}
	return strings.Join(parts, "\n\n")
}

// preface says what was measured.
func preface(x Result) []string {
	target := "Each holds back as much as it does by itself."
	if x.Plan.Target > 0 {
		target = "Both were asked to hold back " + report.Format(x.Plan.Target.Seconds(), lab.Seconds) + "."
	}
	all := []string{
		fmt.Sprintf("The test clip in %s; %d rounds of %s by turns. Line: %s. %s",
			x.Browser, x.Plan.Rounds, report.Format(x.Plan.Duration.Seconds(), lab.Seconds), report.LineText(x.Link), target),
		report.MachineText(x.Machine),
	}
	if x.Interrupted {
		all = append(all, fmt.Sprintf("Interrupted: this is from the %d rounds that had ended.", len(x.Rounds)))
	}
	return all
}

// figures is a table with a row for each figure.
func figures(x Result) report.Table {
	t := report.Table{Caption: "Median of the rounds that count, and from the least to the largest.", Head: []string{""}}
	var base Summary
	for _, s := range x.Systems {
		t.Head = append(t.Head, nameOf(s.System))
		if s.System == WebRTC {
			base = s
		}
	}
	compared := false
	for _, f := range Figures() {
		row := report.Row{Name: f.Title}
		known := false
		for _, s := range x.Systems {
			c := report.Cell{Text: "none"}
			if v, ok := s.Figures[f.Name]; ok {
				known = true
				c.Text, c.Span = report.FormatSpread(v, f.Unit)
				if r, ok := s.Ratios[f.Name]; ok {
					c.Note, compared = report.Ratio(r.Median), true
				}
				if b, ok := base.Figures[f.Name]; ok && s.System != WebRTC {
					c.Mark = report.Judge(v, s.Valid, b, base.Valid, true)
				}
			}
			row.Cells = append(row.Cells, c)
		}
		if !known {
			continue
		}
		if n := len(t.Groups); n == 0 || t.Groups[n-1].Title != f.Topic {
			t.Groups = append(t.Groups, report.Group{Title: f.Topic})
		}
		last := &t.Groups[len(t.Groups)-1]
		last.Rows = append(last.Rows, row)
	}
	if len(t.Groups) == 0 {
		t.Notes = []string{"No round counts."}
	}
	if compared {
		t.Notes = []string{"0.50x: half of what WebRTC has, in the same rounds. + better, - worse, = the same, ~ too close to tell."}
	}
	return t
}

// invalid says which rounds count for nothing, and why.
func invalid(x Result) (all []string) {
	for _, r := range x.Rounds {
		if len(r.Invalid) > 0 {
			all = append(all, fmt.Sprintf("%s, round %d: %s", nameOf(r.System), r.Number, strings.Join(r.Invalid, "; ")))
		}
	}
	return all
}
