package peer

import (
	"errors"
	"io"

	"moqedge/moq/wire"
)

// reader reads items off a stream.
type reader struct {
	from   io.Reader
	buffer []byte
	chunk  [8 << 10]byte
	gate   func() // called before bytes are read; nil: nothing
}

func newReader(from io.Reader) *reader { return &reader{from: from} }

// more reads at least one byte.
func (in *reader) more() error {
	if in.gate != nil {
		in.gate()
	}
	n, err := in.from.Read(in.chunk[:])
	in.buffer = append(in.buffer, in.chunk[:n]...)
	if n > 0 {
		return nil
	}
	return err
}

// take parses one item. io.EOF is a stream that ended before it, and
// io.ErrUnexpectedEOF one that ended within it.
func take[T any](in *reader, parse func([]byte) (T, int, error)) (T, error) {
	for {
		v, n, err := parse(in.buffer)
		if err == nil {
			in.buffer = in.buffer[n:]
			return v, nil
		}
		var none T
		if !errors.Is(err, wire.ErrShort) {
			return none, err
		}
		if err := in.more(); err != nil {
			if err == io.EOF && len(in.buffer) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return none, err
		}
	}
}

func (in *reader) message(v wire.Version) (wire.Message, error) {
	return take(in, func(b []byte) (wire.Message, int, error) { return wire.DecodeMessage(v, b) })
}

// bytes reads n bytes; what came before an error is returned with it.
func (in *reader) bytes(n uint64) ([]byte, error) {
	for uint64(len(in.buffer)) < n {
		if err := in.more(); err != nil {
			b := in.buffer
			in.buffer = nil
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return b, err
		}
	}
	b := in.buffer[:n:n]
	in.buffer = in.buffer[n:]
	return b, nil
}
