package relay_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// slowAnswers is a connection on which each write to a request takes a second.
type slowAnswers struct{ transport.Conn }

func (c slowAnswers) AcceptStream(ctx context.Context) (transport.Stream, error) {
	s, err := c.Conn.AcceptStream(ctx)
	if err != nil {
		return nil, err
	}
	return slowStream{s}, nil
}

type slowStream struct{ transport.Stream }

func (s slowStream) Write(b []byte) (int, error) {
	time.Sleep(time.Second)
	return s.Stream.Write(b)
}

// A track that comes and ends while its first subscriber is being answered is not
// forgotten before that has read it.
func TestTrackOfAMoment(t *testing.T) {
	for _, v := range wire.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRelay(t, relay.Config{})
				p := newPeerOf(t, r, v, live.NewTrack(camera, live.Options{}), camera.Namespace)
				p.answers(func(_ context.Context, r moq.Request) bool {
					s, ok := r.(*moq.SubscribeRequest)
					if ok {
						s.Accept(p.track)
						put(t, p.track, 0, 0, 1)
						p.track.Close(wire.DoneTrackEnded, "")
					}
					return ok
				})
				near, far := transport.MemoryPair(v.String())
				go r.ServeConn(slowAnswers{far})
				viewer, err := moq.NewSession(t.Context(), near, moq.Config{Logger: quiet()})
				if err != nil {
					t.Fatal(err)
				}
				defer closeSession(viewer)
				sub, err := viewer.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
				if err != nil {
					t.Fatal(err)
				}
				reader := sub.Track().NewReader(wire.Location{})
				defer reader.Close()
				for id := range 2 {
					o, err := reader.Next(t.Context())
					if err != nil {
						t.Fatalf("object %d: %v", id, err)
					}
					if want := fmt.Sprintf("0/%d", id); string(o.Payload()) != want {
						t.Errorf("got %q, want %q", o.Payload(), want)
					}
				}
			})
		})
	}
}
