package lab

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"moqedge/bench/link"
	"moqedge/bench/process"
	"moqedge/bench/tally"
)

// drain is how long after the window its last frames have to arrive: longer than
// the largest playout delay.
const drain = 1500 * time.Millisecond

// round measures one system once. What the processes answer is judged here; an
// error means that there is nothing to judge.
func (r ready) round(ctx context.Context, s System, number int, progress func(string)) (x Round, err error) {
	x = Round{System: s, Number: number}
	progress("starting")
	servers, first, last, err := r.servers(ctx, s)
	defer func() { // the load has ended before, so that nobody notices
		for i := len(servers) - 1; i >= 0; i-- {
			err = errors.Join(err, servers[i].Stop())
		}
	}()
	if err != nil {
		return x, err
	}
	bare := make([]process.Usage, len(servers)) // without viewers
	for i, c := range servers {
		if bare[i], err = c.Collect(ctx); err != nil {
			return x, err
		}
	}
	load, err := process.Start(roleLoad)
	if err != nil {
		return x, err
	}
	defer func() { err = errors.Join(err, load.Stop()) }()
	c := loadConfig{System: s, First: first, Last: last, Plan: r.Plan, Warm: r.warm, Namespace: "bench-" + rand.Text()[:8]}
	var start time.Time
	if err := load.Call(ctx, commandBegin, c, &start); err != nil {
		return x, err
	}
	if s.Bare() {
		if err := servers[0].Call(ctx, commandSend, start, nil); err != nil {
			return x, err
		}
	}
	var state loadState
	for {
		if err := load.Call(ctx, commandLook, nil, &state); err != nil {
			return x, err
		}
		progress(fmt.Sprintf("%d of %d viewers", state.Started, r.Viewers))
		if state.Left < look {
			break
		}
		if err := pause(ctx, look); err != nil {
			return x, err
		}
	}
	if err := pause(ctx, state.Left); err != nil {
		return x, err
	}
	if err := load.Call(ctx, commandMark, nil, nil); err != nil {
		return x, err
	}
	m, err := watch(ctx, servers, r.Duration, func(left time.Duration) {
		progress(fmt.Sprintf("measuring, %s left", left.Round(time.Second)))
	})
	if err != nil {
		return x, err
	}
	if err := load.Call(ctx, commandEnd, nil, nil); err != nil {
		return x, err
	}
	if err := pause(ctx, drain); err != nil {
		return x, err
	}
	var found counted
	if err := load.Call(ctx, commandCount, nil, &found); err != nil {
		return x, err
	}
	x.Metrics, x.Load, x.Wire, x.Draft, x.Failed = found.Metrics, found.Load, found.Wire, found.Draft, found.Failed
	x.Servers, x.Recovered = m.costs(bare, x.Metrics), recovered(r.line, x.Metrics)
	x.Invalid, x.Lost = append(x.Load.faults(x.Metrics.Bytes), x.faults(r.Viewers)...), x.lost()
	return x, nil
}

// recovered looks at what came after the last change of a line.
func recovered(l link.Link, m tally.Metrics) map[string]time.Duration {
	if len(l.Changes) == 0 {
		return nil
	}
	found := map[string]time.Duration{}
	for kind := range m.Kinds {
		if after, ok := m.Recovery(kind, l.Changes[len(l.Changes)-1].At, RecoveryDelay); ok {
			found[kind] = after
		}
	}
	return found
}

// servers starts those of a system, unless there is one already.
func (r ready) servers(ctx context.Context, s System) ([]*process.Child, Place, Place, error) {
	if r.Target != nil {
		return nil, r.Target.Publish, r.Target.View, nil
	}
	if s.Bare() {
		return r.bare(ctx, s)
	}
	return chain(ctx, s, r.Hops)
}

// look is how often the load is asked how far it is, and the servers how much
// memory they hold.
const look = 500 * time.Millisecond

// faults says why a round counts for nothing besides saturation: nobody was owed
// anything, or the load did not get as far as to let all viewers come.
func (x Round) faults(viewers int) (faults []string) {
	if late := viewers - x.Metrics.Viewers; late > 0 {
		faults = append(faults, fmt.Sprintf("%d of %d viewers had not begun to connect when the window ended", late, viewers))
	}
	if x.Metrics.Frames == 0 {
		faults = append(faults, "nothing was sent")
	}
	if len(faults) > 0 && len(x.Failed) > 0 {
		faults = append(faults, x.Failed[0])
	}
	return faults
}

// lost says which viewers the system lost or never had. That is its doing, and left out
// would hide what a system does when it has too much to do.
func (x Round) lost() (lost []string) {
	if n := x.Metrics.Absent; n > 0 {
		lost = append(lost, fmt.Sprintf("%d of %d viewers did not get what they asked for until the end", n, x.Metrics.Viewers))
	}
	if n := len(x.Failed); n > 0 {
		lost = append(lost, fmt.Sprintf("%d ended early, first %s", n, x.Failed[0]))
	}
	return lost
}

// meter is what servers were like in a window.
type meter struct {
	before, after []process.Usage
	resident      []float64 // means
}

// watch looks at the servers for a span.
func watch(ctx context.Context, servers []*process.Child, span time.Duration, progress func(left time.Duration)) (m meter, err error) {
	all := func() ([]process.Usage, error) {
		u := make([]process.Usage, len(servers))
		for i, c := range servers {
			if u[i], err = c.Usage(ctx); err != nil {
				return nil, err
			}
		}
		return u, nil
	}
	m.resident = make([]float64, len(servers))
	end := time.Now().Add(span)
	if m.before, err = all(); err != nil {
		return m, err
	}
	for samples := 1; ; samples++ {
		left := time.Until(end)
		progress(max(left, 0))
		if err := pause(ctx, min(left, look)); err != nil {
			return m, err
		}
		if m.after, err = all(); err != nil {
			return m, err
		}
		for i, u := range m.after {
			m.resident[i] += (float64(u.Resident) - m.resident[i]) / float64(samples)
		}
		if left <= look {
			return m, nil
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
