package main

import (
	"errors"
	"time"

	"moqedge/bench/lab"
	"moqedge/bench/report"
)

type rampCommand struct {
	Systems  []lab.System  `enum:"quic,webtransport,webrtc,webrtc-gso,udp,udp-gso,udp-gso-aes,bare-quic,bare-webtransport" placeholder:"SYSTEM" help:"What is measured: quic, webtransport, webrtc, or a bare loop of moqedge bench ceiling. (default: the first three)"`
	From     int           `default:"10" help:"Viewers of the first step. (default: ${default})"`
	Most     int           `default:"1000" help:"Viewers at which it ends in any case. (default: ${default})"`
	MaxP99   time.Duration `name:"p99" default:"50ms" placeholder:"TIME" help:"Latency at the 99th percentile that is too much. (default: ${default})"`
	Fine     float64       `default:"0.1" help:"How well the knee is to be known, as a share of its viewers. (default: ${default})"`
	Hops     int           `default:"1" help:"How many relays lie between publisher and viewers, 1 to 3. (default: ${default})"`
	Duration time.Duration `default:"4s" placeholder:"TIME" help:"How long each step is measured. (default: ${default})"`
	mediaFlags
	lineFlags
	outputFlags
}

// Help implements kong.HelpProvider.
func (rampCommand) Help() string {
	return `Adds viewers to each system, twice as many each time, until a frame is lost or latency passes a bound
at the 99th percentile; then halves the distance to the most that was well until the knee is known.
Where the load gives way before the system does it says so: the system may serve more. Servers and
load share the machine, so a knee is that of this machine with its load. Ctrl-C writes what there is.

Examples:

  moqedge bench ramp

  moqedge bench ramp --systems quic,webrtc --profile 360p --p99 100ms --most 400`
}

// Validate implements kong.Validatable.
func (c rampCommand) Validate() error {
	if c.From < 1 || c.Most < c.From || c.Hops < 1 || c.Duration <= 0 || c.MaxP99 <= 0 {
		return errors.New("--from, --hops, --duration and --p99 have to be more than nothing, and --most at least --from")
	}
	return nil
}

// Run looks for the knees.
func (c rampCommand) Run(e *environment) error {
	ramp := lab.Ramp{
		Plan: lab.Plan{
			Systems: c.Systems, Hops: c.Hops, Duration: c.Duration, Profile: c.Profile, Input: c.Input, Sound: c.Sound, Seed: c.Seed,
			Link: c.Link, Override: c.override(),
		},
		From: c.From, Most: c.Most, MaxP99: c.MaxP99, Fine: c.Fine,
	}
	return c.conduct(e, func(progress lab.Progress) (outcome, error) {
		x, err := lab.FindKnees(e, ramp, progress)
		return outcome{
			result: x, got: len(x.Knees), interrupted: x.Interrupted,
			text: func(s report.Style) string { return report.RampText(x, s) }, page: func() report.Page { return report.RampPage(x) },
		}, err
	})
}
