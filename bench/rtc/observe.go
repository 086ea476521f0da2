package rtc

import (
	"slices"
	"sync"
	"time"

	"moqedge/bench/tally"
)

// Observer has what viewers of a foreign server saw. It is safe for concurrent use.
//
// Locks: mu is for the list of viewers, each viewer has one for its notes. Neither is
// held while the other is taken.
type Observer struct {
	mu      sync.Mutex
	viewers []*observed
}

// Observation is what became of the frames that came in a window, as far as it can be
// told without knowing what was sent. Durations are of all viewers together.
type Observation struct {
	Viewers int `json:"viewers"`
	// Connect is from the first packet to the server until media could flow, Startup
	// until the first complete frame, which is a key frame where that can be told.
	Connect tally.Quantiles `json:"connect"`
	Startup tally.Quantiles `json:"startup"`
	// Kinds are by kind: "video", "audio".
	Kinds map[string]ObservedKind `json:"kinds"`
}

// ObservedKind is of all tracks of a kind.
type ObservedKind struct {
	Codecs  []string `json:"codecs"`
	Packets uint64   `json:"packets"` // since the beginning, as the next two
	Lost    uint64   `json:"lost"`    // packets that never came, of video
	Broken  uint64   `json:"broken"`  // frames whose packets make no sense
	Frames  uint64   `json:"frames"`  // complete, in the window
	Keys    uint64   `json:"keys"`    // of these, key frames
	Bytes   uint64   `json:"bytes"`   // of these
	// Missing are frames that the timestamps leave a place for, and that never were
	// complete. A source that varies its rate has such places, too.
	Missing uint64 `json:"missing"`
	// Silent are tracks, one a viewer as a rule, that had frames once and none for the
	// last second of the window or longer: server or source have stopped. What would
	// have come by then is Missing.
	Silent uint64 `json:"silent"`
	// Jumps is how often timestamps went back, or ahead of the time, by more than
	// repairs and jitter explain: the source began anew. What follows is taken to go
	// on in time.
	Jumps uint64 `json:"jumps"`
	// Delay is by how much a frame came later than its timestamp says, compared
	// with the quickest frame of its viewer: what jitter and repairs add. It does not
	// have the time that every frame takes.
	Delay tally.Quantiles `json:"delay"`
	// Latency is from the capture of a frame until it was complete, if the server
	// tells when that was (abs-capture-time) and its clock agrees with ours.
	Latency tally.Quantiles `json:"latency"`
	// InTime is, by playout delay after the quickest frame, the share of frames
	// (Missing ones, too) that came in time.
	InTime map[string]float64 `json:"in_time"`
	// Stalls are those of a player that is that much behind the quickest frame.
	Stalls map[string]tally.Freeze `json:"stalls"`
}

// observed is one viewer. The times and tracks are guarded by mu.
type observed struct {
	mu               sync.Mutex
	began, connected time.Time
	tracks           []*observedTrack
}

// observedTrack is guarded by mu of its viewer.
type observedTrack struct {
	viewer                *observed
	kind, codec           string
	hz                    uint32
	packets, lost, broken uint64
	arrivals              []arrival
}

// maxArrivals bounds what is kept of a track: ten hours of pictures.
const maxArrivals = 1 << 20

// arrival is a frame that was complete.
type arrival struct {
	timestamp uint32
	at        time.Time
	captured  time.Time // zero if not known
	size      int
	key       bool
}

func (o *Observer) viewer() *observed {
	o.mu.Lock()
	defer o.mu.Unlock()
	v := new(observed)
	o.viewers = append(o.viewers, v)
	return v
}

func (v *observed) note(what *time.Time, at time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	*what = at
}

func (v *observed) track(kind, codec string, hz uint32) *observedTrack {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := &observedTrack{viewer: v, kind: kind, codec: codec, hz: max(hz, 1)}
	v.tracks = append(v.tracks, t)
	return t
}

func (t *observedTrack) packet() {
	t.viewer.mu.Lock()
	defer t.viewer.mu.Unlock()
	t.packets++
}

