package main

import (
	"fmt"
	"time"

	"moqedge/bench/lab"
	"moqedge/bench/link"
	"moqedge/bench/report"
)

// benchCommand measures.
type benchCommand struct {
	Compare  compareCommand  `cmd:"" help:"Compare MOQT over QUIC and WebTransport with WebRTC: latency, stalls, startup, CPU, memory."`
	Load     loadCommand     `cmd:"" help:"Measure any MOQT relay, as its clients see it."`
	Whep     whepCommand     `cmd:"" help:"Measure any WHEP server, as its viewers see it."`
	Ceiling  ceilingCommand  `cmd:"" help:"Tell what servers cost beside what UDP, QUIC and WebTransport cost alone."`
	Ramp     rampCommand     `cmd:"" help:"Add viewers until latency or losses pass a bound: the knee of each system."`
	Capacity capacityCommand `cmd:"" help:"Work out what it takes to serve a number of viewers: cores, memory, network, edges, tree."`
	Glass    glassCommand    `cmd:"" help:"Play in a real browser, over MOQT and WebRTC, and read latency and stalls from the pixels."`
}

// lineFlags say what lies between servers and viewers.
type lineFlags struct {
	Link   string         `default:"clean" placeholder:"NAME" group:"Line of each viewer" help:"clean, 50ms (round trip), 50ms-1% (loss), 100ms-2%, bottleneck, outage, or any other round trip time and loss. (default: ${default})"`
	Delay  *time.Duration `group:"Line of each viewer" placeholder:"TIME" help:"One way, half of the round trip."`
	Jitter *time.Duration `group:"Line of each viewer" placeholder:"TIME" help:"Added to each packet at random, at most this."`
	Loss   *link.Share    `group:"Line of each viewer" placeholder:"SHARE" help:"Of packets, in each direction, such as 1%."`
	Rate   *link.BitRate  `group:"Line of each viewer" placeholder:"RATE" help:"To the viewer, such as 3M. The bottleneck's drop scales with it."`
	Up     *link.BitRate  `group:"Line of each viewer" placeholder:"RATE" help:"From the viewer."`
	Queue  *time.Duration `group:"Line of each viewer" placeholder:"TIME" help:"What the queue before a limited rate holds. (default: 200ms)"`
}

func (f lineFlags) override() link.Override {
	return link.Override{Delay: f.Delay, Jitter: f.Jitter, Queue: f.Queue, Loss: (*float64)(f.Loss), Rate: (*float64)(f.Rate), Up: (*float64)(f.Up)}
}

// mediaFlags say what is sent.
type mediaFlags struct {
	Profile string `placeholder:"NAME" group:"Media" help:"audio, 360p, 1080p, 3mbps, meeting or chat: frames that are made up. (default: 3mbps)"`
	Input   string `placeholder:"FILE" group:"Media" help:"A recording in a loop instead: .mp4 or .ts with H.264."`
	Sound   bool   `group:"Media" help:"Add a track of sound to 1080p and 3mbps, which have none."`
	Seed    uint64 `default:"1" group:"Media" help:"Of frames, losses and jitter: the same seed gives the same. (default: ${default})"`
}

type compareCommand struct {
	Systems  []lab.System  `enum:"quic,webtransport,webrtc,webrtc-gso" placeholder:"SYSTEM" help:"What is compared: quic, webtransport, webrtc, and webrtc-gso, whose packets leave together as QUIC's do. (default: the first three)"`
	Viewers  int           `default:"20" help:"How many viewers there are, 1 to 5000. (default: ${default})"`
	Hops     int           `default:"1" help:"How many relays lie between publisher and viewers, 1 to 3. (default: ${default})"`
	Rounds   int           `default:"3" help:"How often each system is measured, by turns. (default: ${default})"`
	Duration time.Duration `placeholder:"TIME" help:"How long each time. (default: 8s, 15s on a line that changes)"`
	Draft    int           `placeholder:"N" help:"The draft of MOQT, such as 18. (default: the first that the relay prefers)"`
	mediaFlags
	lineFlags
	outputFlags
}

// Help implements kong.HelpProvider.
func (compareCommand) Help() string {
	return `Sends the same frames to the same number of viewers, once through the relay over QUIC, once over
WebTransport, once through a WebRTC forwarding unit built on pion. Each server runs in a process of
its own, publisher and viewers in another; systems take turns. Latency is from the time at which a
frame is due to when it is handed to the decoder. Rounds in which the load was what gave way do not
count. Without flags it takes two minutes; Ctrl-C writes what there is by then.

The exit code is 0, 1 when a system has no round that counts or not all rounds were run, 2 for a
plan that can not be.

Examples:

  moqedge bench compare

  moqedge bench compare --link 50ms-1% --profile 360p --viewers 50

  moqedge bench compare --input match.mp4 --link bottleneck --report bottleneck.html`
}

// Validate implements kong.Validatable: zero, which is the default to the lab, is a
// mistake when somebody writes it.
func (c compareCommand) Validate() error {
	if c.Duration < 0 {
		return fmt.Errorf("--duration is %s, it can not be negative", c.Duration)
	}
	return atLeastOne(flagCount{"viewers", c.Viewers}, flagCount{"hops", c.Hops}, flagCount{"rounds", c.Rounds})
}

// flagCount is what a flag says that counts something.
type flagCount struct {
	name  string
	value int
}

func atLeastOne(flags ...flagCount) error {
	for _, f := range flags {
		if f.value < 1 {
			return fmt.Errorf("--%s is %d, it has to be 1 at least", f.name, f.value)
		}
	}
	return nil
}

// Run compares.
func (c compareCommand) Run(e *environment) error {
	plan := lab.Plan{
		Systems: c.Systems, Viewers: c.Viewers, Hops: c.Hops, Rounds: c.Rounds, Duration: c.Duration,
		Profile: c.Profile, Input: c.Input, Sound: c.Sound, Seed: c.Seed, Link: c.Link, Override: c.override(),
	}
	if c.Draft != 0 {
		plan.Draft = fmt.Sprintf("moqt-%d", c.Draft)
	}
	return c.measure(e, plan)
}

// measure runs the rounds of a plan and writes what came out.
func (f outputFlags) measure(e *environment, plan lab.Plan) error {
	return f.rounds(e, plan, report.Text, report.ComparePage)
}

// rounds is measure with another report.
func (f outputFlags) rounds(e *environment, plan lab.Plan, text func(lab.Result, report.Style) string, page func(lab.Result) report.Page) error {
	return f.conduct(e, func(progress lab.Progress) (outcome, error) {
		x, err := lab.Compare(e, plan, progress)
		return outcome{
			result: x, got: len(x.Rounds), of: x.Plan.Rounds * len(x.Plan.Systems), interrupted: x.Interrupted,
			text: func(s report.Style) string { return text(x, s) }, page: func() report.Page { return page(x) }, err: x.Err(),
		}, err
	})
}
