package report

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

// Console is what Bar needs of a terminal.
type Console interface {
	// Status shows a line in place of the one before, none when it is empty.
	Status(text string)
	// Line prints a line that stays.
	Line(text string)
	// Width is how many columns the terminal has, 0 when there is none.
	Width() int
}

// Bar shows how far a measurement is, and how long it will take. On a terminal it
// is one line, drawn at most five times a second; elsewhere each new step is a
// line: a step is what is being done up to the first colon. Its methods are safe
// for concurrent use.
type Bar struct {
	console Console
	now     func() time.Time
	began   time.Time

	mu    sync.Mutex // guards all below, and is held while the console is written to
	drawn time.Time
	step  string
	ended bool
}

// redraw is how much time there is at least between two drawings.
const redraw = 200 * time.Millisecond

// NewBar returns a bar that begins now. The caller ends it with End.
func NewBar(c Console) *Bar { return newBar(c, time.Now) }

func newBar(c Console, now func() time.Time) *Bar {
	return &Bar{console: c, now: now, began: now()}
}

// Progress is a lab.Progress.
func (b *Bar) Progress(done float64, what string) {
	if math.IsNaN(done) {
		done = 0
	}
	done = min(max(done, 0), 1)
	step, _, _ := strings.Cut(what, ":")
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if b.ended {
		return
	}
	left := b.left(done, now)
	if b.console.Width() == 0 {
		if step != b.step {
			b.step = step
			b.console.Line(step + left)
		}
		return
	}
	if now.Sub(b.drawn) < redraw {
		return
	}
	b.drawn = now
	b.console.Status(fmt.Sprintf("%s %3.0f %%%s  %s", drawing(done), math.Floor(done*100), left, what))
}

// left says how long it takes still, once that can be told.
func (b *Bar) left(done float64, now time.Time) string {
	took := now.Sub(b.began)
	if done < 0.02 || took < 2*time.Second {
		return ""
	}
	rest := time.Duration(float64(took) / done * (1 - done))
	return ", " + duration(max(rest.Round(time.Second), time.Second)) + " left"
}

// drawing is a bar of 20 columns.
func drawing(done float64) string {
	const columns = 20
	full := int(done * columns)
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", columns-full) + "]"
}

// End takes the bar away. What is reported later is not shown.
func (b *Bar) End() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended && b.console.Width() > 0 {
		b.console.Status("")
	}
	b.ended = true
}
