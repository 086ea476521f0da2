package media

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"time"
)

// maxN bounds the numbers of frames: at any rate they last for thousands of years,
// and no time overflows. Slots beyond it have the time of the last.
const maxN = 1 << 32

// synthetic is a source that is made up. It is never written to after
// newSynthetic.
type synthetic struct {
	seed     uint64
	tracks   []Track
	patterns []pattern // by track
	phase    []uint64  // by track: frames that its first group lacks
	sets     [][]byte  // by track: SPS and PPS, with lengths
	bitrate  float64
}

func newSynthetic(p profile, o Options) *synthetic {
	s := &synthetic{seed: o.Seed}
	patterns := p.pattern
	if o.Sound && !slices.ContainsFunc(patterns, func(x pattern) bool { return x.kind == Audio }) {
		patterns = append(slices.Clip(patterns), profiles()[0].pattern...)
	}
	for client := range o.Clients {
		for _, x := range patterns {
			s.add(x, client, o)
		}
	}
	return s
}

func (s *synthetic) add(p pattern, client int, o Options) {
	t := Track{
		Name: fmt.Sprintf("%s%d", p.kind, client), Kind: p.kind,
		Rate: float64(p.rate), Group: p.group, Client: client,
	}
	var sets []byte
	switch p.kind {
	case Video:
		set := newParameterSets(p.width, p.height, p.level)
		t.Codec, t.Config, sets = set.codec, set.avcC, set.inBand
		t.Width, t.Height = p.width, p.height
	case Audio:
		t.Codec, t.SampleRate, t.Channels = "opus", 48_000, 1
		t.Datagrams = o.Datagrams
	}
	s.tracks = append(s.tracks, t)
	s.patterns = append(s.patterns, p)
	s.phase = append(s.phase, uint64(client*p.group/o.Clients))
	s.sets = append(s.sets, sets)
	perGroup := p.key + (p.group-1)*p.size
	s.bitrate += 8 * float64(perGroup) * float64(p.rate) / float64(p.group)
}

func (s *synthetic) Tracks() []Track { return s.tracks }

func (s *synthetic) Bitrate() float64 { return s.bitrate }

func (s *synthetic) Slot(track int, n uint64) Frame {
	p := &s.patterns[track]
	group, rate := uint64(p.group), uint64(p.rate)
	place := n + s.phase[track]
	f := Frame{N: n, Group: place / group, Size: p.size}
	f.Key = n == 0 || place%group == 0
	f.Last = (place+1)%group == 0
	if f.Key {
		f.Size = p.key
	}
	at := min(n, maxN)
	f.Due = time.Duration(at/rate)*time.Second + time.Duration(at%rate)*time.Second/time.Duration(rate)
	if p.random {
		x := newNoise(s.seed, track, n)
		within, _ := bits.Mul64(x.next(), uint64(time.Second)/rate)
		f.Due += time.Duration(within)
	}
	return f
}

func (s *synthetic) Frame(track int, n uint64) Frame {
	f := s.Slot(track, n)
	b := make([]byte, 0, f.Size)
	switch s.tracks[track].Kind {
	case Video:
		b = s.appendPicture(b, track, f)
	case Audio:
		b = append(b, opusTOC)
	}
	b = appendNumber(b, n)
	x := newNoise(s.seed, track, n)
	x.next() // the time of a message
	x.fill(b[len(b):f.Size])
	f.Payload = b[:f.Size]
	return f
}

// appendPicture appends what a picture begins with, up to its number.
func (s *synthetic) appendPicture(b []byte, track int, f Frame) []byte {
	if f.Key {
		b = append(b, s.sets[track]...)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(f.Size-len(b)-4))
	place := (f.N + s.phase[track]) % uint64(s.patterns[track].group)
	return appendSliceHeader(b, f.Key, place)
}

// opusTOC begins an Opus packet with one frame of 20 ms, mono, full band
// (RFC 6716 §3.1).
const opusTOC = 31 << 3

// A frame's number is ten bytes of seven bits each, most significant first. Their
// upper bit is set, so that none is zero.
const numberSize = 10

func appendNumber(b []byte, n uint64) []byte {
	for shift := 7 * (numberSize - 1); shift >= 0; shift -= 7 {
		b = append(b, 0x80|byte(n>>shift))
	}
	return b
}

// Number reads the number from the payload of a frame that is made up; false when
// there is none. The frames of files say no number.
func Number(k Kind, payload []byte) (uint64, bool) {
	b := payload
	switch k {
	case Video:
		var ok bool
		if b, ok = sliceData(payload); !ok {
			return 0, false
		}
	case Audio:
		if len(b) == 0 || b[0] != opusTOC {
			return 0, false
		}
		b = b[1:]
	}
	if len(b) < numberSize {
		return 0, false
	}
	n := uint64(0)
	for _, digit := range b[:numberSize] {
		if digit&0x80 == 0 {
			return 0, false
		}
		n = n<<7 | uint64(digit&0x7f)
	}
	return n, b[0] <= 0x81
}

// noise is a sequence of numbers that look random (SplitMix64).
type noise uint64

// newNoise begins the sequence of one frame.
func newNoise(seed uint64, track int, n uint64) noise {
	x := noise(seed)
	x = noise(x.next() ^ uint64(track))
	return noise(x.next() ^ n)
}

func (x *noise) next() uint64 {
	*x += 0x9e3779b97f4a7c15
	z := uint64(*x)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// fill writes bytes to b. All are odd: where no byte is zero
// no start code can be, and nothing needs emulation prevention (ITU-T H.264
// §7.4.1), and the last is an end of slice data as good as any.
func (x *noise) fill(b []byte) {
	const odd = 0x0101010101010101
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, x.next()|odd)
	}
	last := x.next() | odd
	for i := range b {
		b[i] = byte(last)
		last >>= 8
	}
}
