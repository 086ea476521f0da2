package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// statistics of some numbers; all zero when there are none.
type statistics struct {
	N                     int
	Min, Median, P75, Max float64
}

func summarize(x []float64) statistics {
	if len(x) == 0 {
		return statistics{}
	}
	x = slices.Sorted(slices.Values(x))
	return statistics{N: len(x), Min: x[0], Median: quantile(x, 0.5), P75: quantile(x, 0.75), Max: x[len(x)-1]}
}

// quantile of ascending numbers, interpolated.
func quantile(x []float64, q float64) float64 {
	at := q * float64(len(x)-1)
	i := int(at)
	if i+1 >= len(x) {
		return x[len(x)-1]
	}
	return x[i] + (at-float64(i))*(x[i+1]-x[i])
}

// numbers is a flag of numbers with commas between.
type numbers []int

// String implements flag.Value.
func (n *numbers) String() string {
	var b []string
	for _, x := range *n {
		b = append(b, strconv.Itoa(x))
	}
	return strings.Join(b, ",")
}

// Set implements flag.Value.
func (n *numbers) Set(s string) error {
	*n = nil
	for part := range strings.SplitSeq(s, ",") {
		x, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return fmt.Errorf("%q is not a number", part)
		}
		*n = append(*n, x)
	}
	return nil
}

// words is a flag that may be repeated.
type words []string

// String implements flag.Value.
func (w *words) String() string { return strings.Join(*w, " ") }

// Set implements flag.Value.
func (w *words) Set(s string) error {
	*w = append(*w, s)
	return nil
}
