package main

import (
	"errors"
	"slices"
	"time"

	"moqedge/bench/lab"
	"moqedge/bench/report"
)

type ceilingCommand struct {
	Systems  []lab.System  `enum:"udp,udp-gso,udp-gso-aes,bare-quic,bare-webtransport,quic,webtransport,webrtc,webrtc-gso" placeholder:"SYSTEM" help:"What is measured beside bare-quic: udp, udp-gso, udp-gso-aes, bare-webtransport, quic, webtransport, webrtc. (default: all)"`
	Viewers  int           `default:"50" help:"How many viewers there are. (default: ${default})"`
	Rounds   int           `default:"3" help:"How often each is measured, by turns. (default: ${default})"`
	Duration time.Duration `default:"4s" placeholder:"TIME" help:"How long each time. (default: ${default})"`
	mediaFlags
	outputFlags
}

// Help implements kong.HelpProvider.
func (ceilingCommand) Help() string {
	return `Sends the same frames by loops that do nothing else, and through relay and WebRTC forwarding unit, so
that what these cost has beside it what the machine and the transport need in any case:

  udp               UDP alone, a system call for each packet
  udp-gso           up to 44 packets of a viewer by one system call; quic-go sends up to 14 so (Linux)
  udp-gso-aes       likewise, encrypted by AES-128-GCM
  bare-quic         quic-go, a goroutine for each viewer
  bare-webtransport webtransport-go, likewise

Ratios are to bare-quic in the same rounds. What is compared is CPU time of the server's process,
so other work on the machine matters less than to latency; rounds in which the load gave way do
not count. Ctrl-C writes what there is by then.

Examples:

  moqedge bench ceiling

  moqedge bench ceiling --viewers 100 --profile 1080p --systems bare-quic,quic --rounds 5`
}

// Validate implements kong.Validatable.
func (c ceilingCommand) Validate() error {
	if c.Viewers < 1 || c.Rounds < 1 || c.Duration <= 0 {
		return errors.New("--viewers, --rounds and --duration have to be more than nothing")
	}
	return nil
}

// Run measures all.
func (c ceilingCommand) Run(e *environment) error {
	plan := lab.Plan{
		Systems: ceilingSystems(c.Systems), Baseline: lab.BareQUIC, Viewers: c.Viewers, Rounds: c.Rounds, Duration: c.Duration,
		Profile: c.Profile, Input: c.Input, Sound: c.Sound, Seed: c.Seed,
	}
	return c.rounds(e, plan, report.CeilingText, report.CeilingPage)
}

// ceilingSystems are those that were asked for, in the order of the table, with
// the one that all are compared with.
func ceilingSystems(asked []lab.System) []lab.System {
	var all []lab.System
	for _, s := range append(lab.Ceilings(), lab.Systems()...) {
		if len(asked) == 0 || s == lab.BareQUIC || slices.Contains(asked, s) {
			all = append(all, s)
		}
	}
	return all
}
