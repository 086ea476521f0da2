package peer

import (
	"context"
	"sync"
	"time"

	"moqedge/moq"
)

// Publisher offers the tracks of an origin on the sessions of Keep, on one after
// the other and on two of them while they are exchanged.
type Publisher struct {
	origin *moq.Origin

	mu      sync.Mutex
	serving map[*moq.Session]int // subscriptions
}

// NewPublisher returns a publisher. Options.Session of Keep has it as Handler.
func NewPublisher(o *moq.Origin) *Publisher {
	return &Publisher{origin: o, serving: make(map[*moq.Session]int)}
}

// Serve implements moq.Handler.
func (p *Publisher) Serve(ctx context.Context, r moq.Request) {
	if _, ok := r.(*moq.SubscribeRequest); ok {
		p.count(r.Session(), 1)
		context.AfterFunc(ctx, func() { p.count(r.Session(), -1) })
	}
	p.origin.Serve(ctx, r)
}

func (p *Publisher) count(s *moq.Session, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.serving[s] += n; p.serving[s] == 0 {
		delete(p.serving, s)
	}
}

func (p *Publisher) busy(s *moq.Session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.serving[s] > 0
}

const (
	// leaveAfter is how long a session is kept after another took its place:
	// whoever has tracks from it finds them there meanwhile.
	leaveAfter = 2 * time.Second
	leaveCheck = 100 * time.Millisecond
)

// Use implements Use: it announces the origin's namespaces. A session that is to
// be left is kept until nobody has anything from it any more.
func (p *Publisher) Use(ctx context.Context, s *moq.Session, leave <-chan struct{}) error {
	announcing, stop := context.WithCancel(ctx)
	defer stop()
	var leaving sync.WaitGroup
	leaving.Go(func() {
		defer stop()
		select {
		case <-leave:
		case <-ctx.Done():
			return
		}
		for wait := leaveAfter; wait == leaveAfter || p.busy(s); wait = leaveCheck {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
		}
	})
	p.origin.Announce(announcing, s)
	leaving.Wait()
	return nil
}
