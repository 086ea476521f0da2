package moq

import (
	"fmt"
	"io"
)

// tooLargeError says that an object is larger than this side accepts.
type tooLargeError struct{ size, limit uint64 }

func tooLarge(size, limit uint64) error { return &tooLargeError{size, limit} }

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("object of %d bytes, the limit is %d", e.size, e.limit)
}

// sink takes payload bytes: a live.SubgroupWriter or live.Filler.
type sink interface {
	Buffer() []byte
	Commit(n int)
}

// payload moves the rest of the current object from the stream into to: what
// the window holds is copied, the rest is read in place.
func (in *inbound) payload(to sink, s *Session) error {
	got := int64(0)
	defer func() { s.partial.bytes.Add(-got) }()
	for {
		b := to.Buffer()
		if len(b) == 0 {
			in.completed()
			return nil
		}
		n := copy(b, in.window())
		in.consume(n)
		if n == 0 {
			var err error
			in.begun()
			if n, err = in.read(b); n == 0 && err != nil {
				if err == io.EOF {
					err = io.ErrUnexpectedEOF
				}
				return err
			}
		}
		s.config.Counters.Bytes.Add(uint64(n))
		to.Commit(n)
		got += int64(n)
		if s.partial.bytes.Add(int64(n)) > s.partial.limit || !s.config.Room() {
			return errOverload{}
		}
	}
}

// bytes reads n bytes; it allocates as they come.
func (in *inbound) bytes(n uint64) ([]byte, error) {
	var b []byte
	for uint64(len(b)) < n {
		if len(in.window()) == 0 {
			in.begun()
			if err := in.more(); err != nil {
				if err == io.EOF {
					err = io.ErrUnexpectedEOF
				}
				return nil, err
			}
		}
		k := min(n-uint64(len(b)), uint64(len(in.window())))
		b = append(b, in.window()[:k]...)
		in.consume(int(k))
	}
	return b, nil
}
