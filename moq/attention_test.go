package moq_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// What comes from a peer that nothing was asked of is noticed within a second,
// though nobody waits for it: messages, streams and datagrams, which the tolerance of
// the session does not bear.
func TestRestingSession(t *testing.T) {
	for name, x := range map[string]struct {
		do   func(t *testing.T, f *flooder)
		from wire.Version
		want wire.SessionError
	}{
		"datagram": {from: wire.Draft16, want: wire.SessionProtocolViolation, do: func(t *testing.T, f *flooder) {
			if err := f.conn.SendDatagram(wire.AppendDatagram(nil, f.v, &wire.Datagram{TrackAlias: 3, Payload: []byte("x")})); err != nil {
				t.Error(err)
			}
			if err := f.conn.SendDatagram(wire.AppendDatagram(nil, f.v, &wire.Datagram{TrackAlias: 4, Payload: []byte("x")})); err != nil {
				t.Error(err)
			}
		}},
		"streams": {from: wire.Draft16, want: wire.SessionProtocolViolation, do: func(_ *testing.T, f *flooder) {
			for i := range uint64(2) {
				f.uni(wire.AppendFetchHeader(nil, f.v, &wire.FetchHeader{RequestID: 2*i + 1}))
			}
		}},
		"message": {from: wire.Draft18, want: wire.SessionProtocolViolation, do: func(_ *testing.T, f *flooder) {
			f.write(f.control, f.encode(&wire.Setup{}))
		}},
		"end of the control stream": {from: wire.Draft18, want: wire.SessionProtocolViolation, do: func(_ *testing.T, f *flooder) {
			_ = f.control.Close()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			eachVersion(t, func(t *testing.T, v wire.Version) {
				if v < x.from {
					return
				}
				theirs, mine := transport.MemoryConfig{Protocol: v.String()}.Pair()
				made := make(chan struct{})
				go func() {
					defer close(made)
					if s, err := moq.NewSession(context.Background(), mine, moq.Config{Tolerance: 1}); err == nil {
						s.Wait()
					}
				}()
				f := &flooder{t: t, conn: theirs, v: v}
				f.setup()
				time.Sleep(3 * time.Second)
				synctest.Wait()
				if err := context.Cause(theirs.Context()); err != nil {
					t.Fatal("a quiet session ended:", err)
				}
				x.do(t, f)
				begun := time.Now()
				select {
				case <-theirs.Context().Done():
				case <-time.After(time.Minute):
				}
				if late := time.Since(begun); late > time.Second {
					t.Errorf("it was noticed after %v", late)
				}
				var closed *transport.CloseError
				if cause := context.Cause(theirs.Context()); !errors.As(cause, &closed) || wire.SessionError(closed.Code) != x.want {
					t.Errorf("the session ended with %v, want %v", cause, x.want)
				}
				_ = theirs.CloseWithError(0, "")
				<-made
			})
		})
	}
}

