package bridge

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Authorize says whether somebody may publish under a name, by a credential that is ""
// when none was shown, and until when: the zero time is for good. The error wraps
// ErrUnauthorized, ErrForbidden or ErrUnknownPermission. It may wait, as long as ctx.
type Authorize func(ctx context.Context, name string, from Ingest, credential string) (until time.Time, err error)

// Permits asks an Authorize about publications, and again when their time is over or
// somebody says so. nil permits everything. It is safe for concurrent use.
type Permits struct {
	ask Authorize

	mu  sync.Mutex // taken before that of a permit
	all map[*permit]struct{}
}

// NewPermits returns nil for nil.
func NewPermits(a Authorize) *Permits {
	if a == nil {
		return nil
	}
	return &Permits{ask: a, all: map[*permit]struct{}{}}
}

// Permit asks once, and again when the time is over, or with Again: end is then called
// with the reason, once, unless the permission goes on, from a goroutine of its own. The
// caller calls stop when the publication has ended.
func (x *Permits) Permit(ctx context.Context, name string, from Ingest, credential string, end func(error)) (stop func(), err error) {
	if x == nil {
		return func() {}, nil
	}
	p := &permit{end: end, ask: func(ctx context.Context) (time.Time, error) { return x.ask(ctx, name, from, credential) }}
	p.forget = func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		delete(x.all, p)
	}
	x.mu.Lock()
	x.all[p] = struct{}{} // before it is asked: else Again could come between
	x.mu.Unlock()
	defer func() {
		if stop == nil { // it is refused, or ask panicked
			p.forget()
		}
	}()
	until, err := p.ask(ctx)
	if err != nil {
		return nil, err
	}
	p.begin(until)
	return p.stop, nil
}

// Again has all publications asked about anew, because what Authorize goes by has
// changed. It does not wait.
func (x *Permits) Again() {
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for p := range x.all {
		p.again()
	}
}

const (
	askPatience = 5 * time.Second
	// longestSleep bounds how long a timer runs: ends are times of the day, which may be
	// set while it does.
	longestSleep = time.Minute
)

// permit is a permission. It has a goroutine while it is asked about again.
type permit struct {
	ask    func(ctx context.Context) (time.Time, error)
	end    func(error)
	forget func() // takes it from its Permits

	mu      sync.Mutex // guards what follows
	due     time.Time  // when it is asked about again; zero: at no time
	timer   *time.Timer
	begun   bool
	stopped bool
}

// begin sets when it is to be asked about first, unless that is now.
func (p *permit) begin(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = true
	if p.due.IsZero() { // else it was to be asked about again meanwhile
		p.due = until
	}
	p.sleep()
}

// sleep sets the timer. The caller holds mu.
func (p *permit) sleep() {
	switch d := min(time.Until(p.due), longestSleep); {
	case p.stopped || !p.begun || p.due.IsZero():
	case p.timer == nil:
		p.timer = time.AfterFunc(d, p.look)
	default:
		p.timer.Reset(d)
	}
}

func (p *permit) again() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due = time.Now()
	p.sleep()
}

func (p *permit) stop() {
	p.forget()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	if p.timer != nil {
		p.timer.Stop()
	}
}

func (p *permit) look() {
	p.mu.Lock()
	asked := p.due
	due := !time.Now().Before(asked) && !p.stopped
	if !due {
		p.sleep()
	}
	p.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), askPatience)
	until, err := p.ask(ctx)
	cancel()
	if err == nil && !until.IsZero() && !time.Now().Before(until) {
		err = ErrUnauthorized
	}
	p.mu.Lock()
	over := p.stopped
	switch {
	case err != nil:
		p.stopped = true // it is told of once
	case p.due == asked:
		p.due = until
		p.sleep()
	default: // it was to be asked about again meanwhile: what was said may be of before
		p.sleep()
	}
	p.mu.Unlock()
	if err != nil && !over {
		p.end(fmt.Errorf("the permission to publish is over: %w", err))
	}
}
