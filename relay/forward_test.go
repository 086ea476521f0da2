package relay_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// TestCutThrough: every link carries 10 Mbit/s, so a 64 kB object takes 51 ms
// on each. Through two relays it takes that once and not three times.
func TestCutThrough(t *testing.T) {
	one, three := cutThrough(t, 1), cutThrough(t, 3)
	hop := (three - one) / 2
	t.Logf("64 kB over links of 10 Mbit/s: %v through one relay, %v through three: %v for each", one, three, hop)
	if hop > 5*time.Millisecond {
		t.Errorf("a relay and its link add %v, want at most 5 ms: the object takes 51 ms on each link", hop)
	}
}

// cutThrough is how long an object of 64 kB takes through a chain of relays, over
// links of 10 Mbit/s with a delay of 1 ms.
func cutThrough(t *testing.T, relays int) (took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, time.Millisecond, 0)
		var origin, edge *node
		for i := range relays {
			edge = n.relay(fmt.Sprint("relay ", i), edge)
			if i == 0 {
				origin = edge
			}
		}
		track := n.offer(origin)
		viewer := n.client(edge, nil)
		sub, err := viewer.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		n.router.narrowAll(10e6)
		r := sub.Track().NewReader(wire.Location{})
		defer r.Close()
		w, err := track.OpenSubgroup(live.SubgroupInfo{Priority: 128, FirstObject: true})
		if err != nil {
			t.Fatal(err)
		}
		for id := range uint64(20) { // the congestion windows grow meanwhile
			started := time.Now()
			if err := w.Append(live.WholeObject{ID: id, Payload: make([]byte, 64_000)}); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
			took = time.Since(started)
			time.Sleep(100 * time.Millisecond)
		}
		w.Close()
	})
	return took
}

// TestDatagrams: objects sent as datagrams stay datagrams.
func TestDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, time.Millisecond, 0)
		origin, edge := n.pair()
		track := n.offer(origin)
		viewer := n.client(edge, nil)
		sub, err := viewer.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r := sub.Track().NewReader(wire.Location{})
		defer r.Close()
		properties := wire.AppendProperties(nil, wire.KeyValue{Type: 0x40, Value: 7})
		for id := range uint64(5) {
			track.AppendDatagram(wire.Datagram{Group: 9, ID: id, Priority: wire.Some(uint8(3)), Properties: properties, Payload: []byte{byte(id)}})
			o, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !o.Datagram || o.Location() != (wire.Location{Group: 9, Object: id}) || o.Priority != 3 || string(o.Properties) != string(properties) || o.Payload()[0] != byte(id) {
				t.Errorf("got %+v", o)
			}
		}
		if s := edge.Stats(); s.DatagramsOut != 5 || s.StreamsOut != 0 {
			t.Errorf("%d datagrams and %d streams sent, want 5 and 0", s.DatagramsOut, s.StreamsOut)
		}
	})
}

// TestFetchThroughEdge: groups that the edge never had are fetched from above.
func TestFetchThroughEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, time.Millisecond, 0)
		origin, edge := n.pair()
		n.publish(origin)
		time.Sleep(3500 * time.Millisecond) // into group 3
		viewer := n.client(edge, nil)
		for _, down := range []bool{false, true} {
			track := live.NewTrack(camera, live.Options{RetainGroups: 10})
			o := moq.FetchOptions{Into: track, First: wire.Location{Group: 1, Object: 3}, Last: wire.Location{Group: 2, Object: math.MaxUint64}}
			if down {
				o.Params.GroupOrder = wire.Some(wire.GroupOrderDescending)
			}
			if err := viewer.Fetch(o).Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if u := track.Unknown(live.Range{From: o.First, To: wire.Location{Group: 3}}); len(u) > 0 {
				t.Fatalf("descending %v: unknown: %v", down, u)
			}
			r := track.NewReader(wire.Location{})
			got := map[uint64]int{}
			for range 57 {
				o, err := r.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				got[o.Group]++
			}
			r.Close()
			if got[1] != 27 || got[2] != 30 {
				t.Errorf("descending %v: got objects by group %v, want 27 of group 1 and 30 of group 2", down, got)
			}
		}
	})
}

