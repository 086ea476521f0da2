package main

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"time"

	"moqedge/bench/lab"
	"moqedge/bench/report"
)

// loadCommand measures any MOQT relay.
type loadCommand struct {
	URL      string        `arg:"" help:"Of the relay: moqt://HOST:PORT for raw QUIC, https://HOST:PORT/PATH for WebTransport."`
	Publish  string        `placeholder:"URL" help:"Publish at another relay of the same tree, to measure the way between them."`
	Viewers  int           `default:"20" help:"How many viewers there are. (default: ${default})"`
	Rounds   int           `default:"1" help:"How often it is measured. (default: ${default})"`
	Duration time.Duration `default:"10s" placeholder:"TIME" help:"How long each time. (default: ${default})"`
	clientFlags
	mediaFlags
	lineFlags
	outputFlags
}

// Help implements kong.HelpProvider.
func (loadCommand) Help() string {
	return `Publishes at a MOQT relay, has viewers subscribe there, and says what they got and when: latency,
frames in time, stalls, startup. It is the load of "bench compare" for a server of your own or of
somebody else; of the server's processor and memory nothing is known. It publishes below the
namespace bench-..., and asks for nothing else; a token for that permits "get" and "put" of "".

Examples:

  moqedge bench load https://relay.example.com/moq --viewers 100 --profile 360p

  moqedge bench load moqt://127.0.0.1:4443 --fingerprint-url http://127.0.0.1:8080/certificate.sha256

  MOQEDGE_TOKEN=... moqedge bench load moqt://relay.example.com

  moqedge bench load moqt://edge.example.com --publish moqt://origin.example.com --link 50ms-1%`
}

// Validate implements kong.Validatable.
func (c loadCommand) Validate() error { return countable(c.Viewers, c.Rounds, c.Duration) }

// countable refuses what would be a default to the lab, and is a mistake when somebody
// writes it.
func countable(viewers, rounds int, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("--duration is %s, it has to be longer than nothing", d)
	}
	return atLeastOne(flagCount{"viewers", viewers}, flagCount{"rounds", rounds})
}

// Run measures.
func (c loadCommand) Run(e *environment) error {
	view, err := c.place(e, c.URL)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	target := lab.Target{Publish: view, View: view}
	if c.Publish != "" {
		if target.Publish, err = c.place(e, c.Publish); err != nil {
			return &exitError{exitUsage, err}
		}
	}
	system := lab.QUIC
	if strings.HasPrefix(c.URL, "https:") {
		system = lab.WebTransport
	}
	plan := lab.Plan{
		Systems: []lab.System{system}, Target: &target, Viewers: c.Viewers, Rounds: c.Rounds, Duration: c.Duration,
		Profile: c.Profile, Input: c.Input, Sound: c.Sound, Seed: c.Seed, Link: c.Link, Override: c.override(),
	}
	if c.Draft != 0 {
		plan.Draft = fmt.Sprintf("moqt-%d", c.Draft)
	}
	return c.measure(e, plan)
}

// place is how a relay is connected to.
func (c loadCommand) place(e *environment, at string) (lab.Place, error) {
	p := c.peer(at)
	d, refresh, err := p.Dial()
	if err == nil && refresh != nil {
		err = refresh(e, &d)
	}
	if err != nil {
		return lab.Place{}, err
	}
	var pins []string
	for _, f := range d.Fingerprints {
		pins = append(pins, hex.EncodeToString(f[:]))
	}
	return lab.Place{URL: at, Fingerprint: strings.Join(pins, ","), CA: c.CA, Insecure: c.Insecure, Token: c.Token}, nil
}

// whepCommand measures any WHEP server.
type whepCommand struct {
	URL      string        `arg:"" help:"The WHEP endpoint: http:// or https://."`
	Publish  string        `placeholder:"URL" help:"The WHIP endpoint of the same stream: publish frames there whose times and contents are known, for figures as those of bench compare."`
	Token    string        `placeholder:"TOKEN" env:"MOQEDGE_TOKEN" help:"Shown as bearer token; better in the environment, as MOQEDGE_TOKEN"`
	Viewers  int           `default:"1" help:"How many viewers there are. (default: ${default})"`
	Rounds   int           `default:"1" help:"How often it is measured, with --publish. (default: ${default})"`
	Duration time.Duration `default:"10s" placeholder:"TIME" help:"How long each time. (default: ${default})"`
	mediaFlags
	lineFlags
	outputFlags
}

// Help implements kong.HelpProvider.
func (whepCommand) Help() string {
	return `Watches a stream of any WHEP server. Without --publish nobody here knows what is sent: what can be told
is startup, how evenly frames come, what is missing, and latency if the server tells when a frame was
captured. With --publish the frames are those of "bench compare", and so are the figures.

Examples:

  moqedge bench whep https://sfu.example.com/whep/live --viewers 10

  moqedge bench whep http://127.0.0.1:8889/live/whep --publish http://127.0.0.1:8889/live/whip --link 50ms-1%`
}

// Validate implements kong.Validatable.
func (c whepCommand) Validate() error { return countable(c.Viewers, c.Rounds, c.Duration) }

// Run measures.
func (c whepCommand) Run(e *environment) error {
	for _, at := range []string{c.URL, c.Publish} {
		if u, err := url.Parse(at); at != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
			return &exitError{exitUsage, fmt.Errorf("%q is no endpoint: want http://HOST/PATH or https://HOST/PATH", at)}
		}
	}
	if c.Publish == "" {
		return c.observe(e)
	}
	return c.measure(e, lab.Plan{
		Systems: []lab.System{lab.WebRTC},
		Target:  &lab.Target{Publish: lab.Place{URL: c.Publish, Token: c.Token}, View: lab.Place{URL: c.URL, Token: c.Token}},
		Viewers: c.Viewers, Rounds: c.Rounds, Duration: c.Duration,
		Profile: c.Profile, Input: c.Input, Sound: c.Sound, Seed: c.Seed, Link: c.Link, Override: c.override(),
	})
}

func (c whepCommand) observe(e *environment) error {
	return c.conduct(e, func(progress lab.Progress) (outcome, error) {
		x, err := lab.ObserveServer(e, lab.Observe{
			At: lab.Place{URL: c.URL, Token: c.Token}, Viewers: c.Viewers, Duration: c.Duration,
			Link: c.Link, Override: c.override(), Seed: c.Seed,
		}, progress)
		return outcome{
			result: x, got: len(x.Observation.Kinds),
			text: func(s report.Style) string { return report.ObserveText(x, s) }, page: func() report.Page { return report.ObservePage(x) }, err: x.Err(),
		}, err
	})
}