func (t *observedTrack) gave(lost, broken uint64) {
	t.viewer.mu.Lock()
	defer t.viewer.mu.Unlock()
	t.lost, t.broken = lost, broken
}

func (t *observedTrack) frame(a arrival) {
	t.viewer.mu.Lock()
	defer t.viewer.mu.Unlock()
	if len(t.arrivals) < maxArrivals {
		t.arrivals = append(t.arrivals, a)
	}
}

// Started returns how many viewers have a frame, and how many there are.
func (o *Observer) Started() (started, viewers int) {
	for _, v := range o.all() {
		v.mu.Lock()
		if slices.ContainsFunc(v.tracks, func(t *observedTrack) bool { return len(t.arrivals) > 0 }) {
			started++
		}
		v.mu.Unlock()
		viewers++
	}
	return started, viewers
}

func (o *Observer) all() []*observed {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.viewers)
}

// Window says what the frames were like that were complete from one time until
// before another. A frame that is being repaired at the end counts as missing only if
// a later one is complete.
func (o *Observer) Window(from, to time.Time) Observation {
	viewers := o.all()
	sum := Observation{Viewers: len(viewers), Kinds: make(map[string]ObservedKind)}
	sums := make(map[string]*kindSum)
	var connect, startup tally.Histogram
	for _, v := range viewers {
		v.mu.Lock()
		if !v.connected.IsZero() {
			connect.Add(v.connected.Sub(v.began))
		}
		if first, ok := v.first(); ok {
			startup.Add(first.Sub(v.began))
		}
		for _, t := range v.tracks {
			if sums[t.kind] == nil {
				sums[t.kind] = newKindSum()
			}
			sums[t.kind].add(t, from, to)
		}
		v.mu.Unlock()
	}
	sum.Connect, sum.Startup = connect.Quantiles(), startup.Quantiles()
	for kind, s := range sums {
		sum.Kinds[kind] = s.result()
	}
	return sum
}

// first is when a player could begin: with the first key frame of video if there is
// one, else with the first frame. mu is held.
func (v *observed) first() (time.Time, bool) {
	var frame, key time.Time
	earliest := func(t *time.Time, at time.Time) {
		if t.IsZero() || at.Before(*t) {
			*t = at
		}
	}
	for _, t := range v.tracks {
		if len(t.arrivals) > 0 {
			earliest(&frame, t.arrivals[0].at)
		}
		if i := slices.IndexFunc(t.arrivals, func(a arrival) bool { return a.key }); i >= 0 && t.kind == "video" {
			earliest(&key, t.arrivals[i].at)
		}
	}
	if !key.IsZero() {
		return key, true
	}
	return frame, !frame.IsZero()
}

// playouts are the playout delays and target latencies, as tally has them.
func playouts() []time.Duration {
	return []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second}
}

// kindSum adds up the tracks of a kind.
type kindSum struct {
	ObservedKind
	delay, latency tally.Histogram
	inTime         map[time.Duration]uint64
}

func newKindSum() *kindSum {
	s := &kindSum{inTime: make(map[time.Duration]uint64)}
	s.InTime, s.Stalls = make(map[string]float64), make(map[string]tally.Freeze)
	return s
}

func (s *kindSum) result() ObservedKind {
	k := s.ObservedKind
	k.Delay, k.Latency = s.delay.Quantiles(), s.latency.Quantiles()
	for d, n := range s.inTime {
		if all := k.Frames + k.Missing; all > 0 {
			k.InTime[d.String()] = float64(n) / float64(all)
		}
	}
	return k
}

