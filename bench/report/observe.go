package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"moqedge/bench/lab"
	"moqedge/bench/tally"
)

// observeNotes say what can be told of a server whose source nobody here knows.
var observeNotes = []string{
	"Delay is how much later than its timestamp says a frame came, compared with the quickest frame of its viewer: what jitter and repairs add to the way that every frame takes. In time is meant in the same way.",
	"Missing are frames that the timestamps leave a place for; a source of varying rate has such places, too.",
	"Latency from capture is known only of servers that tell when a frame was captured (abs-capture-time), as far as their clock agrees with this machine's.",
}

// ObserveTable has what viewers of a WHEP server saw.
func ObserveTable(x lab.ObserveResult) Table {
	o := x.Observation
	t := Table{Caption: "What the viewers saw", Head: []string{"", "video", "audio"}, Notes: observeNotes}
	kinds := []string{"video", "audio"}
	row := func(name string, of func(kind string) string) Row {
		r := Row{Name: name}
		for _, k := range kinds {
			text := ""
			if _, ok := o.Kinds[k]; ok {
				text = of(k)
			}
			r.Cells = append(r.Cells, Cell{Text: text})
		}
		return r
	}
	quantiles := func(of func(kind string) tally.Quantiles) Group {
		var g Group
		for _, q := range []struct {
			name string
			of   func(tally.Quantiles) time.Duration
		}{
			{"median (p50)", func(q tally.Quantiles) time.Duration { return q.P50 }},
			{"p95", func(q tally.Quantiles) time.Duration { return q.P95 }},
			{"p99", func(q tally.Quantiles) time.Duration { return q.P99 }},
			{"largest", func(q tally.Quantiles) time.Duration { return q.Max }},
		} {
			g.Rows = append(g.Rows, row(q.name, func(k string) string {
				if of(k).Count == 0 {
					return "not known"
				}
				return Format(q.of(of(k)).Seconds(), lab.Seconds)
			}))
		}
		return g
	}
	came := Group{Title: "What came", Rows: []Row{
		row("codecs", func(k string) string { return clean(strings.Join(o.Kinds[k].Codecs, ", ")) }),
		row("frames", func(k string) string { return fmt.Sprint(o.Kinds[k].Frames) }),
		row("key frames", func(k string) string {
			if k != "video" {
				return "" // each frame is one
			}
			return fmt.Sprint(o.Kinds[k].Keys)
		}),
		row("missing frames", func(k string) string { return fmt.Sprint(o.Kinds[k].Missing) }),
		row("broken frames", func(k string) string { return fmt.Sprint(o.Kinds[k].Broken) }),
		row("lost packets", func(k string) string { return fmt.Sprint(o.Kinds[k].Lost) }),
		row("payload", func(k string) string {
			return Format(float64(o.Kinds[k].Bytes)*8/x.Plan.Duration.Seconds(), lab.BitRate)
		}),
	}}
	delay := quantiles(func(k string) tally.Quantiles { return o.Kinds[k].Delay })
	delay.Title = "Delay beyond the quickest frame"
	latency := quantiles(func(k string) tally.Quantiles { return o.Kinds[k].Latency })
	latency.Title = "Latency from capture"
	inTime := Group{Title: "In time for a playout delay"}
	for _, d := range delays() {
		inTime.Rows = append(inTime.Rows, row(spaced(d), func(k string) string {
			v, ok := o.Kinds[k].InTime[d]
			if !ok {
				return ""
			}
			return Format(v, lab.Share)
		}))
	}
	t.Groups = []Group{came, delay, inTime, latency}
	return t
}

// observeLead says what was looked at, and how viewers came.
func observeLead(x lab.ObserveResult) []string {
	o := x.Observation
	start := "no viewer had a frame"
	if o.Startup.Count > 0 {
		start = fmt.Sprintf("%d of %s had a frame, after %s at the median, %s at most; they were connected after %s",
			o.Startup.Count, many(x.Plan.Viewers, "viewer"), duration(o.Startup.P50), duration(o.Startup.Max), duration(o.Connect.P50))
	}
	return []string{
		clean(fmt.Sprintf("%s of %s for %s. Line of each viewer: %s.", capital(many(x.Plan.Viewers, "viewer")), x.Plan.At.URL, exactly(x.Plan.Duration), LineText(x.Link))),
		capital(start) + ".",
		foreignMachineText(x.Machine),
	}
}

// observeFaults say why little is to be made of the figures.
func observeFaults(x lab.ObserveResult) []string {
	faults := slices.Clone(x.Invalid)
	for i, f := range x.Failed {
		if i == 5 {
			faults = append(faults, fmt.Sprintf("and %d more", len(x.Failed)-i))
			break
		}
		faults = append(faults, f)
	}
	for i := range faults {
		faults[i] = clean(faults[i])
	}
	return faults
}

// ObserveText is the report on a WHEP server for a terminal.
func ObserveText(x lab.ObserveResult, s Style) string {
	var out strings.Builder
	for _, p := range observeLead(x) {
		writeLines(&out, wrap(p, s.width(), "  "))
	}
	out.WriteString("\n" + ObserveTable(x).Text(s) + "\n")
	if faults := observeFaults(x); len(faults) > 0 {
		out.WriteString("\n" + s.paint(bold, "What went wrong") + "\n")
		for _, f := range faults {
			writeLines(&out, wrap("  "+f, s.width(), "    "))
		}
	}
	return strings.TrimRight(out.String(), "\n")
}

// ObservePage is the report on a WHEP server.
func ObservePage(x lab.ObserveResult) Page {
	return Page{Title: "A WHEP server, seen by its viewers", Lead: observeLead(x), Data: x, Sections: []Section{
		{Title: "All figures", Tables: []Table{ObserveTable(x)}, Points: observeFaults(x)},
		{Title: "How to do it again", Facts: []Fact{{"Versions", strings.Join(x.Versions, "\n")}}, Code: CommandText(x.Command)},
	}}
}
