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
type supplier struct {
	heard chan struct{} // the next thing may be told: of two in a row the last one may be all that is heard
}

func (h supplier) Serve(ctx context.Context, r moq.Request) {
	s, ok := r.(*moq.SubscribeRequest)
	if !ok {
		return
	}
	_ = s.Supply(true)
	s.Accept(live.NewTrack(s.Track, live.Options{}))
	for _, stranded := range []bool{false, true} {
		select {
		case <-h.heard:
		case <-ctx.Done():
			return
		}
		_ = s.Supply(stranded)
	}
	<-ctx.Done()
}

// TestSupply: a relay tells another one whether a track is supplied, before its
// answer and after it; a peer that is no relay is told nothing.
func TestSupply(t *testing.T) { eachDraft(t, testSupply) }

func testSupply(t *testing.T) {
	for _, id := range []string{"one", ""} {
		heard := make(chan struct{}, 3)
		subscriber, _ := pair(t, moq.Config{Relay: wire.RelayOption{ID: id}}, moq.Config{Relay: wire.RelayOption{ID: "two"}, Handler: supplier{heard}})
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
				heard <- struct{}{}
			case <-time.After(5 * time.Second):
				t.Fatalf("number %d is not told", i)
			}
		}
		sub.Close()
	}
}
