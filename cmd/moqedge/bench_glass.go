package main

import (
	"fmt"
	"time"

	"moqedge/bench/glass"
	"moqedge/bench/lab"
	"moqedge/bench/report"
)

type glassCommand struct {
	Systems     []glass.System `enum:"moqt,webrtc" placeholder:"SYSTEM" help:"What plays: moqt (the player, from a relay), webrtc (a page, from a forwarding unit). (default: both)"`
	Rounds      int            `default:"3" help:"How often each is measured, by turns. (default: ${default})"`
	Duration    time.Duration  `placeholder:"TIME" help:"How long each time. (default: 10s, 15s on a line that changes)"`
	Target      time.Duration  `placeholder:"TIME" help:"What both are to hold back for a steady playback. (default: each what it does by itself, the player 300ms)"`
	Browser     string         `placeholder:"FILE" help:"A Chromium or Chrome. (default: the one on PATH)"`
	Seed        uint64         `default:"1" group:"Line of each viewer" help:"Of losses and jitter: the same seed gives the same. (default: ${default})"`
	Moq         string         `placeholder:"URL" group:"Other servers" help:"A relay other than ours: https://HOST:PORT/PATH. It has to carry the test clip (moqedge demo, moqedge pub)."`
	Name        string         `default:"demo" placeholder:"NAME" group:"Other servers" help:"What the clip is called there. (default: ${default})"`
	Fingerprint string         `placeholder:"HEX" group:"Other servers" help:"SHA-256 of its certificate. (default: it is one that browsers trust)"`
	Whep        string         `placeholder:"URL" group:"Other servers" help:"A WHEP endpoint other than ours. It has to carry the test clip."`
	Pictures    string         `placeholder:"DIR" group:"Output" help:"Keep a picture of the page at the end of each round there."`
	lineFlags
	outputFlags
}

// Help implements kong.HelpProvider.
func (glassCommand) Help() string {
	return `Plays the test clip in a real browser, with our player from our relay and as a WebRTC page from a
forwarding unit built on pion, over the same emulated line. Each picture of the clip shows when it
was sent: latency, stalls and pictures that are missing are read from the pixels, the start from the
navigation. Each round has a browser of its own; systems take turns. Rounds in which the browser did
not get to paint do not count. Without flags it takes two minutes; Ctrl-C writes what there is by
then.

The exit code is 0, 1 when a system has no round that counts or not all rounds were run, 2 for a
plan that can not be.

Examples:

  moqedge bench glass

  moqedge bench glass --link 50ms-1% --target 100ms

  moqedge bench glass --link 50ms --moq https://relay.example/live --whep https://sfu.example/whep/demo`
}

// Validate implements kong.Validatable.
func (c glassCommand) Validate() error {
	if c.Rounds < 1 {
		return fmt.Errorf("--rounds is %d, it has to be 1 at least", c.Rounds)
	}
	if c.Duration < 0 {
		return fmt.Errorf("--duration is %s, it can not be negative", c.Duration)
	}
	return nil
}

// Run measures.
func (c glassCommand) Run(e *environment) error {
	plan := glass.Plan{
		Systems: c.Systems, Rounds: c.Rounds, Duration: c.Duration, Link: c.Link, Override: c.override(), Seed: c.Seed,
		Target: c.Target, Browser: c.Browser, WHEP: c.Whep, Pictures: c.Pictures,
	}
	if c.Moq != "" {
		plan.MOQT = &glass.Remote{URL: c.Moq, Name: c.Name, Fingerprint: c.Fingerprint}
	}
	return c.conduct(e, func(progress lab.Progress) (outcome, error) {
		x, err := glass.Measure(e, plan, progress, e.log)
		return outcome{
			result: x, got: len(x.Rounds), of: x.Plan.Rounds * len(x.Plan.Systems), interrupted: x.Interrupted,
			text: func(s report.Style) string { return glass.Text(x, s) }, page: func() report.Page { return glass.Page(x) }, err: x.Err(),
		}, err
	})
}
