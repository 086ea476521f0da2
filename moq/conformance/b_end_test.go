package conformance_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// TestCancel: a session gives a request up in both directions (rule 32).
func TestCancel(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p, session := client(t, v, moq.Config{})
		p.Hello()
		s := session()
		type result struct {
			sub *moq.Subscription
			err error
		}
		made := make(chan result, 1)
		go func() {
			sub, err := s.Subscribe(t.Context(), video, moq.SubscribeOptions{})
			made <- result{sub, err}
		}()
		r, _ := peer.Accept[*wire.Subscribe](p)
		r.AcceptSubscribe(1, wire.Option[wire.Location]{}, nil)
		got := <-made
		if got.err != nil {
			t.Fatal(got.err)
		}
		got.sub.Close()
		if code := r.ExpectCancel(); code != wire.ResetCancelled {
			t.Errorf("cancelled with %v", code)
		}
		synctest.Wait()
		if !r.Stopped() {
			t.Error("the session still reads the request's stream")
		}
		// Data that was on its way is turned away, and closes nothing (rule 167).
		late := p.OpenSubgroup(wire.SubgroupHeader{TrackAlias: 1, Group: 4})
		synctest.Wait()
		if late.Stream.Context().Err() == nil {
			t.Error("a late stream of a cancelled subscription is not stopped")
		}
		p.ExpectOpen()
	})
}

// TestFinIsNoCancel: a subscriber that will say no more still gets the track
// (rule 33).
func TestFinIsNoCancel(t *testing.T) {
	forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		r := viewer.Subscribe(video, wire.Parameters{})
		r.Finish()
		peer.Expect[*wire.SubscribeOK](r)
		source.group(1, 2)
		if got := peer.Locations(viewer.Stream().Rest()); got != "1/0 1/1" {
			t.Errorf("got %s", got)
		}
		source.request.Send(&wire.PublishDone{Code: wire.DoneTrackEnded, StreamCount: 1})
		r.ExpectDone(wire.DoneTrackEnded)
		r.ExpectFin()
	})
}

// TestFinWithoutAnswer: the request failed, the session goes on (rule 33).
func TestFinWithoutAnswer(t *testing.T) {
	forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
		p, session := client(t, v, moq.Config{})
		p.Hello()
		s := session()
		asked := make(chan error, 1)
		go func() {
			_, err := s.TrackStatus(t.Context(), video)
			asked <- err
		}()
		r, _ := peer.Accept[*wire.TrackStatus](p)
		r.Finish()
		if err := <-asked; err == nil {
			t.Error("a request without an answer succeeded")
		}
		p.ExpectOpen()
	})
}

// TestCancelledByPeer: the streams of a subscription that its subscriber gave up
// are reset (rules 34, 155).
func TestCancelledByPeer(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		r := watch(viewer)
		a, b := source.open(wire.SubgroupHeader{Group: 1}), source.open(wire.SubgroupHeader{Group: 2})
		a.Object(0, "a")
		b.Object(0, "b")
		first, second := viewer.Stream(), viewer.Stream()
		first.Next()
		second.Next()
		r.Cancel(wire.ResetCancelled)
		first.Until(wire.ResetCancelled)
		second.Until(wire.ResetCancelled)
		a.Object(1, "a")
		source.group(3, 1)
		viewer.Quiet()
	})
}

// TestDoneComesLast: PUBLISH_DONE waits for the last data stream (rule 35).
func TestDoneComesLast(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.attachTo(transport.MemoryConfig{Protocol: v.String(), StreamBuffer: 4 << 10}.Pair())
		viewer.Hello()
		r := watch(viewer)
		viewer.Pause()
		s := source.open(wire.SubgroupHeader{Group: 1})
		s.Object(0, strings.Repeat("x", 100_000))
		s.Close()
		source.request.Send(&wire.PublishDone{Code: wire.DoneTrackEnded, StreamCount: 1})
		stream := viewer.Stream()
		r.Quiet()
		viewer.Resume()
		if all := stream.Rest(); len(all) != 1 || len(all[0].Payload) != 100_000 {
			t.Errorf("got %s", peer.Locations(all))
		}
		r.ExpectDone(wire.DoneTrackEnded)
	})
}