// GOAWAY is heard by a session that rests.
func TestRestingSessionGoaway(t *testing.T) {
	eachVersion(t, func(t *testing.T, v wire.Version) {
		theirs, mine := transport.MemoryConfig{Protocol: v.String()}.Pair()
		heard := make(chan moq.Goaway, 1)
		made := make(chan struct{})
		go func() {
			defer close(made)
			c := moq.Config{OnGoaway: func(g moq.Goaway) { heard <- g }}
			if s, err := moq.NewSession(context.Background(), mine, c); err == nil {
				s.Wait()
			}
		}()
		s, err := moq.NewSession(t.Context(), theirs, moq.Config{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		begun := time.Now()
		if err := s.Goaway("", 0); err != nil {
			t.Fatal(err)
		}
		select {
		case <-heard:
		case <-time.After(time.Minute):
			t.Error("GOAWAY was not heard")
		}
		if late := time.Since(begun); late > time.Second {
			t.Errorf("it was heard after %v", late)
		}
		s.Close(wire.SessionNoError, "")
		s.Wait()
		<-made
	})
}

// lookedAt calls look for each look of a session that rests.
type lookedAt struct {
	transport.Conn
	look func()
	open chan struct{} // a request asks for its stream
}

func (c lookedAt) AcceptUniStream(ctx context.Context) (transport.ReceiveStream, error) {
	select {
	case <-ctx.Done(): // nobody waits with such a context
		c.look()
	default:
	}
	return c.Conn.AcceptUniStream(ctx)
}

func (c lookedAt) OpenStream(ctx context.Context) (transport.Stream, error) {
	c.open <- struct{}{}
	return c.Conn.OpenStream(ctx)
}

// TestAttendWhileLooking: a request is sent while a session looks for what has come, it
// does not wait for the end of the look; and what its answer brings is read.
func TestAttendWhileLooking(t *testing.T) {
	theirs, mine := transport.MemoryConfig{Protocol: wire.Draft18.String()}.Pair()
	source := moq.NewOrigin()
	track := live.NewTrack(clock, live.Options{})
	source.AddTrack(track)
	ready := make(chan struct{})
	var server *moq.Session
	asked := make(chan error, 1)
	var once sync.Once
	c := lookedAt{Conn: mine, open: make(chan struct{}, 1)}
	c.look = func() {
		once.Do(func() {
			<-ready
			go func() {
				sub, err := server.Subscribe(t.Context(), clock, moq.SubscribeOptions{})
				if err == nil {
					r := sub.Track().NewReader(wire.Location{})
					defer r.Close()
					_, err = r.Next(t.Context())
				}
				asked <- err
			}()
			select {
			case <-c.open:
			case <-time.After(10 * time.Second):
				t.Error("the request waits for the end of the look")
			}
		})
	}
	clients := make(chan *moq.Session, 1)
	go func() {
		s, err := moq.NewSession(t.Context(), theirs, moq.Config{Handler: source})
		if err != nil {
			t.Error(err)
		}
		clients <- s
	}()
	var err error
	if server, err = moq.NewSession(t.Context(), c, moq.Config{}); err != nil {
		t.Fatal(err)
	}
	close(ready)
	client := <-clients
	for _, s := range []*moq.Session{client, server} {
		defer func() { s.Close(wire.SessionNoError, ""); s.Wait() }()
	}
	w, err := track.OpenSubgroup(live.SubgroupInfo{FirstObject: true})
	if err != nil {
		t.Fatal(err)
	}
	for id := uint64(0); ; id++ { // the subscription begins behind what there is
		if err := w.Append(live.WholeObject{ID: id, Payload: []byte("x")}); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-asked:
			if err != nil {
				t.Fatal(err)
			}
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// sluggish is a connection on a machine that is busy: between setting the deadline of
// a stream and reading from it time passes.
type sluggish struct{ transport.Conn }

func (c sluggish) AcceptUniStream(ctx context.Context) (transport.ReceiveStream, error) {
	s, err := c.Conn.AcceptUniStream(ctx)
	if err != nil {
		return nil, err
	}
	return &sluggishStream{ReceiveStream: s}, nil
}

type sluggishStream struct {
	transport.ReceiveStream
	until time.Time
}

func (s *sluggishStream) SetReadDeadline(t time.Time) error {
	s.until = t
	return s.ReceiveStream.SetReadDeadline(t)
}

// Read looks at the deadline first, as quic-go does.
func (s *sluggishStream) Read(b []byte) (int, error) {
	time.Sleep(40 * time.Microsecond)
	if !s.until.IsZero() && !time.Now().Before(s.until) {
		return 0, os.ErrDeadlineExceeded
	}
	return s.ReceiveStream.Read(b)
}

// TestRestingSessionOfBusyMachine: a session that rests notices what has come though it
// takes longer to look than looks are to take.
func TestRestingSessionOfBusyMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs, mine := transport.MemoryConfig{Protocol: wire.Draft18.String()}.Pair()
		heard := make(chan struct{})
		served := make(chan struct{})
		go func() {
			defer close(served)
			c := moq.Config{OnGoaway: func(moq.Goaway) { close(heard) }}
			if s, err := moq.NewSession(context.Background(), sluggish{mine}, c); err == nil {
				s.Wait()
			}
		}()
		s, err := moq.NewSession(t.Context(), theirs, moq.Config{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		began := time.Now()
		if err := s.Goaway("", 0); err != nil {
			t.Fatal(err)
		}
		select {
		case <-heard:
			if late := time.Since(began); late > 1001*time.Millisecond {
				t.Errorf("GOAWAY was heard after %v", late)
			}
		case <-time.After(time.Minute):
			t.Error("GOAWAY was not heard")
		}
		s.Close(wire.SessionNoError, "")
		s.Wait()
		<-served
	})
}
