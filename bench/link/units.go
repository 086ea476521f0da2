package link

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// BitRate is bits per second, as people write them: 3M, 1.5Mbit/s, 800k, 64000.
type BitRate float64

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *BitRate) UnmarshalText(text []byte) error {
	s := string(text)
	for _, unit := range []string{"bit/s", "bps"} {
		s = strings.TrimSuffix(s, unit)
	}
	s = strings.TrimSpace(s)
	times := 1.0
	if n := len(s) - 1; n > 0 {
		switch s[n] {
		case 'k', 'K':
			times = 1e3
		case 'm', 'M':
			times = 1e6
		case 'g', 'G':
			times = 1e9
		}
		if times > 1 {
			s = strings.TrimSpace(s[:n])
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v > 0) || math.IsInf(v*times, 0) {
		return fmt.Errorf("%q is no bit rate: write 3M, 1.5Mbit/s or 800k", text)
	}
	*r = BitRate(v * times)
	return nil
}

// String writes a rate as UnmarshalText reads it.
func (r BitRate) String() string {
	for _, unit := range []struct {
		times float64
		name  string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if float64(r) >= unit.times {
			return strconv.FormatFloat(float64(r)/unit.times, 'g', 4, 64) + unit.name + "bit/s"
		}
	}
	return strconv.FormatFloat(float64(r), 'g', 4, 64) + "bit/s"
}

// Share is a part of a whole, 0 to 1, as people write it: 1%, 0.5%, 0.01.
type Share float64

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Share) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(strings.TrimSpace(string(text)), "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return fmt.Errorf("%q is no share: write 1%% or 0.01", text)
	}
	*p = Share(v)
	return nil
}

// String writes a share as UnmarshalText reads it.
func (p Share) String() string { return strconv.FormatFloat(100*float64(p), 'g', 4, 64) + "%" }
