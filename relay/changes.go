package relay

import "sync/atomic"

// changes lets goroutines wait for the next of a kind of event. The zero value is not usable.
type changes struct {
	next *atomic.Pointer[chan struct{}]
}

func newChanges() changes {
	c := changes{new(atomic.Pointer[chan struct{}])}
	first := make(chan struct{})
	c.next.Store(&first)
	return c
}

// wait returns a channel that is closed by the next announce.
func (c changes) wait() <-chan struct{} { return *c.next.Load() }

func (c changes) announce() {
	next := make(chan struct{})
	close(*c.next.Swap(&next))
}
