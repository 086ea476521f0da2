package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes. In YAML it is written with a unit, as 512MiB or
// 64MB, or as a number alone.
type Size uint64

// units of sizes, the longest first.
var units = [...]struct {
	name  string
	bytes float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1},
}

// ParseSize reads a size.
func ParseSize(text string) (Size, error) {
	for _, u := range units {
		number, found := strings.CutSuffix(strings.TrimSpace(text), u.name)
		if !found {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || n < 0 || math.IsNaN(n) || n*u.bytes >= math.MaxInt64 {
			break
		}
		return Size(n * u.bytes), nil
	}
	return 0, fmt.Errorf("%q is not a size such as 512MiB or 64MB", text)
}

// UnmarshalText reads a text with a unit, or a number.
func (s *Size) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSize(string(text))
	return err
}

// MarshalText writes it with the largest unit of two powers that it is a multiple of.
func (s Size) MarshalText() ([]byte, error) {
	for i := 3; i >= 0 && s > 0; i-- {
		if unit := Size(units[i].bytes); s%unit == 0 {
			return fmt.Appendf(nil, "%d%s", s/unit, units[i].name), nil
		}
	}
	return fmt.Append(nil, uint64(s)), nil
}
