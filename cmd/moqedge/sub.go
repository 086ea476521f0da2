package main

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"moqedge/cmd/moqedge/names"
	"moqedge/cmd/moqedge/node"
	"moqedge/cmd/moqedge/peer"
	"moqedge/cmd/moqedge/subscriber"
	"moqedge/moq"
	"moqedge/moq/wire"
)

type subCommand struct {
	URL       string        `arg:"" help:"Relay: moqt://HOST:PORT or https://HOST:PORT/PATH."`
	Namespace string        `arg:"" help:"Namespace of the track, fields separated by slashes; or, without TRACK, the name of a publication."`
	Track     string        `arg:"" optional:"" help:"Track; without it, all that the catalog lists."`
	Stats     bool          `help:"Print a summary every second instead of a line per object. Always so without TRACK."`
	Interval  time.Duration `default:"1s" placeholder:"TIME" help:"How often the summary is printed. (default: ${default})"`
	Join      *uint64       `placeholder:"N" help:"Begin with the current group and N before it, instead of the next object."`
	Count     uint64        `placeholder:"N" help:"End after N objects."`
	Duration  time.Duration `placeholder:"TIME" help:"End after this time."`
	Output    string        `short:"o" placeholder:"FILE" help:"Write the raw payloads there; - is stdout."`
	Once      bool          `help:"End when the track, the publication or the session does, instead of waiting for it to return."`
	JSON      bool          `name:"json" help:"Print JSON lines."`
	clientFlags
}

// Help implements kong.HelpProvider.
func (subCommand) Help() string {
	return `Prints a line for each object of a track, or a summary with objects, Mbps and the latency from
capture (LOC timestamps). NAME stands for the namespace NAME.loc. Ctrl-C ends it.

Examples:

  moqedge sub moqt://127.0.0.1:4443 demo --fingerprint-url http://127.0.0.1:8080/certificate.sha256

  moqedge sub https://relay.example/live demo.loc catalog --join 0 --count 1 --output -`
}

// target reads the arguments.
func (c subCommand) target() (subscriber.Target, error) {
	text := c.Namespace
	if c.Track == "" && !strings.HasSuffix(text, ".loc") && !strings.HasSuffix(text, ".msf") {
		text += ".loc"
	}
	ns, err := names.ParseNamespace(text)
	if err != nil {
		return subscriber.Target{}, err
	}
	t := subscriber.Target{Namespace: ns}
	if c.Track != "" {
		name, err := names.ParseName(c.Track)
		if err != nil {
			return t, err
		}
		t.Track = wire.Some(name)
	} else if c.Output != "" {
		return t, errors.New("--output needs a TRACK: payloads of several tracks can not be told apart")
	}
	return t, nil
}

// Run subscribes until Ctrl-C.
func (c subCommand) Run(e *environment) error {
	target, err := c.target()
	if err != nil {
		return err
	}
	report := subscriber.ReportConfig{Console: e.console, JSON: c.JSON, Count: c.Count, Quiet: c.Output == "-"}
	if c.Stats || !target.Track.Set {
		report.Interval = max(c.Interval, 10*time.Millisecond)
	}
	switch c.Output {
	case "":
	case "-":
		report.Output = e.out
	default:
		f, err := os.Create(c.Output)
		if err != nil {
			return err
		}
		defer f.Close()
		report.Output = io.Writer(f)
	}
	follow := subscriber.Options{Once: c.Once, Logger: e.log}
	if c.Join != nil {
		follow.Join = wire.Some(*c.Join)
	}
	return c.follow(e, target, follow, subscriber.NewReport(report))
}

func (c subCommand) follow(e *environment, t subscriber.Target, o subscriber.Options, report *subscriber.Report) error {
	ctx, stop := limit(e, c.Duration)
	defer stop()
	var printing sync.WaitGroup
	printing.Go(func() { report.Run(ctx) })
	session := moq.Config{Implementation: node.Implementation, Tokens: c.tokens(), Logger: e.log}
	follower := subscriber.NewFollower(t, o, report.Take)
	err := peer.Keep(ctx, c.peer(c.URL), peer.Options{Session: session, Once: c.Once, Logger: e.log}, follower.Use)
	follower.Close()
	stop()
	printing.Wait()
	if errors.Is(err, subscriber.ErrEnough) {
		err = nil
	}
	if err == nil {
		report.Finish()
	}
	return err
}
