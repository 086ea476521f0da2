package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"time"

	"moqedge/moq/wire"
	"moqedge/relay/route"
)

// namesCommand measures a relay that knows many namespaces and tracks. Its
// sessions are in memory, in this process: what is measured is the relay's own.
type namesCommand struct {
	namespaces int
	tracks     int
	watchers   int
	samples    int
	dense      bool
}

func (c *namesCommand) flags(f *flag.FlagSet) {
	f.IntVar(&c.namespaces, "namespaces", 100_000, "how many are announced")
	f.IntVar(&c.tracks, "tracks", 10_000, "how many tracks there are, each with a subscriber")
	f.IntVar(&c.watchers, "watchers", 100, "how many sessions subscribe to the namespaces below a prefix")
	f.IntVar(&c.samples, "samples", 300, "how often each thing is done")
	f.BoolVar(&c.dense, "dense", false, "all tracks are in one namespace, instead of each in its own")
}

// names is the result.
type names struct {
	Namespaces int  `json:"namespaces"`
	Tracks     int  `json:"tracks"`
	Watchers   int  `json:"watchers"`
	Dense      bool `json:"dense"`
	// Lookup of the routes to a namespace, and Missing of one that nobody announced.
	Lookup  latency `json:"lookup"`
	Missing latency `json:"missing"`
	// Known and Unknown are from when the relay has read SUBSCRIBE until it has
	// written SUBSCRIBE_OK, for a track that it has and for one that it has to
	// ask a publisher for, whose time to answer is left out.
	Known   latency `json:"known"`
	Unknown latency `json:"unknown"`
	// Announced is from a publisher's call until the last of the watchers knows,
	// Listed from SUBSCRIBE_NAMESPACE until all that is below the prefix is known.
	Announced latency `json:"announced"`
	Listed    latency `json:"listed"`
	Below     int     `json:"below"` // namespaces below that prefix
}

func (c *namesCommand) run(ctx context.Context, out *output) error {
	if c.namespaces < 2*namesBelow || c.tracks < 1 || c.tracks+c.samples > c.namespaces || c.watchers < 1 || c.samples < 1 {
		return fmt.Errorf("%d namespaces with %d tracks can not be measured %d times", c.namespaces, c.tracks, c.samples)
	}
	n := names{Namespaces: c.namespaces, Tracks: c.tracks, Watchers: c.watchers, Dense: c.dense, Below: namesBelow}
	out.progress("looking up")
	n.Lookup, n.Missing = c.lookUp()
	w, err := c.build(ctx, out)
	defer w.close()
	if err != nil {
		return err
	}
	out.progress("measuring")
	if n.Known, err = c.repeat(ctx, func(i int) (time.Duration, error) { return w.subscribe(ctx, c.track(i*c.tracks/c.samples)) }); err != nil {
		return fmt.Errorf("known track: %w", err)
	}
	if n.Unknown, err = c.repeat(ctx, func(i int) (time.Duration, error) { return w.subscribe(ctx, c.track(c.tracks+i)) }); err != nil {
		return fmt.Errorf("unknown track: %w", err)
	}
	if n.Listed, err = w.watch(ctx, c.watchers); err != nil {
		return fmt.Errorf("namespace subscribers: %w", err)
	}
	n.Announced, err = c.repeat(ctx, func(i int) (time.Duration, error) { return w.announce(ctx, c.namespaces+i) })
	if err != nil {
		return fmt.Errorf("announcement: %w", err)
	}
	return out.named(n)
}

// namesBelow is how many namespaces have the same prefix.
const namesBelow = 1000

// namespace is the i-th one; those of the same thousand have a prefix in common.
// Those beyond what is announced first are in the first thousand.
func (c *namesCommand) namespace(i int) wire.Namespace {
	block := i / namesBelow
	if i >= c.namespaces {
		block = 0
	}
	return wire.Namespace{"scale", fmt.Sprintf("block-%d", block), fmt.Sprintf("name-%d", i)}
}

// track is the i-th one.
func (c *namesCommand) track(i int) wire.FullTrackName {
	if c.dense {
		return wire.FullTrackName{Namespace: c.namespace(0), Name: fmt.Sprintf("video-%d", i)}
	}
	return wire.FullTrackName{Namespace: c.namespace(i), Name: "video"}
}

// lookUp measures the table of routes alone, a thousand lookups at a time.
func (c *namesCommand) lookUp() (found, missing latency) {
	t := route.NewTable[int]()
	for i := range c.namespaces {
		t.Set(c.namespace(i), route.Route[int]{Via: i % 100})
	}
	const batch = 1000
	in, out := make([]wire.Namespace, batch), make([]wire.Namespace, batch)
	measure := func(list []wire.Namespace, want int) latency {
		var all []time.Duration
		for range c.samples {
			began := time.Now()
			for _, ns := range list {
				if len(t.Match(ns)) != want {
					panic("bench: the table of routes is wrong") // it is made here
				}
			}
			all = append(all, time.Since(began)/batch)
		}
		return latencyOf(all)
	}
	for i := range batch {
		k := i * (c.namespaces / batch)
		in[i] = append(slices.Clone(c.namespace(k)), "below")
		out[i] = wire.Namespace{"scale", fmt.Sprintf("block-%d", i), "nobody", "below"}
	}
	return measure(in, 1), measure(out, 0)
}

// repeat does something for each sample, a little apart.
func (c *namesCommand) repeat(ctx context.Context, f func(i int) (time.Duration, error)) (latency, error) {
	var all []time.Duration
	for i := range c.samples {
		d, err := f(i)
		if err != nil {
			return latency{}, err
		}
		all = append(all, d)
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return latency{}, ctx.Err()
		}
	}
	if len(all) == 0 {
		return latency{}, errors.New("nothing was measured")
	}
	return latencyOf(all), nil
}

// latencyOf sums durations up.
func latencyOf(all []time.Duration) latency {
	slices.Sort(all)
	at := func(q float64) time.Duration { return all[min(int(q*float64(len(all))), len(all)-1)] }
	return latency{P50: at(0.5), P95: at(0.95), P99: at(0.99), Max: all[len(all)-1], Count: uint64(len(all))}
}

// named prints how long things take.
func (o *output) named(n names) error {
	rows := [][]string{{fmt.Sprintf("%d namespaces, %d tracks", n.Namespaces, n.Tracks), "p50", "p95", "p99", "max"}}
	for _, r := range []struct {
		name string
		latency
	}{
		{"lookup of a namespace", n.Lookup},
		{"lookup of one that nobody has", n.Missing},
		{"subscription to a known track", n.Known},
		{"subscription to an unknown track", n.Unknown},
		{fmt.Sprintf("announcement to %d subscribers", n.Watchers), n.Announced},
		{fmt.Sprintf("list of %d namespaces to a subscriber", n.Below), n.Listed},
	} {
		row := []string{r.name}
		for _, d := range []time.Duration{r.P50, r.P95, r.P99, r.Max} {
			row = append(row, fmt.Sprintf("%.1f us", float64(d.Nanoseconds())/1e3))
		}
		rows = append(rows, row)
	}
	return o.table(n, rows)
}
