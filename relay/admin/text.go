package admin

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bits writes a rate of bits per second.
func Bits(rate float64) string { return scaled(rate, 1000, "bit/s", "kbit/s", "Mbit/s", "Gbit/s") }

// Size writes a number of bytes.
func Size(n uint64) string { return scaled(float64(n), 1024, "B", "KiB", "MiB", "GiB", "TiB") }

func scaled(x, step float64, units ...string) string {
	for i, unit := range units {
		if math.Round(x*10)/10 < step || i == len(units)-1 {
			digits := 1
			if i == 0 || x >= 100 {
				digits = 0
			}
			return strconv.FormatFloat(x, 'f', digits, 64) + " " + unit
		}
		x /= step
	}
	return ""
}

// Rate writes a rate that may be unknown.
func Rate(r *float64) string {
	if r == nil {
		return "–"
	}
	return Bits(*r)
}

// Latency writes a round trip; 0 is not known.
func Latency(d time.Duration) string {
	switch {
	case d == 0:
		return "–"
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}

// Age writes a time span in one or two units.
func Age(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm %02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh %02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd %02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// points are those of a line over a time, for a picture of 240 by 40, the newest at the
// right edge of it; "" when there is no line yet.
func points(history []Moment, of func(Moment) float64) string {
	if len(history) < 2 {
		return ""
	}
	most := 1.0
	for _, m := range history {
		most = max(most, m.In, m.Out)
	}
	var b strings.Builder
	for i, m := range history {
		x := 240 - float64(len(history)-1-i)*240/(historySize-1)
		fmt.Fprintf(&b, "%.1f,%.1f ", x, 38-36*of(m)/most)
	}
	return strings.TrimSpace(b.String())
}
