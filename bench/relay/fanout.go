package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// fanoutCommand compares the CPU time of the relay for each gigabyte with that of
// the bare loop.
type fanoutCommand struct {
	subscribers numbers
	profile     string
	transport   string
	against     string
	tracks      int
	rounds      int
	duration    time.Duration
	profiles    string
	env         words
	loops       bool
	observed    bool
	without     string
	build       string
}

// What may be left out of the relay that takes the place of the bare loop.
const (
	withoutObserving = "observing"
	withoutLimits    = "limits"
)

func (c *fanoutCommand) flags(f *flag.FlagSet) {
	c.subscribers = numbers{100, 200, 300}
	f.Var(&c.subscribers, "subscribers", "`numbers` of subscribers to try, with commas between")
	f.StringVar(&c.profile, "profile", "3mbps", "what is sent: 3mbps, audio or datagram")
	f.StringVar(&c.transport, "transport", overQUIC, "between server and subscribers: quic or webtransport")
	f.StringVar(&c.against, "against", "", "transport of the bare loop, if it is another one")
	f.IntVar(&c.tracks, "tracks", 1, "tracks that the subscribers are dealt out to")
	f.IntVar(&c.rounds, "rounds", 5, "how many rounds that count; there are up to three times as many attempts")
	f.DurationVar(&c.duration, "duration", 4*time.Second, "how long each time")
	f.StringVar(&c.profiles, "cpuprofile", "", "write CPU profiles of relay and bare loop into this `folder`")
	f.BoolVar(&c.loops, "loops", false, "compare two bare loops, without a relay: of --transport and of --against")
	f.BoolVar(&c.observed, "observed", false, "have the relay tell a meter what it does, as that of a node")
	f.StringVar(&c.without, "without", "", "compare two relays, of which the other one is without: observing (a meter), or limits (those of a node)")
	f.StringVar(&c.build, "build", "", "`file` with another build of this program, to take the relay from")
	f.Var(&c.env, "env", "`NAME=value` for the environment of relay and bare loop; may be repeated")
}

// attempts is how many times more rounds there are at most than are to count.
const attempts = 3

// fanout is the result for one number of subscribers.
type fanout struct {
	Subscribers int        `json:"subscribers"`
	Profile     string     `json:"profile"`
	Transport   string     `json:"transport"`
	Bare        string     `json:"bare_transport"`
	Loops       bool       `json:"loops,omitempty"`   // Relay is a bare loop, too
	Without     string     `json:"without,omitempty"` // the bare loop is a relay, without this
	Relay       side       `json:"relay"`
	Loop        side       `json:"bare"`
	Ratio       statistics `json:"ratio"` // of CPU seconds per gigabyte, by rounds
	Invalid     int        `json:"invalid_rounds"`
}

// side is one of the two that take turns.
type side struct {
	PerGigabyte statistics `json:"cpu_seconds_per_gigabyte"`
	Windows     []window   `json:"windows"`
}

func (c *fanoutCommand) check() error {
	for _, n := range c.subscribers {
		if n < 1 || c.tracks < 1 || c.tracks > n {
			return fmt.Errorf("%d subscribers can not be dealt out to %d tracks", n, c.tracks)
		}
	}
	if c.against == "" {
		c.against = c.transport
	}
	for _, t := range []string{c.transport, c.against} {
		if t != overQUIC && t != overWebTransport {
			return fmt.Errorf("no transport %q: use %s or %s", t, overQUIC, overWebTransport)
		}
	}
	switch c.without {
	case "", withoutObserving, withoutLimits:
	default:
		return fmt.Errorf("nothing is called %q: use %s or %s", c.without, withoutObserving, withoutLimits)
	}
	if c.without != "" && c.loops {
		return errors.New("there is no relay in two bare loops: leave out -loops or -without")
	}
	_, err := findProfile(c.profile)
	return err
}

func (c *fanoutCommand) run(ctx context.Context, out *output) error {
	if err := c.check(); err != nil {
		return err
	}
	var results []fanout
	for _, n := range c.subscribers {
		f, err := c.compare(ctx, n, out)
		if len(f.Relay.Windows) > 0 && len(f.Loop.Windows) > 0 {
			results = append(results, f)
		}
		if err != nil {
			return errors.Join(out.fanouts(results), err)
		}
	}
	return out.fanouts(results)
}

func (c *fanoutCommand) compare(ctx context.Context, n int, out *output) (f fanout, err error) {
	f = fanout{Subscribers: n, Profile: c.profile, Transport: c.transport, Bare: c.against, Loops: c.loops, Without: c.without}
	p := plan{Transport: c.transport, Profile: c.profile, Subscribers: n, Tracks: c.tracks, Relays: 1, Env: c.env, Build: c.build,
		Observed: c.observed || c.without == withoutObserving, Limited: c.without == withoutLimits}
	if c.loops {
		p.Relays = 0
	}
	out.progress("%d subscribers: connecting", n)
	relay, err := setUp(ctx, p)
	defer func() { err = errors.Join(err, relay.takeDown()) }()
	if err != nil {
		return f, err
	}
	p.Transport = c.against
	switch c.without {
	case withoutObserving:
		p.Observed = false
	case withoutLimits:
		p.Limited, p.Unlimited = false, true
	default:
		p.Relays = 0
	}
	bare, err := setUp(ctx, p)
	defer func() { err = errors.Join(err, bare.takeDown()) }()
	if err != nil {
		return f, err
	}
	if c.profiles != "" {
		for _, r := range []*rig{relay, bare} {
			stop, begun := r.server.Profile(ctx, filepath.Join(c.profiles, fmt.Sprintf("%s-%s-%s-%d.pprof", r.name, r.plan.Transport, c.profile, n)))
			if begun != nil {
				return f, begun
			}
			defer func() { err = errors.Join(err, stop()) }()
		}
	}
	for round := 0; f.Ratio.N < c.rounds && round < attempts*c.rounds; round++ {
		turns := []*rig{relay, bare}
		if round%2 == 1 {
			slices.Reverse(turns)
		}
		for _, r := range turns {
			out.progress("%d subscribers: round %d, %d of %d count: %s", n, round+1, f.Ratio.N, c.rounds, r.name)
			w, err := r.measure(ctx, c.duration)
			if err != nil {
				return f, err
			}
			s := &f.Relay
			if r == bare {
				s = &f.Loop
			}
			s.Windows = append(s.Windows, w)
		}
		f.conclude()
	}
	return f, nil
}

// conclude sums up what there is.
func (f *fanout) conclude() {
	var relay, bare, ratios []float64
	f.Invalid = 0
	for i := range min(len(f.Relay.Windows), len(f.Loop.Windows)) {
		a, b := f.Relay.Windows[i], f.Loop.Windows[i]
		if a.Invalid != "" || b.Invalid != "" {
			f.Invalid++
			continue
		}
		relay, bare = append(relay, a.perGigabyte()), append(bare, b.perGigabyte())
		ratios = append(ratios, a.perGigabyte()/b.perGigabyte())
	}
	f.Relay.PerGigabyte, f.Loop.PerGigabyte, f.Ratio = summarize(relay), summarize(bare), summarize(ratios)
}
