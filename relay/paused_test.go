package relay_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// TestFetchAfterTheLastSubscriber: a paused track is asked for what it had not
// seen of a group that was joined at its last object.
func TestFetchAfterTheLastSubscriber(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Millisecond, 300 * time.Millisecond, time.Second, 3 * time.Second} {
		t.Run(wait.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := relay.New(relay.Config{Logger: quiet()})
				t.Cleanup(r.Close)
				track := live.NewTrack(wire.FullTrackName{Namespace: wire.Namespace{"a"}, Name: "t"}, live.Options{RetainGroups: 100})
				origin := moq.NewOrigin()
				origin.AddTrack(track)
				publisher := connect(t, r, wire.Draft18, moq.Config{Handler: origin})
				if _, err := publisher.PublishNamespace(t.Context(), wire.Namespace{"a"}); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() { produce(ctx, t, track, 4, 20*time.Millisecond, 20000); close(done) }()
				t.Cleanup(func() { cancel(); <-done })
				time.Sleep(3270 * time.Millisecond) // the last object of a group is there, its end is not
				viewer := connect(t, r, wire.Draft18, moq.Config{})
				sub, err := viewer.Subscribe(t.Context(), track.Name(), moq.SubscribeOptions{JoinGroups: wire.Some(uint64(1))})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(60 * time.Millisecond)
				sub.Close()
				time.Sleep(wait)
				fetcher := connect(t, r, wire.Draft18, moq.Config{})
				into := live.NewTrack(track.Name(), live.Options{RetainGroups: 100})
				status, err := fetcher.TrackStatus(t.Context(), track.Name())
				if err != nil {
					t.Fatal(err)
				}
				l := status.Largest.Value
				f := fetcher.Fetch(moq.FetchOptions{Into: into, First: wire.Location{Group: l.Group - 3}, Last: wire.Location{Group: l.Group - 1, Object: 1<<64 - 1}})
				ctx2, cancel2 := context.WithTimeout(t.Context(), 4*time.Second)
				defer cancel2()
				if err := f.Wait(ctx2); err != nil {
					t.Fatal(err)
				}
				if u := into.Unknown(live.Range{From: wire.Location{Group: l.Group - 3}, To: wire.Location{Group: l.Group}}); len(u) > 0 {
					t.Errorf("unknown: %v", u)
				}
				reader := into.NewReader(wire.Location{})
				defer reader.Close()
				for range 12 {
					if _, err := reader.Next(ctx2); err != nil {
						t.Fatal(err)
					}
				}
			})
		})
	}
}