// TestPublishAtEdge: what is published at one edge is had at the origin and at
// another edge, and is gone everywhere when its publisher is.
func TestPublishAtEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, time.Millisecond, 0)
		origin := n.relay("origin", nil)
		here := n.relay("here", origin)
		there := n.relay("there", origin)
		time.Sleep(time.Second)
		p := n.publish(here)
		time.Sleep(time.Second)
		for _, at := range []*node{there, origin, here} {
			viewer := n.client(at, nil)
			events := make(seen, 8)
			if _, err := viewer.SubscribeNamespace(t.Context(), nil, events); err != nil {
				t.Fatal(err)
			}
			if got := <-events; got != "+cam1.2eloc" {
				t.Errorf("namespaces: %s", got)
			}
			sub, err := viewer.Subscribe(t.Context(), camera, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
			if err != nil {
				t.Fatal(err)
			}
			r := sub.Track().NewReader(wire.Location{})
			for range 40 {
				if _, err := r.Next(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			r.Close()
			closeSession(viewer)
		}
		p.stop()
		time.Sleep(time.Minute) // more than what relays wait for a publisher
		for _, at := range []*node{there, origin, here} {
			if s := at.Stats(); s.Namespaces != 0 || s.Tracks != 0 {
				t.Errorf("%d namespaces and %d tracks are left", s.Namespaces, s.Tracks)
			}
			viewer := n.client(at, nil)
			if _, err := viewer.Subscribe(t.Context(), camera, moq.SubscribeOptions{}); !isRequestError(err, &moq.RequestError{Code: wire.RequestDoesNotExist}) {
				t.Errorf("after the publisher left: %v, want DOES_NOT_EXIST", err)
			}
			closeSession(viewer)
		}
	})
}

// seen collects namespaces that appear.
type seen chan string

func (s seen) NamespaceAdded(ns wire.Namespace) { s <- "+" + ns.String() }
func (s seen) NamespaceRemoved(wire.Namespace)  {}

// TestPublishAndSubscribeTracks: a track offered by PUBLISH reaches who asked
// for all tracks below a prefix.
func TestPublishAndSubscribeTracks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, time.Millisecond, 0)
		node := n.relay("relay", nil)
		publisher := n.client(node, nil)
		track := live.NewTrack(camera, live.Options{})
		if _, err := publisher.Publish(t.Context(), track, moq.PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		viewer := n.client(node, nil)
		status, err := viewer.TrackStatus(t.Context(), camera)
		if err != nil || status.Largest.Set {
			t.Errorf("status %+v, error %v, want an empty track", status, err)
		}
		sub, err := viewer.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		taker := make(takeAll, 2)
		all := n.client(node, taker)
		if _, err := all.SubscribeTracks(t.Context(), wire.Namespace{"cam1.loc"}, wire.Parameters{}, nil); err != nil {
			t.Fatal(err)
		}
		if offered := <-taker; offered.Track().Name().Key() != camera.Key() {
			t.Errorf("offered %s, want %s", offered.Track().Name(), camera)
		}
		second := live.NewTrack(wire.FullTrackName{Namespace: camera.Namespace, Name: "second"}, live.Options{})
		if _, err := publisher.Publish(t.Context(), second, moq.PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		if offered := <-taker; offered.Track().Name().Key() != second.Name().Key() {
			t.Errorf("offered %s, want %s", offered.Track().Name(), second.Name())
		}
		r := sub.Track().NewReader(wire.Location{})
		defer r.Close()
		w, err := track.OpenSubgroup(live.SubgroupInfo{Group: 4, ID: 2, Priority: 9, HasProperties: true, FirstObject: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Append(live.WholeObject{ID: 6, Payload: []byte("x")}); err != nil {
			t.Fatal(err)
		}
		o, err := r.Next(t.Context())
		if err != nil || o.Subgroup != 2 || o.ID != 6 || o.Priority != 9 {
			t.Errorf("got %+v, error %v", o, err)
		}
		w.Close()
		track.Close(wire.DoneTrackEnded, "over")
		<-sub.Done()
		if d := sub.Result(); d.Code != wire.DoneTrackEnded || d.Reason != "over" {
			t.Errorf("ended with %+v", d)
		}
	})
}

// takeAll accepts every track that is offered.
type takeAll chan *moq.Subscription

func (c takeAll) Serve(_ context.Context, r moq.Request) {
	if p, ok := r.(*moq.PublishRequest); ok {
		if sub, err := p.Accept(nil, wire.Parameters{Forward: wire.Some(true)}, nil); err == nil {
			c <- sub
		}
	}
}
