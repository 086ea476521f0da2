package node

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// scripted is a listener that fails as it is told, and then waits until it is closed.
type scripted struct {
	errs   []error       // nil is a connection
	over   chan struct{} // closed when all was told; nil: nobody waits
	closed chan struct{}
}

func (s *scripted) Accept() (net.Conn, error) {
	if len(s.errs) == 0 {
		if s.over != nil {
			close(s.over)
		}
		<-s.closed
		return nil, net.ErrClosed
	}
	err := s.errs[0]
	s.errs = s.errs[1:]
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	_ = far.Close()
	return near, nil
}

func (s *scripted) Close() error   { close(s.closed); return nil }
func (s *scripted) Addr() net.Addr { return &net.TCPAddr{} }

// A server outlives whatever its system calls return, does not turn round in circles
// meanwhile, and tells once when it begins and once when it is over.
func TestEnduring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &scripted{over: make(chan struct{}), closed: make(chan struct{})}
		for range 20 {
			l.errs = append(l.errs, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EHOSTUNREACH, errors.New("strange"))
		}
		failures := len(l.errs)
		l.errs = append(l.errs, nil)
		var text nodeLog
		s := &http.Server{ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
		began := time.Now()
		go func() {
			<-l.over
			_ = s.Close()
		}()
		if err := s.Serve(&enduring{Listener: l, log: slog.New(slog.NewTextHandler(&text, nil))}); !errors.Is(err, http.ErrServerClosed) {
			t.Fatal(err)
		}
		// net/http waits 5 ms, twice as long each time, up to a second.
		if took := time.Since(began); took < time.Duration(failures-8)*time.Second {
			t.Errorf("%d attempts in %v", failures, took)
		}
		if got := text.String(); strings.Count(got, "have to wait") != 1 || strings.Count(got, "taken again") != 1 {
			t.Errorf("log:\n%s", got)
		}
	})
}

// Operators are let in with the reserve, which is filled again when they leave, and given
// back at the end.
func TestReserve(t *testing.T) {
	r := newReserve(2)
	l := &enduring{Listener: &scripted{closed: make(chan struct{}), errs: []error{syscall.EMFILE, nil, syscall.EMFILE, nil, syscall.EMFILE, syscall.EMFILE, nil}}, log: slog.New(slog.DiscardHandler), reserve: r}
	var open []net.Conn
	for n := range 2 {
		c, err := l.Accept()
		if err != nil {
			t.Fatalf("operator %d: %v", n, err)
		}
		open = append(open, c)
	}
	if _, err := l.Accept(); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("a third one: %v", err)
	}
	if err := open[0].Close(); err != nil {
		t.Error(err)
	}
	if n := len(r.files); n != 2 {
		t.Errorf("%d in the reserve", n)
	}
	if c, err := l.Accept(); err != nil {
		t.Error(err)
	} else {
		_ = c.Close()
	}
	if err := l.Close(); err != nil || len(r.files) != 0 {
		t.Errorf("%v, %d are kept", err, len(r.files))
	}
	if _ = open[1].Close(); len(r.files) != 0 {
		t.Error("the reserve of a listener that is closed was filled")
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
