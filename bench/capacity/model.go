package capacity

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Range is a figure of which one knows within which bounds it is.
type Range struct {
	Low    float64 `json:"low"`
	Likely float64 `json:"likely"`
	High   float64 `json:"high"`
}

// Exactly is a figure that is known.
func Exactly(v float64) Range { return Range{v, v, v} }

// times multiplies by a number that is not negative.
func (r Range) times(f float64) Range { return Range{r.Low * f, r.Likely * f, r.High * f} }

// Point is what a server needs for one viewer, measured at a bitrate.
type Point struct {
	Bitrate float64 `json:"bitrate_bps"` // of the payload that one viewer gets
	Viewers int     `json:"viewers"`     // that there were
	Rounds  int     `json:"rounds"`      // that counted
	CPU     Range   `json:"cpu"`         // cores
	Memory  Range   `json:"memory"`      // bytes
	// Wire is what leaves the server, in bits per second with the headers of IP and
	// Ethernet; zero: it was not counted.
	Wire Range `json:"wire_bps"`
	// Base is what the server's process holds without viewers, in bytes.
	Base float64 `json:"base"`
}

// assumedOverhead is taken for what was not counted: bits on the wire for a bit of
// payload, of full packets of 1452 bytes and one that is not in each picture.
const assumedOverhead = 1.12

// ErrPoints reports measurements that nothing can be said from.
var ErrPoints = errors.New("capacity: these measurements tell nothing")

// Model is what a viewer costs, by its bitrate.
type Model struct {
	Points []Point `json:"points"` // ascending by bitrate
	// Fixed is what a viewer needs at no bitrate at all, PerMegabit what each Mbit/s
	// adds; likely values of the fit, for people. Both are 0 when there is one point.
	Fixed      Parts `json:"fixed"`
	PerMegabit Parts `json:"per_mbps"`
	// Assumed says that what goes over the wire was not counted for all points.
	Assumed bool `json:"assumed_wire,omitempty"`
}

// Parts are cores, bytes of memory, and bits per second on the wire.
type Parts struct {
	CPU    float64 `json:"cpu"`
	Memory float64 `json:"memory"`
	Wire   float64 `json:"wire_bps"`
}

// maxPoints bounds the combinations that a range is made from.
const maxPoints = 8

// NewModel makes a model of one to eight points, each of another bitrate.
func NewModel(points []Point) (Model, error) {
	points = slices.Clone(points)
	slices.SortFunc(points, func(a, b Point) int {
		switch {
		case a.Bitrate < b.Bitrate:
			return -1
		case a.Bitrate > b.Bitrate:
			return 1
		}
		return 0
	})
	if len(points) == 0 || len(points) > maxPoints {
		return Model{}, fmt.Errorf("%w: there are %d of them, 1 to %d can be used", ErrPoints, len(points), maxPoints)
	}
	var m Model
	for i, p := range points {
		if !positive(p.Bitrate) || !positive(p.CPU.Low) || p.CPU.Likely < p.CPU.Low || !(p.CPU.High >= p.CPU.Likely) || math.IsInf(p.CPU.High, 0) || p.Viewers < 1 {
			return Model{}, fmt.Errorf("%w: %d viewers of %.0f bit/s took %v cores each", ErrPoints, p.Viewers, p.Bitrate, p.CPU)
		}
		if i > 0 && p.Bitrate < points[i-1].Bitrate*1.2 {
			return Model{}, fmt.Errorf("%w: %.0f and %.0f bit/s are too close to tell what a bit costs", ErrPoints, points[i-1].Bitrate, p.Bitrate)
		}
		if p.Wire.Likely == 0 {
			points[i].Wire, m.Assumed = Exactly(p.Bitrate*assumedOverhead), true
		}
		points[i].Memory = Range{max(p.Memory.Low, 0), max(p.Memory.Likely, 0), max(p.Memory.High, 0)}
	}
	m.Points = points
	if len(points) > 1 {
		for _, f := range []struct {
			of            func(Point) Range
			fixed, perBit *float64
		}{
			{func(p Point) Range { return p.CPU }, &m.Fixed.CPU, &m.PerMegabit.CPU},
			{func(p Point) Range { return p.Memory }, &m.Fixed.Memory, &m.PerMegabit.Memory},
			{func(p Point) Range { return p.Wire }, &m.Fixed.Wire, &m.PerMegabit.Wire},
		} {
			fixed, slope := m.line(func(i int) float64 { return f.of(points[i]).Likely })
			*f.fixed, *f.perBit = fixed, slope*1e6
		}
	}
	return m, nil
}

func positive(v float64) bool { return v > 0 && !math.IsInf(v, 0) }

// line fits value = fixed + slope * bitrate, neither of them negative, so that the
// errors are small for their values.
func (m Model) line(value func(i int) float64) (fixed, slope float64) {
	var w, wx, wy, wxx, wxy float64
	for i, p := range m.Points {
		x, y := p.Bitrate, value(i)
		weight := 1 / max(y*y, 1e-18)
		w, wx, wy, wxx, wxy = w+weight, wx+weight*x, wy+weight*y, wxx+weight*x*x, wxy+weight*x*y
	}
	slope = (w*wxy - wx*wy) / (w*wxx - wx*wx)
	fixed = (wy - slope*wx) / w
	switch {
	case slope < 0:
		return wy / w, 0
	case fixed < 0:
		return 0, wxy / wxx
	}
	return fixed, slope
}

// at is what a viewer of a bitrate costs. From one point alone it is anything
// between as much as there and in proportion; from several the range is that of
// all lines through their bounds.
func (m Model) at(bitrate float64, of func(Point) Range) Range {
	if len(m.Points) == 1 {
		p := m.Points[0]
		r, part := of(p), bitrate/p.Bitrate
		return Range{r.Low * min(part, 1), r.Likely * (1 + part) / 2, r.High * max(part, 1)}
	}
	predict := func(value func(i int) float64) float64 {
		fixed, slope := m.line(value)
		return fixed + slope*bitrate
	}
	likely := predict(func(i int) float64 { return of(m.Points[i]).Likely })
	r := Exactly(likely)
	for corner := range 1 << len(m.Points) {
		v := predict(func(i int) float64 {
			if corner>>i&1 == 1 {
				return of(m.Points[i]).High
			}
			return of(m.Points[i]).Low
		})
		r.Low, r.High = min(r.Low, v), max(r.High, v)
	}
	return r
}

// wire is what a viewer of a bitrate gets on the wire. From one point alone it is in
// proportion: packets are of one size, and nothing is sent without payload but
// acknowledgements.
func (m Model) wire(bitrate float64) Range {
	if p := m.Points[0]; len(m.Points) == 1 {
		return p.Wire.times(bitrate / p.Bitrate)
	}
	return m.at(bitrate, func(p Point) Range { return p.Wire })
}

// base is what a server without viewers holds: the most that was seen.
func (m Model) base() float64 {
	most := 0.0
	for _, p := range m.Points {
		most = max(most, p.Base)
	}
	return most
}
