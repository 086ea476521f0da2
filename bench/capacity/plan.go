package capacity

import (
	"errors"
	"fmt"
	"math"
)

// Ask is what is to be served, and by what.
type Ask struct {
	Viewers int     `json:"viewers"`
	Bitrate float64 `json:"bitrate_bps"` // of the payload that each of them gets
	Edge    Machine `json:"edge"`
	// Target is the share of a machine that may be busy, above 0 and at most 1.
	Target float64 `json:"target"`
	// FanOut is the most relays below another one; 0: as many as it could have
	// viewers.
	FanOut int `json:"fan_out"`
}

// Machine is what a relay runs on.
type Machine struct {
	Cores  int     `json:"cores"`
	Memory float64 `json:"memory"`  // bytes
	NIC    float64 `json:"nic_bps"` // bits per second, one way
}

// Plan is what it takes.
type Plan struct {
	Ask       Ask   `json:"ask"`
	Model     Model `json:"model"`
	PerViewer Needs `json:"per_viewer"`
	// Total is what all viewers need of the edges, busy to the full: without the
	// Target, and without the relays above.
	Total Needs `json:"total"`
	// ViewersPerEdge is how many one edge serves at the target, by what it is short
	// of first: Limit.
	ViewersPerEdge Range  `json:"viewers_per_edge"`
	Limit          string `json:"limit"` // "processors", "memory" or "network"
	// ByLimit are the viewers that each resource would be enough for.
	ByLimit map[string]Range `json:"by_limit"`
	Edges   Range            `json:"edges"` // whole numbers
	// Tiers from the relay that the publisher is at to the edges, for the likely
	// number of these.
	Tiers []Tier `json:"tiers"`
	// Spare is how busy the edges are when one of them is lost, as a share of a
	// machine; 0 when there is one.
	Spare float64  `json:"spare"`
	Notes []string `json:"notes"`
}

// Needs are cores, bytes of memory, and bits per second on the wire.
type Needs struct {
	CPU    Range `json:"cpu"`
	Memory Range `json:"memory"`
	Wire   Range `json:"wire_bps"`
}

// names of what an edge can be short of.
const (
	processors = "processors"
	memory     = "memory"
	network    = "network"
)

// ErrAsk reports something that cannot be planned.
var ErrAsk = errors.New("capacity: this cannot be planned")

// maxViewers bounds a plan.
const maxViewers = 1_000_000_000

// Check says why something cannot be planned whatever a viewer costs.
func (a Ask) Check() error {
	switch {
	case a.Viewers < 1 || a.Viewers > maxViewers:
		return fmt.Errorf("%w: %d viewers: 1 to %d are possible", ErrAsk, a.Viewers, maxViewers)
	case !positive(a.Bitrate):
		return fmt.Errorf("%w: %.0f bit/s", ErrAsk, a.Bitrate)
	case a.Edge.Cores < 1 || !positive(a.Edge.Memory) || !positive(a.Edge.NIC):
		return fmt.Errorf("%w: an edge with %d cores, %.0f bytes and %.0f bit/s", ErrAsk, a.Edge.Cores, a.Edge.Memory, a.Edge.NIC)
	case !(a.Target > 0 && a.Target <= 1):
		return fmt.Errorf("%w: edges that are %.0f %% busy", ErrAsk, a.Target*100)
	case a.FanOut == 1 || a.FanOut < 0:
		return fmt.Errorf("%w: %d relays below another one", ErrAsk, a.FanOut)
	}
	return nil
}

