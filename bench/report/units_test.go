package report

import (
	"math"
	"testing"
	"time"

	"moqedge/bench/lab"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		v    float64
		u    lab.Unit
		want string
	}{
		{0, lab.Seconds, "0 ms"}, {0.0000421, lab.Seconds, "42.1 µs"}, {0.0123, lab.Seconds, "12.3 ms"}, {0.99951, lab.Seconds, "1.00 s"}, {12.34, lab.Seconds, "12.3 s"},
		{1, lab.Share, "100 %"}, {0.99999, lab.Share, ">99.99 %"}, {0.9987, lab.Share, "99.87 %"}, {0.00001, lab.Share, "<0.01 %"}, {0, lab.Share, "0 %"},
		{0.0121, lab.CPU, "1.21 %"}, {31.5e6, lab.Bytes, "31.5 MB"}, {-2e3, lab.Bytes, "-2.00 kB"}, {24e6, lab.BitRate, "24.0 Mbit/s"},
		{1234567, lab.Count, "1,234,567"}, {1.044, lab.Count, "1.04"}, {7, lab.Count, "7"}, {1.5, lab.PerMin, "1.50 /min"},
		{math.NaN(), lab.Seconds, "n/a"}, {math.Inf(-1), lab.Bytes, "n/a"},
	} {
		if got := Format(c.v, c.u); got != c.want {
			t.Errorf("%v %s: %q, want %q", c.v, c.u, got, c.want)
		}
	}
	for _, c := range []struct {
		x            lab.Spread
		u            lab.Unit
		median, span string
	}{
		{lab.Spread{Median: 0.0123, Min: 0.0119, Max: 0.0131}, lab.Seconds, "12.3 ms", "11.9-13.1"},
		{lab.Spread{Median: 0.5, Min: 0.4, Max: 1.1}, lab.Seconds, "500 ms", "400-1,100"},
		{lab.Spread{Median: 0, Min: 0, Max: 0.5}, lab.Seconds, "0 ms", "0-500 ms"},
		{lab.Spread{Median: 1, Min: 0.995, Max: 1}, lab.Share, "100 %", "99.50-100"},
		{lab.Spread{Median: 118, Min: 117, Max: 119}, lab.Count, "118", "117-119"},
		{lab.Spread{Median: 3, Min: 3, Max: 3}, lab.Count, "3", ""},
		{lab.Spread{Median: 3, Min: math.NaN(), Max: 3}, lab.Count, "3", ""},
	} {
		if median, span := FormatSpread(c.x, c.u); median != c.median || span != c.span {
			t.Errorf("%+v: %q %q, want %q %q", c.x, median, span, c.median, c.span)
		}
	}
	for v, want := range map[float64]string{0: "0x", 0.001: "<0.01x", 0.594: "0.59x", 12.3: "12x", 1234: "1,234x", math.Inf(1): "n/a"} {
		if got := Ratio(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0 ms", 1500 * time.Microsecond: "1.50 ms", 2 * time.Second: "2 s", 90 * time.Second: "1 min 30 s", 2 * time.Minute: "2 min", time.Hour: "1 h", 3661 * time.Second: "1 h 1 min 1 s",
	} {
		if got := duration(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}
