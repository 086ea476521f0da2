package subscriber

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"moqedge/cmd/moqedge/console"
)

// Summary counts objects over an interval and in total. It is used by one
// goroutine at a time.
type Summary struct {
	began    time.Time
	interval span
	total    span
}

// newSummary returns an empty summary that begins now.
func newSummary(now time.Time) *Summary {
	return &Summary{began: now, interval: newSpan(now), total: newSpan(now)}
}

// Add counts an object.
func (s *Summary) Add(o Object) {
	s.interval.add(o)
	s.total.add(o)
}

// Next reads what came since the call before and begins a new interval.
func (s *Summary) Next(now time.Time) Reading {
	r := s.interval.read(now)
	r.UptimeSeconds = now.Sub(s.began).Seconds()
	s.interval = newSpan(now)
	return r
}

// Total reads everything since the beginning.
func (s *Summary) Total(now time.Time) Reading {
	r := s.total.read(now)
	r.UptimeSeconds = r.Seconds
	return r
}

// Reading is what a span of time brought.
type Reading struct {
	UptimeSeconds float64            `json:"uptimeSeconds"`
	Seconds       float64            `json:"seconds"` // length of the span
	Objects       uint64             `json:"objects"`
	Bytes         uint64             `json:"bytes"` // of payload
	Mbps          float64            `json:"mbps"`
	Latency       *Latency           `json:"latency,omitempty"` // absent without LOC timestamps
	Tracks        map[string]Counter `json:"tracks"`
}

// Latency from capture to arrival, in milliseconds.
type Latency struct {
	P50Ms float64 `json:"p50Ms"`
	P95Ms float64 `json:"p95Ms"`
	MaxMs float64 `json:"maxMs"`
}

// Counter counts one track.
type Counter struct {
	Objects uint64 `json:"objects"`
	Bytes   uint64 `json:"bytes"`
	Group   uint64 `json:"group"` // the newest
}

// String is a line for people.
func (r Reading) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s | objects %d | %.2f Mbps", console.Clock(time.Duration(r.UptimeSeconds*float64(time.Second))), r.Objects, r.Mbps)
	if l := r.Latency; l != nil {
		fmt.Fprintf(&b, " | latency p50 %.0f ms, p95 %.0f ms, max %.0f ms", l.P50Ms, l.P95Ms, l.MaxMs)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Tracks)) {
		fmt.Fprintf(&b, " | %s %d (group %d)", name, r.Tracks[name].Objects, r.Tracks[name].Group)
	}
	return b.String()
}

// span is what came since a moment.
type span struct {
	since   time.Time
	objects uint64
	bytes   uint64
	latency histogram
	tracks  map[string]Counter
}

func newSpan(now time.Time) span { return span{since: now, tracks: make(map[string]Counter)} }

func (s *span) add(o Object) {
	s.objects++
	s.bytes += o.Size
	t := s.tracks[o.Track]
	s.tracks[o.Track] = Counter{Objects: t.Objects + 1, Bytes: t.Bytes + o.Size, Group: max(t.Group, o.Group)}
	if o.LatencyMs != nil {
		s.latency.add(*o.LatencyMs)
	}
}

func (s *span) read(now time.Time) Reading {
	r := Reading{Seconds: now.Sub(s.since).Seconds(), Objects: s.objects, Bytes: s.bytes, Tracks: maps.Clone(s.tracks)}
	if r.Seconds > 0 {
		r.Mbps = float64(s.bytes) * 8 / 1e6 / r.Seconds
	}
	if s.latency.count > 0 {
		r.Latency = &Latency{P50Ms: s.latency.quantile(0.5), P95Ms: s.latency.quantile(0.95), MaxMs: s.latency.largest}
	}
	return r
}

// histogram counts milliseconds in steps of one, so that a total over days
// needs no more memory than one over a second.
type histogram struct {
	steps   map[int]uint64
	count   uint64
	largest float64
}

// maxStep bounds the steps: what is later than a minute is a minute late.
const maxStep = 60_000

func (h *histogram) add(ms float64) {
	if h.steps == nil {
		h.steps = make(map[int]uint64)
	}
	if h.count == 0 || ms > h.largest {
		h.largest = ms
	}
	h.count++
	h.steps[int(min(max(ms, -maxStep), maxStep))]++
}

func (h *histogram) quantile(q float64) float64 {
	rank := uint64(q * float64(h.count-1))
	seen := uint64(0)
	for _, step := range slices.Sorted(maps.Keys(h.steps)) {
		if seen += h.steps[step]; seen > rank {
			return float64(step)
		}
	}
	return h.largest
}
