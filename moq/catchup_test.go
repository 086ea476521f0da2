package moq_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// nothingNew refuses every FETCH, and answers a SUBSCRIBE when it has refused one.
type nothingNew struct {
	track   *live.Track
	refused chan struct{}
	fetches atomic.Int32
}

func (h *nothingNew) Serve(ctx context.Context, r moq.Request) {
	switch r := r.(type) {
	case *moq.SubscribeRequest:
		select {
		case <-h.refused:
		case <-ctx.Done():
		}
		r.Accept(h.track)
		<-ctx.Done()
	case *moq.FetchRequest:
		r.Reject(wire.RequestInvalidRange, "nothing was published there", moq.NoRetry())
		if h.fetches.Add(1) == 1 {
			close(h.refused)
		}
	}
}

// TestCatchUpWithNothing: who has all that there is, and asks for what comes behind it,
// is refused once and asks no more, also when the refusal comes before SUBSCRIBE_OK; who
// has not asks for what the subscription does not bring.
func TestCatchUpWithNothing(t *testing.T) {
	eachDraft(t, func(t *testing.T) {
		for object, want := range map[uint64]int32{0: 2, 2: 1, 7: 1} {
			synctest.Test(t, func(t *testing.T) { catchUpFrom(t, object, want) })
		}
	})
}

// catchUpFrom catches up from an object of group 3 on, of which there are two.
func catchUpFrom(t *testing.T, object uint64, want int32) {
	h := &nothingNew{track: live.NewTrack(wire.FullTrackName{Namespace: wire.Namespace{"x"}, Name: "y"}, live.Options{}), refused: make(chan struct{})}
	for id := range uint64(2) {
		if err := h.track.AppendDatagram(wire.Datagram{Group: 3, ID: id, Payload: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	subscriber, _ := pair(t, moq.Config{}, moq.Config{Handler: h})
	sub, err := subscriber.Subscribe(t.Context(), h.track.Name(), moq.SubscribeOptions{CatchUp: wire.Some(wire.Location{Group: 3, Object: object})})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	if err := sub.Join().Err(); err == nil {
		t.Error("nothing is fetched, without an error")
	}
	if got := h.fetches.Load(); got != want {
		t.Errorf("from object %d on: %d FETCHes, want %d", object, got, want)
	}
	sub.Close()
}
