package moq_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// slowAnswers is a connection on which answers to requests are read late.
type slowAnswers struct {
	transport.Conn
	delay time.Duration
}

func (c slowAnswers) OpenStream(ctx context.Context) (transport.Stream, error) {
	s, err := c.Conn.OpenStream(ctx)
	return lateAnswers{s, c.delay}, err
}

type lateAnswers struct {
	transport.Stream
	delay time.Duration
}

func (s lateAnswers) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	time.Sleep(s.delay)
	return n, err
}

// TestEarlyDatagrams: datagrams that overtake the SUBSCRIBE_OK which explains
// their alias are in the track all the same, in order.
func TestEarlyDatagrams(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Millisecond, 95 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			a, b := transport.MemoryPair("moqt-18")
			track := live.NewTrack(clock, live.Options{RetainGroups: 10})
			origin := moq.NewOrigin()
			origin.AddTrack(track)
			served := make(chan *moq.Session, 1)
			go func() {
				s, err := moq.NewSession(context.Background(), b, moq.Config{Handler: origin})
				if err != nil {
					t.Error(err)
				}
				served <- s
			}()
			var counters moq.Counters
			s, err := moq.NewSession(t.Context(), slowAnswers{a, delay}, moq.Config{Counters: &counters})
			if err != nil {
				t.Fatal(err)
			}
			send := func(id uint64) {
				if err := track.AppendDatagram(wire.Datagram{Group: 1, ID: id, Payload: []byte{byte(id)}}); err != nil {
					t.Error(err)
				}
			}
			send(0)
			go func() {
				for id := range uint64(50) {
					time.Sleep(5 * time.Millisecond)
					send(id + 1)
				}
			}()
			sub, err := s.Subscribe(t.Context(), clock, moq.SubscribeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			largest, _ := sub.Largest()
			r := sub.Track().NewReader(wire.Location{})
			defer r.Close()
			for id := largest.Object + 1; id <= 50; id++ {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				o, err := r.Next(ctx)
				cancel()
				if err != nil || o.ID != id {
					t.Fatalf("answers %v late: got %v, %v, want object %d", delay, o, err, id)
				}
			}
			if n := counters.Unwanted.Load(); n > 0 {
				t.Errorf("%d datagrams were dropped", n)
			}
			s.Close(wire.SessionNoError, "")
			s.Wait()
			(<-served).Wait()
		})
	}
}
