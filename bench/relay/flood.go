package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"
)

// floodCommand measures what viewers notice of others who flood the relay: of hellos
// whose addresses are not theirs, of handshakes that are completed, of namespaces.
type floodCommand struct {
	viewers  int
	profile  string
	rate     int
	many     int
	rounds   int
	duration time.Duration
	limits   bool
}

func (c *floodCommand) flags(f *flag.FlagSet) {
	f.IntVar(&c.viewers, "viewers", 50, "`number` of subscribers")
	f.StringVar(&c.profile, "profile", "3mbps", "what is sent: 3mbps, audio or datagram")
	f.IntVar(&c.rate, "rate", 2000, "handshakes per second")
	f.IntVar(&c.many, "namespaces", 10_000, "namespaces of a flood")
	f.IntVar(&c.rounds, "rounds", 3, "how many rounds")
	f.DurationVar(&c.duration, "duration", 5*time.Second, "how long each time")
	f.BoolVar(&c.limits, "limits", true, "have the relay limit its peers as a node does; without, nothing is limited")
}

// flood is what one of them did to the viewers.
type flood struct {
	Name    string        `json:"name"`
	Calm    []latency     `json:"calm"`    // in the windows before
	Flooded []latency     `json:"flooded"` // during
	Ratio   statistics    `json:"ratio"`   // of the p99, by rounds
	Calm99  statistics    `json:"calm_p99"`
	P99     statistics    `json:"flooded_p99"`
	Done    []floodResult `json:"done"`
	Rate    statistics    `json:"rate"` // of what the flood did, per second
}

func (c *floodCommand) run(ctx context.Context, out *output) error {
	var results []flood
	for _, kind := range []string{floodHellos, floodHandshakes, floodNamespaces} {
		f, err := c.measure(ctx, kind, out)
		if len(f.Flooded) > 0 {
			results = append(results, f)
		}
		if err != nil {
			return errors.Join(out.floods(results), err)
		}
	}
	return out.floods(results)
}

func (c *floodCommand) measure(ctx context.Context, kind string, out *output) (f flood, err error) {
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
	task := floodConfig{Kind: kind, Server: r.told.Server, Rate: c.rate, Many: c.many, Span: c.duration + settle + quiet}
	out.progress("%s: preparing", kind)
	if err := attacker.Call(ctx, commandConnect, task, nil); err != nil {
		return f, err
	}
	var ratios, calm, flooded, rates []float64
	for round := range c.rounds {
		out.progress("%s: round %d of %d", kind, round+1, c.rounds)
		before, err := r.measure(ctx, c.duration)
		if err != nil {
			return f, err
		}
		result := make(chan error, 1)
		var done floodResult
		go func() { result <- attacker.Call(ctx, commandBegin, task, &done) }()
		during, err := r.measure(ctx, c.duration)
		if err = errors.Join(err, <-result); err != nil {
			return f, err
		}
		f.Calm, f.Flooded, f.Done = append(f.Calm, before.Latency), append(f.Flooded, during.Latency), append(f.Done, done)
		calm, flooded = append(calm, before.Latency.P99.Seconds()), append(flooded, during.Latency.P99.Seconds())
		ratios = append(ratios, during.Latency.P99.Seconds()/before.Latency.P99.Seconds())
		rates = append(rates, float64(done.Tried)/done.Took.Seconds())
		if err := pauseFor(ctx, time.Second); err != nil {
			return f, err
		}
	}
	f.Ratio, f.Calm99, f.P99, f.Rate = summarize(ratios), summarize(calm), summarize(flooded), summarize(rates)
	return f, nil
}

// floods prints what came out.
func (o *output) floods(all []flood) error {
	rows := [][]string{{"flood", "per second", "calm p99", "p99", "ratio", "spread", "tried", "taken", "refused", "else"}}
	for _, f := range all {
		var sum floodResult
		for _, d := range f.Done {
			sum.add(d)
		}
		rows = append(rows, []string{
			f.Name, fmt.Sprintf("%.0f", f.Rate.Median), fmt.Sprintf("%.1f ms", f.Calm99.Median*1e3), fmt.Sprintf("%.1f ms", f.P99.Median*1e3),
			fmt.Sprintf("%.2f", f.Ratio.Median), fmt.Sprintf("%.2f-%.2f", f.Ratio.Min, f.Ratio.Max),
			fmt.Sprint(sum.Tried), fmt.Sprint(sum.Taken), fmt.Sprint(sum.Refused), fmt.Sprint(sum.Other),
		})
	}
	return o.table(all, rows)
}
