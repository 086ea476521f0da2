package moq_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"moqedge/certs"
	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// server accepts sessions over QUIC and over WebTransport, on one UDP port.
type server struct {
	certificate *certs.Source
	listener    *transport.Listener
	sessions    sync.WaitGroup
}

// startServer serves on a free port of this machine, with a certificate that
// clients know by its fingerprint. The handler answers what they ask for.
func startServer(h moq.Handler) (*server, error) {
	certificate, err := certs.Development("", nil, nil)
	if err != nil {
		return nil, err
	}
	listener, err := transport.Listen(&transport.ListenConfig{
		Addr:           "127.0.0.1:0",
		GetCertificate: certificate.GetCertificate,
	})
	if err != nil {
		return nil, errors.Join(err, certificate.Close())
	}
	s := &server{certificate: certificate, listener: listener}
	s.sessions.Go(func() { s.accept(moq.Config{Handler: h}) })
	return s, nil
}

// accept makes a session of each connection, until the server is closed.
func (s *server) accept(c moq.Config) {
	for {
		conn, err := s.listener.Accept(context.Background())
		if err != nil {
			return // transport.ErrListenerClosed
		}
		s.sessions.Go(func() {
			session, err := moq.NewSession(context.Background(), conn, c)
			if err != nil {
				return // not a client of ours; the connection is closed
			}
			session.Wait()
		})
	}
}

// close ends the server and its sessions.
func (s *server) close() {
	_ = s.listener.Close()
	s.sessions.Wait()
	_ = s.certificate.Close()
}

// connect makes a session with the server; the scheme is moqt or https.
func (s *server) connect(scheme string, c moq.Config) (*moq.Session, error) {
	client := moq.Client{
		URL:    scheme + "://" + s.listener.Addr().String() + "/",
		Dial:   transport.DialConfig{Fingerprints: [][32]byte{s.certificate.Fingerprint()}},
		Config: c,
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return client.Connect(ctx)
}

// disconnect ends a session and waits for its goroutines.
func disconnect(s *moq.Session) {
	s.Close(wire.SessionNoError, "")
	s.Wait()
}

var clockName = wire.FullTrackName{Namespace: wire.Namespace{"example"}, Name: "clock"}

// clockTrack is a track with a group per minute and an object per second.
type clockTrack struct {
	*live.Track
	minute *live.SubgroupWriter // of the current group
	group  uint64
	next   uint64 // ID of the next object
}

func newClock() *clockTrack {
	return &clockTrack{Track: live.NewTrack(clockName, live.Options{RetainGroups: 10})}
}

// tick appends an object. Minutes since 1970 are good group IDs: one that was
// used is not used again after a restart.
func (c *clockTrack) tick(now time.Time) error {
	group := uint64(now.Unix() / 60)
	if c.minute == nil || group != c.group {
		if err := c.endMinute(); err != nil {
			return err
		}
		w, err := c.OpenSubgroup(live.SubgroupInfo{
			Group: group, Priority: wire.DefaultPriority, EndOfGroup: true, FirstObject: true,
		})
		if err != nil {
			return err
		}
		c.minute, c.group, c.next = w, group, 0
	}
	err := c.minute.Append(live.WholeObject{ID: c.next, Payload: []byte(now.Format(time.TimeOnly))})
	c.next++
	return err
}

// endMinute ends the current group: subscribers learn that it is whole.
func (c *clockTrack) endMinute() error {
	if c.minute == nil {
		return nil
	}
	return c.minute.Close()
}

// stop ends the track. Who has read all of it gets live.ErrClosed.
func (c *clockTrack) stop() error {
	err := c.endMinute()
	c.Close(wire.DoneTrackEnded, "the clock was stopped")
	return err
}

// joinClock subscribes from the beginning of the current group on: what there
// is of it is fetched, what comes is sent.
func joinClock(ctx context.Context, s *moq.Session) (*moq.Subscription, error) {
	return s.Subscribe(ctx, clockName, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
}

// read returns the payloads of the next n objects, and of fewer when the track
// ends before.
func read(ctx context.Context, r *live.Reader, n int) ([]string, error) {
	var payloads []string
	for len(payloads) < n {
		o, err := r.Next(ctx)
		if errors.Is(err, live.ErrClosed) {
			return payloads, nil
		}
		if err != nil {
			return payloads, err
		}
		payloads = append(payloads, string(o.Payload()))
	}
	return payloads, nil
}

// A clock is published, and subscribed to over QUIC and over WebTransport. A
// program would tick for now := range time.Tick(time.Second).
func Example() {
	clock := newClock()
	origin := moq.NewOrigin() // the Handler of a publisher that has its tracks at hand
	origin.AddTrack(clock.Track)
	server, err := startServer(origin)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.close()

	now := time.Date(2026, 1, 1, 11, 59, 58, 0, time.UTC)
	for range 4 {
		if err := clock.tick(now); err != nil {
			fmt.Println(err)
			return
		}
		now = now.Add(time.Second)
	}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var viewers []*live.Reader
	for _, scheme := range []string{"moqt", "https"} {
		session, err := server.connect(scheme, moq.Config{})
		if err != nil {
			fmt.Println(err)
			return
		}
		defer disconnect(session)
		subscription, err := joinClock(ctx, session)
		if err != nil {
			fmt.Println(err)
			return
		}
		viewer := subscription.Track().NewReader(wire.Location{})
		defer viewer.Close()
		viewers = append(viewers, viewer)
		times, err := read(ctx, viewer, 2)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("joined over", session.Conn().Info().Kind, "at", times)
	}

	if err := errors.Join(clock.tick(now), clock.stop()); err != nil {
		fmt.Println(err)
		return
	}
	for _, viewer := range viewers {
		times, err := read(ctx, viewer, math.MaxInt) // until the end
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("then came", times)
	}
	// Output:
	// joined over quic at [12:00:00 12:00:01]
	// joined over webtransport at [12:00:00 12:00:01]
	// then came [12:00:02]
	// then came [12:00:02]
}
