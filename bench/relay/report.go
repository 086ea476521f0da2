package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"
)

// output is where results and progress go.
type output struct {
	results  io.Writer
	terminal *os.File // progress; nil: none
	json     bool
	shown    bool // a line of progress is on the terminal
}

// newOutput writes results to w, and progress to f when that is a terminal.
func newOutput(w io.Writer, f *os.File, asJSON bool) *output {
	o := &output{results: w, json: asJSON}
	if i, err := f.Stat(); err == nil && i.Mode()&os.ModeCharDevice != 0 {
		o.terminal = f
	}
	return o
}

// progress replaces the line of progress.
func (o *output) progress(format string, args ...any) {
	if o.terminal != nil {
		fmt.Fprintf(o.terminal, "\r\x1b[K"+format, args...)
		o.shown = true
	}
}

func (o *output) clear() {
	if o.shown {
		fmt.Fprint(o.terminal, "\r\x1b[K")
		o.shown = false
	}
}

// table prints rows, the first being titles; or v as JSON.
func (o *output) table(v any, rows [][]string) error {
	o.clear()
	if o.json {
		e := json.NewEncoder(o.results)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	t := tabwriter.NewWriter(o.results, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, cell)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

// fanouts prints the comparison of CPU times, and why rounds do not count.
func (o *output) fanouts(list []fanout) error {
	rows := [][]string{{"subscribers", "profile", "over", "relay s/GB", "bare s/GB", "ratio", "spread", "rounds", "Mbit/s", "relay cores", "bare cores", "load cores", "relay p99", "bare p99"}}
	for _, f := range list {
		r, b := sum(f.Relay.Windows), sum(f.Loop.Windows)
		over := f.Transport
		if f.Loops {
			over += " loop"
		}
		if f.Without != "" { // in the columns of the bare loop
			over += ", bare: without " + f.Without
		}
		if f.Bare != f.Transport {
			over += " / " + f.Bare
		}
		rows = append(rows, []string{
			fmt.Sprint(f.Subscribers), f.Profile, over,
			fmt.Sprintf("%.2f", f.Relay.PerGigabyte.Median), fmt.Sprintf("%.2f", f.Loop.PerGigabyte.Median),
			fmt.Sprintf("%.3f", f.Ratio.Median), fmt.Sprintf("%.2f-%.2f", f.Ratio.Min, f.Ratio.Max),
			fmt.Sprintf("%d+%d", f.Ratio.N, f.Invalid),
			fmt.Sprintf("%.0f", r.rate()/1e6), fmt.Sprintf("%.2f", r.cores(r.CPU)), fmt.Sprintf("%.2f", b.cores(b.CPU)),
			fmt.Sprintf("%.2f / %.2f", r.cores(r.Load), b.cores(b.Load)),
			short(r.Latency.P99), short(b.Latency.P99),
		})
	}
	if err := o.table(list, rows); err != nil || o.json {
		return err
	}
	for _, f := range list {
		for i, w := range f.Relay.Windows {
			o.complain(f.Subscribers, i, "relay", w)
		}
		for i, w := range f.Loop.Windows {
			o.complain(f.Subscribers, i, "bare loop", w)
		}
	}
	return nil
}

func (o *output) complain(subscribers, round int, name string, w window) {
	if w.Invalid != "" {
		fmt.Fprintf(o.results, "%d subscribers, round %d, %s does not count: %s (load %.2f cores, server %.2f)\n",
			subscribers, round+1, name, w.Invalid, w.cores(w.Load), w.cores(w.CPU))
	}
}

// chains prints latencies, and why rounds do not count.
func (o *output) chains(r chains) error {
	ms := func(s statistics) string { return fmt.Sprintf("%.2f (%.2f-%.2f)", s.Median*1e3, s.Min*1e3, s.Max*1e3) }
	rows := [][]string{{"relays", "p50 ms", "p99 ms", "added p50", "added p99", "rounds", "server cores", "load cores"}}
	for _, h := range r.Hops {
		all := sum(h.Windows)
		row := []string{fmt.Sprint(h.Relays), ms(h.P50), ms(h.P99), "", "", fmt.Sprintf("%d+%d", h.P50.N, r.Invalid),
			fmt.Sprintf("%.2f", all.cores(all.CPU)), fmt.Sprintf("%.2f", all.cores(all.Load))}
		if h.Relays > 0 {
			row[3], row[4] = ms(h.Added50), ms(h.Added99)
		}
		rows = append(rows, row)
	}
	if err := o.table(r, rows); err != nil || o.json {
		return err
	}
	fmt.Fprintf(o.results, "%d subscribers of %d tracks, profile %s, over %s", r.Subscribers, r.Tracks, r.Profile, r.Transport)
	if r.Knee > 0 {
		fmt.Fprintf(o.results, ": half of what brings the bare loop to a p99 of %s", r.Limit)
	}
	fmt.Fprintln(o.results, ". Medians of rounds, and their range.")
	for _, h := range r.Hops {
		for i, w := range h.Windows {
			o.complain(r.Subscribers, i, fmt.Sprintf("%d relays", h.Relays), w)
		}
	}
	return nil
}

// sum adds windows up; of the latencies it has the largest.
func sum(list []window) (all window) {
	for _, w := range list {
		all.Span += w.Span
		all.Received += w.Received
		all.CPU += w.CPU
		all.Load += w.Load
		all.Latency.P50 = max(all.Latency.P50, w.Latency.P50)
		all.Latency.P99 = max(all.Latency.P99, w.Latency.P99)
	}
	return all
}

// short prints a duration with as many digits as matter.
func short(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.2f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
}
