package task

import (
	"runtime/debug"
	"sync"
)

// Group is a number of goroutines. The zero value has none. It is safe for
// concurrent use and must not be copied.
type Group struct {
	// Caught gets what a goroutine panics with, and its stack, in that goroutine;
	// nil: the process ends, as without a group. It is set before the first Go.
	Caught func(value any, stack []byte)

	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n becomes 0; nil while nobody waits
}

// Go calls f in a goroutine of the group.
func (g *Group) Go(f func()) {
	g.Add()
	go func() {
		defer g.Done()
		defer g.catch()
		f()
	}()
}

// catch is deferred.
func (g *Group) catch() {
	if g.Caught == nil {
		return
	}
	if value := recover(); value != nil {
		g.Caught(value, debug.Stack())
	}
}

// Add counts something that ends without having a goroutine all the time, as
// what a callback waits for; it has ended when Done is called.
func (g *Group) Add() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n++
}

// Done is the counterpart of Add.
func (g *Group) Done() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.n--; g.n == 0 && g.idle != nil {
		close(g.idle)
		g.idle = nil
	}
}

// Wait waits until the group has no goroutine, which may be at once. Others may
// be there when it returns, if they are begun by then.
func (g *Group) Wait() {
	g.mu.Lock()
	if g.n == 0 {
		g.mu.Unlock()
		return
	}
	if g.idle == nil {
		g.idle = make(chan struct{})
	}
	idle := g.idle
	g.mu.Unlock()
	<-idle
}
