package live

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Listener is told that a track has changed. TrackChanged is called by
// producers, and for what was gathered by a timer's goroutine, and must return at once.
type Listener interface{ TrackChanged() }

// Readers are told at once of what can be used as it is: a whole object, the
// end of a subgroup. Parts of an object are gathered for a moment: one packet at
// a time they would wake every subscriber for each, who would send it on as one
// packet, when the object is there as a whole an instant later or is large
// enough to be sent in batches.
const (
	// gatherFor is how long a part of an object may be kept back. It is added to
	// the way of the first bytes of an object, never to that of the last.
	gatherFor = time.Millisecond
	// gatherBytes are worth to be told of at once.
	gatherBytes = 16 << 10
)

// listeners are those of a track, and what they were not told of yet.
type listeners struct {
	mu    sync.Mutex
	list  atomic.Pointer[[]Listener] // replaced as a whole under mu
	held  atomic.Bool                // something is kept back until the timer fires
	once  sync.Once
	timer *time.Timer
}

// Listen registers l, a comparable value, until the returned function is called;
// a call of TrackChanged may still be under way then.
func (t *Track) Listen(l Listener) (stop func()) {
	t.listeners.change(func(list []Listener) []Listener { return append(slices.Clone(list), l) })
	return func() {
		t.listeners.change(func(list []Listener) []Listener {
			return slices.DeleteFunc(slices.Clone(list), func(x Listener) bool { return x == l })
		})
	}
}

// Listeners counts who listens.
func (t *Track) Listeners() int { return len(t.listeners.get()) }

func (l *listeners) get() []Listener {
	if p := l.list.Load(); p != nil {
		return *p
	}
	return nil
}

func (l *listeners) change(f func([]Listener) []Listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := f(l.get())
	l.list.Store(&list)
}

// notify tells all listeners, also of what was kept back.
func (t *Track) notify() {
	t.listeners.held.Store(false)
	for _, l := range t.listeners.get() {
		l.TrackChanged()
	}
}

// gather tells all listeners soon.
func (t *Track) gather() {
	l := &t.listeners
	if len(l.get()) == 0 || l.held.Swap(true) {
		return
	}
	l.once.Do(func() {
		l.timer = time.AfterFunc(time.Hour, func() {
			if l.held.Load() {
				t.notify()
			}
		})
	})
	l.timer.Reset(gatherFor)
}
