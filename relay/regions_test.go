package relay_test

import (
	"fmt"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// trafficWith is what a relay moved with peers of a role in a region.
func trafficWith(r *relay.Relay, role, region string) (t relay.Traffic) {
	for _, x := range r.Traffic() {
		if x.Role == role && x.Region == region {
			return x
		}
	}
	return t
}

// TestRegions: what moves between relays that are told of each other by configuration
// alone is counted by the region of the other one, in both directions; links name it.
func TestRegions(t *testing.T) {
	bubble(t, func(t *testing.T) {
		regions := []string{"us", "eu", ""}
		m := newMesh(t, 3, []*edge{{from: 1, to: 0, cost: 1}, {from: 2, to: 1, cost: 1}}, func(i int, c *relay.Config) {
			defaults(i, c)
			c.Region = regions[i]
		})
		defer m.publishAt(0, camera)()
		settle()
		if got, err := m.first(2, camera); err != nil || got != "a" {
			t.Fatalf("%q, %v", got, err)
		}
		for _, c := range []struct {
			at           int
			role, region string
			in           bool
		}{
			{0, "client", "us", true}, {0, "below", "eu", false},
			{1, "above", "us", true}, {1, "below", "", false},
			{2, "above", "eu", true}, {2, "client", "", false},
		} {
			x := trafficWith(m.nodes[c.at].Relay, c.role, c.region)
			if c.in && x.BytesIn == 0 || !c.in && x.BytesOut == 0 {
				t.Errorf("%s has nothing with %s of %q: %+v", nameOf(c.at), c.role, c.region, m.nodes[c.at].Relay.Traffic())
			}
		}
		links := m.nodes[1].Relay.Links()
		if len(links) != 2 || links[0].Region != "us" || links[1].Region != "" {
			t.Errorf("links of b: %+v", links)
		}
	})
}

// TestRegionsOfStrangers: who says that it is a relay can not make up regions without
// end, nor one that can not be shown, and those of relays that this one chose have room.
func TestRegionsOfStrangers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := newMesh(t, 2, []*edge{{from: 1, to: 0, cost: 1}}, func(i int, c *relay.Config) {
			defaults(i, c)
			c.Region = []string{"us", "eu"}[i]
		})
		settle()
		seen := func(at int) map[string]bool {
			all := map[string]bool{}
			for _, x := range m.nodes[at].Relay.Traffic() {
				all[x.Region] = true
			}
			return all
		}
		come := func(id, region string) {
			closeSession(m.clientWith(m.nodes[1], moq.Config{Relay: wire.RelayOption{ID: id, Region: region}}))
		}
		for _, region := range []string{"a\nb", "\xff", "\u202e"} {
			come("x"+region, region)
		}
		time.Sleep(time.Second)
		if got := seen(1); len(got) != 2 || !got["us"] || !got[""] {
			t.Errorf("regions %v", got)
		}
		for i := range 100 {
			come(fmt.Sprint("stranger-", i), fmt.Sprint("region-", i))
		}
		time.Sleep(time.Second)
		if got := seen(1); len(got) != 2+32+1 || !got["OTHER"] || !got["region-31"] || got["region-32"] {
			t.Errorf("%d regions: %v", len(got), got)
		}
	})
}
