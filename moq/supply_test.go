package moq_test

import (
	"context"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// supplier tells of a track before it answers, and after that.
type supplier struct{}

func (supplier) Serve(ctx context.Context, r moq.Request) {
	s, ok := r.(*moq.SubscribeRequest)
	if !ok {
		return
	}
	_ = s.Supply(true)
	s.Accept(live.NewTrack(s.Track, live.Options{}))
	_ = s.Supply(false)
	_ = s.Supply(true)
	<-ctx.Done()
}

// TestSupply: a relay tells another one whether a track is supplied, before its
// answer and after it; a peer that is no relay is told nothing.
func TestSupply(t *testing.T) { eachDraft(t, testSupply) }

func testSupply(t *testing.T) {
	for _, id := range []string{"one", ""} {
		subscriber, _ := pair(t, moq.Config{Relay: wire.RelayOption{ID: id}}, moq.Config{Relay: wire.RelayOption{ID: "two"}, Handler: supplier{}})
		told := make(chan bool, 4)
		sub, err := subscriber.Subscribe(t.Context(), wire.FullTrackName{Namespace: wire.Namespace{"x"}, Name: "y"}, moq.SubscribeOptions{Supplied: func(stranded bool) { told <- stranded }})
		if err != nil {
			t.Fatal(err)
		}
		if id == "" {
			if len(told) > 0 {
				t.Error("a peer that is no relay is told of the supply")
			}
			continue
		}
		for i, want := range []bool{true, false, true} {
			select {
			case got := <-told:
				if got != want {
					t.Errorf("told %v as number %d", got, i)
				}
			case <-time.After(5 * time.Second):
				t.Fatalf("number %d is not told", i)
			}
		}
		sub.Close()
	}
}
