package main

import (
	"context"
	"fmt"
	"time"

	"moqedge/bench/process"
)

// window is what happened in a rig in a span of steady sending.
type window struct {
	Span     time.Duration `json:"span_ns"`
	Offered  float64       `json:"offered_bytes"`  // payload that the load asks for: subscribers times the profile's rate
	Received float64       `json:"received_bytes"` // payload of what arrived whole
	CPU      time.Duration `json:"cpu_ns"`         // of the server's process
	System   time.Duration `json:"system_ns"`      // of that, in the kernel
	Load     time.Duration `json:"load_cpu_ns"`    // of the load's process
	Switches int64         `json:"switches"`       // voluntary ones of the server's threads
	GCs      uint32        `json:"gcs"`            // of the server
	Latency  latency       `json:"latency"`
	// Invalid says why the window tells nothing of the server; empty: it counts.
	Invalid string `json:"invalid,omitempty"`
}

// delivered is the part of what was offered that must have been received for a
// window to count; what is missing is on its way at the window's end, or was at
// its start.
const delivered = 0.98

// perGigabyte is the CPU time in seconds for 10^9 bytes of payload delivered.
func (w window) perGigabyte() float64 { return w.CPU.Seconds() / w.Received * 1e9 }

// cores is how many cores a CPU time keeps busy in the window.
func (w window) cores(cpu time.Duration) float64 { return cpu.Seconds() / w.Span.Seconds() }

// rate is what was received, in bits per second.
func (w window) rate() float64 { return w.Received * 8 / w.Span.Seconds() }

// settle is how long sending goes on before it is measured.
const settle = 700 * time.Millisecond

// quiet is what lies between the end of a window and whatever comes next.
const quiet = 200 * time.Millisecond

// measure sends for a span and a bit more.
func (r *rig) measure(ctx context.Context, span time.Duration) (w window, err error) {
	if err := r.begin(ctx); err != nil {
		return w, err
	}
	if err := pauseFor(ctx, settle); err != nil {
		return w, err
	}
	before, err := r.look(ctx)
	if err != nil {
		return w, err
	}
	if err := pauseFor(ctx, span); err != nil {
		return w, err
	}
	after, err := r.look(ctx)
	if err != nil {
		return w, err
	}
	if err := r.pause(ctx); err != nil {
		return w, err
	}
	if err := pauseFor(ctx, quiet); err != nil {
		return w, err
	}
	return r.judge(before, after), nil
}

// judge makes a window of what was at its ends, and finds out whether it counts.
func (r *rig) judge(before, after reading) window {
	w := after.since(before)
	w.Offered = r.profile.rate() * float64(r.plan.Subscribers) * w.Span.Seconds()
	published := float64(after.published-before.published) * float64(r.profile.Size)
	asked := r.profile.rate() * float64(r.plan.Tracks) * w.Span.Seconds()
	switch {
	case after.load.Lost > 0:
		w.Invalid = fmt.Sprintf("%d connections were lost", after.load.Lost)
	case after.load.Broken > before.load.Broken:
		w.Invalid = fmt.Sprintf("%d streams were not received to their end", after.load.Broken-before.load.Broken)
	case published < delivered*asked:
		w.Invalid = fmt.Sprintf("the publisher sent %.0f %% of what it should", published/asked*100)
	case w.Received < delivered*w.Offered:
		w.Invalid = fmt.Sprintf("%.0f %% of what was offered was received", w.Received/w.Offered*100)
	}
	return w
}

// reading is what a rig's processes say at one time.
type reading struct {
	server, generator process.Usage
	load              sample
	published         uint64
}

func (r *rig) look(ctx context.Context) (x reading, err error) {
	if x.server, err = r.server.Usage(ctx); err != nil {
		return x, err
	}
	if err := r.load.Call(ctx, commandSample, nil, &x.load); err != nil {
		return x, err
	}
	x.published = x.load.Published
	if r.sender() == r.server {
		var s sample
		if err := r.server.Call(ctx, commandSample, nil, &s); err != nil {
			return x, err
		}
		x.published = s.Published
	}
	x.generator, err = r.load.Usage(ctx)
	return x, err
}

func (x reading) since(y reading) window {
	return window{
		Span:     x.server.At.Sub(y.server.At),
		Received: float64(x.load.Bytes - y.load.Bytes),
		CPU:      x.server.CPU() - y.server.CPU(),
		System:   x.server.System - y.server.System,
		Load:     x.generator.CPU() - y.generator.CPU(),
		Switches: x.server.Voluntary - y.server.Voluntary,
		GCs:      x.server.Collections - y.server.Collections,
		Latency:  x.load.Latency,
	}
}

// pauseFor waits, unless ctx ends.
func pauseFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
