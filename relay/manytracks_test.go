package relay_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// TestPublisherOfManyTracks: newest groups that are larger than the budget, each of
// a track that is watched, are cut until they fit; whoever watches gets everything.
// Objects that never end are refused, and nobody else's with them.
func TestPublisherOfManyTracks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const tracks, objects, size = 256, 20, 4 << 10
		r := newRelay(t, relay.Config{CacheBytes: 4 << 20, MaxPartialBytes: 1 << 30})
		origin := moq.NewOrigin()
		origin.AddNamespace(wire.Namespace{"many"})
		var all []*live.Track
		for i := range tracks {
			x := live.NewTrack(wire.FullTrackName{Namespace: wire.Namespace{"many"}, Name: fmt.Sprint(i)}, live.Options{})
			origin.AddTrack(x)
			all = append(all, x)
		}
		publisher := connect(t, r, wire.Draft18, moq.Config{Handler: origin})
		go origin.Announce(t.Context(), publisher)
		synctest.Wait()
		viewer := connect(t, r, wire.Draft18, moq.Config{})
		var readers []*live.Reader
		var writers []*live.SubgroupWriter
		for _, x := range all {
			sub, err := viewer.Subscribe(t.Context(), x.Name(), moq.SubscribeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			reader := sub.Track().NewReader(wire.Location{})
			defer reader.Close()
			readers = append(readers, reader)
			w, err := x.OpenSubgroup(live.SubgroupInfo{Group: 1, FirstObject: true})
			if err != nil {
				t.Fatal(err)
			}
			writers = append(writers, w)
		}
		peak := uint64(0)
		for id := range uint64(objects) {
			for _, w := range writers {
				if err := w.Append(live.WholeObject{ID: id, Payload: make([]byte, size)}); err != nil {
					t.Fatal(err)
				}
			}
			for _, reader := range readers {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				o, err := reader.Next(ctx)
				cancel()
				if err != nil || o.ID != id {
					t.Fatalf("got %v %v, want object %d", o, err, id)
				}
			}
			peak = max(peak, r.Stats().Cache.Bytes)
		}
		s := r.Stats().Cache
		if limit := s.Budget + s.Budget/8; peak > limit || s.Shortened == 0 || s.Refused > 0 || s.Forgotten["evicted"] > 0 {
			t.Errorf("peak %d of %d bytes, %+v", peak, limit, s)
		}
		// 256 objects of which most is sent: 12 MiB that nobody can forget.
		for _, w := range writers {
			if err := w.Begin(live.ObjectHeader{ID: objects, Size: 64 << 10}); err != nil {
				t.Fatal(err)
			}
			for n := 0; n < 48<<10; {
				k := min(len(w.Buffer()), 48<<10-n)
				w.Commit(k)
				n += k
			}
		}
		time.Sleep(time.Second)
		s = r.Stats().Cache
		if limit := s.Budget + s.Budget/4; s.Bytes > limit || s.Refused == 0 {
			t.Errorf("%d bytes of %d, %+v", s.Bytes, limit, s)
		}
		for _, w := range writers {
			w.Abort(wire.ResetCancelled)
		}
		time.Sleep(time.Second)
		for i, x := range all { // the next group comes as if nothing had been
			w, err := x.OpenSubgroup(live.SubgroupInfo{Group: 2, FirstObject: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Append(live.WholeObject{Payload: []byte("next")}); err != nil {
				t.Fatal(err)
			}
			w.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			o, err := readers[i].Next(ctx)
			cancel()
			if err != nil || o.Group != 2 {
				t.Fatalf("got %v %v", o, err)
			}
		}
	})
}
