package relay_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// asks collects what a SUBSCRIBE_TRACKS is offered, by name.
type asks struct {
	mu    sync.Mutex
	names map[string]wire.Parameters
	subs  chan *moq.Subscription
}

func newAsks() *asks {
	return &asks{names: map[string]wire.Parameters{}, subs: make(chan *moq.Subscription, 16)}
}

func (a *asks) Serve(_ context.Context, r moq.Request) {
	p, ok := r.(*moq.PublishRequest)
	if !ok {
		return
	}
	a.mu.Lock()
	a.names[p.Track.Name] = p.Params
	a.mu.Unlock()
	if sub, err := p.Accept(nil, wire.Parameters{Forward: p.Params.Forward}, nil); err == nil {
		a.subs <- sub
	}
}

func (a *asks) offered() []string {
	time.Sleep(5 * time.Second)
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for name := range a.names {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// numbered is a track with a property.
func numbered(name string, value uint64) *live.Track {
	p := wire.AppendProperties(nil, wire.KeyValue{Type: 0x3800, Value: value})
	return live.NewTrack(wire.FullTrackName{Namespace: camera.Namespace, Name: name}, live.Options{Properties: p})
}

// TestSubscribeTracksParameters: FORWARD and, from draft 19 on, GROUP_ORDER go
// into the PUBLISHes; publishers are not asked for objects that are not wanted
// (moqt-18 §10.19).
func TestSubscribeTracksParameters(t *testing.T) {
	for _, v := range []wire.Version{wire.Draft18, wire.Draft19, wire.Draft22} {
		bubble(t, func(t *testing.T) {
			r := newRelay(t, relay.Config{ForwardIdle: relay.ForwardNone})
			a := newAsks()
			s := connect(t, r, v, moq.Config{Handler: a})
			params := wire.Parameters{Forward: wire.Some(false)}
			if v != wire.Draft18 {
				params.GroupOrder = wire.Some(wire.GroupOrderDescending)
			}
			if _, err := s.SubscribeTracks(t.Context(), nil, params, nil); err != nil {
				t.Fatal(err)
			}
			p := newPeer(t, r)
			publication, err := p.session.Publish(t.Context(), numbered("one", 1), moq.PublishOptions{})
			if err != nil {
				t.Fatal(err)
			}
			sub := <-a.subs
			got := a.names["one"]
			if got.Forward.Or(true) || got.GroupOrder != params.GroupOrder {
				t.Errorf("%v: PUBLISH says forward %v, order %v", v, got.Forward, got.GroupOrder)
			}
			time.Sleep(time.Second)
			if publication.Forward() {
				t.Errorf("%v: objects are asked for that the subscriber does not want", v)
			}
			if err := sub.Update(t.Context(), wire.Parameters{Forward: wire.Some(true)}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if !publication.Forward() {
				t.Errorf("%v: objects are not asked for after the subscriber's update", v)
			}
		})
	}
}

// TestTrackPropertyFilter: tracks whose properties do not pass are not offered;
// of those that do, objects are sent as the other filters say (moqt-19 §5.1.3).
func TestTrackPropertyFilter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		a := newAsks()
		s := connect(t, r, wire.Draft19, moq.Config{Handler: a})
		in := func(set uint8, first, last uint64) wire.RangeFilter {
			return wire.RangeFilter{Type: wire.RangeTrackProperty, SetID: set, Property: 0x3800, Ranges: []wire.ValueRange{{First: first, Last: last}}}
		}
		odd := wire.RangeFilter{Type: wire.RangeObjectID, SetID: 2, Ranges: []wire.ValueRange{{First: 1, Last: 1}, {First: 3, Last: 3}}}
		filters := []wire.RangeFilter{in(1, 10, 19), in(2, 30, 39), odd}
		if _, err := s.SubscribeTracks(t.Context(), nil, wire.Parameters{RangeFilters: filters}, nil); err != nil {
			t.Fatal(err)
		}
		p := newPeer(t, r)
		tracks := map[uint64]*live.Track{}
		for _, value := range []uint64{5, 12, 25, 33} {
			tracks[value] = numbered(fmt.Sprint(value), value)
			if _, err := p.session.Publish(t.Context(), tracks[value], moq.PublishOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if got := a.offered(); !slices.Equal(got, []string{"12", "33"}) {
			t.Fatalf("offered %v, want 12 and 33", got)
		}
		for range 2 {
			sub := <-a.subs
			want := []uint64{0, 1, 2, 3, 4}
			value := uint64(12)
			if sub.Track().Name().Name == "33" {
				want, value = []uint64{1, 3}, 33
			}
			put(t, tracks[value], 0, 0, 1, 2, 3, 4)
			reader := sub.Track().NewReader(wire.Location{})
			defer reader.Close()
			for _, id := range want {
				if o, err := reader.Next(t.Context()); err != nil || o.ID != id {
					t.Fatalf("track %d: got %v, %v, want object %d", value, o, err, id)
				}
			}
		}
	})
}

// TestPublishBlocked: a track for which the subscriber leaves no stream is named
// by PUBLISH_BLOCKED, and not offered any more (moqt-18 §6.1).
func TestPublishBlocked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRelay(t, relay.Config{})
		near, far := transport.MemoryConfig{Protocol: wire.Draft18.String(), MaxStreams: 2}.Pair()
		go r.ServeConn(far)
		a := newAsks()
		s, err := moq.NewSession(t.Context(), near, moq.Config{Handler: a, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		defer closeSession(s)
		blocked := make(chan wire.FullTrackName, 8)
		if _, err := s.SubscribeTracks(t.Context(), camera.Namespace, wire.Parameters{}, func(n wire.FullTrackName) { blocked <- n }); err != nil {
			t.Fatal(err)
		}
		p := newPeer(t, r)
		for i := range 3 { // the subscriber allows two streams
			if _, err := p.session.Publish(t.Context(), numbered(fmt.Sprint(i), 1), moq.PublishOptions{}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if got := a.offered(); len(got) != 2 {
			t.Errorf("offered %v, want two", got)
		}
		select {
		case name := <-blocked:
			if !name.Namespace.Equal(camera.Namespace) || name.Name != "2" {
				t.Errorf("PUBLISH_BLOCKED names %v", name)
			}
		default:
			t.Fatal("no PUBLISH_BLOCKED")
		}
		sub := <-a.subs
		sub.Close() // there is a stream again
		if _, err := p.session.Publish(t.Context(), numbered("3", 1), moq.PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := a.offered(); !slices.Equal(got, []string{"0", "1", "3"}) {
			t.Errorf("offered %v, want 0, 1 and 3: 2 was blocked", got)
		}
	})
}
