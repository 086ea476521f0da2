package report

import (
	"fmt"
	"math"
	"slices"
	"time"

	"moqedge/bench/lab"
	"moqedge/bench/link"
	"moqedge/bench/tally"
)

// plotSections are the plots of a comparison.
func plotSections(x lab.Result) []Section {
	sections := []Section{
		{Title: "Latency", Plots: append([]Plot{CDF(x.Systems)}, overTime(x)...)},
		{Title: "In time", Plots: inTime(x)},
		{Title: "Startup", Plots: []Plot{figureBars(x.Systems, "Startup", "From the first packet to the first complete key frame, the median viewer. Shorter is better.", "time", lab.Seconds,
			[]string{"startup", "startup_credit"}, []string{"as measured", "if a key frame came at once"})}},
	}
	stalls := Section{Title: "Stalls"}
	for _, kind := range []string{"video", "audio"} {
		names := []string{kind + "_frozen_200ms", kind + "_frozen_500ms"}
		count := []string{kind + "_stalls_200ms", kind + "_stalls_500ms"}
		labels := []string{"latency of 200 ms", "latency of 500 ms"}
		switch {
		case !anyFigure(x.Systems, names, func(float64) bool { return true }):
		case !anyFigure(x.Systems, append(names, count...), func(v float64) bool { return v > 0 }):
			stalls.Text = append(stalls.Text, fmt.Sprintf("No %s stalled, with a target latency of 200 ms or 500 ms.", kind))
		default:
			stalls.Plots = append(stalls.Plots,
				figureBars(x.Systems, "How often "+kind+" stalled", "Stalls in a minute of one viewer, by the target latency of the player. Less is better.", "per minute", lab.PerMin, count, labels),
				figureBars(x.Systems, "How long "+kind+" was frozen", "Time frozen in a minute of one viewer, by the target latency of the player. Less is better.", "of a minute", lab.Seconds, names, labels))
		}
	}
	if len(stalls.Plots)+len(stalls.Text) > 0 {
		sections = append(sections, stalls)
	}
	cost := Section{Title: "Cost"}
	for _, p := range []struct {
		title, text, axis string
		unit              lab.Unit
		names, labels     []string
	}{
		{"CPU per viewer", "Share of one core that the server needs for one viewer. Less is better.", "of a core", lab.CPU, []string{"cpu_viewer"}, []string{"CPU per viewer"}},
		{"Memory", "Resident memory of the server's process. Less is better.", "memory", lab.Bytes, []string{"memory", "memory_peak"}, []string{"mean", "peak"}},
		{"Memory per viewer", "What the server holds beyond what it holds without viewers, for each. Less is better.", "memory", lab.Bytes, []string{"memory_viewer"}, []string{"per viewer"}},
	} {
		if anyFigure(x.Systems, p.names, func(float64) bool { return true }) {
			cost.Plots = append(cost.Plots, figureBars(x.Systems, p.title, p.text, p.axis, p.unit, p.names, p.labels))
		}
	}
	if len(cost.Plots) > 0 {
		cost.Text = []string{"Of the server that viewers are connected to, alone."}
	} else if x.Plan.Target != nil {
		cost.Text = []string{"Of the processor and the memory of a server that was there already nothing is known."}
	}
	if anyFigure(x.Systems, []string{"wire"}, func(float64) bool { return true }) {
		cost.Plots = append(cost.Plots, figureBars(x.Systems, "Bytes on the wire", "Bytes that entered the lines to viewers (IP packets, repetitions included) for each byte of payload that was complete. Less is better.",
			"bytes per byte", lab.Count, []string{"wire"}, []string{"to viewers"}))
	} else {
		cost.Text = append(cost.Text, "Bytes on the wire are counted by the emulated lines: a clean line has none. Give a line such as --link 50ms to see them.")
	}
	return append(sections, cost)
}

func anyFigure(all []lab.Summary, names []string, is func(float64) bool) bool {
	for _, s := range all {
		for _, n := range names {
			if v, ok := s.Figures[n]; ok && is(v.Median) {
				return true
			}
		}
	}
	return false
}

