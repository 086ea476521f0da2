package relay_test

import (
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// A shield that has not heard of a namespace yet, when an edge asks for a track in
// it, waits half a second for the directory: a refusal has the edge ask the holder.
// When the directory cannot be reached there is nothing to wait for. What is asked
// for once the shield knows comes by the shield, whatever was before.
func TestDirectoryHearsay(t *testing.T) {
	for _, c := range []struct {
		name   string
		lost   bool          // the shield's directory
		hears  time.Duration // the shield, after the edge asked
		shield int64         // subscriptions that it serves then
		within time.Duration // the edge has the track
	}{
		{"in time", false, 300 * time.Millisecond, 1, 450 * time.Millisecond},
		{"too late", false, time.Second, 0, 750 * time.Millisecond},
		{"from nobody", true, 300 * time.Millisecond, 0, 250 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBoard()
				roles := []relay.Role{relay.RoleOrigin, relay.RoleShield, relay.RoleEdge}
				var members []*membership
				for i := range roles {
					members = append(members, b.member(nameOf(i)))
				}
				m := newMesh(t, len(roles), []*edge{{from: 2, to: 1}, {from: 2, to: 0}, {from: 1, to: 0}}, func(i int, c *relay.Config) {
					c.Directory, c.Advertise.Role, c.Region = members[i], roles[i], "eu"
					if roles[i] == relay.RoleOrigin {
						c.Region = "us"
					}
					for i := range c.Upstreams {
						c.Upstreams[i].OnDemand = true
					}
				})
				for i := range members {
					for !members[i].hasJoined() {
						time.Sleep(time.Millisecond)
					}
				}
				origin, shield, edge := m.nodes[0], m.nodes[1], m.nodes[2]
				b.mu.Lock()
				members[1].deaf, members[1].lost = true, c.lost
				b.mu.Unlock()

				audio := wire.FullTrackName{Namespace: camera.Namespace, Name: "audio"}
				source := moq.NewOrigin()
				source.AddTrack(oneObject(t, camera))
				source.AddTrack(oneObject(t, audio))
				publisher := m.client(origin, source)
				defer closeSession(publisher)
				if _, err := publisher.PublishNamespace(t.Context(), camera.Namespace); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				if n := edge.Stats().Namespaces; n != 1 {
					t.Fatalf("the edge knows %d namespaces, want 1", n)
				}

				hears := time.AfterFunc(c.hears, members[1].hear)
				defer hears.Stop()
				viewer := m.client(edge, nil)
				defer closeSession(viewer)
				asked := time.Now()
				if _, err := viewer.Subscribe(t.Context(), camera, moq.SubscribeOptions{}); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(asked); took > c.within {
					t.Errorf("the edge has the track after %v, want %v at most", took, c.within)
				}
				time.Sleep(2 * time.Second)
				if n := shield.Stats().Subscriptions; n != c.shield {
					t.Errorf("the shield serves %d subscriptions, want %d", n, c.shield)
				}
				if n := origin.Stats().Subscriptions; n != 1 {
					t.Errorf("the holder serves %d subscriptions, want 1", n)
				}
				if n := shield.Stats().Requests; n == 0 {
					t.Error("the shield was never asked")
				}
				if _, err := viewer.Subscribe(t.Context(), audio, moq.SubscribeOptions{}); err != nil {
					t.Fatal(err)
				}
				if n := shield.Stats().Subscriptions; n != c.shield+1 {
					t.Errorf("the shield serves %d subscriptions after another track was asked for, want %d", n, c.shield+1)
				}
			})
		})
	}
}
