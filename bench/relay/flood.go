package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"moqedge/bench/flood"
	"moqedge/bench/process"
)

// floodCommand measures what viewers notice of others who flood the relay.
type floodCommand struct {
	viewers  int
	profile  string
	kinds    string
	rate     int
	many     int
	rounds   int
	duration time.Duration
	limits   bool
	polite   bool
}

func (c *floodCommand) flags(f *flag.FlagSet) {
	f.IntVar(&c.viewers, "viewers", 50, "`number` of subscribers; 0 is none, and nothing is published: what a relay and its clients can do")
	f.StringVar(&c.profile, "profile", "3mbps", "what is sent: 3mbps, audio or datagram")
	f.StringVar(&c.kinds, "kinds", strings.Join(kindNames(), ","), "`list` of floods")
	f.IntVar(&c.rate, "rate", 2000, "handshakes per second")
	f.IntVar(&c.many, "namespaces", 10_000, "namespaces of a flood")
	f.IntVar(&c.rounds, "rounds", 3, "how many rounds")
	f.DurationVar(&c.duration, "duration", 5*time.Second, "how long each time")
	f.BoolVar(&c.limits, "limits", true, "have the relay limit its peers as a node does; without, nothing is limited")
	f.BoolVar(&c.polite, "polite", true, "have the flood take the time alone that others leave")
}

func kindNames() (all []string) {
	for _, k := range flood.Kinds() {
		all = append(all, string(k))
	}
	return all
}

// flooding is what one of them did to the viewers.
type flooding struct {
	Name    flood.Kind     `json:"name"`
	Calm    []latency      `json:"calm"`    // in the windows before
	Flooded []latency      `json:"flooded"` // during
	Ratio   statistics     `json:"ratio"`   // of the p99, by rounds
	Calm99  statistics     `json:"calm_p99"`
	P99     statistics     `json:"flooded_p99"`
	Done    []flood.Result `json:"done"`
	Rate    statistics     `json:"rate"` // of what the flood did, per second
	// Server and Client are the seconds of CPU that the relay and the flood used, viewers
	// included.
	Server float64 `json:"server_cpu"`
	Client float64 `json:"client_cpu"`
}

func (c *floodCommand) run(ctx context.Context, out *output) error {
	var results []flooding
	for name := range strings.SplitSeq(c.kinds, ",") {
		if !slices.Contains(kindNames(), name) {
			return fmt.Errorf("no flood is called %q: %s", name, strings.Join(kindNames(), ", "))
		}
		f, err := c.measure(ctx, flood.Kind(name), out)
		if len(f.Done) > 0 {
			results = append(results, f)
		}
		if err != nil {
			return errors.Join(out.floods(results), err)
		}
	}
	return out.floods(results)
}

func (c *floodCommand) measure(ctx context.Context, kind flood.Kind, out *output) (f flooding, err error) {
	f.Name = kind
	out.progress("%s: connecting %d viewers", kind, c.viewers)
	r, err := setUp(ctx, plan{Transport: overQUIC, Profile: c.profile, Subscribers: c.viewers, Tracks: 1, Relays: 1, Limited: c.limits, Unlimited: !c.limits})
	defer func() { err = errors.Join(err, r.takeDown()) }()
	if err != nil {
		return f, err
	}
	attacker, err := r.start(roleFlood, nil)
	if err != nil {
		return f, err
	}
	task := flood.Task{Kind: kind, Addr: r.told.Server.Addr, Fingerprint: r.told.Server.Fingerprint, Rate: c.rate, Many: c.many, Span: c.duration, Polite: c.polite}
	if c.viewers > 0 {
		task.Span += settle + quiet
	}
	if err := attacker.Call(ctx, flood.CommandReady, task, nil); err != nil {
		return f, err
	}
	var ratios, calm, flooded, rates []float64
	for round := range c.rounds {
		out.progress("%s: round %d of %d", kind, round+1, c.rounds)
		var before, during latency
		if c.viewers > 0 {
			w, err := r.measure(ctx, c.duration)
			if err != nil {
				return f, err
			}
			before = w.Latency
		}
		done, err := f.use(ctx, r.server, attacker, task, func() error {
			if c.viewers == 0 {
				return nil
			}
			w, err := r.measure(ctx, c.duration)
			during = w.Latency
			return err
		})
		if err != nil {
			return f, err
		}
		f.Calm, f.Flooded, f.Done = append(f.Calm, before), append(f.Flooded, during), append(f.Done, done)
		rates = append(rates, float64(done.Tried)/done.Took.Seconds())
		if c.viewers > 0 {
			calm, flooded = append(calm, before.P99.Seconds()), append(flooded, during.P99.Seconds())
			ratios = append(ratios, during.P99.Seconds()/before.P99.Seconds())
		}
		if err := pauseFor(ctx, time.Second); err != nil {
			return f, err
		}
	}
	f.Rate = summarize(rates)
	if c.viewers > 0 {
		f.Ratio, f.Calm99, f.P99 = summarize(ratios), summarize(calm), summarize(flooded)
	}
	return f, nil
}

// use floods while something is done, and adds up the CPU time of relay and flood.
func (f *flooding) use(ctx context.Context, server, attacker *process.Child, t flood.Task, while func() error) (done flood.Result, err error) {
	var before, after [2]process.Usage
	look := func(into *[2]process.Usage) {
		for i, c := range []*process.Child{server, attacker} {
			u, failed := c.Usage(ctx)
			into[i], err = u, errors.Join(err, failed)
		}
	}
	look(&before)
	result := make(chan error, 1)
	go func() { result <- attacker.Call(ctx, flood.CommandFlood, t, &done) }()
	err = errors.Join(err, while(), <-result)
	look(&after)
	f.Server += (after[0].CPU() - before[0].CPU()).Seconds()
	f.Client += (after[1].CPU() - before[1].CPU()).Seconds()
	return done, err
}

// floods prints what came out.
func (o *output) floods(all []flooding) error {
	rows := [][]string{{"flood", "per second", "calm p99", "p99", "ratio", "spread", "tried", "asked", "taken", "refused", "else", "relay CPU", "flood CPU"}}
	for _, f := range all {
		var sum flood.Result
		for _, d := range f.Done {
			sum.Add(d)
		}
		rows = append(rows, []string{
			string(f.Name), fmt.Sprintf("%.0f", f.Rate.Median), fmt.Sprintf("%.1f ms", f.Calm99.Median*1e3), fmt.Sprintf("%.1f ms", f.P99.Median*1e3),
			fmt.Sprintf("%.2f", f.Ratio.Median), fmt.Sprintf("%.2f-%.2f", f.Ratio.Min, f.Ratio.Max),
			fmt.Sprint(sum.Tried), fmt.Sprint(sum.Asked), fmt.Sprint(sum.Taken), fmt.Sprint(sum.Refused), fmt.Sprint(sum.Other),
			fmt.Sprintf("%.2f s", f.Server), fmt.Sprintf("%.2f s", f.Client),
		})
	}
	return o.table(all, rows)
}
