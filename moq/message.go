package moq

import (
	"errors"
	"io"
	"sync"
	"time"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// writeTimeout bounds how long a control message may be stuck in flow control.
const writeTimeout = 10 * time.Second

// messageWriter writes control messages to a stream.
type messageWriter struct {
	stream  transport.SendStream
	version wire.Version
	mu      sync.Mutex
	closed  bool
}

// send writes one message.
func (w *messageWriter) send(m wire.Message) error {
	b, err := wire.AppendMessage(nil, w.version, m)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return io.ErrClosedPipe
	}
	_ = w.stream.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err = w.stream.Write(b)
	return err
}

// finish writes m, when there is one, and FIN.
func (w *messageWriter) finish(m wire.Message) {
	if m != nil {
		_ = w.send(m)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.closed = true
		_ = w.stream.Close()
	}
}

// reset gives the stream up.
func (w *messageWriter) reset(code wire.ResetCode) {
	w.stream.Reset(uint64(code))
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
}

// inbound reads a stream through a buffer that parsers look into.
type inbound struct {
	stream     io.Reader
	buffer     []byte
	start, end int
}

var buffers = sync.Pool{New: func() any { return new([4 << 10]byte) }}

func newInbound(r io.Reader) *inbound {
	return &inbound{stream: r, buffer: buffers.Get().(*[4 << 10]byte)[:]}
}

// free returns the buffer; the inbound must not be used after it.
func (in *inbound) free() {
	if len(in.buffer) == 4<<10 {
		buffers.Put((*[4 << 10]byte)(in.buffer))
	}
	in.buffer = nil
}

// window is what has been read and not consumed; valid until more.
func (in *inbound) window() []byte { return in.buffer[in.start:in.end] }

func (in *inbound) consume(n int) { in.start += n }

// more reads at least one byte. io.EOF means that the stream ended.
func (in *inbound) more() error {
	if in.start == in.end {
		in.start, in.end = 0, 0
	}
	if in.end == len(in.buffer) {
		if in.start > 0 {
			in.end = copy(in.buffer, in.window())
			in.start = 0
		} else {
			in.buffer = append(make([]byte, 0, 2*len(in.buffer)), in.buffer...)[:2*len(in.buffer)]
		}
	}
	for {
		n, err := in.stream.Read(in.buffer[in.end:])
		in.end += n
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// parse calls f with the window until it has enough bytes, and consumes what
// it used. io.EOF means that the stream ended between two items,
// io.ErrUnexpectedEOF that it ended within one.
func parse[T any](in *inbound, f func([]byte) (T, int, error)) (T, error) {
	for {
		v, n, err := f(in.window())
		if err == nil {
			in.consume(n)
			return v, nil
		}
		var none T
		if !errors.Is(err, wire.ErrShort) {
			return none, err
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
