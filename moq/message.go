package moq

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// messageWriter writes control messages to a stream. A peer that does not take
// one within Config.ControlTimeout loses the session: it does not read what it
// has to.
type messageWriter struct {
	session *Session
	stream  transport.SendStream
	version wire.Version
	ended   atomic.Bool   // FIN or reset was sent
	turn    chan struct{} // holds one while somebody writes, which may take long; guards what follows
	failed  bool          // a message may have been written in part
}

func (s *Session) newMessageWriter(stream transport.SendStream) *messageWriter {
	return &messageWriter{session: s, stream: stream, version: s.version, turn: make(chan struct{}, 1)}
}

func (w *messageWriter) lock()   { w.turn <- struct{}{} }
func (w *messageWriter) unlock() { <-w.turn }

// send writes one message.
func (w *messageWriter) send(m wire.Message) error {
	b, err := wire.AppendMessage(nil, w.session.dialect(), m)
	if err != nil {
		return err
	}
	w.lock()
	defer w.unlock()
	if w.ended.Load() {
		return io.ErrClosedPipe
	}
	_ = w.stream.SetWriteDeadline(time.Now().Add(w.session.config.ControlTimeout))
	if _, err = w.stream.Write(b); err != nil {
		w.failed = true
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = &wire.Error{Code: wire.SessionControlMessageTimeout, Reason: m.Type().String() + " was not taken in time"}
		w.session.fail(err)
	}
	return err
}

// broken reports whether a message may have been written in part.
func (w *messageWriter) broken() bool {
	w.lock()
	defer w.unlock()
	return w.failed
}

// finish writes m, when there is one, and FIN.
func (w *messageWriter) finish(m wire.Message) {
	if m != nil {
		_ = w.send(m)
	}
	w.lock()
	defer w.unlock()
	if !w.ended.Swap(true) {
		_ = w.stream.Close()
	}
}

// reset gives the stream up, unless it has ended: what was said then holds
// (moqt-19 §3.3.3).
func (w *messageWriter) reset(code wire.ResetCode) {
	if !w.ended.Swap(true) {
		w.stream.Reset(w.version.ResetNumber(code))
	}
}

// phrase cuts words to what fits a Reason Phrase (moqt-18 §1.4.4).
func phrase(s string) string {
	if len(s) <= wire.MaxReasonPhrase {
		return s
	}
	return strings.ToValidUTF8(s[:wire.MaxReasonPhrase], "")
}

// inbound reads a stream through a buffer that parsers look into. An item that
// has begun must be complete within a timeout: a peer that sends a byte now and
// then holds a session's memory for nothing.
type inbound struct {
	stream     transport.ReceiveStream
	buffer     []byte   // waiting[:], from buffers, or larger
	waiting    [48]byte // what a message is waited for with: it may be long in coming
	messages   bool     // control messages are read, not data
	start, end int
	timeout    time.Duration
	late       wire.SessionError // code of the timeout
	armed      bool              // the read deadline is set
	session    *Session          // whose Config.Intake is told what is read; nil: it is not
}

var buffers = sync.Pool{New: func() any { return new([4 << 10]byte) }}

// newInbound reads control messages, each of which must arrive within the timeout.
func newInbound(r transport.ReceiveStream, timeout time.Duration) *inbound {
	in := &inbound{stream: r, timeout: timeout, late: wire.SessionControlMessageTimeout, messages: true}
	in.buffer = in.waiting[:]
	return in
}

// newDataInbound reads objects and their headers.
func newDataInbound(r transport.ReceiveStream, s *Session) *inbound {
	return &inbound{stream: r, buffer: newBuffer(), timeout: s.config.DataTimeout, late: wire.SessionDataStreamTimeout, session: s}
}

func newBuffer() []byte { return buffers.Get().(*[4 << 10]byte)[:] }

// release returns a buffer of newBuffer; others are left to the garbage collector.
func release(b []byte) {
	if len(b) == 4<<10 {
		buffers.Put((*[4 << 10]byte)(b))
	}
}

// begun starts the timeout of an item that has begun, if it is not running.
func (in *inbound) begun() {
	if !in.armed {
		in.armed = true
		_ = in.stream.SetReadDeadline(time.Now().Add(in.timeout))
	}
}

// completed ends the timeout.
func (in *inbound) completed() {
	if in.armed {
		in.armed = false
		_ = in.stream.SetReadDeadline(time.Time{})
	}
}

// read is stream.Read with the timeout as a fault of the peer.
func (in *inbound) read(b []byte) (int, error) {
	n, err := in.stream.Read(b)
	in.took(n)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = &wire.Error{Code: in.late, Reason: "what was begun was not completed in time"}
	}
	return n, err
}

// untouched reports whether err is that nothing came in time.
func (in *inbound) untouched(err error) bool {
	var e *wire.Error
	return errors.As(err, &e) && e.Code == in.late && len(in.window()) == 0
}

// free returns the buffer; the inbound must not be used after it.
func (in *inbound) free() {
	release(in.buffer)
	in.buffer = nil
}

// window is what has been read and not consumed; valid until more.
func (in *inbound) window() []byte { return in.buffer[in.start:in.end] }

func (in *inbound) consume(n int) { in.start += n }

// more reads at least one byte. io.EOF means that the stream ended.
func (in *inbound) more() error {
	if in.start == in.end {
		in.rewind()
	}
	if in.end == len(in.buffer) {
		if in.start > 0 {
			in.end = copy(in.buffer, in.window())
			in.start = 0
		} else {
			in.grow()
		}
	}
	for {
		n, err := in.read(in.buffer[in.end:])
		in.end += n
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// rewind begins anew with a buffer that nothing is in.
func (in *inbound) rewind() {
	in.start, in.end = 0, 0
	switch {
	case in.messages:
		release(in.buffer)
		in.buffer = in.waiting[:]
	case len(in.buffer) > 4<<10: // what was large is over
		in.buffer = newBuffer()
	}
}

// grow makes room for an item that the buffer is too small for.
func (in *inbound) grow() {
	larger := newBuffer
	if n := 2 * len(in.buffer); n > 4<<10 {
		larger = func() []byte { return make([]byte, n) }
	}
	was := in.buffer
	in.buffer = larger()
	copy(in.buffer, was)
	release(was)
}

// parse calls f with the window until it has enough bytes, and consumes what
// it used. io.EOF means that the stream ended between two items,
// io.ErrUnexpectedEOF that it ended within one.
func parse[T any](in *inbound, f func([]byte) (T, int, error)) (T, error) {
	for {
		v, n, err := f(in.window())
		if err == nil {
			in.consume(n)
			in.completed()
			return v, nil
		}
		var none T
		if !errors.Is(err, wire.ErrShort) {
			return none, err
		}
		if len(in.window()) > 0 {
			in.begun()
		}
		if err := in.more(); err != nil {
			if err == io.EOF && len(in.window()) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return none, err
		}
	}
}

// message reads the next control message.
func (in *inbound) message(v wire.Version) (wire.Message, error) {
	return parse(in, func(b []byte) (wire.Message, int, error) { return wire.DecodeMessage(v, b) })
}
