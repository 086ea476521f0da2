package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"moqedge/bench/process"
)

// memoryCommand states what a session costs the relay, beside what its connection
// costs a server that has nothing but quic-go or webtransport-go.
type memoryCommand struct {
	sessions int
	profile  string
	cases    words
	settle   time.Duration
	profiles string
	env      words
}

func (c *memoryCommand) flags(f *flag.FlagSet) {
	f.IntVar(&c.sessions, "sessions", 1000, "how many are measured")
	f.StringVar(&c.profile, "profile", "slow", "what active sessions are sent")
	f.Var(&c.cases, "case", "`name` of a case to measure, may be repeated (default: all)")
	f.DurationVar(&c.settle, "settle", 8*time.Second, "how long the process is left alone, or data flows, before it is read")
	f.StringVar(&c.profiles, "heap", "", "write heap profiles into this `folder`; use with -env GODEBUG=memprofilerate=512")
	f.Var(&c.env, "env", "`NAME=value` for the environment of the servers; may be repeated")
}

// warmup is how many sessions there are before the first reading, so that code,
// pools and tables that are made once are not counted.
const warmup = 64

// memoryCase is something that sessions do.
type memoryCase struct {
	name   string
	over   string
	relay  bool
	stream bool // of a bare connection
	idle   bool // of a session
	active bool // data flows
}

func memoryCases() []memoryCase {
	var list []memoryCase
	for _, t := range []string{overQUIC, overWebTransport} {
		list = append(list,
			memoryCase{name: t + "-bare-idle", over: t},
			memoryCase{name: t + "-bare-stream", over: t, stream: true},
			memoryCase{name: t + "-bare-active", over: t, active: true},
			memoryCase{name: t + "-idle", over: t, relay: true, idle: true},
			memoryCase{name: t + "-subscribed", over: t, relay: true},
			memoryCase{name: t + "-active", over: t, relay: true, active: true})
	}
	return list
}

// memory is what one session costs, in bytes. Resident is measured as the process
// is, with garbage of the handshakes or of what flows; the others right after a collection.
type memory struct {
	Case       string  `json:"case"`
	Sessions   int     `json:"sessions"`
	Resident   float64 `json:"resident"`
	Collected  float64 `json:"resident_collected"`
	Heap       float64 `json:"heap"`
	Stacks     float64 `json:"stacks"`
	Goroutines float64 `json:"goroutines"`
}

func (c *memoryCommand) run(ctx context.Context, out *output) error {
	if _, err := findProfile(c.profile); err != nil {
		return err
	}
	if c.sessions < 1 {
		return fmt.Errorf("%d sessions can not be measured", c.sessions)
	}
	var results []memory
	for _, k := range memoryCases() {
		if !c.wants(k.name) {
			continue
		}
		out.progress("%s: %d sessions", k.name, c.sessions)
		m, err := c.measure(ctx, k)
		if err != nil {
			return errors.Join(out.memories(results), fmt.Errorf("%s: %w", k.name, err))
		}
		results = append(results, m)
	}
	return out.memories(results)
}

func (c *memoryCommand) wants(name string) bool {
	for _, w := range c.cases {
		if w == name {
			return true
		}
	}
	return len(c.cases) == 0
}

// measure reads a server before and after sessions are made, and a publisher with
// warmup sessions are there before.
func (c *memoryCommand) measure(ctx context.Context, k memoryCase) (m memory, err error) {
	p := plan{Transport: k.over, Profile: c.profile, Subscribers: warmup, Tracks: 1, Env: c.env, Idle: k.idle, Stream: k.stream, Hold: !k.active}
	if k.relay {
		p.Relays = 1
	}
	r, err := setUp(ctx, p)
	defer func() { err = errors.Join(err, r.takeDown()) }()
	if err != nil {
		return m, err
	}
	before, err := r.server.Collect(ctx)
	if err != nil {
		return m, err
	}
	load, err := r.start(roleLoad, nil)
	if err != nil {
		return m, err
	}
	config := r.told
	config.Subscribers, config.Publish, config.Joins = c.sessions, nil, k.relay
	if err := load.Call(ctx, commandConnect, config, nil); err != nil {
		return m, err
	}
	if k.active {
		if err := r.begin(ctx); err != nil {
			return m, err
		}
	}
	select {
	case <-time.After(c.settle):
	case <-ctx.Done():
		return m, ctx.Err()
	}
	after, err := r.server.Usage(ctx)
	if err != nil {
		return m, err
	}
	collected, err := r.server.Collect(ctx)
	if err != nil {
		return m, err
	}
	if c.profiles != "" {
		if err := r.server.HeapProfile(ctx, filepath.Join(c.profiles, k.name+".heap")); err != nil {
			return m, err
		}
	}
	return perSession(k.name, c.sessions, before, after, collected), nil
}

func perSession(name string, n int, before, after, collected process.Usage) memory {
	per := func(after, before uint64) float64 { return (float64(after) - float64(before)) / float64(n) }
	return memory{
		Case: name, Sessions: n,
		Resident: per(after.Resident, before.Resident), Collected: per(collected.Resident, before.Resident),
		Heap: per(collected.Heap, before.Heap), Stacks: per(collected.Stacks, before.Stacks),
		Goroutines: float64(collected.Goroutines-before.Goroutines) / float64(n),
	}
}

// memories prints what sessions cost.
func (o *output) memories(list []memory) error {
	rows := [][]string{strings.Split("session,resident kB,after a collection,heap kB,stacks kB,goroutines", ",")}
	for _, m := range list {
		row := []string{m.Case}
		for _, bytes := range []float64{m.Resident, m.Collected, m.Heap, m.Stacks} {
			row = append(row, fmt.Sprintf("%.1f", bytes/1000))
		}
		rows = append(rows, append(row, fmt.Sprintf("%.2f", m.Goroutines)))
	}
	return o.table(list, rows)
}
