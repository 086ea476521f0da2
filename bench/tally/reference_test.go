package tally

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"moqedge/bench/media"
)

// fake is a schedule made up for a test: any times and groups, in whole
// milliseconds. After its last frame comes one every second.
type fake struct {
	tracks []media.Track
	frames [][]media.Frame
}

func (f *fake) Tracks() []media.Track { return f.tracks }
func (f *fake) Bitrate() float64      { return 0 }

func (f *fake) Slot(track int, n uint64) media.Frame {
	frames := f.frames[track]
	if n < uint64(len(frames)) {
		return frames[n]
	}
	last := frames[len(frames)-1]
	more := n - last.N
	return media.Frame{N: n, Due: last.Due + time.Duration(more)*time.Second, Group: last.Group + more, Key: true, Last: true, Size: 16}
}

func (f *fake) Frame(track int, n uint64) media.Frame {
	frame := f.Slot(track, n)
	frame.Payload = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(track)), n)
	return frame
}

func randomSource(r *rand.Rand) *fake {
	f := new(fake)
	for i := range 1 + r.IntN(3) {
		kind := media.Kind(r.IntN(3))
		f.tracks = append(f.tracks, media.Track{Name: string(rune('a' + i)), Kind: kind})
		due, group := time.Duration(r.IntN(30))*time.Millisecond, uint64(0)
		var frames []media.Frame
		for n := range uint64(60) {
			key := n == 0 || r.IntN(6) == 0
			if n > 0 && key {
				group++
				frames[n-1].Last = true
			}
			frames = append(frames, media.Frame{N: n, Due: due, Group: group, Key: key, Size: 16})
			due += time.Duration(1+r.IntN(40)) * time.Millisecond
		}
		frames[59].Last = true
		f.frames = append(f.frames, frames)
	}
	return f
}

// events is what happened to one viewer, in milliseconds.
type events struct {
	tracks     []int
	connecting int
	ready      int // -1: not noted
	left       int // -1: not noted
	joined     map[int]uint64
	complete   map[int]map[uint64]int // first right copy
	broken     map[int]map[uint64]bool
}

func randomEvents(r *rand.Rand, f *fake) events {
	e := events{
		connecting: r.IntN(400) - 50, ready: -1, left: -1,
		joined: map[int]uint64{}, complete: map[int]map[uint64]int{}, broken: map[int]map[uint64]bool{},
	}
	if r.IntN(3) == 0 {
		e.ready = e.connecting + r.IntN(100)
	}
	if r.IntN(4) == 0 {
		e.left = 300 + r.IntN(900)
	}
	loss, jitter := r.Float64()*0.2, 1+r.IntN(400)
	for i := range f.tracks {
		if r.IntN(4) == 0 {
			continue
		}
		e.tracks = append(e.tracks, i)
		if r.IntN(5) > 0 {
			e.joined[i] = uint64(r.IntN(20))
		}
		e.complete[i], e.broken[i] = map[uint64]int{}, map[uint64]bool{}
		for n := range uint64(60) {
			if r.Float64() >= loss {
				e.complete[i][n] = max(int(f.Slot(i, n).Due.Milliseconds())+r.IntN(jitter), 1)
			}
			e.broken[i][n] = r.IntN(20) == 0
		}
	}
	return e
}

// play tells a viewer what happened, in any order, some of it twice.
func (e events) play(r *rand.Rand, f *fake, v *Viewer, start time.Time) {
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	calls := []func(){func() { v.Connecting(at(e.connecting)) }}
	if e.ready >= 0 {
		calls = append(calls, func() { v.Ready(at(e.ready)) })
	}
	if e.left >= 0 {
		calls = append(calls, func() { v.Left(at(e.left)) })
	}
	for i, first := range e.joined {
		calls = append(calls, func() { v.Joined(i, first) })
	}
	for i, frames := range e.complete {
		for n, ms := range frames {
			calls = append(calls, func() { v.Complete(i, f.Frame(i, n), at(ms)) })
			if r.IntN(10) == 0 {
				calls = append(calls, func() { v.Complete(i, f.Frame(i, n), at(ms+r.IntN(100))) })
			}
		}
	}
	for i, frames := range e.broken {
		for n, is := range frames {
			if is {
				bad := f.Frame(i, n)
				bad.Payload[r.IntN(16)] ^= 1 << r.IntN(8)
				calls = append(calls, func() { v.Complete(i, bad, at(int(bad.Due.Milliseconds())+r.IntN(50))) })
			}
		}
	}
	r.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
	for _, call := range calls {
		call()
	}
}

const neverMs = math.MaxInt / 2

// handed is the definition, frame by frame.
func (e events) handed(f *fake, track int, n uint64) int {
	at, ok := e.complete[track][n]
	if !ok {
		return neverMs
	}
	if slot := f.Slot(track, n); f.tracks[track].Kind == media.Video && !slot.Key {
		return max(at, e.handed(f, track, n-1))
	}
	return at
}

