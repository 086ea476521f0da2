package lab

import (
	"slices"
	"time"

	"moqedge/bench/media"
	"moqedge/bench/tally"
)

// Figure is one number that a system is compared by.
type Figure struct {
	Name  string // key in Summary
	Title string // for people
	Unit  Unit
	// Less says that less is better.
	Less bool
	of   func(Round) (value float64, ok bool)
}

// Unit is what a figure counts.
type Unit string

// The units. Shares are 0 to 1, durations seconds, rates bits per second.
const (
	Share    Unit = "share"
	Seconds  Unit = "s"
	Bytes    Unit = "bytes"
	BitRate  Unit = "bit/s"
	CPU      Unit = "CPU s/s"
	CPUPerGB Unit = "CPU s/GB"
	Count    Unit = "count"
	PerMin   Unit = "per minute"
)

// Figures lists all of them, in the order of reports. Latency is from the time at
// which a frame was due at the publisher to when it was handed to the decoder. Shares
// of frames are stated of all frames and of each kind ("video_in_time_200ms"): there
// are more frames of sound than pictures, so the share of all hides what pictures lack.
func Figures() []Figure {
	list := []Figure{
		{"startup", "startup, median", Seconds, true, func(x Round) (float64, bool) {
			return x.Metrics.Startup.P50.Seconds(), x.Metrics.Startup.Count > 0 && len(x.Lost) == 0
		}},
		{"startup_credit", "startup had a key frame come at once", Seconds, true, func(x Round) (float64, bool) {
			q := x.Metrics.Ready
			if q.Count == 0 {
				q = x.Metrics.Startup
			}
			return q.P50.Seconds(), q.Count > 0 && len(x.Lost) == 0
		}},
		{"latency_p50", "latency p50", Seconds, true, latency(func(q tally.Quantiles) time.Duration { return q.P50 })},
		{"latency_p95", "latency p95", Seconds, true, latency(func(q tally.Quantiles) time.Duration { return q.P95 })},
		{"latency_p99", "latency p99", Seconds, true, latency(func(q tally.Quantiles) time.Duration { return q.P99 })},
		{"latency_max", "latency, largest", Seconds, true, latency(func(q tally.Quantiles) time.Duration { return q.Max })},
	}
	list = append(list, shares("", "", func(m tally.Metrics) tally.Counts { return m.Counts })...)
	for _, kind := range Kinds() {
		list = append(list, shares(kind+"_", kind+" ", func(m tally.Metrics) tally.Counts { return m.Kinds[kind] })...)
	}
	for _, kind := range []string{"video", "audio"} {
		for _, target := range []string{"200ms", "500ms"} {
			list = append(list,
				Figure{kind + "_stalls_" + target, kind + " stalls at " + target, PerMin, true, func(x Round) (float64, bool) {
					f, ok := x.Metrics.Stalls[target][kind]
					count, _ := f.PerMinute()
					return count, ok
				}},
				Figure{kind + "_frozen_" + target, kind + " frozen at " + target + ", of a minute", Seconds, true, func(x Round) (float64, bool) {
					f, ok := x.Metrics.Stalls[target][kind]
					_, frozen := f.PerMinute()
					return frozen.Seconds(), ok
				}})
		}
	}
	for _, kind := range []string{"video", "audio"} {
		list = append(list, Figure{kind + "_recovery", kind + " back at live after the line recovered", Seconds, true, func(x Round) (float64, bool) {
			d, ok := x.Recovered[kind]
			return d.Seconds(), ok
		}})
	}
	return append(list,
		Figure{"cpu_viewer", "CPU per viewer", CPU, true, server(func(c Cost) float64 { return c.PerViewer })},
		Figure{"cpu_gigabyte", "CPU per gigabyte", CPUPerGB, true, server(func(c Cost) float64 { return c.PerGigabyte })},
		Figure{"core_rate", "payload delivered by one core", BitRate, false, func(x Round) (float64, bool) {
			v, ok := server(func(c Cost) float64 { return c.PerGigabyte })(x)
			return 8e9 / v, ok && v > 0
		}},
		Figure{"memory", "memory, mean", Bytes, true, server(func(c Cost) float64 { return float64(c.Resident) })},
		Figure{"memory_peak", "memory, peak", Bytes, true, server(func(c Cost) float64 { return float64(c.Peak) })},
		Figure{"memory_viewer", "memory per viewer", Bytes, true, server(func(c Cost) float64 { return c.OfViewer })},
		Figure{"goroutines", "goroutines", Count, true, server(func(c Cost) float64 { return float64(c.Goroutines) })},
		Figure{"switches", "context switches", Count, true, server(func(c Cost) float64 { return float64(c.Voluntary + c.Involuntary) })},
		Figure{"goodput", "payload received, all viewers", BitRate, false, func(x Round) (float64, bool) { return x.Metrics.Goodput, true }},
		Figure{"wire", "on the lines to viewers, per byte of payload", Count, true, func(x Round) (float64, bool) {
			return float64(x.Wire.Down.Bytes) / float64(x.Metrics.Bytes), x.Wire.Down.Bytes > 0 && x.Metrics.Bytes > 0
		}},
	)
}

