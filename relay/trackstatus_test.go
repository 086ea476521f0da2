package relay_test

import (
	"context"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// TestTrackStatus: what is told of a track is the same by whatever way it is asked for,
// and counts who is served, not who waits.
func TestTrackStatus(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork(t, time.Millisecond, 0)
		node := n.serve(relay.New(relay.Config{Name: "origin", Logger: quiet()}), n.endpoint())
		track := n.offer(node)
		viewer := n.client(node, nil)
		defer closeSession(viewer)
		var subs []*moq.Subscription
		for range 2 {
			s := n.client(node, nil)
			defer closeSession(s)
			sub, err := s.Subscribe(t.Context(), track.Name(), moq.SubscribeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			subs = append(subs, sub)
		}
		waiting, stop := context.WithCancel(t.Context())
		waited := make(chan struct{})
		other := wire.FullTrackName{Namespace: wire.Namespace{"later"}, Name: "video"}
		go func() {
			defer close(waited)
			_, _ = viewer.Subscribe(waiting, other, moq.SubscribeOptions{Params: wire.Parameters{RendezvousTimeout: wire.Some(time.Minute)}})
		}()
		w, err := track.OpenSubgroup(live.SubgroupInfo{Group: 7, Priority: 128})
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint64(3) {
			if err := w.Append(live.WholeObject{ID: i, Payload: make([]byte, 1000)}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)

		name := track.Name().String()
		page, more := node.TrackPage(track.Name().Namespace, "", 10)
		all := node.Tracks(0)
		one := node.Track(name)
		if more || len(page) != 1 || len(all) == 0 || len(one) != 1 {
			t.Fatalf("page %+v, all %+v, one %+v", page, all, one)
		}
		for way, s := range map[string]relay.TrackStatus{"page": page[0], "all": all[0], "one": one[0]} {
			if s.Name != name || s.Subscribers != 2 || s.Publishers != 1 || len(s.From) != 1 || s.Largest == nil || *s.Largest != (relay.TrackLocation{Group: 7, Object: 2}) ||
				s.BytesIn != 3000 || s.BytesOut < 6000 || s.ObjectsOut != 6 || s.CachedGroups != 1 || s.CachedBytes < 3000 {
				t.Errorf("%s: %+v", way, s)
			}
		}
		for _, s := range all[1:] {
			if s.Subscribers != 0 {
				t.Errorf("nobody is served %+v", s)
			}
		}
		if per := node.Stats().PerTrack; len(per) != 1 || per[name] != 2 {
			t.Errorf("per track %v", per)
		}
		subs[0].Close()
		time.Sleep(time.Second)
		if s := node.Track(name)[0]; s.Subscribers != 1 || s.ObjectsOut != 6 {
			t.Errorf("when one has left: %+v", s)
		}
		stop()
		<-waited
	})
}
