package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"moqedge/moq"
	"moqedge/moq/conformance/interop/pattern"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

var errUsage = errors.New(`usage: reference publish|subscribe|fetch [flags]

  publish    announces the namespace and serves the tracks of package pattern until it gets a signal
  subscribe  checks groups of one track as they come, and ends
  fetch      checks the groups before the current one, and ends`)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	url, draft, fingerprint, namespace, track string
	groups, retain                            int
	join                                      int64
	offer                                     bool
	timeout, interval, delay                  time.Duration
	allow                                     pattern.Allow
	verbose                                   bool
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	var o options
	f := flag.NewFlagSet(args[0], flag.ContinueOnError)
	f.StringVar(&o.url, "url", "", "relay: moqt://HOST:PORT/PATH or https://HOST:PORT/PATH")
	f.StringVar(&o.draft, "draft", "", "version to offer, as moqt-18; several are separated by commas (default: all)")
	f.StringVar(&o.fingerprint, "fingerprint", "", "SHA-256 of the server's certificate in hex")
	f.StringVar(&o.namespace, "namespace", "interop/test", "namespace, its fields separated by slashes")
	f.StringVar(&o.track, "track", string(pattern.Plain), "track")
	f.IntVar(&o.groups, "groups", 3, "whole groups to check")
	f.IntVar(&o.retain, "retain", 400, "publish: groups to keep")
	f.Int64Var(&o.join, "join", -1, "subscribe: begin so many groups before the current one")
	f.BoolVar(&o.offer, "offer", false, "publish: offer the tracks by PUBLISH too")
	f.DurationVar(&o.timeout, "timeout", 15*time.Second, "for all but publish")
	f.DurationVar(&o.interval, "interval", 250*time.Millisecond, "publish: between groups")
	f.DurationVar(&o.delay, "delay", 0, "publish: after the announcement, before the first group")
	f.BoolVar(&o.allow.Properties, "any-properties", false, "accept properties that are not in the pattern")
	f.BoolVar(&o.allow.Priority, "any-priority", false, "accept priorities that are not in the pattern")
	f.BoolVar(&o.verbose, "v", false, "log")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	if !pattern.Track(o.track).Valid() {
		return fmt.Errorf("no track %q", o.track)
	}
	switch args[0] {
	case "publish":
		return o.publish(ctx)
	case "subscribe", "fetch":
		ctx, cancel := context.WithTimeout(ctx, o.timeout)
		defer cancel()
		s, err := o.connect(ctx, nil)
		if err != nil {
			return err
		}
		defer s.Close(wire.SessionNoError, "")
		if args[0] == "fetch" {
			return o.fetch(ctx, s)
		}
		return o.subscribe(ctx, s)
	}
	return errUsage
}

func (o options) connect(ctx context.Context, h moq.Handler) (*moq.Session, error) {
	var dial transport.DialConfig
	if o.fingerprint != "" {
		sum, err := hex.DecodeString(o.fingerprint)
		if err != nil || len(sum) != 32 {
			return nil, fmt.Errorf("fingerprint %q: want 64 hexadecimal digits", o.fingerprint)
		}
		dial.Fingerprints = [][32]byte{[32]byte(sum)}
	}
	if o.draft != "" {
		dial.Versions = strings.Split(o.draft, ",")
	}
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	c := moq.Client{URL: o.url, Dial: dial, Config: moq.Config{Handler: h, Implementation: "moqedge-interop", Logger: log}}
	s, err := c.Connect(ctx)
	if err == nil {
		say(map[string]any{"type": "connected", "version": s.Version().String(), "peer": s.PeerImplementation()})
	}
	return s, err
}

// say prints a JSON line.
func say(v map[string]any) {
	if err := json.NewEncoder(os.Stdout).Encode(v); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
	}
}

func (o options) name() wire.FullTrackName {
	return wire.FullTrackName{Namespace: strings.Split(o.namespace, "/"), Name: o.track}
}

