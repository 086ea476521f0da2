package moq_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// tinyRelay hands on the tracks of another session: each is subscribed to once,
// whatever the number of its subscribers here. (Package moqedge/relay also ends
// subscriptions that nobody needs, recovers and fetches what is missing.)
type tinyRelay struct {
	upstream *moq.Session

	mu     sync.Mutex
	tracks map[string]*moq.Subscription // by FullTrackName.Key
}

// Serve implements moq.Handler.
func (r *tinyRelay) Serve(ctx context.Context, request moq.Request) {
	switch request := request.(type) {
	case *moq.SubscribeRequest:
		track, err := r.track(ctx, request.Track)
		if err != nil {
			request.RejectWith(err) // with the code that upstream gave
			return
		}
		request.Accept(track)
	case *moq.FetchRequest:
		track := request.Joined() // a joining fetch is answered from its subscription's track
		if track == nil {
			var err error
			if track, err = r.track(ctx, request.Track); err != nil {
				request.RejectWith(err)
				return
			}
		}
		request.Accept(track)
	}
}

// track returns the track that upstream sends, with its current group from the start.
func (r *tinyRelay) track(ctx context.Context, name wire.FullTrackName) (*live.Track, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.tracks[name.Key()]; s != nil && s.Result() == nil {
		return s.Track(), nil
	}
	s, err := r.upstream.Subscribe(ctx, name, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
	if err != nil {
		return nil, err
	}
	r.tracks[name.Key()] = s
	return s.Track(), nil
}

// A relay is a Handler that answers with the tracks that another session fills.
// Publisher and viewer may speak different drafts.
func ExampleHandler() {
	clock := newClock()
	origin := moq.NewOrigin()
	origin.AddTrack(clock.Track)
	publisher, err := startServer(origin)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer publisher.close()
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for second := range 3 {
		if err := clock.tick(noon.Add(time.Duration(second) * time.Second)); err != nil {
			fmt.Println(err)
			return
		}
	}

	upstream, err := publisher.connect("moqt", moq.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer disconnect(upstream)
	edge, err := startServer(&tinyRelay{upstream: upstream, tracks: map[string]*moq.Subscription{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer edge.close()

	session, err := edge.connect("https", moq.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer disconnect(session)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	viewer, err := joinClock(ctx, session)
	if err != nil {
		fmt.Println(err)
		return
	}
	reader := viewer.Track().NewReader(wire.Location{})
	defer reader.Close()
	times, err := read(ctx, reader, 3)
	fmt.Println(times, err)
	// Output:
	// [12:00:00 12:00:01 12:00:02] <nil>
}
