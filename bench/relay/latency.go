package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"time"
)

// latencyCommand measures what each relay adds to the way of an object from its
// writing to its last byte at a subscriber, at half of the load that the bare loop
// can take.
type latencyCommand struct {
	subscribers int
	profile     string
	transport   string
	tracks      int
	hops        int
	rounds      int
	duration    time.Duration
	limit       time.Duration
}

func (c *latencyCommand) flags(f *flag.FlagSet) {
	f.IntVar(&c.subscribers, "subscribers", 0, "`number` of subscribers; 0 finds the load at which the bare loop reaches the limit and takes half of it")
	f.StringVar(&c.profile, "profile", "3mbps", "what is sent: 3mbps, audio or datagram")
	f.StringVar(&c.transport, "transport", overQUIC, "between server and subscribers: quic or webtransport")
	f.IntVar(&c.tracks, "tracks", 10, "tracks that the subscribers are dealt out to; their objects take turns")
	f.IntVar(&c.hops, "hops", 3, "length of the longest chain of relays")
	f.IntVar(&c.rounds, "rounds", 9, "how many rounds that count; there are up to three times as many attempts")
	f.DurationVar(&c.duration, "duration", 2*time.Second, "how long each time")
	f.DurationVar(&c.limit, "limit", 50*time.Millisecond, "p99 at which the bare loop has too much to do")
}

// hop is what was measured of a chain.
type hop struct {
	Relays  int      `json:"relays"` // 0 is the direct connection
	Windows []window `json:"windows"`
	// P50 and P99 in seconds, over the rounds; Added50 and Added99 to those of a
	// chain that is shorter by one, in the same round.
	P50, P99, Added50, Added99 statistics
}

// chains is the result.
type chains struct {
	Profile     string        `json:"profile"`
	Transport   string        `json:"transport"`
	Knee        int           `json:"knee"` // subscribers at which the bare loop reached the limit; 0: not looked for
	Limit       time.Duration `json:"limit_ns"`
	Subscribers int           `json:"subscribers"`
	Tracks      int           `json:"tracks"`
	Hops        []hop         `json:"hops"`
	Invalid     int           `json:"invalid_rounds"`
}

func (c *latencyCommand) run(ctx context.Context, out *output) error {
	r := chains{Profile: c.profile, Transport: c.transport, Limit: c.limit, Subscribers: c.subscribers, Tracks: c.tracks}
	if r.Subscribers == 0 {
		var err error
		if r.Knee, err = c.knee(ctx, out); err != nil {
			return err
		}
		r.Subscribers = r.Knee / 2
	}
	if c.tracks < 1 || r.Subscribers < c.tracks {
		return fmt.Errorf("%d subscribers can not be dealt out to %d tracks", r.Subscribers, c.tracks)
	}
	err := c.compare(ctx, &r, out)
	if len(r.Hops) == 0 || len(r.Hops[0].Windows) == 0 {
		return err
	}
	return errors.Join(out.chains(r), err)
}

func (c *latencyCommand) plan(subscribers, relays int) plan {
	return plan{Transport: c.transport, Profile: c.profile, Subscribers: subscribers, Tracks: c.tracks, Relays: relays}
}

// firstKnee, lastKnee and kneeStep bound the search for the knee.
const (
	firstKnee = 100
	lastKnee  = 3200
	kneeStep  = 8 // the knee is known to within an eighth
)

// knee finds how many subscribers the bare loop can serve within the limit.
func (c *latencyCommand) knee(ctx context.Context, out *output) (int, error) {
	good, bad := 0, 0
	for n := firstKnee; n <= lastKnee; {
		ok, err := c.within(ctx, n, out)
		if err != nil {
			return 0, err
		}
		if ok {
			good = n
		} else {
			bad = n
		}
		switch {
		case bad == 0:
			n *= 2
		case bad-good <= max(good, firstKnee)/kneeStep:
			return bad, nil
		default:
			n = (good + bad) / 2
		}
	}
	return 0, fmt.Errorf("the bare loop serves %d subscribers within %s: give --subscribers", good, c.limit)
}

// within reports whether the bare loop serves n subscribers within the limit, in
// the better one of two attempts: others use this machine, too.
func (c *latencyCommand) within(ctx context.Context, n int, out *output) (ok bool, err error) {
	out.progress("looking for the knee of the bare loop: %d subscribers", n)
	r, err := setUp(ctx, c.plan(n, 0))
	defer func() { err = errors.Join(err, r.takeDown()) }()
	if err != nil {
		return false, err
	}
	for range 2 {
		w, err := r.measure(ctx, c.duration)
		if err != nil {
			return false, err
		}
		if w.Invalid == "" && w.Latency.P99 < c.limit {
			return true, nil
		}
	}
	return false, nil
}

func (c *latencyCommand) compare(ctx context.Context, result *chains, out *output) (err error) {
	var rigs []*rig
	defer func() {
		for _, r := range rigs {
			err = errors.Join(err, r.takeDown())
		}
	}()
	for i := range c.hops + 1 {
		out.progress("%d subscribers behind %d relays: connecting", result.Subscribers, i)
		r, err := setUp(ctx, c.plan(result.Subscribers, i))
		rigs = append(rigs, r)
		if err != nil {
			return err
		}
		result.Hops = append(result.Hops, hop{Relays: i})
	}
	order := make([]int, len(rigs))
	for i := range order {
		order[i] = i
	}
	for round := 0; result.Hops[0].P50.N < c.rounds && round < attempts*c.rounds; round++ {
		for _, i := range order {
			out.progress("%d subscribers behind %d relays: round %d, %d of %d count", result.Subscribers, i, round+1, result.Hops[0].P50.N, c.rounds)
			w, err := rigs[i].measure(ctx, c.duration)
			if err != nil {
				return err
			}
			result.Hops[i].Windows = append(result.Hops[i].Windows, w)
		}
		slices.Reverse(order)
		result.conclude()
	}
	return nil
}

// conclude sums up the rounds in which all chains were measured.
func (r *chains) conclude() {
	rounds := len(r.Hops[0].Windows)
	for _, h := range r.Hops {
		rounds = min(rounds, len(h.Windows))
	}
	r.Invalid = 0
	p50, p99 := make([][]float64, len(r.Hops)), make([][]float64, len(r.Hops))
	for i := range rounds {
		if slices.ContainsFunc(r.Hops, func(h hop) bool { return h.Windows[i].Invalid != "" }) {
			r.Invalid++
			continue
		}
		for k, h := range r.Hops {
			p50[k] = append(p50[k], h.Windows[i].Latency.P50.Seconds())
			p99[k] = append(p99[k], h.Windows[i].Latency.P99.Seconds())
		}
	}
	for k := range r.Hops {
		h := &r.Hops[k]
		h.P50, h.P99 = summarize(p50[k]), summarize(p99[k])
		if k > 0 {
			h.Added50, h.Added99 = summarize(differences(p50[k], p50[k-1])), summarize(differences(p99[k], p99[k-1]))
		}
	}
}

func differences(a, b []float64) []float64 {
	var d []float64
	for i := range a {
		d = append(d, a[i]-b[i])
	}
	return d
}
