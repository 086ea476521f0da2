package main

import (
	"context"
	"errors"
	"fmt"

	"moqedge/bench/flood"
	"moqedge/bench/process"
)

// names of roles.
const (
	roleRelay = "relay"
	roleBare  = "bare"
	roleLoad  = "load"
	roleFlood = "flood"
)

func newRole(name string) (process.Role, error) {
	switch name {
	case roleRelay:
		return newRelayRole(), nil
	case roleBare:
		return &bareRole{}, nil
	case roleLoad:
		return newLoadRole(), nil
	case roleFlood:
		return flood.NewRole(), nil
	}
	return nil, fmt.Errorf("no role %q", name)
}

// rig is a server with its load, each in its own process, connected and quiet.
type rig struct {
	name    string
	plan    plan
	profile profile
	// relays, from the publisher's to the subscribers'; none for the bare loop.
	relays []*process.Child
	server *process.Child // that is measured: the bare loop, or the last relay
	load   *process.Child
	all    []*process.Child
	told   loadConfig // what the load was told
}

// plan is what a rig is set up with.
type plan struct {
	Transport   string `json:"transport"`
	Profile     string `json:"profile"`
	Subscribers int    `json:"subscribers"`
	Tracks      int    `json:"tracks"`
	// Relays is how many stand between the publisher and the subscribers; with 0
	// the bare loop sends.
	Relays int `json:"relays"`
	// Idle and Stream are those of the load, Hold that of the bare loop.
	Idle, Stream, Hold bool
	// Limited has relays limit what comes to them as a node does, Unlimited has them
	// limit nothing; else they limit sessions alone.
	Limited   bool `json:"limited,omitempty"`
	Unlimited bool `json:"unlimited,omitempty"`
	// Observed has relays tell a meter what they do, as those of nodes.
	Observed bool `json:"observed,omitempty"`
	// Env is added to the environment of the servers.
	Env []string `json:"-"`
	// Build is the executable of the relays; empty: this one.
	Build string `json:"-"`
}

// setUp starts the processes and connects them. The rig has to be taken down,
// whatever it returns.
func setUp(ctx context.Context, p plan) (r *rig, err error) {
	r = &rig{name: "bare", plan: p}
	if r.profile, err = findProfile(p.Profile); err != nil {
		return r, err
	}
	load := loadConfig{Transport: p.Transport, Profile: p.Profile, Subscribers: p.Subscribers, Tracks: p.Tracks, Idle: p.Idle, Stream: p.Stream}
	if p.Relays == 0 {
		if r.server, err = r.start(roleBare, p.Env); err != nil {
			return r, err
		}
		c := bareConfig{Transport: p.Transport, Profile: p.Profile, Tracks: p.Tracks, Hold: p.Hold}
		if err := r.server.Call(ctx, commandListen, c, &load.Server); err != nil {
			return r, err
		}
	}
	for i := range p.Relays {
		r.name = "relay"
		if p.Relays > 1 {
			r.name = fmt.Sprintf("%d relays", p.Relays)
		}
		if r.server, err = r.startBuild(p.Build, roleRelay, p.Env); err != nil {
			return r, err
		}
		r.relays = append(r.relays, r.server)
		c := relayConfig{Limited: p.Limited, Unlimited: p.Unlimited, Observed: p.Observed}
		if i > 0 {
			upstream := load.Server
			c.Upstream = &upstream
		}
		if err := r.server.Call(ctx, commandListen, c, &load.Server); err != nil {
			return r, err
		}
		if i == 0 {
			first := load.Server
			load.Publish = &first
		}
	}
	if r.load, err = r.start(roleLoad, nil); err != nil {
		return r, err
	}
	r.told = load
	return r, r.load.Call(ctx, commandConnect, load, nil)
}

func (r *rig) start(role string, env []string) (*process.Child, error) {
	return r.startBuild("", role, env)
}

func (r *rig) startBuild(file, role string, env []string) (c *process.Child, err error) {
	if file == "" {
		c, err = process.Start(role, env...)
	} else {
		c, err = process.StartFile(file, role, env...)
	}
	if err == nil {
		r.all = append(r.all, c)
	}
	return c, err
}

// begin has objects sent, pause no more.
func (r *rig) begin(ctx context.Context) error { return r.sender().Call(ctx, commandBegin, nil, nil) }

func (r *rig) pause(ctx context.Context) error { return r.sender().Call(ctx, commandPause, nil, nil) }

// sender is what has the publisher in it.
func (r *rig) sender() *process.Child {
	if len(r.relays) == 0 {
		return r.server
	}
	return r.load
}

// takeDown ends the processes, the load first.
func (r *rig) takeDown() error {
	var err error
	for i := len(r.all) - 1; i >= 0; i-- {
		err = errors.Join(err, r.all[i].Stop())
	}
	return err
}
