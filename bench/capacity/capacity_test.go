package capacity

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"moqedge/bench/lab"
	"moqedge/bench/link"
	"moqedge/bench/tally"
)

// point is one that was measured exactly.
func point(bitrate, cpu, memory, wire float64) Point {
	return Point{Bitrate: bitrate, Viewers: 50, CPU: Exactly(cpu), Memory: Exactly(memory), Wire: Exactly(wire), Base: 20e6}
}

func near(got, want float64) bool { return math.Abs(got-want) <= 1e-9*math.Abs(want) }

// Two bitrates tell what each viewer costs from what each bit costs.
func TestModel(t *testing.T) {
	for _, c := range []struct {
		name    string
		points  []Point
		bitrate float64
		cpu     Range
	}{
		{"between", []Point{point(3e6, 0.004, 1e5, 3.3e6), point(1e6, 0.002, 1e5, 1.1e6)}, 2e6, Exactly(0.003)},
		{"beyond", []Point{point(1e6, 0.002, 1e5, 1.1e6), point(3e6, 0.004, 1e5, 3.3e6)}, 5e6, Exactly(0.006)},
		{"three on a line", []Point{point(1e6, 2e-3, 1, 1), point(2e6, 3e-3, 1, 1), point(4e6, 5e-3, 1, 1)}, 3e6, Exactly(4e-3)},
		{"each bit costs less than nothing", []Point{point(1e6, 4e-3, 1, 1), point(3e6, 4e-3, 1, 1)}, 9e6, Exactly(4e-3)},
		{"in proportion", []Point{point(1e6, 1e-3, 1, 1), point(3e6, 3e-3, 1, 1)}, 6e6, Exactly(6e-3)},
		{"spread", []Point{
			{Bitrate: 1e6, Viewers: 1, CPU: Range{1e-3, 2e-3, 3e-3}}, {Bitrate: 3e6, Viewers: 1, CPU: Exactly(3e-3)},
		}, 1e6, Range{1e-3, 2e-3, 3e-3}},
		{"one point, below", []Point{point(3e6, 3e-3, 1, 1)}, 1.5e6, Range{1.5e-3, 2.25e-3, 3e-3}},
		{"one point, above", []Point{point(3e6, 3e-3, 1, 1)}, 6e6, Range{3e-3, 4.5e-3, 6e-3}},
		{"one point, there", []Point{point(3e6, 3e-3, 1, 1)}, 3e6, Exactly(3e-3)},
	} {
		m, err := NewModel(c.points)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := m.at(c.bitrate, func(p Point) Range { return p.CPU })
		if !near(got.Low, c.cpu.Low) || !near(got.Likely, c.cpu.Likely) || !near(got.High, c.cpu.High) {
			t.Errorf("%s: %v, want %v", c.name, got, c.cpu)
		}
	}
	m, err := NewModel([]Point{point(3e6, 4e-3, 1e5, 3.3e6), point(1e6, 2e-3, 1e5, 1.1e6)})
	if err != nil || !near(m.Fixed.CPU, 1e-3) || !near(m.PerMegabit.CPU, 1e-3) || m.PerMegabit.Memory > 1e-3 || !near(m.PerMegabit.Wire, 1.1e6) {
		t.Errorf("%+v, %v", m, err)
	}
}

