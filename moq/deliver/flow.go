package deliver

import (
	"errors"
	"sync"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// flow is one stream that is being written: where it is in its source, and
// what of the current object is still to be sent.
type flow struct {
	scheduler *Scheduler
	ticket    *ticket // of the request it is of
	source    source

	stream transport.SendStream // nil until there is something to send
	header []byte               // framing bytes not sent yet; may be shared, never changed
	guard  int                  // bytes of header that a reset has to deliver, not sent yet
	object *live.Object         // whose payload is being sent
	offset uint64

	idle    bool // nothing to do until the track changes
	suspect bool // it took nothing for long: the peer's flow control may not allow more
	stalls  int
	parked  time.Time // until then it is not tried
	since   time.Time // when the peer began to hold it up; zero while it does not
}

// source says what a flow sends.
type source interface {
	// preface returns the header of a new stream.
	preface() []byte
	// next sets the flow's header and object, or says what else to do.
	next(f *flow, now time.Time) verdict
	// check reports whether what is being sent has to be given up.
	check(f *flow, now time.Time) (v verdict, over bool)
	// overdue reports whether a flow that the peer has held up for long is given up.
	overdue(f *flow, now time.Time) (v verdict, over bool)
	// stuck says what to do when the object being sent has no bytes left for now.
	stuck(f *flow) verdict
	place() place
	// finish ends the flow, which is then forgotten by its request.
	finish(f *flow, v verdict)
}

// verdict is what a source decides.
type verdict struct {
	action action
	code   wire.ResetCode // of a reset
	keep   bool           // of a reset: what was sent is still delivered
	final  bool           // the source has nothing to send any more, whatever comes
	linger time.Time      // of complete: when the stream is reset if it is not delivered; zero is never
}

type action uint8

const (
	send     action = iota // header and object are set
	wait                   // nothing now
	again                  // ask once more
	complete               // FIN
	reset                  // reset with code
)

// usable reports whether the flow can be tried now.
func (f *flow) usable(now time.Time) bool {
	if f.idle {
		return false
	}
	s := f.scheduler
	if f.stream == nil && s.opening {
		f.held(now)
		s.starve()
		return false
	}
	if now.Before(f.parked) {
		s.wakeAt(f.parked)
		f.held(now)
		return false
	}
	if !f.since.IsZero() {
		f.held(now)
	}
	return true
}

// park keeps a stream that takes nothing from holding up the others, for longer
// each time.
func (f *flow) park(now time.Time, step, most time.Duration) {
	f.stalls++
	f.parked = now.Add(min(time.Duration(f.stalls)*step, most))
}

// step does one bounded piece of work. The error ends the session.
func (f *flow) step(now time.Time) error {
	s := f.scheduler
	if len(f.header) > 0 || f.object != nil {
		if v, over := f.source.check(f, now); over {
			f.end(v)
			return nil
		}
	}
	for len(f.header) == 0 && f.object == nil {
		switch v := f.source.next(f, now); v.action {
		case again:
			continue
		case wait:
			f.idle = true
			return nil
		case complete, reset:
			f.end(v)
			return nil
		}
	}
	if f.stream == nil {
		st, err := s.open()
		if err != nil {
			return err
		}
		if st == nil {
			return nil
		}
		f.stream = st
		if s.first() {
			st.SetUrgency(transport.UrgencyFirst)
		}
		preface := f.source.preface()
		f.header = append(preface, f.header...)
		f.guard += len(preface)
		s.config.Counters.Streams.Add(1)
	}
	if f.guard > 0 {
		if err := f.introduce(); err != nil {
			return f.check(err)
		}
	}
	if err := f.check(f.push(now)); err != nil {
		return err
	}
	if src, ok := f.source.(*subgroupSource); ok && len(f.header) == 0 && f.object == nil {
		f.idle = src.drained() // then there is no need to ask for what comes next
	}
	return nil
}

// introduce writes what a reset has to deliver, so that it tells what it is of
// (moqt-18 §11.4.3), with the first object if both fit into a packet. When flow control
// has no room for it, it goes with the rest.
func (f *flow) introduce() error {
	b := f.header[:f.guard]
	if o := f.object; o == nil {
		b = f.header
	} else if o.Complete() && uint64(len(f.header))+o.Size <= packet {
		buffer := joins.Get().(*[joinSize]byte)
		defer joins.Put(buffer)
		b = append(append(buffer[:0], f.header...), o.Bytes(0)...)
	}
	ok, err := f.stream.WriteReliable(b)
	if ok {
		f.scheduler.progress(f, len(b))
		f.sent(len(b))
	}
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// push writes what it can of the header and one piece of the payload.
func (f *flow) push(now time.Time) error {
	s := f.scheduler
	var piece []byte
	if f.object != nil {
		piece = f.object.Bytes(f.offset)
		piece = piece[:min(len(piece), s.most())]
	}
	if len(f.header) > 0 && len(piece) == 0 {
		n, err := s.write(f, f.header, now)
		f.sent(n)
		return err
	}
	if len(f.header) > 0 {
		return f.join(piece, now)
	}
	if len(piece) > 0 {
		n, err := s.write(f, piece, now)
		f.sent(n)
		return err
	}
	if o := f.object; o != nil && o.Available() == f.offset && !o.Complete() {
		switch v := f.source.stuck(f); v.action {
		case wait:
			f.idle = true
		case complete, reset:
			f.end(v)
		}
	}
	return nil
}

// joinSize is the largest write that is made by copying a header and the piece
// behind it together.
const joinSize = 16<<10 + 64

var joins = sync.Pool{New: func() any { return new([joinSize]byte) }}

// join writes the header and a piece as one: quic-go takes no list of buffers, and
// sends what it got of two writes as two batches when the connection's goroutine
// looks in between, which costs more than a copy. Mostly none is needed.
func (f *flow) join(piece []byte, now time.Time) error {
	if b := f.object.Joined(f.header, piece); b != nil {
		n, err := f.scheduler.write(f, b, now)
		f.sent(n)
		return err
	}
	buffer := joins.Get().(*[joinSize]byte)
	b := append(append(buffer[:0], f.header...), piece[:min(len(piece), max(0, joinSize-len(f.header)))]...)
	n, err := f.scheduler.write(f, b, now)
	joins.Put(buffer)
	f.sent(n)
	return err
}

// sent moves on by n bytes.
func (f *flow) sent(n int) {
	k := min(n, len(f.header))
	f.header = f.header[k:]
	f.guard = max(f.guard-k, 0)
	f.offset += uint64(n - k)
	if f.object != nil && len(f.header) == 0 && f.offset == f.object.Size {
		f.object, f.offset = nil, 0
		f.scheduler.config.Counters.Objects.Add(1)
		if src, ok := f.source.(*subgroupSource); ok {
			src.subscription.tally.objects.Add(1)
		}
	}
	if f.scheduler.sampled.flow == f && n > 0 {
		f.scheduler.observe()
	}
}

// check tells a stream that the peer does not want from a session that is over.
func (f *flow) check(err error) error {
	if err == nil {
		return nil
	}
	var stopped *transport.StreamError
	if errors.As(err, &stopped) {
		// moqt-18 §11.4.3: no other stream for it
		f.end(verdict{action: reset, code: f.scheduler.version.ResetCode(stopped.Code), final: true})
		return nil
	}
	return err
}

// end closes the stream as v says and has the request forget the flow.
func (f *flow) end(v verdict) {
	if st := f.stream; st != nil && v.action == complete {
		_ = st.Close()
		if !v.linger.IsZero() {
			f.scheduler.linger(st, v.linger)
		}
	} else if st != nil {
		if v.keep {
			f.secure()
		}
		f.scheduler.reset(st, v.code)
	}
	f.source.finish(f, v)
}

// leave resets the stream after what was sent on it, so that another one is
// opened for what comes.
func (f *flow) leave(code wire.ResetCode) {
	if f.stream != nil {
		f.secure()
		f.scheduler.reset(f.stream, code)
		f.stream = nil
	}
}

// secure has a reset deliver what was sent, if the peer's flow control allows it.
// That shows only by sending more: the next byte of what is being sent, or the
// first of an integer that ends with the stream.
func (f *flow) secure() {
	next := []byte{unended}
	switch {
	case len(f.header) > 0:
		next = f.header[:1]
	case f.object != nil:
		next = f.object.Bytes(f.offset)
		next = next[:min(len(next), 1)] // none: all was sent long ago
	}
	_, _ = f.stream.WriteReliable(next) // without it the peer misses what it has not read yet
}

// unended begins an integer of more than one byte in every draft (moqt-18 §1.4.1).
const unended = 0xff

func (f *flow) place() place { return f.source.place() }
