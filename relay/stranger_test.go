package relay_test

import (
	"context"
	"math"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// stranger is a client that says it is a relay, which anybody can.
func (m *mesh) stranger(at int, id string, h moq.Handler) *moq.Session {
	m.t.Helper()
	return m.clientWith(m.nodes[at], moq.Config{Handler: h, Relay: wire.RelayOption{ID: id}})
}

// TestStrangerNamesOurUpstream: who says that it depends on a track, and that it is
// a relay that the track could be had from, keeps nobody else from the track.
func TestStrangerNamesOurUpstream(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := newMesh(t, 3, []*edge{{from: 1, to: 0, cost: 1}, {from: 2, to: 1, cost: 1}}, defaults)
		defer m.publishAt(0, camera)()
		time.Sleep(2 * time.Second)
		s := m.stranger(2, "stranger", nil)
		defer closeSession(s)
		ctx, cancel := context.WithCancel(t.Context())
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			o := moq.SubscribeOptions{Params: wire.Parameters{RelayPath: wire.Some([]string{"x", "a"})}}
			for ctx.Err() == nil {
				if sub, err := s.Subscribe(ctx, camera, o); err == nil {
					<-ctx.Done()
					sub.Close()
				}
			}
		}()
		time.Sleep(time.Second)
		for range 5 {
			if got, err := m.first(2, camera); err != nil || got != "a" {
				t.Errorf("a viewer gets %q, %v", got, err)
			}
		}
		cancel()
		<-asked
	})
}

// TestStrangerNamesOurOtherUpstream: nor does it when the track is lost.
func TestStrangerNamesOurOtherUpstream(t *testing.T) {
	bubble(t, func(t *testing.T) {
		edges := []*edge{{from: 2, to: 0, cost: 1}, {from: 2, to: 1, cost: 2}}
		m := newMesh(t, 3, edges, defaults)
		source := moq.NewOrigin()
		track := live.NewTrack(camera, live.Options{})
		source.AddTrack(track)
		for i := range 2 {
			p := m.client(m.nodes[i], source)
			defer closeSession(p)
			if _, err := p.PublishNamespace(t.Context(), camera.Namespace); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		produced := make(chan struct{})
		go func() { defer close(produced); produce(ctx, t, track, 30, time.Second/30, 100) }()
		defer func() { cancel(); <-produced }()
		time.Sleep(2 * time.Second)
		viewer, s := m.client(m.nodes[2], nil), m.stranger(2, "b", nil)
		defer closeSession(viewer)
		defer closeSession(s)
		sub, err := viewer.Subscribe(t.Context(), camera, moq.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Subscribe(t.Context(), camera, moq.SubscribeOptions{}); err != nil {
			t.Fatal(err)
		}
		edges[0].cut(true)
		time.Sleep(4 * time.Second)
		at, _ := sub.Track().Largest()
		if now, _ := track.Largest(); at.Group+1 < now.Group {
			t.Errorf("the publisher is at %s, the viewer at %s", now, at)
		}
	})
}

// routesOf answers SUBSCRIBE_NAMESPACE with a route.
type routesOf struct {
	ns    wire.Namespace
	route wire.Route
}

func (h routesOf) Serve(ctx context.Context, r moq.Request) {
	if q, ok := r.(*moq.SubscribeNamespaceRequest); ok && q.Accept() {
		q.AddRoute(h.ns, h.route)
		<-ctx.Done()
	}
}

// TestStrangerTellsTheLargestCost: what one relay tells does not keep others from
// being told of namespaces, in no draft.
func TestStrangerTellsTheLargestCost(t *testing.T) {
	for _, v := range wire.Versions() {
		bubble(t, func(t *testing.T) {
			m := newMesh(t, 3, []*edge{{from: 1, to: 0, cost: 1, draft: v.String()}, {from: 2, to: 1, cost: 1, draft: v.String()}}, defaults)
			time.Sleep(2 * time.Second)
			s := m.stranger(0, "stranger", routesOf{wire.Namespace{"far"}, wire.Route{Cost: math.MaxUint64, Hops: []string{"stranger"}}})
			defer closeSession(s)
			time.Sleep(time.Second)
			defer m.announce(0, "near")()
			time.Sleep(time.Second)
			for _, ns := range []string{"near", "far"} {
				if m.way(2, ns) == "" {
					t.Errorf("%s: %s is not known", v, ns)
				}
			}
		})
	}
}
