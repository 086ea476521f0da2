package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"moqedge/bench/capacity"
	"moqedge/bench/lab"
	"moqedge/bench/link"
	"moqedge/bench/report"
	"moqedge/cmd/moqedge/config"
)

type capacityCommand struct {
	Viewers int          `default:"1000" help:"How many viewers are to be served. (default: ${default})"`
	Bitrate link.BitRate `default:"3M" placeholder:"RATE" help:"Of what each of them watches, such as 1.5M. (default: ${default})"`
	System  lab.System   `enum:"quic,webtransport,webrtc" default:"quic" placeholder:"SYSTEM" help:"What serves them: quic, webtransport or webrtc. (default: ${default})"`

	Cores  int          `default:"8" group:"One edge" help:"Processors that it has. (default: ${default})"`
	Memory config.Size  `default:"16GB" placeholder:"SIZE" group:"One edge" help:"Memory that it has. (default: ${default})"`
	NIC    link.BitRate `name:"nic" default:"10G" placeholder:"RATE" group:"One edge" help:"What its network card sends at most. (default: ${default})"`
	Target link.Share   `default:"60%" placeholder:"SHARE" group:"One edge" help:"How busy it may be at most. (default: ${default})"`
	FanOut int          `placeholder:"N" group:"One edge" help:"The most relays below another one. (default: as many as it could have viewers)"`

	Result   []string      `placeholder:"FILE" sep:"none" group:"What a viewer costs" help:"Take it from what moqedge bench compare --json or ceiling --json has printed, instead of measuring; two files of different bitrates tell what a bit costs. May be repeated."`
	With     int           `default:"40" placeholder:"N" group:"What a viewer costs" help:"Measure with so many viewers. (default: ${default})"`
	Rounds   int           `default:"3" group:"What a viewer costs" help:"How often. (default: ${default})"`
	Duration time.Duration `default:"3s" placeholder:"TIME" group:"What a viewer costs" help:"How long each time. (default: ${default})"`
	outputFlags
}

// Help implements kong.HelpProvider.
func (capacityCommand) Help() string {
	return `Works out what it takes to serve a number of viewers: cores, memory, network, how many edges of a
size, and their tree. What one viewer costs is measured first, in about a minute: 360p (0.7 Mbit/s)
and 3mbps, both with sound, which tells what a viewer costs whatever it watches from what each bit
costs. Bounds are those of the rounds. With --result nothing is measured.

Examples:

  moqedge bench capacity --viewers 5000 --bitrate 1.5M

  moqedge bench capacity --viewers 200000 --bitrate 4M --cores 32 --memory 64GB --nic 25G

  moqedge bench compare --json --report= > today.json
  moqedge bench capacity --viewers 5000 --bitrate 3M --result today.json --system webrtc`
}

// Validate implements kong.Validatable.
func (c capacityCommand) Validate() error {
	if c.With < 1 || c.Rounds < 1 || c.Duration <= 0 {
		return errors.New("--with, --rounds and --duration have to be more than nothing")
	}
	return nil
}

// Run measures, unless that was done before, and does the sum.
func (c capacityCommand) Run(e *environment) error {
	ask := capacity.Ask{
		Viewers: c.Viewers, Bitrate: float64(c.Bitrate), Target: float64(c.Target), FanOut: c.FanOut,
		Edge: capacity.Machine{Cores: c.Cores, Memory: float64(c.Memory), NIC: float64(c.NIC)},
	}
	if err := ask.Check(); err != nil {
		return &exitError{exitUsage, err}
	}
	out, err := c.open()
	if err != nil {
		return err
	}
	defer out.Close()
	x := report.Capacity{System: c.System, Command: os.Args}
	cost := func() ([]capacity.Point, error) { return c.measure(e, &x) }
	if len(c.Result) > 0 {
		cost = func() ([]capacity.Point, error) { return c.read(&x) }
	}
	points, err := cost()
	if err != nil {
		return err
	}
	m, err := capacity.NewModel(points)
	if err != nil {
		return err
	}
	if x.Plan, err = m.Plan(ask); err != nil {
		return err
	}
	return out.write(e, x, func(s report.Style) string { return report.CapacityText(x, s) }, report.CapacityPage(x))
}

// read takes what a viewer costs from files.
func (c capacityCommand) read(x *report.Capacity) (points []capacity.Point, err error) {
	for _, name := range c.Result {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var r lab.Result
		if err := json.Unmarshal(b, &r); err != nil {
			return nil, fmt.Errorf("%s is not what moqedge bench compare --json prints: %w", name, err)
		}
		p, err := capacity.Of(r, c.System)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		points, x.Machine = append(points, p), r.Machine
	}
	return points, nil
}

// lineWithCounters is all but clean: emulated lines count what passes them.
const lineWithCounters = "2ms"

// attempts is how often rounds that do not count are run again.
const attempts = 3

// measure runs the system at two bitrates, and shortly over lines that count.
func (c capacityCommand) measure(e *environment, x *report.Capacity) (points []capacity.Point, err error) {
	bar := report.NewBar(e.aside)
	defer bar.End()
	profiles := []string{"360p", "3mbps"}
	for i, profile := range profiles {
		plan := lab.Plan{Systems: []lab.System{c.System}, Viewers: c.With, Rounds: c.Rounds, Duration: c.Duration, Profile: profile, Sound: profile == "3mbps", Seed: 1}
		// Of each profile the last fifth is for what goes over the wire.
		part := func(from, to float64) lab.Progress {
			return func(done float64, what string) {
				bar.Progress((float64(i)+from+(to-from)*done)/float64(len(profiles)), profile+", "+what)
			}
		}
		r, err := runUntil(e, plan, part(0, 0.8))
		if err != nil {
			return nil, err
		}
		p, err := capacity.Of(r, c.System)
		if err != nil {
			return nil, err
		}
		plan.Viewers, plan.Rounds, plan.Link = min(c.With, 5), 1, lineWithCounters
		wire, err := lab.Compare(e, plan, part(0.8, 1))
		if err != nil {
			return nil, err
		}
		points, x.Machine = append(points, p.WithWire(wire, c.System)), r.Machine
	}
	return points, nil
}

// runUntil runs a plan with one system until as many rounds count as are asked for,
// and gives up when some attempts brought none at all.
func runUntil(e *environment, plan lab.Plan, progress lab.Progress) (all lab.Result, err error) {
	counting, asked := 0, plan.Rounds
	for range attempts {
		plan.Rounds = asked - counting
		before := float64(counting) / float64(asked)
		r, err := lab.Compare(e, plan, func(done float64, what string) { progress(before+(1-before)*done, what) })
		if e.Err() != nil {
			return r, errors.New("interrupted before what a viewer costs was known: there is nothing to report")
		}
		if err != nil {
			return r, err
		}
		rounds := append(all.Rounds, r.Rounds...)
		all = r
		all.Rounds = rounds
		if counting += r.Systems[0].Valid; counting >= asked {
			break
		}
	}
	if counting == 0 {
		return all, all.Err()
	}
	return all, nil
}
