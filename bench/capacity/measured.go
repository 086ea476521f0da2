package capacity

import (
	"fmt"

	"moqedge/bench/lab"
)

// ethernet is what each packet takes beyond its IP packet: header, check sum,
// preamble and the gap to the next one, in bytes.
const ethernet = 38

// Of takes what a viewer of a system costs from the rounds of a result that count and in
// which no viewer was lost.
// Of a chain it is the last server, which the viewers are connected to.
func Of(x lab.Result, s lab.System) (p Point, err error) {
	var cpu, memory, base, bitrate []float64
	for _, r := range x.Rounds {
		if r.System != s || len(r.Invalid)+len(r.Lost) > 0 || len(r.Servers) == 0 || r.Metrics.Viewers == 0 {
			continue
		}
		n, c := float64(r.Metrics.Viewers), r.Servers[len(r.Servers)-1]
		p.Viewers = max(p.Viewers, r.Metrics.Viewers)
		cpu, memory = append(cpu, c.PerViewer), append(memory, c.OfViewer)
		base = append(base, float64(c.Resident)-c.OfViewer*n)
		bitrate = append(bitrate, r.Metrics.Goodput/n)
	}
	if len(cpu) == 0 {
		return p, fmt.Errorf("%w: no round of %s counts", ErrPoints, s)
	}
	p.Rounds = len(cpu)
	p.CPU, p.Memory, p.Base, p.Bitrate = rangeOf(cpu), rangeOf(memory), rangeOf(base).High, rangeOf(bitrate).Likely
	p.Wire = wireOf(x, s).times(p.Bitrate)
	return p, nil
}

// WithWire returns p with what goes over the wire as another result has counted it,
// whose lines are emulated: clean ones count nothing.
func (p Point) WithWire(x lab.Result, s lab.System) Point {
	p.Wire = wireOf(x, s).times(p.Bitrate)
	return p
}

// wireOf is how many bits go over the wire for a bit of payload, by the lines'
// counters; zero when they have none. It does not depend on whether the load kept
// up.
func wireOf(x lab.Result, s lab.System) Range {
	var all []float64
	for _, r := range x.Rounds {
		if down := r.Wire.Down; r.System == s && down.Bytes > 0 && r.Metrics.Bytes > 0 {
			all = append(all, (float64(down.Bytes)+ethernet*float64(down.Packets))/float64(r.Metrics.Bytes))
		}
	}
	if len(all) == 0 {
		return Range{}
	}
	return rangeOf(all)
}

// rangeOf is the median of values, and their ends.
func rangeOf(values []float64) Range {
	s := lab.SpreadOf(values)
	return Range{Low: s.Min, Likely: s.Median, High: s.Max}
}
