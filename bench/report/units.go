package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"moqedge/bench/lab"
)

// unknown stands for a figure that is no number.
const unknown = "n/a"

// scale is a unit that people read: a figure times per is a number of it.
type scale struct {
	name string // with a space before it
	per  float64
}

// scaleOf returns the scale in which a figure of this size is written.
func scaleOf(v float64, u lab.Unit) scale {
	v = math.Abs(v)
	largest := func(of ...scale) scale { // from large to small
		for _, s := range of {
			if v*s.per >= 0.9995 {
				return s
			}
		}
		return of[len(of)-1]
	}
	switch u {
	case lab.Seconds, lab.CPUPerGB:
		if v == 0 {
			return scale{" ms", 1e3}
		}
		return largest(scale{" s", 1}, scale{" ms", 1e3}, scale{" µs", 1e6})
	case lab.Share, lab.CPU:
		return scale{" %", 100}
	case lab.Bytes:
		return largest(scale{" GB", 1e-9}, scale{" MB", 1e-6}, scale{" kB", 1e-3}, scale{" B", 1})
	case lab.BitRate:
		return largest(scale{" Gbit/s", 1e-9}, scale{" Mbit/s", 1e-6}, scale{" kbit/s", 1e-3}, scale{" bit/s", 1})
	case lab.PerMin:
		return scale{" /min", 1}
	}
	return scale{"", 1}
}

// Format writes a figure as people read it: 12.3 ms, 99.8 %, 24 Mbit/s, 31.5 MB.
// CPU time per time is in percent of a core. What is no number is "n/a".
func Format(v float64, u lab.Unit) string {
	if bad(v) {
		return unknown
	}
	s := scaleOf(v, u)
	return number(v, u, s) + s.name
}

// Exact writes a number that people have chosen, with as many digits as they have:
// 50 ms, 1.5 Mbit/s.
func Exact(v float64, u lab.Unit) string {
	if bad(v) {
		return unknown
	}
	s := scaleOf(v, u)
	return strconv.FormatFloat(v*s.per, 'g', 6, 64) + s.name
}

// FormatSpread writes a median, and the least and the largest value in the same
// unit: "12.3 ms", "11.9-13.1". The second is empty where all are the same.
func FormatSpread(x lab.Spread, u lab.Unit) (median, span string) {
	median = Format(x.Median, u)
	if bad(x.Median) || bad(x.Min) || bad(x.Max) {
		return median, ""
	}
	if u == lab.Share {
		s := scaleOf(x.Median, u)
		return median, between(number(x.Min, u, s), number(x.Max, u, s))
	}
	largest := math.Max(math.Abs(x.Min), math.Abs(x.Max))
	s := scaleOf(x.Median, u)
	if x.Median == 0 {
		s = scaleOf(largest, u)
	}
	p := places(math.Max(math.Abs(x.Median), largest) * s.per)
	if u == lab.Count && x.Min == math.Trunc(x.Min) && x.Max == math.Trunc(x.Max) {
		p = 0
	}
	span = between(fixed(x.Min*s.per, p), fixed(x.Max*s.per, p))
	if span != "" && x.Median == 0 {
		span += s.name
	}
	return median, span
}

func between(least, largest string) string {
	if least == largest {
		return ""
	}
	return least + "-" + largest
}

func bad(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }

// number writes v in a scale, with three digits that say something. A share that
// is not all is never written as 100, one that is not none never as 0.
func number(v float64, u lab.Unit, s scale) string {
	v *= s.per
	if u == lab.Share {
		switch {
		case v < 100 && v > 99.995:
			return ">99.99"
		case v > 99 && v < 100:
			return strconv.FormatFloat(v, 'f', 2, 64)
		case v > 0 && v < 0.005:
			return "<0.01"
		}
	}
	if u == lab.Count && v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return grouped(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return digits(v)
}

// count writes a whole number.
func count[N int | uint64](n N) string { return grouped(fmt.Sprint(n)) }

// digits writes a number with three digits, or all that are before the point, in
// groups of three.
func digits(v float64) string {
	if a := math.Abs(v); a > 0 && a < 0.0005 {
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	return fixed(v, places(v))
}

// places is how many digits after the point make three in all.
func places(v float64) int {
	switch a := math.Abs(v); {
	case a == 0, a >= 99.95:
		return 0
	case a >= 9.995:
		return 1
	case a < 0.0995:
		return 4
	case a < 0.9995:
		return 3
	}
	return 2
}

func fixed(v float64, places int) string {
	text := strconv.FormatFloat(v, 'f', places, 64)
	if places > 0 && v != 0 {
		return text
	}
	whole, _, _ := strings.Cut(text, ".") // 0 needs no digits
	return grouped(whole)
}

// grouped puts commas between the thousands of a whole number.
func grouped(text string) string {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

// Ratio writes how much of another figure one is: 0.59x.
func Ratio(v float64) string {
	switch {
	case bad(v):
		return unknown
	case v == 0:
		return "0x"
	case v >= 99.5:
		return digits(math.Round(v)) + "x"
	case v > 0 && v < 0.005:
		return "<0.01x"
	case v >= 9.95:
		return fmt.Sprintf("%.0fx", v)
	}
	return fmt.Sprintf("%.2fx", v)
}

// duration writes how long something takes, without digits that say nothing.
func duration(d time.Duration) string {
	switch {
	case d >= 10*time.Second || d <= -10*time.Second:
		d = d.Round(time.Second)
	case d >= time.Second || d <= -time.Second:
		d = d.Round(10 * time.Millisecond)
	default:
		return Format(d.Seconds(), lab.Seconds)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	for _, unit := range []string{"h", "m"} {
		text = strings.Replace(text, unit, " "+unit+" ", 1)
	}
	text = strings.Replace(text, " m ", " min ", 1)
	if strings.HasSuffix(text, "s") {
		text = strings.TrimSuffix(text, "s") + " s"
	}
	return strings.TrimSpace(text)
}
