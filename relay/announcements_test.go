package relay_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// TestAnnouncementOfEverything: who announces the empty namespace again and again
// has all tracks asked for, but not each time.
func TestAnnouncementOfEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tracks, rounds = 500, 300
		r := newRelay(t, relay.Config{})
		origin := moq.NewOrigin()
		name := func(i int) wire.FullTrackName {
			return wire.FullTrackName{Namespace: wire.Namespace{"room", fmt.Sprint(i % 50)}, Name: fmt.Sprint(i)}
		}
		for i := range tracks {
			origin.AddTrack(live.NewTrack(name(i), live.Options{}))
		}
		publisher := over(t, r, moq.Config{Handler: origin})
		if _, err := publisher.PublishNamespace(t.Context(), wire.Namespace{"room"}); err != nil {
			t.Fatal(err)
		}
		viewer := over(t, r, moq.Config{})
		for i := range tracks {
			if _, err := viewer.Subscribe(t.Context(), name(i), moq.SubscribeOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		var asked atomic.Int64
		restless := over(t, r, moq.Config{Handler: answering(func(_ context.Context, req moq.Request) {
			asked.Add(1)
			req.Reject(wire.RequestDoesNotExist, "not now", moq.NoRetry())
		})})
		began := time.Now()
		for range rounds {
			p, err := restless.PublishNamespace(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			p.Close()
			synctest.Wait()
		}
		time.Sleep(100 * time.Millisecond)
		n, took := asked.Load(), time.Since(began)
		t.Logf("%d tracks asked for in %v by %d announcements", n, took, rounds)
		if most := int64(took/(tracks*20*time.Microsecond)+2) * tracks; n > most {
			t.Errorf("%d tracks were asked for in %v, want at most %d", n, took, most)
		}
		// The last one is heeded.
		if _, err := restless.PublishNamespace(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if more := asked.Load() - n; more < tracks {
			t.Errorf("%d of %d tracks were asked for at last", more, tracks)
		}
	})
}

// answering answers requests by a function.
type answering func(ctx context.Context, req moq.Request)

func (f answering) Serve(ctx context.Context, req moq.Request) { f(ctx, req) }
