package capacity

import (
	"fmt"
	"math"

	"moqedge/relay/topology"
)

// Tier is relays at the same distance from the publisher.
type Tier struct {
	Name   string `json:"name"`
	Relays int    `json:"relays"`
	// Below is how many clients the one with most of them has: relays, or viewers of
	// the last tier.
	Below int `json:"below"`
	// Sends is what that one sends, in bits per second on the wire; Busy how many of
	// its cores.
	Sends float64 `json:"sends_bps"`
	Busy  float64 `json:"busy"`
}

// maxTiers bounds a tree; each makes it at least twice as wide.
const maxTiers = 32

// tiers makes the tree from the edges up: a tier above as long as there is more
// than one relay.
func (m Model) tiers(p Plan) ([]Tier, error) {
	fan := p.Ask.FanOut
	if capable := int(min(p.ViewersPerEdge.Likely, math.MaxInt32)); fan == 0 || fan > capable {
		fan = capable
	}
	counts := []int{int(p.Edges.Likely)}
	for counts[0] > 1 {
		if fan < 2 || len(counts) == maxTiers {
			return nil, fmt.Errorf("%w: a relay of this size cannot feed two others", ErrAsk)
		}
		counts = append([]int{ceil(counts[0], fan)}, counts...)
	}
	tiers := make([]Tier, len(counts))
	for i, n := range counts {
		t := Tier{Name: "edge", Relays: n, Below: ceil(p.Ask.Viewers, n)}
		if i < len(counts)-1 {
			t.Below = ceil(counts[i+1], n)
			t.Name = "shield"
			if len(counts) > 3 {
				t.Name = fmt.Sprintf("shield %d", i)
			}
		}
		if i == 0 {
			t.Name = "origin"
		}
		t.Sends, t.Busy = float64(t.Below)*p.PerViewer.Wire.Likely, float64(t.Below)*p.PerViewer.CPU.Likely
		tiers[i] = t
	}
	return tiers, nil
}

func ceil(n, by int) int { return (n + by - 1) / by }

// Relays is how many there are in all.
func (p Plan) Relays() (n int) {
	for _, t := range p.Tiers {
		n += t.Relays
	}
	return n
}

// shown is how many relays of a kind are drawn one by one.
const shown = 2

// Tree draws the tree with lines, as package topology does. Of many relays that are
// alike it draws the first two; the rest is one line.
func (p Plan) Tree() string {
	var nodes []topology.Node
	var draw func(tier, from, count int, above string)
	draw = func(tier, from, count int, above string) {
		for i := 0; i < count; i++ {
			n := topology.Node{Name: p.name(tier, from+i), Ingest: tier == 0}
			together := 1
			if i == shown && count > shown+1 {
				together = count - shown
				n.Name = fmt.Sprintf("%s to %d, likewise", p.name(tier, from+i), from+count)
			}
			address := fmt.Sprintf("relay-%d-%d", tier, from+i)
			n.Addresses = []string{address + ":443"}
			if above != "" {
				n.Upstreams = []topology.Upstream{{URL: "moqt://" + above}}
			}
			if tier == len(p.Tiers)-1 && together == 1 {
				n.Name += fmt.Sprintf(", %d viewers", p.share(p.Ask.Viewers, p.Tiers[tier].Relays, from+i))
			}
			nodes = append(nodes, n)
			if together > 1 {
				return
			}
			if tier+1 < len(p.Tiers) {
				below, relays := p.Tiers[tier+1].Relays, p.Tiers[tier].Relays
				draw(tier+1, p.before(below, relays, from+i), p.share(below, relays, from+i), address)
			}
		}
	}
	draw(0, 0, p.Tiers[0].Relays, "")
	return topology.Build(nodes).Text()
}

func (p Plan) name(tier, i int) string {
	if p.Tiers[tier].Relays == 1 {
		return p.Tiers[tier].Name
	}
	return fmt.Sprintf("%s %d", p.Tiers[tier].Name, i+1)
}

// share is how many of all the i-th of n has when they are dealt out evenly, before
// how many those before it have.
func (p Plan) share(all, n, i int) int { return p.before(all, n, i+1) - p.before(all, n, i) }

func (p Plan) before(all, n, i int) int { return all/n*i + min(all%n, i) }
