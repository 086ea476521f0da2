package node

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
)

// enduring is a listener that nothing but Close ends: a machine that is short of file
// descriptors or memory for a while has those who come wait. It is told of in the log when
// it begins and when it is over. One goroutine accepts.
type enduring struct {
	net.Listener
	log     *slog.Logger
	reserve *reserve // nil: it has none
	ailing  bool     // the last Accept failed
}

// Accept implements net.Listener. http.Server waits after an error that is temporary, up
// to a second, and calls it again.
func (l *enduring) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		switch {
		case err == nil:
			if l.ailing {
				l.ailing = false
				l.log.Info("TCP connections are taken again")
			}
			if l.reserve == nil {
				return c, nil
			}
			return &reservedConn{c, l.reserve}, nil
		case errors.Is(err, net.ErrClosed):
			return nil, err
		case l.reserve.lend():
			continue
		}
		if !l.ailing {
			l.ailing = true
			l.log.Error("TCP connections have to wait: raise the limit of open files (LimitNOFILE, ulimit -n) if there are too many", "error", err)
		}
		return nil, passing{err}
	}
}

// Close implements net.Listener.
func (l *enduring) Close() error {
	l.reserve.close()
	return l.Listener.Close()
}

// passing is an error that is over some time.
type passing struct{ error }

// Unwrap returns what it was.
func (p passing) Unwrap() error { return p.error }

// Timeout implements net.Error.
func (passing) Timeout() bool { return false }

// Temporary implements net.Error, for http.Server.
func (passing) Temporary() bool { return true }

// reserve is file descriptors for who has to be let in when there are no others, such as
// operators who want to know why. A nil one is empty.
type reserve struct {
	mu    sync.Mutex
	size  int // 0 once it is closed
	files []*os.File
}

func newReserve(size int) *reserve {
	r := &reserve{size: size}
	r.fill()
	return r
}

// fill takes what is missing, as far as it is to be had.
func (r *reserve) fill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.files) < r.size {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return
		}
		r.files = append(r.files, f)
	}
}

// lend gives one back to the system; false: there is none.
func (r *reserve) lend() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.files) - 1
	if last < 0 {
		return false
	}
	_ = r.files[last].Close() // nothing was written
	r.files = r.files[:last]
	return true
}

// close gives all of them back for good.
func (r *reserve) close() {
	if r == nil {
		return
	}
	r.mu.Lock()
	r.size = 0
	r.mu.Unlock()
	for r.lend() {
	}
}

// reservedConn fills the reserve when it is over.
type reservedConn struct {
	net.Conn
	reserve *reserve
}

// Close implements net.Conn.
func (c *reservedConn) Close() error {
	err := c.Conn.Close()
	c.reserve.fill()
	return err
}
