package moq

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"moqedge/moq/wire"
)

// attention is how a session waits for what the peer sends besides requests: data
// streams, datagrams, GOAWAY, the end of a control stream. Each of them takes a
// goroutine that blocks, as the transport has no other way to wait, and many
// sessions of a server only wait, and nothing was asked of them: what comes besides
// requests is GOAWAY, or of no use. Such a session rests, which is to say that it
// looks once in lookEvery, without a goroutine in between. It attends for good as
// soon as it asks for data or is offered some, or a look has found anything.
//
// The sessions of clients attend from the start, as do those between relays, and
// those that send objects from then on: each look costs a wakeup of the process.
type attention struct {
	mu      sync.Mutex         // never held while a look reads; taken before no other lock
	full    bool               // it attends, or does when the look under way is over
	looking bool               // a look is under way: control is its own
	opening context.CancelFunc // ends the wait for the peer's control stream; nil: nobody waits for it
	control *inbound           // the peer's control stream while it rests
	next    *time.Timer        // of the next look; nil: it does not rest
}

// lookEvery is how late a session that rests may notice something.
const lookEvery = time.Second

// lookSlots is how many times in lookEvery sessions look. Each time costs a wakeup of
// the process, each session that looks at the same time memory for a goroutine.
const lookSlots = 16

// untilLook is how long until the next look, which is one that others look at, too,
// but not all of them.
func untilLook() time.Duration {
	const slot = lookEvery / lookSlots
	now := time.Now()
	return now.Add(lookEvery - slot*time.Duration(rand.N(lookSlots/4))).Truncate(slot).Sub(now)
}

// glimpse is how long a look waits for the control stream at least: with no time at all
// nothing is read of what is there either. It is over before the process would sleep.
const glimpse = 3 * time.Microsecond

// open has a server's session wait for the peer's control stream, where that is a
// stream of its own, and that of a client attend.
func (s *Session) open() {
	a := &s.attention
	if s.conn.Info().Client {
		s.attend()
		return
	}
	if s.version.Has(wire.FeatureControlStream) {
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	a.mu.Lock()
	a.opening = cancel
	a.mu.Unlock()
	s.tasks.Go(func() { s.acceptUni(ctx) })
}

// attend has the session wait for all that the peer may send, from now on.
func (s *Session) attend() {
	a := &s.attention
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.full {
		return
	}
	a.full = true
	if a.next != nil {
		a.next.Stop()
		a.next = nil
	}
	if !a.looking {
		s.listen()
	}
}

// listen starts what waits for the peer. The caller holds the mu of attention.
func (s *Session) listen() {
	a := &s.attention
	if a.opening == nil { // else it goes on
		s.tasks.Go(func() { s.acceptUni(s.ctx) })
	}
	s.tasks.Go(s.receiveDatagrams)
	if !s.version.Has(wire.FeatureControlStream) {
		s.watchControl(s.control)
	}
	if in := a.control; in != nil {
		a.control = nil
		s.tasks.Go(func() {
			defer in.free()
			s.fail(s.followControl(in))
		})
	}
}

// rest has a session that nothing is wanted from rest, when the peer's SETUP was
// accepted. control is the peer's control stream, between two messages, nil when
// requests are what comes on it; it is left to the look when the result is true.
func (s *Session) rest(control *inbound) bool {
	if s.betweenRelays() {
		s.attend()
	}
	a := &s.attention
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.full || control != nil && !control.park() {
		return false
	}
	if a.opening != nil {
		a.opening()
		a.opening = nil
	}
	a.control = control
	a.next = time.AfterFunc(untilLook(), s.look)
	return true
}

// look sees what has come, and has the session attend if that is anything. It is
// called by the timer, which is not set again when the session is over.
func (s *Session) look() {
	s.tasks.Add()
	defer s.tasks.Done()
	a := &s.attention
	a.mu.Lock()
	if a.full || s.ctx.Err() != nil {
		a.mu.Unlock()
		return
	}
	a.looking = true
	control := a.control
	a.mu.Unlock()
	stream, noStream := s.conn.AcceptUniStream(new(glance))
	datagram, noDatagram := s.conn.ReceiveDatagram(new(glance))
	found := noStream == nil || noDatagram == nil || control != nil && control.pending() ||
		!s.version.Has(wire.FeatureControlStream) && s.control.stream.Context().Err() != nil
	if noStream == nil {
		s.tasks.Go(func() { s.receive(stream) })
	}
	if noDatagram == nil {
		s.fail(s.takeDatagram(datagram))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.looking = false
	switch {
	case found || a.full: // it was asked to attend meanwhile
		a.full, a.next = true, nil
		s.listen()
	default:
		a.next.Reset(untilLook())
	}
}

// glance is a context for calls that are to return what is there and not to wait:
// it is over as soon as somebody waits for its end.
type glance struct{ over bool }

var _ context.Context = (*glance)(nil)

func (*glance) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context.
func (g *glance) Done() <-chan struct{} {
	g.over = true
	return doneAlready
}

// Err implements context.Context.
func (g *glance) Err() error {
	if g.over {
		return context.DeadlineExceeded
	}
	return nil
}

func (*glance) Value(any) any { return nil }

// doneAlready is closed.
var doneAlready = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// park gives the buffer back, between two messages; false means that another one
// has begun.
func (in *inbound) park() bool {
	if len(in.window()) > 0 {
		return false
	}
	in.rewind()
	return true
}

// pending reports whether anything has come, or the stream is over.
func (in *inbound) pending() bool {
	// The transport looks at the deadline before it looks for data. How long it takes to
	// get there is measured with a deadline that has passed.
	began := time.Now()
	if in.comes(began) {
		_ = in.stream.SetReadDeadline(time.Time{})
		return true
	}
	now := time.Now()
	found := in.comes(now.Add(max(glimpse, 4*now.Sub(began))))
	_ = in.stream.SetReadDeadline(time.Time{})
	return found
}

// comes reads until a time.
func (in *inbound) comes(until time.Time) bool {
	_ = in.stream.SetReadDeadline(until)
	n, err := in.stream.Read(in.buffer)
	in.end = n
	return n > 0 || !errors.Is(err, os.ErrDeadlineExceeded)
}
