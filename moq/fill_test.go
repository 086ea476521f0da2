package moq_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// subscribed is what Subscribe returned.
type subscribed struct {
	sub *moq.Subscription
	err error
}

func subscribing(t *testing.T, s *moq.Session, o moq.SubscribeOptions) <-chan subscribed {
	made := make(chan subscribed, 1)
	go func() {
		sub, err := s.Subscribe(t.Context(), clock, o)
		made <- subscribed{sub, err}
	}()
	return made
}

// TestMissingFill: a fill stream that never comes holds nothing up for ever: not
// its subscription, nor who waits for the fill, nor the session.
func TestMissingFill(t *testing.T) {
	for name, end := range map[string]func(*moq.Session, *peer.Request){
		"and PUBLISH_DONE": func(_ *moq.Session, r *peer.Request) {
			r.Send(&wire.PublishDone{Code: wire.DoneTrackEnded, StreamCount: wire.UnknownStreamCount})
			r.Finish()
		},
		"and the end of the session": func(s *moq.Session, _ *peer.Request) { s.Close(wire.SessionNoError, "") },
		"and nothing else":           func(_ *moq.Session, r *peer.Request) {},
	} {
		t.Run(name, func(t *testing.T) {
			withFeature(t, wire.FeatureFill, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, s := against(t, moq.Config{}, true)
					made := subscribing(t, s, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(2))})
					r, _ := peer.Accept[*wire.Subscribe](p)
					r.AcceptSubscribe(3, wire.Some(wire.Location{Group: 5}), nil)
					sub := (<-made).sub
					end(s, r)
					if err := sub.Join().Wait(t.Context()); err == nil {
						t.Error("joined")
					}
					if name == "and nothing else" {
						sub.Close()
					}
					<-sub.Done()
				})
			})
		})
	}
}

// TestFillWithoutForward: nothing is filled while nothing is forwarded.
func TestFillWithoutForward(t *testing.T) {
	withFeature(t, wire.FeatureFill, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{})
			origin.AddTrack(track)
			group(t, track, 1, 2)
			client, _ := pair(t, moq.Config{}, moq.Config{Handler: origin})
			start := time.Now()
			sub := must(client.Subscribe(t.Context(), clock, moq.SubscribeOptions{
				JoinGroups: wire.Some(uint64(0)), Params: wire.Parameters{Forward: wire.Some(false)}}))
			if err := sub.Join().Wait(t.Context()); !refused(err, wire.RequestInvalidRange) || time.Since(start) > time.Second {
				t.Errorf("join: %v after %v", err, time.Since(start))
			}
		})
	})
}

// TestFillByUpdate: an update brings the past as well.
func TestFillByUpdate(t *testing.T) {
	withFeature(t, wire.FeatureFill, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{RetainGroups: 10})
			origin.AddTrack(track)
			for id := range uint64(4) {
				group(t, track, id, 2)
			}
			client, _ := pair(t, moq.Config{}, moq.Config{Handler: origin})
			into := live.NewTrack(clock, live.Options{RetainGroups: 10})
			sub := must(client.Subscribe(t.Context(), clock, moq.SubscribeOptions{Into: into, Established: func(live.Range) {}}))
			from := wire.Filter{Type: wire.FilterAbsoluteStart, Start: wire.Location{Group: 2}}
			if err := sub.Update(t.Context(), wire.Parameters{FillParameters: wire.Some(wire.FillParameters{Filter: wire.Some(from)})}); err != nil {
				t.Fatal(err)
			}
			r := into.NewReader(wire.Location{Group: 2})
			defer r.Close()
			expect(t, r, "2/0", "2/1", "3/0", "3/1")
			track.Close(wire.DoneTrackEnded, "over")
			start := time.Now()
			<-sub.Done()
			if waited := time.Since(start); waited > time.Second {
				t.Errorf("a stream was waited for that was there, for %v", waited)
			}
		})
	})
}

// TestUpdateUnanswered: an update whose answer never comes is not waited for for ever.
func TestUpdateUnanswered(t *testing.T) {
	eachDraft(t, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, s := against(t, moq.Config{RequestTimeout: 3 * time.Second}, true)
			made := subscribing(t, s, moq.SubscribeOptions{})
			r, _ := peer.Accept[*wire.Subscribe](p)
			r.AcceptSubscribe(3, wire.Option[wire.Location]{}, nil)
			start := time.Now()
			if err := (<-made).sub.Update(t.Context(), wire.Parameters{}); err == nil || time.Since(start) != 3*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	})
}

// TestNotSent: what the peer would refuse is an error before it is sent.
func TestNotSent(t *testing.T) {
	eachDraft(t, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, s := against(t, moq.Config{}, true) // the peer takes no range filters
			made := subscribing(t, s, moq.SubscribeOptions{})
			r, _ := peer.Accept[*wire.Subscribe](p)
			r.AcceptSubscribe(3, wire.Option[wire.Location]{}, nil)
			sub := (<-made).sub
			ranges := wire.Parameters{RangeFilters: []wire.RangeFilter{{Type: wire.RangeObjectID, Ranges: []wire.ValueRange{{First: 1, Last: 1}}}}}
			if _, err := s.Subscribe(t.Context(), clock, moq.SubscribeOptions{Params: ranges}); err == nil {
				t.Error("subscribed with range filters")
			}
			if err := s.Fetch(moq.FetchOptions{Into: live.NewTrack(clock, live.Options{}), Params: ranges}).Wait(t.Context()); err == nil {
				t.Error("fetched with range filters")
			}
			if _, err := s.SubscribeTracks(t.Context(), nil, ranges, nil); err == nil {
				t.Error("asked for tracks with range filters")
			}
			if err := sub.Update(t.Context(), ranges); err == nil {
				t.Error("updated with range filters")
			}
			if err := sub.Update(t.Context(), wire.Parameters{NewGroupRequest: wire.Some(uint64(0))}); err == nil {
				t.Error("asked for a group of a track without dynamic ones")
			}
			r.Quiet()
			p.Quiet()
		})
	})
}

// oneRequest is a connection that leaves its user one request stream.
type oneRequest struct {
	transport.Conn
	used atomic.Bool
}

func (c *oneRequest) OpenStream(ctx context.Context) (transport.Stream, error) {
	if c.used.Swap(true) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return c.Conn.OpenStream(ctx)
}

// TestJoinWithoutStream: a join that gets no stream does not take the subscription with it.
func TestJoinWithoutStream(t *testing.T) {
	withFeature(t, wire.FeatureJoiningFetch, func(t *testing.T) {
		if draftOf(t).Has(wire.FeatureControlStream) {
			return // requests have no streams
		}
		synctest.Test(t, func(t *testing.T) {
			origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{})
			origin.AddTrack(track)
			group(t, track, 1, 1)
			a, b := transport.MemoryPair(draftOf(t).String())
			client, _ := pairOver(t, &oneRequest{Conn: a}, b, moq.Config{}, moq.Config{Handler: origin})
			sub := must(client.Subscribe(t.Context(), clock, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))}))
			if err := sub.Join().Wait(t.Context()); err == nil {
				t.Error("joined")
			}
			r := sub.Track().NewReader(wire.Location{Group: 2})
			defer r.Close()
			group(t, track, 2, 1)
			expect(t, r, "2/0")
		})
	})
}