// figureBars draws figures of all systems.
func figureBars(all []lab.Summary, title, text, axis string, u lab.Unit, names, labels []string) Bars {
	b := Bars{Title: title, Text: text + " The thin line is from the least to the largest round.", Y: Axis{Title: axis, Unit: u}, Categories: labels}
	for _, s := range all {
		series := BarSeries{Name: NameOf(s.System), Slot: SlotOf(s.System)}
		for _, n := range names {
			v, ok := s.Figures[n]
			if !ok {
				v = none()
			}
			series.Values = append(series.Values, v)
		}
		b.Series = append(b.Series, series)
	}
	return b
}

// inTime draws shares in time of each kind of frames: there are more of sound than
// pictures, so that one of all would hide what pictures lack.
func inTime(x lab.Result) []Plot {
	draw := func(prefix, what string) Plot {
		var names, labels []string
		for _, d := range delays() {
			names, labels = append(names, prefix+"in_time_"+d), append(labels, spaced(d))
		}
		b := figureBars(x.Systems, capital(what)+" in time, by playout delay", "Share of the "+what+" that were handed to the decoder within the delay. Lost ones count as late. More is better.", "in time", lab.Share, names, labels)
		b.Y.To = 1.08
		return b
	}
	var plots []Plot
	for _, kind := range kindsOf(x) {
		plots = append(plots, draw(kind+"_", kind+" frames"))
	}
	if len(plots) == 0 {
		plots = append(plots, draw("", "frames"))
	}
	return plots
}

// CDF draws the latency of all frames that count, lost ones being those that never
// come.
func CDF(all []lab.Summary) Lines {
	l := Lines{
		Title: "Latency of " + pictures(all),
		Text:  "Which share of all " + pictures(all) + " was handed to the decoder within a latency. Left and high is better; the scale of shares is stretched towards 100 %, so that the rare and late ones can be seen. A curve that ends lower has lost the rest.",
		X:     secondsAxis("latency", Log),
		Y:     Axis{Title: "share of frames", Unit: lab.Share, Scale: Nines},
		Table: Table{Caption: "Latency that a share of the frames which came does not exceed.", Head: []string{""}},
	}
	quantiles := []struct {
		name string
		of   func(tally.Quantiles) time.Duration
	}{
		{"50 %", func(q tally.Quantiles) time.Duration { return q.P50 }}, {"90 %", func(q tally.Quantiles) time.Duration { return q.P90 }},
		{"95 %", func(q tally.Quantiles) time.Duration { return q.P95 }}, {"99 %", func(q tally.Quantiles) time.Duration { return q.P99 }},
		{"99.9 %", func(q tally.Quantiles) time.Duration { return q.P999 }}, {"all", func(q tally.Quantiles) time.Duration { return q.Max }},
	}
	rows := make([]Row, len(quantiles))
	for _, s := range all {
		kind, q := "video", latencyOf(s.Merged)
		owed := s.Merged.Kinds[kind].Frames
		if _, ok := s.Merged.Latency[kind]; !ok {
			owed = s.Merged.Frames
		}
		came := 1.0
		if owed > 0 && q.Count > 0 {
			came = math.Min(float64(q.Count)/float64(owed), 1)
		}
		series := Series{Name: NameOf(s.System), Slot: SlotOf(s.System)}
		steps, err := q.Distribution()
		if err == nil {
			series.Points = thin(steps, came)
		}
		l.Series = append(l.Series, series)
		l.Table.Head = append(l.Table.Head, NameOf(s.System))
		for i, k := range quantiles {
			rows[i].Name = k.name
			cell := Cell{Text: "none"}
			if q.Count > 0 {
				cell.Text = duration(k.of(q))
			}
			rows[i].Cells = append(rows[i].Cells, cell)
		}
	}
	if len(all) > 0 {
		l.Table.Groups = []Group{{Rows: rows}}
	}
	return l
}

