package bridge

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Authorize says whether somebody may publish under a name, by a credential that is ""
// when none was shown, and until when: the zero time is for good. The error wraps
// ErrUnauthorized, ErrForbidden or ErrUnknownPermission. It may wait, as long as ctx. nil permits everything.
type Authorize func(ctx context.Context, name string, from Ingest, credential string) (until time.Time, err error)

// Permit asks once, and again when the time is over: end is then called with the
// reason, once, unless the permission goes on, from a goroutine of its own. The
// caller calls stop when the publication has ended.
func (a Authorize) Permit(ctx context.Context, name string, from Ingest, credential string, end func(error)) (stop func(), err error) {
	if a == nil {
		return func() {}, nil
	}
	until, err := a(ctx, name, from, credential)
	if err != nil {
		return nil, err
	}
	if until.IsZero() {
		return func() {}, nil
	}
	p := &permit{end: end, until: until, ask: func() (time.Time, error) {
		ctx, cancel := context.WithTimeout(context.Background(), askPatience)
		defer cancel()
		return a(ctx, name, from, credential)
	}}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(p.sleep(), p.look)
	return p.stop, nil
}

const (
	askPatience = 5 * time.Second
	// longestSleep bounds how long a timer runs: ends are times of the day, which may be
	// set while it does.
	longestSleep = time.Minute
)

// permit is a permission that ends. It has a goroutine while it asks again.
type permit struct {
	ask func() (time.Time, error)
	end func(error)

	mu      sync.Mutex // guards what follows
	until   time.Time
	timer   *time.Timer
	stopped bool
}

// sleep is how long to wait. The caller holds mu.
func (p *permit) sleep() time.Duration { return min(time.Until(p.until), longestSleep) }

func (p *permit) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.timer.Stop()
}

func (p *permit) look() {
	p.mu.Lock()
	due := !time.Now().Before(p.until)
	if !due && !p.stopped {
		p.timer.Reset(p.sleep())
	}
	p.mu.Unlock()
	if !due {
		return
	}
	until, err := p.ask()
	if err == nil && !until.IsZero() && !time.Now().Before(until) {
		err = ErrUnauthorized
	}
	p.mu.Lock()
	over := p.stopped
	if err == nil && !until.IsZero() && !over {
		p.until = until
		p.timer.Reset(p.sleep())
	}
	p.mu.Unlock()
	if err != nil && !over {
		p.end(fmt.Errorf("the permission to publish is over: %w", err))
	}
}
