package transport

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/webtransport-go"
)

// goneStream is a stream as webtransport-go v0.13 leaves it when the reset of a
// session that is gone came: Read and Write wait for the end of the session,
// which giving up the stream does not bring nearer, or for a deadline.
type goneStream struct {
	waiting chan struct{} // gets a value when a call begins to wait
	woken   chan struct{}
	once    sync.Once
}

func newGoneStream() *goneStream {
	return &goneStream{waiting: make(chan struct{}, 1), woken: make(chan struct{})}
}

func (g *goneStream) wait() (int, error) {
	g.waiting <- struct{}{}
	<-g.woken
	return 0, os.ErrDeadlineExceeded
}

func (g *goneStream) Read([]byte) (int, error)  { return g.wait() }
func (g *goneStream) Write([]byte) (int, error) { return g.wait() }

func (g *goneStream) CancelRead(webtransport.StreamErrorCode)  {}
func (g *goneStream) CancelWrite(webtransport.StreamErrorCode) {}

func (g *goneStream) SetReadDeadline(t time.Time) error {
	if t.Before(time.Now()) {
		g.once.Do(func() { close(g.woken) })
	}
	return nil
}

func (g *goneStream) SetWriteDeadline(t time.Time) error { return g.SetReadDeadline(t) }
func (g *goneStream) Close() error                       { return nil }
func (g *goneStream) Context() context.Context           { return context.Background() }

// Giving up a stream ends calls that wait on it, also where the library forgets them.
func TestGivenUp(t *testing.T) {
	conn := &network{maxCode: 0xFFFFFFFF}
	for name, c := range map[string]struct {
		call   func(s Stream) (int, error)
		giveUp func(s Stream)
	}{
		"read":  {func(s Stream) (int, error) { return s.Read(make([]byte, 1)) }, func(s Stream) { s.Stop(7); s.Stop(8) }},
		"write": {func(s Stream) (int, error) { return s.Write(make([]byte, 1)) }, func(s Stream) { s.Reset(7); s.Reset(8) }},
	} {
		t.Run(name, func(t *testing.T) {
			gone := newGoneStream()
			s, err := newStream[webtransport.StreamErrorCode](conn, gone, nil)
			if err != nil {
				t.Fatal(err)
			}
			result := make(chan error, 1)
			go func() {
				_, err := c.call(s)
				result <- err
			}()
			<-gone.waiting
			c.giveUp(s)
			if err := <-result; err == nil || err.Error() != (&StreamError{Code: 7}).Error() {
				t.Errorf("got %v", err)
			}
		})
	}
}
