package peer

import (
	"context"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// stay is a visit as use sees it.
type stay struct {
	session *moq.Session
	leave   <-chan struct{}
	done    chan<- struct{} // closed by the test to end use
}

// keep runs Keep with uses that the test ends, or the end of their session does.
func keep(t *testing.T, c Config, o Options) (stays <-chan stay, over <-chan error) {
	t.Helper()
	all, end := make(chan stay, 16), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		end <- Keep(ctx, c, o, func(ctx context.Context, s *moq.Session, leave <-chan struct{}) error {
			done := make(chan struct{})
			all <- stay{s, leave, done}
			select {
			case <-done:
			case <-ctx.Done():
			}
			return nil
		})
	}()
	t.Cleanup(cancel)
	return all, end
}

// A server that goes away has its client connect to the one that it names while
// the old session goes on; when that has handed over, it alone ends.
func TestKeepMoves(t *testing.T) {
	before, after := serve(t, "127.0.0.1:0"), serve(t, "127.0.0.1:0")
	both := func() [][32]byte { return append(before.pins(), after.pins()...) }
	stays, over := keep(t, Config{URL: before.url(), Pins: both}, quiet())
	first := <-stays
	if err := (<-before.sessions).Goaway(after.url(), time.Minute); err != nil {
		t.Fatal(err)
	}
	second := <-stays
	<-after.sessions
	<-first.leave
	select {
	case <-first.session.Context().Done():
		t.Fatal("the old session ended before it was left")
	case <-second.leave:
		t.Fatal("the new session is to be left")
	default:
	}
	close(first.done)
	<-first.session.Context().Done()
	select {
	case err := <-over:
		t.Fatalf("Keep ended with the old session: %v", err)
	case <-second.session.Context().Done():
		t.Fatal("the new session ended with the old one")
	case <-time.After(50 * time.Millisecond): // it would by now
	}
	close(second.done)
	if err := <-over; err != nil {
		t.Error(err)
	}
}

// A server that names nobody is connected to again; where nobody answers at what
// it names, the configured one is.
func TestKeepMovesBack(t *testing.T) {
	for name, uri := range map[string]string{"same": "", "nowhere": "moqt://127.0.0.1:1"} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, "127.0.0.1:0")
			stays, _ := keep(t, Config{URL: s.url(), Pins: s.pins}, quiet())
			<-stays
			if err := (<-s.sessions).Goaway(uri, time.Minute); err != nil {
				t.Fatal(err)
			}
			<-stays
			<-s.sessions
		})
	}
}

// With Once a session is not left.
func TestKeepOnceStays(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	o := quiet()
	o.Once = true
	stays, over := keep(t, Config{URL: s.url(), Pins: s.pins}, o)
	<-stays
	server := <-s.sessions
	if err := server.Goaway("", 10*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if err := <-over; err == nil {
		t.Error("the end of the session is no error")
	}
	if len(stays) > 0 {
		t.Error("there was another session")
	}
}

// A publisher keeps a session that it is to leave until nobody subscribes there.
func TestPublisherLeaves(t *testing.T) {
	before, after := serve(t, "127.0.0.1:0"), serve(t, "127.0.0.1:0")
	both := func() [][32]byte { return append(before.pins(), after.pins()...) }
	name := wire.FullTrackName{Namespace: wire.Namespace{"cam"}, Name: "video"}
	track := live.NewTrack(name, live.Options{})
	origin := moq.NewOrigin()
	origin.AddTrack(track)
	p := NewPublisher(origin)
	o := quiet()
	o.Session.Handler = p
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- Keep(ctx, Config{URL: before.url(), Pins: both}, o, p.Use) }()
	old := <-before.sessions
	sub, err := old.Subscribe(t.Context(), name, moq.SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := old.Goaway(after.url(), time.Minute); err != nil {
		t.Fatal(err)
	}
	<-after.sessions
	select {
	case <-old.Context().Done():
		t.Fatal("the publisher left its subscriber alone")
	case <-time.After(leaveAfter + 3*leaveCheck):
	}
	sub.Close()
	<-old.Context().Done()
	cancel()
	if err := <-over; err != nil {
		t.Error(err)
	}
}