// Plan does the sum.
func (m Model) Plan(a Ask) (p Plan, err error) {
	if err := a.Check(); err != nil {
		return p, err
	}
	p = Plan{Ask: a, Model: m}
	p.PerViewer = Needs{
		CPU:    m.at(a.Bitrate, func(p Point) Range { return p.CPU }),
		Memory: m.at(a.Bitrate, func(p Point) Range { return p.Memory }),
		Wire:   m.wire(a.Bitrate),
	}
	n := float64(a.Viewers)
	p.Total = Needs{p.PerViewer.CPU.times(n), p.PerViewer.Memory.times(n), p.PerViewer.Wire.times(n)}
	p.ByLimit = map[string]Range{
		processors: enough(float64(a.Edge.Cores)*a.Target, p.PerViewer.CPU),
		memory:     enough(a.Edge.Memory*a.Target-m.base(), p.PerViewer.Memory),
		network:    enough(a.Edge.NIC*a.Target, p.PerViewer.Wire),
	}
	p.ViewersPerEdge = Exactly(math.Inf(1))
	for _, name := range []string{processors, memory, network} {
		r := p.ByLimit[name]
		if r.Likely < p.ViewersPerEdge.Likely {
			p.Limit = name
		}
		p.ViewersPerEdge = Range{min(p.ViewersPerEdge.Low, r.Low), min(p.ViewersPerEdge.Likely, r.Likely), min(p.ViewersPerEdge.High, r.High)}
	}
	if p.ViewersPerEdge.Low < 1 {
		return p, fmt.Errorf("%w: an edge of this size cannot be sure to serve one viewer (%s)", ErrAsk, p.Limit)
	}
	p.Edges = Range{Low: math.Ceil(n / p.ViewersPerEdge.High), Likely: math.Ceil(n / p.ViewersPerEdge.Likely), High: math.Ceil(n / p.ViewersPerEdge.Low)}
	if p.Edges.Likely > 1 {
		p.Spare = n / (p.Edges.Likely - 1) / p.ViewersPerEdge.Likely * a.Target
	}
	if p.Tiers, err = m.tiers(p); err != nil {
		return p, err
	}
	p.Notes = m.notes(p)
	return p, nil
}

// most is a bound of viewers of one edge, where something costs next to nothing.
const most = 1e9

// enough is how many viewers there is enough for, in whole numbers.
func enough(there float64, each Range) Range {
	viewers := func(cost float64) float64 {
		if there <= 0 {
			return 0
		}
		if cost <= 0 {
			return most
		}
		return min(math.Floor(there/cost+1e-9), most)
	}
	return Range{Low: viewers(each.High), Likely: viewers(each.Likely), High: viewers(each.Low)}
}

// notes say what the plan rests on.
func (m Model) notes(p Plan) []string {
	notes := []string{
		"All viewers watch one publication, which each relay gets once from the one above it; a relay below another one costs that one as much as a viewer.",
		"Cost is taken to grow in proportion to viewers and cores. It was measured with the viewers that are named above, on the cores of this machine, with load and server sharing them and loopback for a network card: a card's driver, its offloads and more sockets than one shift it.",
	}
	notes = append(notes, "Bounds come from rounds of one run: another run, at another time, may differ by more.")
	first, last := m.Points[0], m.Points[len(m.Points)-1]
	switch {
	case len(m.Points) == 1 && p.Ask.Bitrate != first.Bitrate:
		notes = append(notes, "One bitrate was measured: what a viewer costs whatever it watches and what each bit costs cannot be told apart. The bounds are as much as was measured, and in proportion to the bitrate.")
	case p.Ask.Bitrate < first.Bitrate || p.Ask.Bitrate > last.Bitrate:
		notes = append(notes, fmt.Sprintf("The bitrate lies outside of what was measured (%.2f to %.2f Mbit/s): the line is drawn on.", first.Bitrate/1e6, last.Bitrate/1e6))
	}
	for _, x := range m.Points {
		if x.Rounds == 1 {
			notes = append(notes, fmt.Sprintf("At %.2f Mbit/s one round counted: how far rounds differ there is not known, and the bounds are too narrow.", x.Bitrate/1e6))
		}
	}
	if p.Tiers[len(p.Tiers)-1].Relays > 1 {
		notes = append(notes, fmt.Sprintf("Nothing is in reserve beyond the target of %.0f %%: when one edge is lost the others are %.0f %% busy.", p.Ask.Target*100, p.Spare*100))
	}
	if m.Assumed {
		notes = append(notes, fmt.Sprintf("What goes over the wire was not counted; %.0f %% more than the payload is assumed.", (assumedOverhead-1)*100))
	}
	return notes
}