// Kinds are those that frames are told apart by: "video", "audio" and "data".
func Kinds() []string {
	return []string{media.Video.String(), media.Audio.String(), media.Data.String()}
}

// shares are the parts of some of the frames that came in time, and at all. There are
// none of what was not owed.
func shares(name, title string, of func(tally.Metrics) tally.Counts) (list []Figure) {
	for _, delay := range []string{"50ms", "100ms", "200ms", "500ms", "1s"} {
		list = append(list, Figure{name + "in_time_" + delay, title + "frames in time at " + delay, Share, false, func(x Round) (float64, bool) {
			v, ok := of(x.Metrics).InTime[delay]
			return v, ok
		}})
	}
	return append(list, Figure{name + "complete", title + "frames complete", Share, false, func(x Round) (float64, bool) {
		c := of(x.Metrics)
		return float64(c.Complete) / float64(c.Frames), c.Frames > 0
	}})
}

// latency is that of pictures, where there are any.
func latency(of func(tally.Quantiles) time.Duration) func(Round) (float64, bool) {
	return func(x Round) (float64, bool) {
		q, ok := x.Metrics.Latency["video"]
		if !ok {
			q = x.Metrics.Latency["all"]
		}
		return of(q).Seconds(), q.Count > 0
	}
}

// server is a figure of what the viewers are connected to, where none of them was lost: a
// server that serves fewer is cheaper.
func server(of func(Cost) float64) func(Round) (float64, bool) {
	return func(x Round) (float64, bool) {
		if len(x.Servers) == 0 || len(x.Lost) > 0 {
			return 0, false
		}
		return of(x.Servers[len(x.Servers)-1]), true
	}
}

// summarize adds up the rounds of each system.
func summarize(systems []System, baseline System, rounds []Round) ([]Summary, error) {
	at := map[int]Round{} // the baseline's rounds that count
	for _, x := range rounds {
		if x.System == baseline && len(x.Invalid) == 0 {
			at[x.Number] = x
		}
	}
	var all []Summary
	for _, s := range systems {
		sum := Summary{System: s, Figures: map[string]Spread{}}
		values, ratios := map[string][]float64{}, map[string][]float64{}
		var valid []tally.Metrics
		for _, x := range rounds {
			if x.System != s || len(x.Invalid) > 0 {
				continue
			}
			sum.Valid++
			valid = append(valid, x.Metrics)
			base, beside := at[x.Number]
			for _, f := range Figures() {
				v, ok := f.of(x)
				if !ok {
					continue
				}
				values[f.Name] = append(values[f.Name], v)
				if b, ok := f.of(base); beside && ok && b > 0 && s != baseline {
					ratios[f.Name] = append(ratios[f.Name], v/b)
				}
			}
		}
		for name, v := range values {
			sum.Figures[name] = spread(v)
		}
		if len(ratios) > 0 {
			sum.Ratios = map[string]Spread{}
			for name, v := range ratios {
				sum.Ratios[name] = spread(v)
			}
		}
		var err error
		if sum.Merged, err = tally.Merge(valid...); err != nil {
			return nil, err
		}
		all = append(all, sum)
	}
	return all, nil
}

// spread of values, of which there is at least one.
func spread(values []float64) Spread {
	slices.Sort(values)
	n := len(values)
	return Spread{Median: (values[(n-1)/2] + values[n/2]) / 2, Min: values[0], Max: values[n-1]}
}
