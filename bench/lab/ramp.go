package lab

import (
	"context"
	"fmt"
	"os"
	"time"
)

// Ramp says how the knee of each system is looked for: viewers are added until
// latency passes a bound or anything is lost.
type Ramp struct {
	Plan
	From   int           `json:"from"`   // viewers of the first step; 0: 10
	Most   int           `json:"most"`   // viewers at which it ends in any case; 0: 1000
	MaxP99 time.Duration `json:"p99_ns"` // latency at the 99th percentile that is too much; 0: 50 ms
	Fine   float64       `json:"fine"`   // the knee is known when it is between n and n*(1+Fine); 0: 0.1
}

// Step is a number of viewers, tried once; one that is over is tried again.
type Step struct {
	Viewers int    `json:"viewers"`
	Round   Round  `json:"round"`
	Over    string `json:"over,omitempty"` // why this is too many; "": it is not
}

// Knee is where a system gives way.
type Knee struct {
	System System `json:"system"`
	Steps  []Step `json:"steps"` // in the order of their running
	// Viewers is the most that was served well, 0: none.
	Viewers int `json:"viewers"`
	// Limit says what happens beyond. Of the load, when it was the load that gave
	// way: then the system may serve more than Viewers.
	Limit  string `json:"limit"`
	OfLoad bool   `json:"of_load"`
}

// RampResult is what a ramp found.
type RampResult struct {
	Began       time.Time     `json:"began"`
	Took        time.Duration `json:"took_ns"`
	Command     []string      `json:"command"`
	Machine     Machine       `json:"machine"`
	Versions    []string      `json:"versions"`
	Plan        Ramp          `json:"plan"`
	Bitrate     float64       `json:"bitrate_bps"`
	Knees       []Knee        `json:"knees"`
	Differences []string      `json:"differences"`
	Interrupted bool          `json:"interrupted,omitempty"`
}

// rampDuration is how long each step is measured.
const rampDuration = 4 * time.Second

// FindKnees runs a ramp for each system. When ctx ends it returns what there is.
func FindKnees(ctx context.Context, p Ramp, progress Progress) (RampResult, error) {
	p.From, p.Most, p.MaxP99 = or(p.From, 10), or(p.Most, 1000), or(p.MaxP99, 50*time.Millisecond)
	p.Fine, p.Duration, p.Viewers, p.Rounds = or(p.Fine, 0.1), or(p.Duration, rampDuration), p.Most, 1
	r, err := p.Plan.ready()
	if err != nil {
		return RampResult{}, err
	}
	if p.From < 1 || p.From > p.Most || p.Fine < 0.01 || p.MaxP99 < 0 {
		return RampResult{}, fmt.Errorf("%w: a ramp from %d to %d viewers, to %.0f %%", ErrPlan, p.From, p.Most, p.Fine*100)
	}
	p.Plan = r.Plan
	x := RampResult{
		Began: time.Now(), Command: CommandLine(os.Args), Machine: thisMachine(), Versions: versions(),
		Plan: p, Bitrate: r.source.Bitrate(), Differences: differences(r),
	}
	for i, s := range r.Systems {
		k, err := p.knee(ctx, s, func(done float64, what string) {
			progress((float64(i)+done)/float64(len(r.Systems)), fmt.Sprintf("%s, %s", s, what))
		})
		if len(k.Steps) > 0 {
			x.Knees = append(x.Knees, k)
		}
		if ctx.Err() != nil {
			x.Interrupted = true
			break
		}
		if err != nil {
			return x, err
		}
	}
	if len(x.Knees) == 0 {
		return x, context.Cause(ctx)
	}
	x.Took = time.Since(x.Began)
	return x, nil
}

// knee doubles the viewers until there are too many, and then halves the distance
// to the most that were not.
func (p Ramp) knee(ctx context.Context, s System, progress Progress) (k Knee, err error) {
	k.System = s
	good, bad := 0, 0 // bad 0: not known yet
	for n := p.From; ; {
		over, ofLoad, err := p.step(ctx, &k, n, func(what string) { progress(p.done(good, bad), what) })
		if err != nil {
			return k, err
		}
		if over == "" {
			good = n
		} else {
			bad, k.Limit, k.OfLoad = n, over, ofLoad
		}
		k.Viewers = good
		switch {
		case bad == 0 && n == p.Most:
			k.Limit = fmt.Sprintf("%d viewers are the most that were tried", n)
			return k, nil
		case bad == 0:
			n = min(2*n, p.Most)
		case bad-good <= max(1, int(p.Fine*float64(good))):
			return k, nil
		default:
			n = good + (bad-good)/2
		}
	}
}

// step tries a number of viewers, again if it seems to be too many, and a third time
// if the second one does not agree: other work on the machine comes and goes.
func (p Ramp) step(ctx context.Context, k *Knee, n int, progress func(what string)) (over string, ofLoad bool, err error) {
	plan := p.Plan
	plan.Viewers = n
	r, err := plan.ready()
	if err != nil {
		return "", false, err
	}
	for bad, good := 0, 0; ; {
		x, err := r.round(ctx, k.System, len(k.Steps)+1, func(what string) { progress(fmt.Sprintf("%d viewers: %s", n, what)) })
		if err != nil {
			return "", false, fmt.Errorf("%s, %d viewers: %w", k.System, n, err)
		}
		step := Step{Viewers: n, Round: x}
		var load bool
		step.Over, load = p.over(x, n)
		k.Steps = append(k.Steps, step)
		if step.Over == "" {
			good++
		} else {
			bad++
			over, ofLoad = step.Over, load
		}
		switch {
		case good > bad || good == 2:
			return "", false, nil
		case bad == 2:
			return over, ofLoad, nil
		}
		if ctx.Err() != nil {
			return "", false, ctx.Err()
		}
	}
}

// done is a guess at how far the search is.
func (p Ramp) done(good, bad int) float64 {
	if bad == 0 {
		return min(0.5, float64(good)/float64(p.Most))
	}
	return 1 - min(0.5, float64(bad-good)/float64(2*bad))
}

// over says why a round has too many viewers, and whether that is the load's doing.
func (p Ramp) over(x Round, viewers int) (why string, ofLoad bool) {
	if faults := x.Load.faults(x.Metrics.Bytes); len(faults) > 0 {
		return faults[0], true
	}
	if faults := append(x.faults(viewers), x.lost()...); len(faults) > 0 {
		return faults[0], false
	}
	if lost := x.Metrics.Frames - x.Metrics.Complete; lost > 0 {
		return fmt.Sprintf("%d of %d frames were lost", lost, x.Metrics.Frames), false
	}
	if p99 := x.Metrics.Latency["all"].P99; p99 > p.MaxP99 {
		return fmt.Sprintf("latency is %s at the 99th percentile", p99.Round(100*time.Microsecond)), false
	}
	return "", false
}
