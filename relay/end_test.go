package relay_test

import (
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// TestTrackEndsAndReturns: a track that ends is told to every viewer, and one
// of the same name that begins later is another track.
func TestTrackEndsAndReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, 5*time.Millisecond, 0)
		origin, edge := n.pair()
		source := moq.NewOrigin()
		publisher := n.client(origin, source)
		if _, err := publisher.PublishNamespace(t.Context(), camera.Namespace); err != nil {
			t.Fatal(err)
		}
		viewer := n.client(edge, nil)
		for round := range uint64(3) {
			track := live.NewTrack(camera, live.Options{})
			source.AddTrack(track)
			write := func(group uint64) {
				w, err := track.OpenSubgroup(live.SubgroupInfo{Group: group, Priority: 128, FirstObject: true, EndOfGroup: true})
				if err != nil {
					t.Fatal(err)
				}
				if err := w.Append(live.WholeObject{Payload: []byte{byte(group)}}); err != nil {
					t.Fatal(err)
				}
				w.Close()
			}
			first := 10 - round // numbered anew, and lower
			for g := range uint64(3) {
				write(first + g)
				time.Sleep(time.Second)
			}
			sub, err := viewer.Subscribe(t.Context(), camera, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			r := sub.Track().NewReader(wire.Location{})
			time.Sleep(time.Second)
			const more = 20 // beyond what is kept of groups
			for want := first + 2; want < first+3+more; want++ {
				o, err := r.Next(t.Context())
				if err != nil || o.Group != want {
					t.Fatalf("round %d: got %v %v, want group %d", round, o, err, want)
				}
				if want+1 < first+3+more {
					write(want + 1)
				}
				time.Sleep(time.Second)
			}
			track.Close(wire.DoneTrackEnded, "over")
			source.RemoveTrack(camera)
			r.Close()
			select {
			case <-sub.Done():
			case <-time.After(time.Minute):
				t.Fatalf("round %d: the viewer is not told of the end", round)
			}
			if d := sub.Result(); d.Code != wire.DoneTrackEnded || d.Reason != "over" {
				t.Errorf("round %d: ended with %+v", round, d)
			}
			if s := edge.Stats(); s.Tracks != 0 {
				t.Errorf("round %d: the edge still has %d tracks", round, s.Tracks)
			}
			time.Sleep(3 * time.Second)
		}
	})
}
