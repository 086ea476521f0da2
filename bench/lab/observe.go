package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"moqedge/bench/link"
	"moqedge/bench/rtc"
)

// Observe says which WHEP server is looked at, whose source nobody here knows.
type Observe struct {
	At       Place         `json:"at"`
	Viewers  int           `json:"viewers"`     // 0: 1
	Duration time.Duration `json:"duration_ns"` // of what is measured; 0: 10 s
	Link     string        `json:"link"`        // a name that link.Parse knows; "": clean
	Override link.Override `json:"override"`
	Seed     uint64        `json:"seed"`
}

// ObserveResult is what viewers of a WHEP server saw.
type ObserveResult struct {
	Began       time.Time       `json:"began"`
	Took        time.Duration   `json:"took_ns"`
	Command     []string        `json:"command"`
	Machine     Machine         `json:"machine"`
	Versions    []string        `json:"versions"`
	Plan        Observe         `json:"plan"`
	Link        link.Link       `json:"line"`
	Observation rtc.Observation `json:"observation"`
	Load        Saturation      `json:"load"`
	Failed      []string        `json:"failed,omitempty"` // viewers that ended early, and of what; streams that stopped
	Invalid     []string        `json:"invalid,omitempty"`
}

// ObserveServer looks at a WHEP server. When ctx ends it returns what was seen
// until then.
func ObserveServer(ctx context.Context, p Observe, progress Progress) (x ObserveResult, err error) {
	p.Viewers, p.Duration = or(p.Viewers, 1), or(p.Duration, 10*time.Second)
	if p.Viewers < 1 || p.Viewers > maxViewers || p.Duration < time.Millisecond || p.Duration > maxDuration {
		return x, fmt.Errorf("%w: %d viewers for %s", ErrPlan, p.Viewers, p.Duration)
	}
	line, err := Plan{Link: p.Link, Override: p.Override, Duration: p.Duration}.lineOf()
	if err != nil {
		return x, fmt.Errorf("%w: %w", ErrPlan, err)
	}
	x = ObserveResult{Began: time.Now(), Command: CommandLine(os.Args), Machine: thisMachine(), Versions: versions(), Plan: p, Link: line}
	x.Plan.At = p.At.shown()
	from := x.Began.Add(2500*time.Millisecond + time.Duration(p.Viewers)*arrival + 10*line.RTT())
	viewing, leave := context.WithCancel(ctx)
	var seen rtc.Observer
	var tasks sync.WaitGroup
	var mu sync.Mutex // guards x.Failed
	defer tasks.Wait()
	defer leave()
	for k := range p.Viewers {
		o := rtc.Options{URL: p.At.URL, Token: p.At.Token, Link: line.Emulate(p.Seed+uint64(k), from)}
		tasks.Go(func() {
			if pause(viewing, time.Duration(k)*arrival) != nil {
				return
			}
			if err := rtc.Watch(viewing, o, &seen); err != nil && viewing.Err() == nil {
				mu.Lock()
				defer mu.Unlock()
				x.Failed = append(x.Failed, fmt.Sprintf("viewer %d: %s", k, err))
			}
		})
	}
	stuck := func() error { // all have failed
		mu.Lock()
		defer mu.Unlock()
		if len(x.Failed) < p.Viewers {
			return nil
		}
		return errors.New(x.Failed[0])
	}
	to := from.Add(p.Duration)
	total := to.Sub(x.Began)
	tell := func(what string) { progress(min(time.Since(x.Began).Seconds()/total.Seconds(), 1), what) }
	for time.Now().Before(from) && ctx.Err() == nil {
		started, _ := seen.Started()
		tell(fmt.Sprintf("viewers come: %d of %d", started, p.Viewers))
		if err := stuck(); err != nil {
			return x, err
		}
		_ = pause(ctx, min(look, time.Until(from))) // what ended is looked at above
	}
	turns := newTicker()
	for time.Now().Before(to) && ctx.Err() == nil {
		tell("measuring: " + time.Until(to).Round(time.Second).String())
		_ = pause(ctx, min(look, time.Until(to)))
	}
	turns.end()
	x.Load.Turns = turns.late.Quantiles()
	if ctx.Err() != nil {
		to = time.Now()
	} else if err := pause(ctx, drain); err != nil {
		return x, err
	}
	x.Observation = seen.Window(from, to)
	leave()
	tasks.Wait()
	x.Took = time.Since(x.Began)
	x.Failed = append(x.Failed, x.stopped()...)
	frames := uint64(0)
	for _, k := range x.Observation.Kinds {
		frames += k.Bytes
	}
	x.Invalid = x.Load.faults(frames)
	if len(x.Observation.Kinds) == 0 {
		return x, errors.Join(errors.New("no frame came"), stuck())
	}
	return x, nil
}

// stopped says which viewers had no frame, or none any more at the end.
func (x ObserveResult) stopped() (faults []string) {
	if none := x.Plan.Viewers - int(x.Observation.Startup.Count); none > 0 && len(x.Failed) == 0 {
		faults = append(faults, fmt.Sprintf("%d of %d viewers had no frame", none, x.Plan.Viewers))
	}
	for _, kind := range slices.Sorted(maps.Keys(x.Observation.Kinds)) {
		if n := x.Observation.Kinds[kind].Silent; n > 0 {
			faults = append(faults, fmt.Sprintf("no %s came to %d of %d viewers for a second or more at the end: the server or its source has stopped", kind, n, x.Plan.Viewers))
		}
	}
	return faults
}

// Err returns an error when the load was what gave way, or viewers did not have the
// stream to the end, with the reasons.
func (x ObserveResult) Err() error {
	if len(x.Invalid) == 0 && len(x.Failed) > 0 {
		return fmt.Errorf("the stream did not last: %s", x.Failed[0])
	}
	if len(x.Invalid) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrSaturated, strings.Join(x.Invalid, ", "))
}
