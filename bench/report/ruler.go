package report

import (
	"math"
	"strconv"
	"strings"

	"moqedge/bench/lab"
)

// Scale is how an axis is divided.
type Scale int

// The scales.
const (
	Linear Scale = iota
	Log          // equal ratios have equal lengths
	Nines        // of shares: 90 %, 99 % and 99.9 % are equally far from each other
)

// Axis is one direction of a plot.
type Axis struct {
	Title string
	Unit  lab.Unit
	Scale Scale
	// From and To are its ends; both 0: those of what is drawn, from 0 if it is
	// linear.
	From, To float64
}

// ruler is an axis that knows what is drawn along it.
type ruler struct {
	Axis
	title    string
	from, to float64 // in the scale's terms
}

// ruler of an axis for values; those that are no numbers, or cannot be on the
// scale, do not count.
func (a Axis) ruler(values []float64) *ruler {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if bad(v) || a.Scale == Log && v <= 0 || a.Scale == Nines && (v < 0 || v >= 1) {
			continue
		}
		low, high = math.Min(low, v), math.Max(high, v)
	}
	if low > high { // nothing
		low, high = 1, 1
		if a.Scale == Nines {
			low, high = 0, 0.99
		}
	}
	if a.From != a.To && !bad(a.From) && !bad(a.To) {
		low, high = a.From, a.To
	}
	r := &ruler{Axis: a, title: a.Title}
	switch a.Scale {
	case Log:
		low, high = math.Max(low, 1e-9), math.Max(high, 1e-9)
		r.from, r.to = math.Log10(low), math.Log10(high)
		if r.to-r.from < 0.3 {
			r.from, r.to = r.from-0.2, r.to+0.2
		}
		r.from, r.to = r.from-0.02, r.to+0.02
	case Nines:
		r.from, r.to = 0, math.Max(nines(high)+0.3, 1)
	default:
		if a.From == a.To {
			low, high = math.Min(low, 0), math.Max(high, 0)
			if high == low {
				high = low + 1
			}
			high += (high - low) * 0.08 // room for what stands above
		}
		r.from, r.to = low, high
	}
	if !(r.to > r.from) {
		r.to = r.from + 1
	}
	if unit := strings.TrimSpace(r.unit().name); unit != "" && a.Scale == Linear && a.Unit != lab.PerMin {
		r.title += ", " + unit
	}
	return r
}

func nines(share float64) float64 { return -math.Log10(1 - share) }

// part is where a value is, 0 to 1; what is beyond the ends is at the end. It is
// false for what has no place.
func (r *ruler) part(v float64) (float64, bool) {
	if math.IsNaN(v) {
		return 0, false
	}
	switch r.Scale {
	case Log:
		if v <= 0 {
			return 0, true
		}
		v = math.Log10(v)
	case Nines:
		if v >= 1 {
			return 1, true
		}
		v = nines(math.Max(v, 0))
	}
	return math.Min(math.Max((v-r.from)/(r.to-r.from), 0), 1), true
}

// tick is a number beside an axis.
type tick struct {
	part float64
	text string
}

// ticks of an axis; few where there is little room.
func (r *ruler) ticks(few bool) (all []tick) {
	add := func(v float64, text string) {
		if p, ok := r.part(v); ok && r.inside(v) {
			all = append(all, tick{p, text})
		}
	}
	switch r.Scale {
	case Log:
		for _, v := range r.logSteps(few) {
			s := scaleOf(v, r.Unit)
			add(v, short(v*s.per)+s.name)
		}
	case Nines:
		add(0, "0 %")
		add(0.5, "50 %")
		for n := 1; n <= 9 && float64(n) < r.to-0.2; n++ {
			share := 1 - math.Pow(10, -float64(n))
			add(share, strconv.FormatFloat(share*100, 'f', max(n-2, 0), 64)+" %")
		}
		all = append(all, tick{1, "100 %"})
	default:
		count := 6.0
		if few {
			count = 4
		}
		per := r.unit().per
		step := nice((r.to-r.from)*per/count) / per
		first := math.Ceil(r.from / step)
		for i := range 20 { // a count, as numbers may be so large that one more is the same
			if v := (first + float64(i)) * step; !bad(v) {
				add(v, short(v*per))
			}
		}
	}
	return all
}

func (r *ruler) inside(v float64) bool {
	switch r.Scale {
	case Log:
		v = math.Log10(v)
	case Nines:
		v = nines(v)
	}
	slack := (r.to - r.from) * 1e-9
	return v >= r.from-slack && v <= r.to+slack
}

// logSteps are round numbers, not too many of them.
func (r *ruler) logSteps(few bool) []float64 {
	most := 9
	if few {
		most = 5
	}
	var all []float64
	for _, digits := range [][]float64{{1, 2, 5}, {1, 3}, {1}} {
		all = nil
		for e := math.Floor(r.from); e <= math.Ceil(r.to); e++ {
			for _, d := range digits {
				if v := d * math.Pow(10, e); r.inside(v) {
					all = append(all, v)
				}
			}
		}
		if len(all) <= most {
			break
		}
	}
	return all
}

// unit is that of all numbers of a linear axis, which its title names.
func (r *ruler) unit() scale {
	return scaleOf(math.Max(math.Abs(r.from), math.Abs(r.to)), r.Unit)
}

// short writes the number of a tick.
func short(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// nice is the next round number.
func nice(v float64) float64 {
	if !(v > 0) || bad(v) {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, d := range []float64{1, 2, 2.5, 5, 10} {
		if d*unit >= v*(1-1e-9) {
			return d * unit
		}
	}
	return 10 * unit
}
