package glass

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"moqedge/bench/lab"
	"moqedge/bench/media"
	"moqedge/bench/process"
	"moqedge/bench/rtc"
	"moqedge/bridge"
	"moqedge/bridge/file"
	"moqedge/certs"
	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// rolePublisher is the name of the publisher's process.
const rolePublisher = "bench-glass-publisher"

// Role returns what a process that was started as "--role NAME" is: one of this
// package or of package lab.
func Role(name string) (process.Role, error) {
	if name == rolePublisher {
		return newPublisher(), nil
	}
	return lab.Role(name)
}

// Commands of the publisher.
const (
	commandPublish = "publish" // takes a publication, is answered when it is live
	commandCheck   = "check"   // fails when the publication has ended
)

// publication says where the clip is published: at a relay, or a WHIP endpoint.
type publication struct {
	Relay *lab.Place `json:"relay,omitempty"`
	Name  string     `json:"name,omitempty"`
	WHIP  string     `json:"whip,omitempty"`
}

// connectTimeout is for the publisher's connection.
const connectTimeout = 20 * time.Second

// publisher is the process that publishes. Its fields belong to who calls Handle and
// Close; the tasks end with ctx.
type publisher struct {
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	failed chan error // holds one

	started bool
	leave   func() // what is left to do when the tasks have ended
}

func newPublisher() *publisher {
	ctx, cancel := context.WithCancel(context.Background())
	return &publisher{
		log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		ctx: ctx, cancel: cancel, failed: make(chan error, 1), leave: func() {},
	}
}

// Handle implements process.Role.
func (p *publisher) Handle(command string, args json.RawMessage) (any, error) {
	switch {
	case command == commandPublish && !p.started:
		var to publication
		if err := json.Unmarshal(args, &to); err != nil {
			return nil, err
		}
		p.started = true
		ctx, cancel := context.WithTimeout(p.ctx, connectTimeout)
		defer cancel()
		if to.Relay != nil {
			return nil, p.toRelay(ctx, to)
		}
		return nil, p.toUnit(ctx, to)
	case command == commandCheck && p.started:
		select {
		case err := <-p.failed:
			return nil, err
		default:
			return nil, nil
		}
	}
	return nil, fmt.Errorf("the publisher can not do %q", command)
}

// Close implements process.Role.
func (p *publisher) Close() error {
	p.cancel()
	p.tasks.Wait()
	p.leave()
	return nil
}

// run does something until ctx ends.
func (p *publisher) run(do func() error) {
	p.tasks.Go(func() {
		err := do()
		if p.ctx.Err() == nil {
			p.failed <- errors.Join(errors.New("the publication has ended"), err)
		}
	})
}

// toRelay publishes by the bridge, as the demo does.
func (p *publisher) toRelay(ctx context.Context, to publication) error {
	pins, err := certs.ParseFingerprints(to.Relay.Fingerprint)
	if err != nil {
		return err
	}
	dial := transport.DialConfig{Fingerprints: pins}
	origin := announcing{moq.NewOrigin(), make(chan wire.Namespace, packagings)}
	client := moq.Client{URL: to.Relay.URL, Dial: dial, Config: moq.Config{Handler: origin, Logger: p.log}}
	session, err := client.Connect(ctx)
	if err != nil {
		return err
	}
	hub := bridge.NewHub(origin, bridge.Config{Logger: p.log})
	p.leave = func() {
		hub.Close()
		session.Close(wire.SessionNoError, "")
		session.Wait()
	}
	p.run(func() error { return file.Play(p.ctx, hub, to.Name, Clip(), p.log) })
	for range packagings {
		select {
		case space := <-origin.added:
			if _, err := session.PublishNamespace(ctx, space); err != nil {
				return err
			}
		case err := <-p.failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// packagings of the bridge, each of which has a namespace.
const packagings = 2

// announcing is an origin that tells of the namespaces it gets.
type announcing struct {
	*moq.Origin
	added chan wire.Namespace
}

// AddNamespace implements bridge.Publisher.
func (a announcing) AddNamespace(space wire.Namespace) {
	a.Origin.AddNamespace(space)
	a.added <- space
}

// toUnit publishes by WHIP. The schedule is aligned to UTC as the bridge's is.
func (p *publisher) toUnit(ctx context.Context, to publication) error {
	source, err := media.File("clip.mp4", bytes.NewReader(clip))
	if err != nil {
		return err
	}
	sender, err := rtc.Publish(ctx, rtc.Options{URL: to.WHIP, Source: source, Start: time.Now().Truncate(clipSeconds * time.Second), Log: p.log})
	if err != nil {
		return err
	}
	p.run(func() error { return sender.Run(p.ctx) })
	return nil
}
