package lab

import (
	"context"

	"moqedge/bench/process"
	"moqedge/bench/sfu"
	"moqedge/bench/tally"
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
	return startUnit(ctx, sfu.Config{})
}

func startUnit(ctx context.Context, config sfu.Config) (c *process.Child, url string, err error) {
	var started sfu.Started
	c, err = startRole(ctx, roleSFU, sfu.CommandStart, config, &started)
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

// Attention is whether this process got its turns, and how busy the machine was.
type Attention struct {
	Turns   tally.Quantiles `json:"turns"`   // by how much a goroutine that wakes up every 5 ms did so late
	Machine float64         `json:"machine"` // share of the machine's processors that were busy, 0 to 1
}

// Faults says why what this process measured meanwhile tells nothing.
func (a Attention) Faults() []string { return Saturation{Turns: a.Turns}.faults(0) }

// Attend begins to look. The function that it returns has to be called: it ends it.
func Attend() (end func() (Attention, error), err error) {
	before, err := measureMachine()
	if err != nil {
		return nil, err
	}
	t := newTicker()
	return func() (Attention, error) {
		t.end()
		after, err := measureMachine()
		return Attention{Turns: t.late.Quantiles(), Machine: after.since(before)}, err
	}, nil
}
