package tally

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestReference compares windows of random rounds with the slow definition.
func TestReference(t *testing.T) {
	delays, targets := []int{20, 100, 400}, []int{50, 200}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 5))
		f := randomSource(r)
		start := time.Now()
		o := Options{Source: f, Start: start}
		for _, d := range delays {
			o.Delays = append(o.Delays, time.Duration(d)*time.Millisecond)
		}
		for _, d := range targets {
			o.Targets = append(o.Targets, time.Duration(d)*time.Millisecond)
		}
		b := New(o)
		var all []events
		for range 1 + r.IntN(4) {
			e := randomEvents(r, f)
			if len(e.tracks) == 0 {
				continue
			}
			e.play(r, f, b.Viewer(e.tracks...), start)
			all = append(all, e)
		}
		from := r.IntN(600)
		cuts := []int{from, from + r.IntN(400), from + 400 + r.IntN(800)}
		var parts []Metrics
		for i, cut := range cuts[1:] {
			parts = append(parts, compare(t, seed, b, f, all, cuts[i], cut, delays, targets))
		}
		whole := compare(t, seed, b, f, all, cuts[0], cuts[2], delays, targets)
		checkParts(t, seed, whole, parts)
		if t.Failed() {
			return
		}
	}
}

func compare(t *testing.T, seed uint64, b *Board, f *fake, all []events, from, to int, delays, targets []int) Metrics {
	t.Helper()
	ms := func(n int) time.Time { return b.start.Add(time.Duration(n) * time.Millisecond) }
	m := b.Window(ms(from), ms(to))
	ref := refer(f, all, from, to, delays, targets)
	if m.Viewers != ref.viewers || m.Absent != ref.absent || m.Gone != ref.gone || m.Strays != 0 {
		t.Errorf("seed %d: %d viewers, %d absent, %d gone, %d strays, want %d, %d, %d, 0", seed, m.Viewers, m.Absent, m.Gone, m.Strays, ref.viewers, ref.absent, ref.gone)
	}
	if len(m.Kinds) != len(ref.counts) {
		t.Errorf("seed %d: kinds %v, want %v", seed, m.Kinds, ref.counts)
	}
	var everything []time.Duration
	for kind, want := range ref.counts {
		got := m.Kinds[kind]
		for _, delay := range delays {
			key := (time.Duration(delay) * time.Millisecond).String()
			if share := float64(ref.inTime[kind][delay]) / float64(want.Frames); math.Abs(got.InTime[key]-share) > 1e-12 {
				t.Errorf("seed %d: %s in time for %s: %f, want %f", seed, kind, key, got.InTime[key], share)
			}
		}
		got.InTime = nil
		if got.Frames != want.Frames || got.Complete != want.Complete || got.Lost != want.Lost || got.Broken != want.Broken || got.Undecodable != want.Undecodable || got.Bytes != want.Bytes {
			t.Errorf("seed %d: %s: %+v, want %+v", seed, kind, got, *want)
		}
		checkQuantiles(t, m.Latency[kind], ref.latency[kind])
		everything = append(everything, ref.latency[kind]...)
		for i, p := range m.Series[kind] {
			if p.Frames != ref.points[kind][i] || p.At != time.Duration(i)*Interval {
				t.Errorf("seed %d: %s: point %d is %+v, want %d frames", seed, kind, i, p, ref.points[kind][i])
			}
		}
	}
	checkQuantiles(t, m.Latency["all"], everything)
	checkQuantiles(t, m.Startup, ref.startup)
	checkQuantiles(t, m.Ready, ref.ready)
	for target, kinds := range ref.freezes {
		for kind, want := range kinds {
			if got := m.Stalls[(time.Duration(target) * time.Millisecond).String()][kind]; got != *want {
				t.Errorf("seed %d: %s stalls at %d ms: %+v, want %+v", seed, kind, target, got, *want)
			}
		}
	}
	return m
}

// checkParts: windows side by side count everything once.
func checkParts(t *testing.T, seed uint64, whole Metrics, parts []Metrics) {
	t.Helper()
	sum, err := Merge(parts...)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Frames != whole.Frames || sum.Lost != whole.Lost || sum.Bytes != whole.Bytes || sum.Duration != whole.Duration {
		t.Errorf("seed %d: parts %+v, whole %+v", seed, sum.Counts, whole.Counts)
	}
	for delay, share := range whole.InTime {
		if math.Abs(sum.InTime[delay]-share) > 1e-12 {
			t.Errorf("seed %d: in time for %s: parts %f, whole %f", seed, delay, sum.InTime[delay], share)
		}
	}
	for target, kinds := range whole.Stalls {
		for kind, f := range kinds {
			if sum.Stalls[target][kind] != f {
				t.Errorf("seed %d: %s stalls at %s: parts %+v, whole %+v", seed, kind, target, sum.Stalls[target][kind], f)
			}
		}
	}
	if sum.Latency["all"] != whole.Latency["all"] {
		t.Errorf("seed %d: latency of parts %+v, whole %+v", seed, sum.Latency["all"], whole.Latency["all"])
	}
}

// checkQuantiles compares with the values themselves.
func checkQuantiles(t *testing.T, q Quantiles, values []time.Duration) {
	t.Helper()
	if q.Count != uint64(len(values)) {
		t.Errorf("%d values, want %d", q.Count, len(values))
		return
	}
	if len(values) == 0 {
		return
	}
	slices.Sort(values)
	if q.Max != values[len(values)-1] {
		t.Errorf("largest %v, want %v", q.Max, values[len(values)-1])
	}
	for share, got := range map[float64]time.Duration{0.5: q.P50, 0.9: q.P90, 0.95: q.P95, 0.99: q.P99, 0.999: q.P999} {
		rank := share * float64(len(values))
		low, high := values[max(int(math.Round(rank)), 1)-1], values[min(max(int(math.Ceil(rank)), 1), len(values))-1]
		if float64(got) < 0.999*float64(low) || float64(got) > 1.001*float64(high)+float64(shortest) {
			t.Errorf("quantile %g of %d values: %v, want %v to %v", share, len(values), got, low, high)
		}
	}
}