// publish serves all tracks until ctx is done or the session is over.
func (o options) publish(ctx context.Context) error {
	origin := moq.NewOrigin()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var tracks []*live.Track
	for _, t := range pattern.Tracks() {
		o.track = string(t)
		tracks = append(tracks, live.NewTrack(o.name(), live.Options{RetainGroups: o.retain}))
		origin.AddTrack(tracks[len(tracks)-1])
	}
	setup, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	s, err := o.connect(setup, origin)
	if err != nil {
		return err
	}
	defer s.Close(wire.SessionNoError, "")
	announced, err := s.PublishNamespace(setup, o.name().Namespace)
	if err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	defer announced.Close()
	say(map[string]any{"type": "announced"})
	if o.offer {
		if err := offer(setup, s, tracks); err != nil {
			return err
		}
		say(map[string]any{"type": "offered"})
	}
	var writing sync.WaitGroup
	defer func() {
		stop(nil)
		writing.Wait()
	}()
	for i, t := range pattern.Tracks() {
		writing.Go(func() {
			if err := o.write(ctx, t, tracks[i]); err != nil {
				stop(err)
			}
		})
	}
	select {
	case <-ctx.Done():
		if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	case <-s.Context().Done():
		return fmt.Errorf("the session is over: %w", context.Cause(s.Context()))
	}
}

// write fills a track until ctx is done.
func (o options) write(ctx context.Context, t pattern.Track, track *live.Track) error {
	select {
	case <-time.After(o.delay):
		return t.Publish(ctx, track, o.interval)
	case <-ctx.Done():
		return nil
	}
}

// subscribe checks groups of the track.
func (o options) subscribe(ctx context.Context, s *moq.Session) error {
	var how moq.SubscribeOptions
	if o.join >= 0 {
		how.JoinGroups = wire.Some(uint64(o.join))
	}
	sub, err := o.request(ctx, s, how)
	if err != nil {
		return err
	}
	defer sub.Close()
	r := sub.Track().NewReader(wire.Location{})
	defer r.Close()
	first, err := pattern.Track(o.track).Receive(ctx, r, o.groups, o.allow)
	if err != nil {
		if d := sub.Track().Done(); d != nil {
			err = fmt.Errorf("%w; the track ended with %v, %q", err, d.Code, d.Reason)
		}
		return err
	}
	say(map[string]any{"type": "received", "track": o.track, "first": first, "groups": o.groups})
	return nil
}

// request subscribes, again while the publisher has not arrived.
func (o options) request(ctx context.Context, s *moq.Session, how moq.SubscribeOptions) (*moq.Subscription, error) {
	for {
		sub, err := s.Subscribe(ctx, o.name(), how)
		if !errors.Is(err, &moq.RequestError{Code: wire.RequestDoesNotExist}) {
			return sub, err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// fetch checks groups that lie before the current one.
func (o options) fetch(ctx context.Context, s *moq.Session) error {
	t := pattern.Track(o.track)
	status, err := s.TrackStatus(ctx, o.name())
	if err != nil {
		return err
	}
	if !status.Largest.Set || status.Largest.Value.Group < uint64(o.groups) {
		return fmt.Errorf("the track has not got %d groups yet: %+v", o.groups, status)
	}
	first := status.Largest.Value.Group - uint64(o.groups)
	into := live.NewTrack(o.name(), live.Options{RetainGroups: o.groups + 1})
	fetch := s.Fetch(moq.FetchOptions{
		Into: into, First: wire.Location{Group: first}, Last: wire.Location{Group: first + uint64(o.groups) - 1, Object: math.MaxUint64},
	})
	defer fetch.Close()
	if err := fetch.Wait(ctx); err != nil {
		return err
	}
	r := into.NewReader(wire.Location{})
	defer r.Close()
	got, err := t.Receive(ctx, r, o.groups, o.allow)
	if err != nil {
		return err
	}
	if got != first {
		return fmt.Errorf("the first whole group is %d, want %d", got, first)
	}
	say(map[string]any{"type": "fetched", "track": o.track, "first": first, "groups": o.groups})
	return nil
}