func (e events) owed(f *fake, track int, n uint64) bool {
	due := int(f.Slot(track, n).Due.Milliseconds())
	if due < e.connecting || e.left >= 0 && due >= e.left {
		return false
	}
	first, joined := e.joined[track]
	for m := uint64(0); m <= n; m++ {
		slot := f.Slot(track, m)
		if (!joined || m >= first) && (slot.Key || f.tracks[track].Kind != media.Video) {
			return true
		}
	}
	return false
}

// reference is what Metrics should be, by milliseconds and by frames.
type reference struct {
	counts                        map[string]*Counts
	latency                       map[string][]time.Duration
	inTime                        map[string]map[int]uint64
	freezes                       map[int]map[string]*Freeze
	points                        map[string][]uint64 // frames owed
	startup, ready                []time.Duration
	viewers, absent, gone, strays int
}

func refer(f *fake, all []events, from, to int, delays, targets []int) *reference {
	ref := &reference{
		counts: map[string]*Counts{}, latency: map[string][]time.Duration{}, inTime: map[string]map[int]uint64{},
		freezes: map[int]map[string]*Freeze{}, points: map[string][]uint64{},
	}
	for _, target := range targets {
		ref.freezes[target] = map[string]*Freeze{}
	}
	for _, e := range all {
		ref.begin(f, e)
		if e.connecting >= to {
			continue
		}
		ref.viewers++
		if len(e.joined) < len(e.tracks) {
			ref.absent++
		}
		if e.left >= 0 && e.left < to {
			ref.gone++
		}
		for _, track := range e.tracks {
			ref.track(f, e, track, from, to, delays)
			if f.tracks[track].Kind != media.Data {
				for _, target := range targets {
					ref.stalls(f, e, track, from, to, target)
				}
			}
		}
	}
	return ref
}

func (ref *reference) begin(f *fake, e events) {
	video := slices.ContainsFunc(e.tracks, func(i int) bool { return f.tracks[i].Kind == media.Video })
	first := neverMs
	for _, track := range e.tracks {
		for n, at := range e.complete[track] {
			if f.Slot(track, n).Key && (!video || f.tracks[track].Kind == media.Video) {
				first = min(first, at)
			}
		}
	}
	if first != neverMs {
		ref.startup = append(ref.startup, time.Duration(max(first-e.connecting, 0))*time.Millisecond)
	}
	if e.ready >= 0 {
		ref.ready = append(ref.ready, time.Duration(e.ready-e.connecting)*time.Millisecond)
	}
}

func (ref *reference) track(f *fake, e events, track, from, to int, delays []int) {
	name := f.tracks[track].Kind.String()
	for n := range uint64(70) {
		slot := f.Slot(track, n)
		due := int(slot.Due.Milliseconds())
		if due < from || due >= to || !e.owed(f, track, n) {
			continue
		}
		if ref.counts[name] == nil {
			ref.counts[name], ref.inTime[name] = new(Counts), map[int]uint64{}
			ref.points[name] = make([]uint64, (to-from+249)/250)
		}
		c := ref.counts[name]
		c.Frames++
		ref.points[name][(due-from)/250]++
		if _, ok := e.complete[track][n]; !ok {
			c.Lost++
			if e.broken[track][n] {
				c.Broken++
			}
			continue
		}
		c.Complete++
		c.Bytes += 16
		handed := e.handed(f, track, n)
		if handed == neverMs {
			c.Undecodable++
			continue
		}
		latency := max(handed-due, 0)
		ref.latency[name] = append(ref.latency[name], time.Duration(latency)*time.Millisecond)
		for _, delay := range delays {
			if latency <= delay {
				ref.inTime[name][delay]++
			}
		}
	}
}

// stalls plays millisecond by millisecond.
func (ref *reference) stalls(f *fake, e events, track, from, to, target int) {
	name, sound := f.tracks[track].Kind.String(), f.tracks[track].Kind == media.Audio
	due := func(n int) int { return int(f.Slot(track, uint64(n)).Due.Milliseconds()) }
	frozen, owed, handed := false, false, 0
	n := -1 // what belongs on the screen
	for t := 0; t < due(62); t++ {
		if due(n+1)+target <= t {
			n++
			owed, handed = e.owed(f, track, uint64(n)), e.handed(f, track, uint64(n))
		}
		if !owed {
			frozen = false
			continue
		}
		now := handed > t
		if sound {
			now = handed > due(n)+target
		}
		if due(n) >= from && due(n) < to {
			if ref.freezes[target][name] == nil {
				ref.freezes[target][name] = new(Freeze)
			}
			freeze := ref.freezes[target][name]
			freeze.Played += time.Millisecond
			if now {
				freeze.Frozen += time.Millisecond
				if !frozen {
					freeze.Count++
				}
				if t == due(n)+target {
					freeze.Missing++
				}
			}
		}
		frozen = now
	}
}
