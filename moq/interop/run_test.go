package interop

import (
	"errors"
	"log/slog"
	"testing"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// A failure tells which sessions the relay has closed, unless it is that.
func TestLost(t *testing.T) {
	r := &run{}
	for _, role := range []string{"publisher", "subscriber"} {
		here, there := transport.MemoryPair(wire.Versions()[0].String())
		made := make(chan *moq.Session, 1)
		go func() {
			s, err := moq.NewSession(t.Context(), there, moq.Config{Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Error(err)
			}
			made <- s
		}()
		s, err := moq.NewSession(t.Context(), here, moq.Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		r.sessions = append(r.sessions, session{role, s})
		relay := <-made
		if role == "publisher" {
			relay.Close(wire.SessionInternalError, "because")
			s.Wait()
		} else {
			defer relay.Wait()
		}
	}
	if got, want := r.lost(errTimeout), `; publisher: session closed by the peer with INTERNAL_ERROR: "because"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	err := r.leave()
	var closed *transport.CloseError
	if !errors.As(err, &closed) || r.lost(err) != "" {
		t.Errorf("leave: %v, lost %q", err, r.lost(err))
	}
	r.end()
}