// pictures names the frames that latency is about: those of video where there are
// any.
func pictures(all []lab.Summary) string {
	for _, s := range all {
		if _, ok := s.Merged.Latency["video"]; ok {
			return "video frames"
		}
	}
	return "frames"
}

// thin keeps of a distribution what can be seen: steps of at least 1 % in latency.
func thin(steps []tally.Step, came float64) []Point {
	var points []Point
	last := 0.0
	for i, s := range steps {
		v := s.Value.Seconds()
		if v < last*1.01 && i < len(steps)-1 {
			continue
		}
		last = v
		points = append(points, Point{v, s.Share * came})
	}
	return points
}

// overTime draws latency and the share in time over the window, the median of all
// rounds that count.
func overTime(x lab.Result) []Plot {
	kind := "all"
	for _, r := range x.Rounds {
		for _, k := range []string{"data", "audio", "video"} { // pictures where there are any
			if len(r.Metrics.Series[k]) > 0 {
				kind = k
			}
		}
	}
	latency := func(title, text string, of func(tally.Point) float64) Lines {
		return Lines{
			Title: title, Text: text + " Where a curve has a gap nothing came. The median of all rounds that count.",
			X: secondsAxis("time", Linear), Y: secondsAxis("latency", Log), Bands: bands(x.Link, x.Plan.Duration),
			Series: overRounds(x, kind, of),
		}
	}
	handed := func(of func(tally.Point) time.Duration) func(tally.Point) float64 {
		return func(p tally.Point) float64 {
			if p.Handed == 0 {
				return math.NaN()
			}
			return of(p).Seconds()
		}
	}
	plots := []Plot{
		latency("Latency over time, median", "Latency of the "+pictures(x.Systems)+" due in each quarter of a second: half of them had less.", handed(func(p tally.Point) time.Duration { return p.P50 })),
		latency("Latency over time, 99th percentile", "The same for the slowest of a hundred.", handed(func(p tally.Point) time.Duration { return p.P99 })),
	}
	shares := Lines{
		Title: "In time at 200 ms, over time", Text: "Share of the " + pictures(x.Systems) + " due in each quarter of a second that came within 200 ms. The median of all rounds that count.",
		X: secondsAxis("time", Linear), Y: Axis{Title: "in time", Unit: lab.Share, To: 1.14 /* the names of bands lie above */}, Bands: bands(x.Link, x.Plan.Duration),
		Series: overRounds(x, kind, func(p tally.Point) float64 {
			if v, ok := p.InTime["200ms"]; ok && p.Frames > 0 {
				return v
			}
			return math.NaN()
		}),
	}
	return append(plots, shares)
}

// overRounds is a curve for each system.
func overRounds(x lab.Result, kind string, of func(tally.Point) float64) []Series {
	var all []Series
	for _, s := range x.Systems {
		at := map[time.Duration][]float64{}
		for _, r := range x.Rounds {
			if r.System != s.System || len(r.Invalid) > 0 {
				continue
			}
			for _, p := range r.Metrics.Series[kind] {
				v := of(p)
				if _, ok := at[p.At]; !ok {
					at[p.At] = nil
				}
				if !bad(v) {
					at[p.At] = append(at[p.At], v)
				}
			}
		}
		series := Series{Name: NameOf(s.System), Slot: SlotOf(s.System)}
		for _, when := range sorted(at) {
			series.Points = append(series.Points, Point{when.Seconds(), middle(at[when])})
		}
		all = append(all, series)
	}
	return all
}

func sorted[V any](m map[time.Duration]V) []time.Duration {
	var keys []time.Duration
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// middle is the median, NaN of nothing.
func middle(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// bands are the parts of the window in which a line is not as usual.
func bands(l link.Link, window time.Duration) []Band {
	var all []Band
	for i, c := range l.Changes {
		to := window
		if i+1 < len(l.Changes) {
			to = l.Changes[i+1].At
		}
		name := Exact(c.Rate, lab.BitRate)
		switch {
		case c.Down:
			name = "nothing gets through"
		case c.Rate == 0:
			continue
		}
		all = append(all, Band{c.At.Seconds(), to.Seconds(), name})
	}
	return all
}
