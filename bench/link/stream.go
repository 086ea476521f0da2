package link

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// maxSegment is the payload of a TCP packet of 1500 bytes.
const maxSegment = 1500 - tcpHeaders

// stream is a TCP connection over a link. Its two goroutines end after Close: that
// which reads at once, that which writes when what was written has been sent.
//
// Lock order: writing, then those of up.
type stream struct {
	e        *Emulator
	conn     net.Conn
	down, up *queue
	writing  sync.Mutex // one Write after the other
	writeBy  atomic.Int64
	closing  sync.Once
}

func (e *Emulator) stream(c net.Conn) *stream {
	s := &stream{
		e: e, conn: c,
		down: newQueue(e.now, e.link.slack()),
		up:   newQueue(e.now, e.link.slack()),
	}
	s.writeBy.Store(never)
	go s.receive()
	go s.send()
	return s
}

// receive puts on the line what comes, as long as there is not too much on it.
func (s *stream) receive() {
	buf := make([]byte, maxSegment)
	forever := func() int64 { return never }
	for s.down.await(forever) == nil {
		n, err := s.conn.Read(buf)
		if n > 0 {
			s.down.copy(s.e.down.carry(s.e.now(), n+tcpHeaders), buf[:n], address{})
		}
		if err != nil {
			s.down.finish(s.e.down.carry(s.e.now(), tcpHeaders), err)
			return
		}
	}
}

// send writes what has crossed the line, and closes the connection in the end.
func (s *stream) send() {
	defer s.conn.Close()
	buf := make([]byte, maxSegment)
	for {
		n, _, err := s.up.take(buf, true)
		if err != nil {
			return
		}
		if _, err := s.conn.Write(buf[:n]); err != nil {
			s.up.abort(err)
			return
		}
	}
}

// Read implements net.Conn.
func (s *stream) Read(b []byte) (int, error) {
	n, _, err := s.down.take(b, false)
	return n, err
}

// Write implements net.Conn. It waits while 64 kB are on their way.
func (s *stream) Write(b []byte) (n int, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	for n < len(b) {
		if err := s.up.await(s.writeBy.Load); err != nil {
			return n, err
		}
		segment := b[n:min(n+maxSegment, len(b))]
		if !s.up.copy(s.e.up.carry(s.e.now(), len(segment)+tcpHeaders), segment, address{}) {
			return n, net.ErrClosed
		}
		n += len(segment)
	}
	return n, nil
}

// Close implements net.Conn. It returns at once; what was written is still sent.
func (s *stream) Close() error {
	err := net.ErrClosed
	s.closing.Do(func() {
		s.down.abort(net.ErrClosed)
		err = s.conn.SetReadDeadline(time.Now()) // ends receive
		if due := s.e.up.carry(s.e.now(), tcpHeaders); due == never {
			s.up.abort(net.ErrClosed)
		} else {
			s.up.finish(due, net.ErrClosed)
		}
	})
	return err
}

// LocalAddr implements net.Conn.
func (s *stream) LocalAddr() net.Addr { return s.conn.LocalAddr() }

// RemoteAddr implements net.Conn.
func (s *stream) RemoteAddr() net.Addr { return s.conn.RemoteAddr() }

// SetDeadline implements net.Conn.
func (s *stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (s *stream) SetReadDeadline(t time.Time) error {
	s.down.setDeadline(s.e.deadlineOf(t))
	return nil
}

// SetWriteDeadline implements net.Conn.
func (s *stream) SetWriteDeadline(t time.Time) error {
	s.writeBy.Store(s.e.deadlineOf(t))
	s.up.recheck()
	return nil
}