// TestStreamCount: PUBLISH_DONE says how many streams there were, those without
// objects included (rule 36).
func TestStreamCount(t *testing.T) {
	for _, streams := range []int{0, 3} {
		name := map[int]string{0: "none", 3: "three"}[streams]
		t.Run(name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				n := plainRelay(t)
				source := offer(n.connect(v), t)
				viewer := n.connect(v)
				r := watch(viewer)
				for g := range streams {
					source.group(uint64(g), g) // the first is empty
				}
				source.request.Send(&wire.PublishDone{Code: wire.DoneTrackEnded, StreamCount: uint64(streams)})
				done := r.ExpectDone(wire.DoneTrackEnded)
				got := uint64(0)
				for ; got < done.StreamCount; got++ {
					viewer.Stream().Rest()
				}
				viewer.Quiet()
				if streams == 0 && got != 0 {
					t.Errorf("%d streams of a track without any", got)
				}
			})
		})
	}
}

// TestMissingStreams: a subscriber waits for the streams that PUBLISH_DONE
// announced, and not for ever (rule 37).
func TestMissingStreams(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		r := watch(viewer)
		source.group(1, 1)
		viewer.Stream().Rest()
		source.request.Send(&wire.PublishDone{Code: wire.DoneTrackEnded, StreamCount: 3})
		r.Quiet() // two may be on their way
		source.group(2, 1)
		if got := peer.Locations(viewer.Stream().Rest()); got != "2/0" {
			t.Errorf("got %s, want 2/0", got)
		}
		r.Quiet()
		time.Sleep(10 * time.Second)
		r.ExpectDone(wire.DoneTrackEnded)
	})
}

// TestRefusedGetsNothing: no object comes for a request that was refused (rule 38).
func TestRefusedGetsNothing(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		viewer := n.connect(v)
		viewer.Subscribe(video, wire.Parameters{}).ExpectError(wire.RequestDoesNotExist)
		source := offer(n.connect(v), t)
		source.group(1, 1)
		viewer.Quiet()
	})
}

// TestTrackStatus: it tells what SUBSCRIBE_OK would tell, and leaves nothing
// behind (rules 39, 106, 177).
func TestTrackStatus(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		properties := wire.AppendProperties(nil, wire.KeyValue{Type: 0x3802, Value: 7})
		source := publish(n.connect(v), t, video, 1, wire.Parameters{}, properties)
		source.group(4, 2)
		viewer := n.connect(v)
		r := viewer.Status(video)
		ok := peer.Expect[*wire.RequestOK](r)
		r.ExpectFin()
		if ok.Params.LargestObject != wire.Some(wire.Location{Group: 4, Object: 1}) {
			t.Errorf("largest object %+v, want 4/1", ok.Params.LargestObject)
		}
		if v != 16 && string(ok.TrackProperties) != string(properties) {
			t.Errorf("track properties %x, want %x", ok.TrackProperties, properties)
		}
		source.group(5, 1)
		source.request.Send(&wire.PublishDone{Code: wire.DoneTrackEnded, StreamCount: 2})
		time.Sleep(time.Minute)
		viewer.Quiet()
	})
}

// TestPropertiesInOK: only the answer to TRACK_STATUS has them (rule 40).
func TestPropertiesInOK(t *testing.T) {
	forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
		p, session := client(t, v, moq.Config{})
		p.Hello()
		s := session()
		go func() { _, _ = s.PublishNamespace(t.Context(), room) }()
		r, _ := peer.Accept[*wire.PublishNamespace](p)
		r.Send(&wire.RequestOK{TrackProperties: wire.AppendProperties(nil, wire.KeyValue{Type: 2, Value: 1})})
		p.ExpectClose(wire.SessionProtocolViolation)
	})
}