// A falling cost is none that bits have: the line is flat then.
func TestModelFalls(t *testing.T) {
	m, err := NewModel([]Point{point(1e6, 4e-3, 1, 1), point(3e6, 2e-3, 1, 1)})
	if err != nil || m.PerMegabit.CPU != 0 || m.Fixed.CPU < 2e-3 || m.Fixed.CPU > 4e-3 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestModelMistakes(t *testing.T) {
	good := point(1e6, 1e-3, 1, 1)
	for name, points := range map[string][]Point{
		"none": nil, "too many": make([]Point, maxPoints+1), "the same bitrate": {good, point(1.1e6, 1e-3, 1, 1)},
		"no bitrate": {point(0, 1e-3, 1, 1)}, "no cost": {point(1e6, 0, 1, 1)}, "no number": {point(1e6, math.NaN(), 1, 1)},
		"endless": {point(math.Inf(1), 1, 1, 1)}, "upside down": {{Bitrate: 1, Viewers: 1, CPU: Range{2, 1, 3}}}, "nobody": {{Bitrate: 1, CPU: Exactly(1)}},
	} {
		if _, err := NewModel(points); !errors.Is(err, ErrPoints) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPlan holds sums that were done by hand.
func TestPlan(t *testing.T) {
	big := Machine{Cores: 8, Memory: 16e9, NIC: 10e9}
	for _, c := range []struct {
		name    string
		point   Point
		ask     Ask
		perEdge float64
		limit   string
		edges   float64
		tiers   string // relays, and how many are below the one with most
		spare   float64
	}{
		// 8 cores * 0.5 / 0.002 = 2000 viewers
		{"processors", point(3e6, 0.002, 1e5, 3.3e6/2), Ask{5000, 3e6, big, 0.5, 0}, 2000, "processors", 3, "1:3 3:1667", 0.625},
		// 10e9 * 0.5 / 10e6 = 500 viewers
		{"network", point(3e6, 0.002, 1e5, 10e6), Ask{5000, 3e6, big, 0.5, 0}, 500, "network", 10, "1:10 10:500", 5000.0 / 9 / 1000},
		// (16e9 * 0.5 - 20e6) / 10e6 = 798 viewers
		{"memory", point(3e6, 0.002, 10e6, 3e6), Ask{800, 3e6, big, 0.5, 0}, 798, "memory", 2, "1:2 2:400", 800.0 / 798 * 0.5},
		{"one is enough", point(3e6, 0.002, 1e5, 3e6), Ask{100, 3e6, big, 0.5, 0}, 1666, "network", 1, "1:100", 0},
		{"three tiers", point(3e6, 0.04, 1e5, 3e6), Ask{100_000, 3e6, big, 0.5, 0}, 100, "processors", 1000, "1:10 10:100 1000:100", 100_000.0 / 999 / 100 * 0.5},
		{"narrow", point(3e6, 0.04, 1e5, 3e6), Ask{800, 3e6, big, 0.5, 2}, 100, "processors", 8, "1:2 2:2 4:2 8:100", 800.0 / 7 / 100 * 0.5},
	} {
		m, err := NewModel([]Point{c.point})
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Plan(c.ask)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var tiers []string
		for _, x := range p.Tiers {
			tiers = append(tiers, strings.Join([]string{itoa(x.Relays), itoa(x.Below)}, ":"))
		}
		if p.ViewersPerEdge != Exactly(c.perEdge) || p.Limit != c.limit || p.Edges.Likely != c.edges || strings.Join(tiers, " ") != c.tiers || !near(p.Spare, c.spare) {
			t.Errorf("%s: %v viewers by %s, %v edges, %v, spare %v", c.name, p.ViewersPerEdge, p.Limit, p.Edges, tiers, p.Spare)
		}
		if last := p.Tiers[len(p.Tiers)-1]; last.Busy > float64(big.Cores)*c.ask.Target || last.Sends > big.NIC*c.ask.Target {
			t.Errorf("%s: an edge that is too busy: %+v", c.name, last)
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var again Plan
		if err := json.Unmarshal(b, &again); err != nil || !reflect.DeepEqual(p, again) {
			t.Errorf("%s: JSON loses something: %v", c.name, err)
		}
	}
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

// The bounds of a plan come from those of what was measured.
func TestPlanRange(t *testing.T) {
	m, err := NewModel([]Point{{Bitrate: 3e6, Viewers: 10, CPU: Range{0.001, 0.002, 0.004}, Wire: Exactly(3e6)}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Plan(Ask{Viewers: 8000, Bitrate: 3e6, Edge: Machine{Cores: 4, Memory: 1e9, NIC: 100e9}, Target: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Range{Low: 2, Likely: 4, High: 8}); p.Edges != want {
		t.Errorf("%v edges, want %v", p.Edges, want)
	}
	if want := (Range{Low: 8, Likely: 16, High: 32}); p.Total.CPU != want {
		t.Errorf("%v cores, want %v", p.Total.CPU, want)
	}
	// With several cores twice the viewers need twice the edges.
	q, err := m.Plan(Ask{Viewers: 16000, Bitrate: 3e6, Edge: p.Ask.Edge, Target: 1})
	if err != nil || q.Edges.Likely != 2*p.Edges.Likely {
		t.Errorf("%v edges, %v", q.Edges, err)
	}
}

func TestPlanMistakes(t *testing.T) {
	m, err := NewModel([]Point{point(3e6, 0.5, 1e9, 3e6)})
	if err != nil {
		t.Fatal(err)
	}
	good := Ask{10, 3e6, Machine{4, 16e9, 10e9}, 0.5, 0}
	for name, change := range map[string]func(*Ask){
		"nobody": func(a *Ask) { a.Viewers = 0 }, "too many": func(a *Ask) { a.Viewers = maxViewers + 1 }, "no bitrate": func(a *Ask) { a.Bitrate = 0 },
		"no number": func(a *Ask) { a.Bitrate = math.NaN() }, "no cores": func(a *Ask) { a.Edge.Cores = 0 }, "no memory": func(a *Ask) { a.Edge.Memory = 0 },
		"no network": func(a *Ask) { a.Edge.NIC = -1 }, "idle": func(a *Ask) { a.Target = 0 }, "more than all": func(a *Ask) { a.Target = 1.1 },
		"a chain": func(a *Ask) { a.FanOut = 1 }, "too small": func(a *Ask) { a.Edge.Memory = 1e9 }, "too slow": func(a *Ask) { a.Edge.NIC = 1e6 },
		"cannot feed two": func(a *Ask) { a.Edge.Cores, a.Target = 1, 0.6 },
	} {
		a := good
		change(&a)
		if _, err := m.Plan(a); !errors.Is(err, ErrAsk) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := m.Plan(good); err != nil {
		t.Error(err)
	}
}

// A tree is drawn with all of few relays, and the first ones of many.
func TestTree(t *testing.T) {
	m, err := NewModel([]Point{point(3e6, 0.04, 1e5, 3e6)})
	if err != nil {
		t.Fatal(err)
	}
	tree := func(viewers int) string {
		p, err := m.Plan(Ask{viewers, 3e6, Machine{8, 16e9, 10e9}, 0.5, 4})
		if err != nil {
			t.Fatal(err)
		}
		return p.Tree()
	}
	for _, c := range []struct {
		viewers int
		want    []string
		lines   int
	}{
		{90, []string{"origin, 90 viewers"}, 1},
		{299, []string{"origin", "edge 1, 100 viewers", "edge 3, 99 viewers"}, 4},
		{1000, []string{"shield 3", "edge 1, 100 viewers", "edge 5", "edge 3 to 4, likewise"}, 13},
	} {
		got := tree(c.viewers)
		for _, w := range c.want {
			if !strings.Contains(got, w) {
				t.Errorf("%d viewers: %q is missing in\n%s", c.viewers, w, got)
			}
		}
		if n := strings.Count(got, "\n"); n != c.lines {
			t.Errorf("%d viewers: %d lines\n%s", c.viewers, n, got)
		}
	}
}

// What a viewer costs is taken from the rounds that count, of the last server.
func TestOf(t *testing.T) {
	round := func(cpu float64, invalid ...string) lab.Round {
		return lab.Round{
			System: lab.QUIC, Invalid: invalid,
			Metrics: tally.Metrics{Duration: time.Second, Viewers: 10, Goodput: 30e6, Counts: tally.Counts{Bytes: 30e6 / 8}},
			Servers: []lab.Cost{{PerViewer: 9}, {PerViewer: cpu, OfViewer: 1e5, Resident: 21e6}},
			Wire:    link.Counters{Down: link.Direction{Packets: 2700, Bytes: 4e6}},
		}
	}
	x := lab.Result{Rounds: []lab.Round{round(3e-3), round(1e-3), round(9, "late"), round(2e-3), {System: lab.WebRTC}}}
	p, err := Of(x, lab.QUIC)
	if err != nil {
		t.Fatal(err)
	}
	wire := (4e6 + 38*2700) / (30e6 / 8) * 3e6
	if p.CPU != (Range{1e-3, 2e-3, 3e-3}) || p.Memory != Exactly(1e5) || p.Base != 20e6 || p.Bitrate != 3e6 || p.Viewers != 10 || p.Rounds != 3 || !near(p.Wire.Likely, wire) {
		t.Errorf("%+v", p)
	}
	for i := range x.Rounds {
		x.Rounds[i].Wire = link.Counters{}
	}
	if p, err := Of(x, lab.QUIC); err != nil || p.Wire != (Range{}) {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := Of(x, lab.WebRTC); !errors.Is(err, ErrPoints) {
		t.Error(err)
	}
}
