package relay_test

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// TestFullLink: video of 3 Mbit/s and audio over a link of 2 Mbit/s. Audio has
// the higher priority and arrives whole and in time; of the video, groups are
// left unfinished for newer ones, so it stays near the live edge.
func TestFullLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, 10*time.Millisecond, 0)
		node := n.relay("edge", nil)
		defer node.close()
		source := moq.NewOrigin()
		video := live.NewTrack(camera, live.Options{})
		audio := live.NewTrack(wire.FullTrackName{Namespace: camera.Namespace, Name: "audio"}, live.Options{
			Properties: wire.AppendProperties(nil, wire.KeyValue{Type: wire.PropPublisherPriority, Value: 1}),
		})
		source.AddTrack(video)
		source.AddTrack(audio)
		s := n.client(node, source)
		defer closeSession(s)
		if _, err := s.PublishNamespace(t.Context(), camera.Namespace); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var tasks sync.WaitGroup
		tasks.Go(func() { produce(ctx, t, video, 30, time.Second/30, 12_500) })
		tasks.Go(func() { produceAt(ctx, t, audio, 50, 20*time.Millisecond, 200, 1) })
		defer func() { cancel(); tasks.Wait() }()

		dial := n.dial(node)
		n.router.setNarrow(dial.PacketConn.LocalAddr(), &bottleneck{rate: 2e6, queue: 50 * time.Millisecond})
		viewer := n.clientBy(dial, node, nil)
		defer closeSession(viewer)
		var sound []time.Duration
		var picture []time.Duration
		read := func(name wire.FullTrackName, count int, ages *[]time.Duration) {
			sub, err := viewer.Subscribe(ctx, name, moq.SubscribeOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			r := sub.Track().NewReader(wire.Location{})
			defer r.Close()
			for range count {
				o, err := r.Next(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				*ages = append(*ages, age(o))
			}
		}
		var readers sync.WaitGroup
		readers.Go(func() { read(audio.Name(), 1000, &sound) })
		readers.Go(func() { read(camera, 300, &picture) })
		readers.Wait()
		slices.Sort(sound)
		slices.Sort(picture)
		t.Logf("audio: median %v, p99 %v; video: median %v, max %v; groups skipped: %d",
			sound[500], sound[990], picture[150], picture[299], node.Stats().GroupsSkipped)
		if p99 := sound[990]; p99 > 300*time.Millisecond {
			t.Errorf("the p99 of audio is %v, want the queue and a few round trips at most", p99)
		}
		if newest := picture[299]; newest > 6*time.Second {
			t.Errorf("video is %v behind, want it to return to the live edge", newest)
		}
		if node.Stats().GroupsSkipped == 0 {
			t.Error("no group was skipped")
		}
	})
}

// age of an object that produce wrote.
func age(o *live.Object) time.Duration {
	produced := binary.LittleEndian.Uint64(o.Payload())
	return time.Since(time.Unix(0, int64(produced)))
}
