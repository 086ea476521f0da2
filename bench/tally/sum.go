package tally

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"moqedge/bench/media"
)

// sum adds up what viewers got. One goroutine uses it.
type sum struct {
	board    *Board
	from, to time.Duration

	viewers, absent, gone int
	strays                uint64
	kinds                 map[media.Kind]*kindSum
	startup, ready        Histogram
}

// kindSum is of one kind of tracks.
type kindSum struct {
	counts  Counts
	inTime  []uint64 // by delay
	latency Histogram
	freezes []Freeze // by target
	points  []point
}

// point is being added up; see Point.
type point struct {
	frames  uint64
	inTime  []uint64
	latency *hdrhistogram.Histogram // nil: nothing was handed over
}

func newSum(b *Board, from, to time.Duration) *sum {
	return &sum{board: b, from: from, to: to, kinds: make(map[media.Kind]*kindSum)}
}

func (s *sum) start(connecting, started, ready time.Duration) {
	if connecting == never {
		return
	}
	if started != never {
		s.startup.Add(started - connecting)
	}
	if ready != never {
		s.ready.Add(ready - connecting)
	}
}

func (s *sum) viewer(absent, gone bool) {
	s.viewers++
	if absent {
		s.absent++
	}
	if gone {
		s.gone++
	}
}

func (s *sum) kind(k media.Kind) *kindSum {
	if s.kinds[k] == nil {
		s.kinds[k] = &kindSum{
			inTime:  make([]uint64, len(s.board.delays)),
			freezes: make([]Freeze, len(s.board.targets)),
			points:  make([]point, (s.to-s.from+Interval-1)/Interval),
		}
	}
	return s.kinds[k]
}

// track adds the frames of a span that are due in the window and owed: those with
// an index in [from, to). Notes and handed are by index.
func (s *sum) track(sp *span, from, to int, notes, handed []time.Duration) {
	if max(from, sp.first) >= to {
		return
	}
	k := s.kind(sp.kind)
	for i := max(from, sp.first); i < to; i++ {
		k.frame(s, sp.slots[i], notes[i], handed[i])
	}
	for t, target := range s.board.targets {
		k.freezes[t].play(sp, target, from, to, handed)
	}
}

// frame counts one frame that is owed.
func (k *kindSum) frame(s *sum, f media.Frame, note, handed time.Duration) {
	p := &k.points[(f.Due-s.from)/Interval]
	if p.inTime == nil {
		p.inTime = make([]uint64, len(s.board.delays))
	}
	k.counts.Frames++
	p.frames++
	switch {
	case note > absent:
		k.counts.Complete++
		k.counts.Bytes += uint64(f.Size)
		if handed == never {
			k.counts.Undecodable++
		}
	case note == damaged:
		k.counts.Broken++
		fallthrough
	default:
		k.counts.Lost++
	}
	if handed == never {
		return
	}
	latency := max(handed-f.Due, 0)
	k.latency.Add(latency)
	if p.latency == nil {
		p.latency = hdrhistogram.New(shortest, longest, 2)
	}
	_ = p.latency.RecordValue(min(int64(latency), longest)) // within its range
	for d, delay := range s.board.delays {
		if latency <= delay {
			k.inTime[d]++
			p.inTime[d]++
		}
	}
}

// play plays the frames of a span with a target latency; see the package comment.
func (f *Freeze) play(s *span, target time.Duration, from, to int, handed []time.Duration) {
	sound := s.kind == media.Audio
	still := false // there is a freeze until the time of frame i
	for i := max(from, s.first-1); i < to; i++ {
		begin, next := s.slots[i].Due+target, s.slots[i+1].Due+target
		missing := handed[i] > begin
		if i >= s.first {
			f.Played += next - begin
			if missing {
				f.Missing++
				if !still {
					f.Count++
				}
				if sound {
					f.Frozen += next - begin
				} else {
					f.Frozen += min(handed[i], next) - begin
				}
			}
		}
		still = missing && (sound || handed[i] >= next)
	}
}

// share returns counts by delay as shares of n frames.
func (s *sum) share(counts []uint64, n uint64) map[string]float64 {
	shares := make(map[string]float64, len(counts))
	for i, delay := range s.board.delays {
		if n > 0 {
			shares[delay.String()] = float64(counts[i]) / float64(n)
		}
	}
	return shares
}

func (s *sum) metrics() Metrics {
	m := Metrics{
		Duration: s.to - s.from, Viewers: s.viewers, Absent: s.absent, Gone: s.gone, Strays: s.strays,
		Kinds: make(map[string]Counts), Latency: make(map[string]Quantiles), Stalls: make(map[string]Stalls), Series: make(map[string][]Point),
		Startup: s.startup.Quantiles(), Ready: s.ready.Quantiles(),
	}
	var all Histogram
	for kind, k := range s.kinds {
		name := kind.String()
		k.counts.InTime = s.share(k.inTime, k.counts.Frames)
		m.Kinds[name] = k.counts
		m.Counts = m.Counts.plus(k.counts)
		all.join(&k.latency)
		m.Latency[name] = k.latency.Quantiles()
		for i := range k.points {
			m.Series[name] = append(m.Series[name], k.points[i].metrics(s, i))
		}
		if kind == media.Data {
			continue // nothing plays it
		}
		for i, target := range s.board.targets {
			if m.Stalls[target.String()] == nil {
				m.Stalls[target.String()] = make(Stalls)
			}
			m.Stalls[target.String()][name] = k.freezes[i]
		}
	}
	m.Latency["all"] = all.Quantiles()
	m.Goodput = goodput(m.Bytes, m.Duration)
	return m
}

func (p *point) metrics(s *sum, i int) Point {
	out := Point{At: time.Duration(i) * Interval, Frames: p.frames, InTime: s.share(p.inTime, p.frames)}
	if p.latency != nil {
		out.Handed = uint64(p.latency.TotalCount())
		out.P50 = time.Duration(p.latency.ValueAtPercentile(50))
		out.P99 = time.Duration(p.latency.ValueAtPercentile(99))
	}
	return out
}