// add takes a track in; its viewer's mu is held.
func (s *kindSum) add(t *observedTrack, from, to time.Time) {
	if !slices.Contains(s.Codecs, t.codec) {
		s.Codecs = append(s.Codecs, t.codec)
	}
	s.Packets += t.packets
	s.Lost += t.lost
	s.Broken += t.broken
	frames, jumps := t.timeline(from, to)
	s.Jumps += jumps
	if len(frames) == 0 {
		if len(t.arrivals) > 0 && t.arrivals[0].at.Before(from) {
			s.Silent++
		}
		return
	}
	step := usualStep(frames)
	rest := quietEnd(frames, step, to)
	if rest > 0 {
		s.Silent++
		s.Missing += uint64(rest / max(step, 1))
	}
	quickest := frames[0].offset
	for _, f := range frames {
		quickest = min(quickest, f.offset)
	}
	for i, f := range frames {
		s.Frames++
		s.Bytes += uint64(f.size)
		if f.key {
			s.Keys++
		}
		s.delay.Add(f.offset - quickest)
		if !f.captured.IsZero() {
			s.latency.Add(f.at.Sub(f.captured))
		}
		if i > 0 && step > 0 {
			s.Missing += uint64(max((f.media-frames[i-1].media+step/2)/step-1, 0))
		}
	}
	for _, d := range playouts() {
		s.play(frames, step, quickest, d, rest)
	}
}

// quietEnd is how long nothing came at the end of a window, in whole steps; 0 unless it
// is longer than between frames of any other stream.
func quietEnd(frames []placed, step time.Duration, to time.Time) time.Duration {
	last := slices.MaxFunc(frames, func(a, b placed) int { return a.at.Compare(b.at) })
	rest := to.Sub(last.at)
	if step == 0 || rest < max(time.Second, 3*step) {
		return 0
	}
	return (rest - step).Truncate(step) // the last frame has its own time
}

// placed is an arrival on the time line of its timestamps.
type placed struct {
	arrival
	media  time.Duration // since the first frame of the track, by timestamps
	offset time.Duration // how long after that the frame came, but for a constant
}

// timeline returns the frames of a window in the order of their timestamps, and how
// often these began anew.
func (t *observedTrack) timeline(from, to time.Time) (frames []placed, jumps uint64) {
	var media time.Duration
	for i, a := range t.arrivals {
		inside := !a.at.Before(from) && a.at.Before(to)
		if i > 0 {
			before := t.arrivals[i-1]
			ticks := int64(int32(a.timestamp - before.timestamp))
			step := time.Duration(float64(ticks) / float64(t.hz) * float64(time.Second))
			passed := a.at.Sub(before.at)
			if step < -mostBack || step > passed+mostAhead {
				step = passed
				if inside {
					jumps++
				}
			}
			media += step
		}
		if inside {
			frames = append(frames, placed{arrival: a, media: media, offset: a.at.Sub(t.arrivals[0].at) - media})
		}
	}
	slices.SortStableFunc(frames, func(a, b placed) int { return int(a.media - b.media) })
	return frames, jumps
}

// A frame that was repaired comes after later ones, and several may come at once
// after a delay: within these bounds timestamps still tell when a frame is of.
const (
	mostBack  = time.Second
	mostAhead = 2 * time.Second
)

// usualStep is the median distance of two frames, 0 if there are no two.
func usualStep(frames []placed) time.Duration {
	var steps []time.Duration
	for i := 1; i < len(frames); i++ {
		if d := frames[i].media - frames[i-1].media; d > 0 {
			steps = append(steps, d)
		}
	}
	if len(steps) == 0 {
		return 0
	}
	slices.Sort(steps)
	return steps[len(steps)/2]
}

// play adds what a player would show that is delay behind the quickest frame: a frame
// that is late or missing freezes it until that comes, or the next one's time. For rest
// nothing comes at the end.
func (s *kindSum) play(frames []placed, step, quickest, delay, rest time.Duration) {
	f := s.Stalls[delay.String()]
	frozen := false
	freeze := func(length time.Duration) {
		if length <= 0 {
			return
		}
		if !frozen {
			f.Count++
		}
		frozen = true
		f.Frozen += length
	}
	for i, one := range frames {
		if i > 0 && step > 0 {
			missing := max((one.media-frames[i-1].media+step/2)/step-1, 0)
			f.Missing += uint64(missing)
			freeze(missing * step)
			f.Played += missing * step
		}
		f.Played += step
		late := one.offset - quickest - delay
		if late <= 0 {
			s.inTime[delay]++
			frozen = false
			continue
		}
		f.Missing++
		freeze(min(late, step))
	}
	if rest > 0 {
		f.Missing += uint64(rest / step)
		f.Played += rest
		freeze(rest)
	}
	s.Stalls[delay.String()] = f
}
