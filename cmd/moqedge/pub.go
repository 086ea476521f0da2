package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"moqedge/bridge"
	"moqedge/bridge/file"
	"moqedge/cmd/moqedge/console"
	"moqedge/cmd/moqedge/demo"
	"moqedge/cmd/moqedge/node"
	"moqedge/cmd/moqedge/peer"
	"moqedge/moq"
	"moqedge/moq/deliver"
	"moqedge/moq/wire"
)

type pubCommand struct {
	URL      string        `arg:"" help:"Relay: moqt://HOST:PORT or https://HOST:PORT/PATH."`
	Name     string        `arg:"" help:"Name to publish as; tracks are in the namespaces NAME.loc and NAME.msf."`
	File     string        `arg:"" optional:"" help:"MP4 file with H.264 and AAC, or - for stdin. (default: the clip of the demo)"`
	Once     bool          `help:"Give up when the session ends, instead of connecting again."`
	Duration time.Duration `placeholder:"TIME" help:"End after this time."`
	JSON     bool          `name:"json" help:"Print the status as JSON lines."`
	clientFlags
}

// Help implements kong.HelpProvider.
func (pubCommand) Help() string {
	return `The file plays in a loop with live timestamps, aligned to UTC. Ctrl-C ends it.

Examples:

  moqedge pub moqt://127.0.0.1:4443 cam1 film.mp4 --fingerprint-url http://127.0.0.1:8080/certificate.sha256

  ffmpeg -i film.mkv -c copy -f mp4 film.mp4 && moqedge pub https://relay.example/live cam1 film.mp4`
}

// maxInput bounds what is read from stdin, in bytes.
const maxInput = 512 << 20

// source opens what is to be played; the caller closes it.
func (c pubCommand) source(e *environment) (io.ReadSeeker, func(), error) {
	switch c.File {
	case "":
		return demo.Clip(), func() {}, nil
	case "-":
		b, err := io.ReadAll(io.LimitReader(e.in, maxInput))
		return bytes.NewReader(b), func() {}, err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, nil, err
	}
	return f, func() { _ = f.Close() }, nil
}

// Run publishes until Ctrl-C.
func (c pubCommand) Run(e *environment) error {
	src, done, err := c.source(e)
	if err != nil {
		return err
	}
	clip, err := file.Load(src)
	done()
	if err != nil {
		return fmt.Errorf("%s: %w", first(c.File, "clip"), err)
	}
	ctx, stop := limit(e, c.Duration)
	defer stop()

	refusals := make(chan error, 1)
	origin := moq.NewOrigin()
	origin.Refused = notAtAll(refusals)
	hub := bridge.NewHub(origin, bridge.Config{Logger: e.log})
	var tasks sync.WaitGroup
	var played, refused error
	tasks.Go(func() {
		defer stop()
		played = clip.Play(ctx, hub, c.Name, e.log)
	})
	var sent deliver.Counters
	tasks.Go(func() { c.show(ctx, e, &sent) })

	publisher := peer.NewPublisher(origin)
	session := moq.Config{Handler: publisher, Implementation: node.Implementation, Deliver: deliver.Config{Counters: &sent}, Tokens: c.tokens(), Logger: e.log}
	tasks.Go(func() {
		select {
		case refused = <-refusals:
			stop()
		case <-ctx.Done():
		}
	})
	err = peer.Keep(ctx, c.peer(c.URL), peer.Options{Session: session, Once: c.Once, Logger: e.log}, publisher.Use)
	stop()
	tasks.Wait()
	hub.Close()
	return errors.Join(err, played, refused)
}

// notAtAll is told of namespaces that the relay refuses, and tells of it when neither of
// the two that a publication has can be asked for again: it would be for nobody.
func notAtAll(to chan<- error) func(wire.Namespace, error) {
	var mu sync.Mutex // guards seen
	seen := map[string]bool{}
	return func(ns wire.Namespace, err error) {
		refused, ok := errors.AsType[*moq.RequestError](err)
		if !ok || refused.Retry.Set {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if seen[ns.Key()] = true; len(seen) < 2 {
			return
		}
		select {
		case to <- err:
		default:
		}
	}
}

// show prints the status until ctx is done.
func (c pubCommand) show(ctx context.Context, e *environment, sent *deliver.Counters) {
	interval := 10 * time.Second
	if e.console.Terminal() || c.JSON {
		interval = time.Second
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	began := time.Now()
	var rate console.Rate
	for now := began; ; {
		s := pubStatus{"status", c.Name, now.Sub(began).Seconds(), sent.Objects.Load(), sent.Bytes.Load(), rate.Next(sent.Bytes.Load(), now)}
		if !c.JSON {
			e.console.Status(s.String())
		} else if err := e.console.JSON(s); err != nil {
			e.log.Error("the status can not be printed", "error", err)
		}
		select {
		case now = <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// pubStatus is what has been sent.
type pubStatus struct {
	Type          string  `json:"type"`
	Name          string  `json:"name"`
	UptimeSeconds float64 `json:"uptimeSeconds"`
	ObjectsOut    uint64  `json:"objectsOut"`
	BytesOut      uint64  `json:"bytesOut"`
	MbpsOut       float64 `json:"mbpsOut"`
}

func (s pubStatus) String() string {
	return fmt.Sprintf("%s | publishing %s | objects %d | out %.2f Mbps",
		console.Clock(time.Duration(s.UptimeSeconds*float64(time.Second))), s.Name, s.ObjectsOut, s.MbpsOut)
}
