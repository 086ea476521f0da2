package lab

import (
	"context"

	"moqedge/bench/process"
	"moqedge/bench/sfu"
)

// StartRelay starts our relay, with the settings that it has by default, in a process
// of its own, below another one unless that is nil. Who calls it stops the process
// unless there is an error.
func StartRelay(ctx context.Context, upstream *Place) (*process.Child, Place, error) {
	var at Place
	c, err := startRole(ctx, roleRelay, commandListen, relayConfig{Upstream: upstream}, &at)
	return c, at, err
}

// StartUnit starts the WebRTC forwarding unit, with the settings that it has by
// default, in a process of its own. Below the URL are /whip/NAME and /whep/NAME. Who
// calls it stops the process unless there is an error.
func StartUnit(ctx context.Context) (c *process.Child, url string, err error) {
	var started sfu.Started
	c, err = startRole(ctx, roleSFU, sfu.CommandStart, sfu.Config{}, &started)
	return c, started.URL, err
}

// startRole starts a process and sends it its first command.
func startRole(ctx context.Context, role, command string, args, result any) (*process.Child, error) {
	c, err := process.Start(role)
	if err != nil {
		return nil, err
	}
	if err := c.Call(ctx, command, args, result); err != nil {
		_ = c.Stop() // the error above says what there is to say
		return nil, err
	}
	return c, nil
}

// Here tells what a measurement is done on: the machine, and the versions of what
// takes part.
func Here() (Machine, []string) { return thisMachine(), versions() }

// SpreadOf is that of values over rounds, of which there is at least one. It sorts
// them.
func SpreadOf(values []float64) Spread { return spread(values) }
