package subscriber

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"moqedge/cmd/moqedge/console"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// ErrEnough is returned by Report.Take after the last object wanted.
var ErrEnough = errors.New("enough objects")

// ReportConfig says what a Report prints.
type ReportConfig struct {
	Console *console.Console
	// JSON prints JSON lines, each with a "type".
	JSON bool
	// Interval prints a summary this often, and no line per object; 0 prints
	// the lines.
	Interval time.Duration
	// Count is how many objects are wanted; 0 means all.
	Count uint64
	// Output gets the raw payloads, one after the other; nil: nothing does.
	Output io.Writer
	// Quiet prints nothing: the payloads go where the lines would.
	Quiet bool
}

// Report prints what comes in. Its methods are safe for concurrent use.
type Report struct {
	config ReportConfig

	mu      sync.Mutex // guards summary and taken
	summary *Summary
	taken   uint64
}

// NewReport returns a report that begins now.
func NewReport(c ReportConfig) *Report {
	return &Report{config: c, summary: newSummary(time.Now())}
}

// Take is the Sink of a Report.
func (r *Report) Take(track wire.FullTrackName, o *live.Object) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := newObject(track, o)
	r.summary.Add(seen)
	if r.config.Output != nil {
		if _, err := r.config.Output.Write(o.Payload()); err != nil {
			return fmt.Errorf("the payload can not be written: %w", err)
		}
	}
	if r.config.Interval == 0 && !r.config.Quiet {
		if err := r.print(seen); err != nil {
			return err
		}
	}
	if r.taken++; r.config.Count > 0 && r.taken >= r.config.Count {
		return ErrEnough
	}
	return nil
}

func (r *Report) print(o Object) error {
	if !r.config.JSON {
		r.config.Console.Line(o.String())
		return nil
	}
	return r.config.Console.JSON(struct {
		Type string `json:"type"`
		Object
	}{"object", o})
}

// Run prints summaries until ctx is done; without an interval it only waits.
func (r *Report) Run(ctx context.Context) {
	if r.config.Interval == 0 || r.config.Quiet {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(r.config.Interval)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			r.mu.Lock()
			reading := r.summary.Next(now)
			r.mu.Unlock()
			r.show("stats", reading)
		case <-ctx.Done():
			return
		}
	}
}

// Finish prints the total, if there were summaries.
func (r *Report) Finish() {
	if r.config.Interval == 0 || r.config.Quiet {
		return
	}
	r.mu.Lock()
	reading := r.summary.Total(time.Now())
	r.mu.Unlock()
	r.config.Console.Close()
	r.show("total", reading)
}

func (r *Report) show(kind string, reading Reading) {
	switch {
	case r.config.JSON:
		// Encoding numbers and text does not fail.
		_ = r.config.Console.JSON(struct {
			Type string `json:"type"`
			Reading
		}{kind, reading})
	case kind == "total":
		r.config.Console.Line("total " + reading.String())
	default:
		r.config.Console.Status(reading.String())
	}
}
