package whip

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/pion/rtp"
)

var (
	sps   = []byte{0x67, 0x42, 0xe0, 0x1f, 0x01}
	pps   = []byte{0x68, 0xce, 0x3c, 0x80}
	idr   = []byte{0x65, 1, 2, 3, 4, 5, 6, 7}
	slice = []byte{0x41, 9, 8, 7, 6, 5}
	aud   = []byte{0x09, 0xf0}
)

// pkt is one packet for an assembler; loss before it is said with lost.
type pkt struct {
	time    uint32
	marker  bool
	payload []byte
	lost    bool
}

func stapA(nalus ...[]byte) []byte {
	b := []byte{0x78}
	for _, n := range nalus {
		b = append(b, byte(len(n)>>8), byte(len(n)))
		b = append(b, n...)
	}
	return b
}

// fuA cuts a NAL unit into n fragments.
func fuA(nalu []byte, n int) [][]byte {
	body := nalu[1:]
	var out [][]byte
	for i := range n {
		from, to := i*len(body)/n, (i+1)*len(body)/n
		b := []byte{nalu[0]&naluHeader | naluFUA, nalu[0] & naluMask}
		if i == 0 {
			b[1] |= fuaStart
		}
		if i == n-1 {
			b[1] |= fuaEnd
		}
		out = append(out, append(b, body[from:to]...))
	}
	return out
}

// text writes frames as "time[K]:nalu,nalu".
func text(frames []frame) (out []string) {
	for _, f := range frames {
		s := fmt.Sprint(f.rtpTime)
		if f.key {
			s += "K"
		}
		for _, n := range f.nalus {
			s += fmt.Sprintf(" %x", n)
		}
		if f.data != nil {
			s += fmt.Sprintf(" %x", f.data)
		}
		out = append(out, s)
	}
	return out
}

func feed(a assembler, packets []pkt) (frames []frame) {
	for _, p := range packets {
		if p.lost {
			a.lost()
		}
		frames = a.push(&rtp.Packet{Header: rtp.Header{Timestamp: p.time, Marker: p.marker}, Payload: p.payload}, frames)
	}
	return frames
}

func TestH264Assembler(t *testing.T) {
	key := pkt{time: 1, marker: true, payload: stapA(sps, pps, idr)}
	keyText := fmt.Sprintf("1K %x %x %x", sps, pps, idr)
	fragments := fuA(idr, 3)
	for name, c := range map[string]struct {
		params  [][]byte
		packets []pkt
		want    []string
		waiting bool
	}{
		"aggregate": {packets: []pkt{key}, want: []string{keyText}},
		"single NAL units": {
			packets: []pkt{{time: 1, payload: sps}, {time: 1, payload: pps}, {time: 1, marker: true, payload: idr}},
			want:    []string{keyText},
		},
		"fragments": {
			packets: []pkt{
				{time: 1, payload: stapA(sps, pps)},
				{time: 1, payload: fragments[0]}, {time: 1, payload: fragments[1]}, {time: 1, marker: true, payload: fragments[2]},
				{time: 2, marker: true, payload: slice},
			},
			want: []string{keyText, fmt.Sprintf("2 %x", slice)},
		},
		"no markers": {
			packets: []pkt{{time: 1, payload: stapA(sps, pps, idr)}, {time: 2, payload: slice}, {time: 3, payload: slice}},
			want:    []string{keyText, fmt.Sprintf("2 %x", slice)},
		},
		"marker on parameter sets": {
			packets: []pkt{{time: 1, marker: true, payload: sps}, {time: 1, marker: true, payload: pps}, {time: 1, marker: true, payload: idr}},
			want:    []string{keyText},
		},
		"padding": {
			packets: []pkt{key, {time: 1}, {time: 2, marker: true, payload: slice}},
			want:    []string{keyText, fmt.Sprintf("2 %x", slice)},
		},
		"nothing before a key frame": {
			packets: []pkt{{time: 0, marker: true, payload: slice}, key},
			want:    []string{keyText},
		},
		"key frame without parameter sets": {
			packets: []pkt{{time: 1, marker: true, payload: idr}},
			waiting: true,
		},
		"parameter sets from the SDP": {
			params:  [][]byte{sps, pps},
			packets: []pkt{{time: 1, marker: true, payload: idr}},
			want:    []string{keyText},
		},
		"parameter sets only once": {
			packets: []pkt{key, {time: 2, marker: true, payload: idr}},
			want:    []string{keyText, fmt.Sprintf("2K %x %x %x", sps, pps, idr)},
		},
		"loss drops up to the next key frame": {
			packets: []pkt{
				key,
				{time: 2, lost: true, payload: slice}, {time: 2, marker: true, payload: slice},
				{time: 3, marker: true, payload: slice},
				{time: 4, payload: stapA(aud, sps, pps)}, {time: 4, marker: true, payload: idr},
			},
			want: []string{keyText, fmt.Sprintf("4K %x %x %x %x", aud, sps, pps, idr)},
		},
		"loss right before a key frame does not cost it": {
			packets: []pkt{key, {time: 2, lost: true, marker: true, payload: stapA(sps, pps, idr)}},
			want:    []string{keyText, fmt.Sprintf("2K %x %x %x", sps, pps, idr)},
		},
		"loss inside a frame": {
			packets: []pkt{key, {time: 2, payload: slice}, {time: 2, lost: true, marker: true, payload: slice}},
			want:    []string{keyText},
			waiting: true,
		},
		"fragment without a start": {
			packets: []pkt{key, {time: 2, payload: fragments[1]}, {time: 2, marker: true, payload: fragments[2]}, {time: 3, marker: true, payload: slice}},
			want:    []string{keyText},
			waiting: true,
		},
		"fragment without an end": {
			packets: []pkt{key, {time: 2, payload: fragments[0]}, {time: 3, marker: true, payload: slice}},
			want:    []string{keyText},
			waiting: true,
		},
		"single NAL unit inside a fragment": {
			packets: []pkt{key, {time: 2, payload: fragments[0]}, {time: 2, marker: true, payload: slice}},
			want:    []string{keyText},
			waiting: true,
		},
		"aggregate cut short": {
			packets: []pkt{key, {time: 2, marker: true, payload: []byte{0x78, 0, 9, 0x41}}},
			want:    []string{keyText},
			waiting: true,
		},
		"interleaved mode": {
			packets: []pkt{key, {time: 2, marker: true, payload: []byte{26, 0, 0}}},
			want:    []string{keyText},
			waiting: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newH264Assembler(c.params)
			got := text(feed(a, c.packets))
			if !equal(got, c.want) || a.waiting() != c.waiting {
				t.Fatalf("got %q waiting %v, want %q waiting %v", got, a.waiting(), c.want, c.waiting)
			}
		})
	}
}

func TestH264Parameters(t *testing.T) {
	frames := feed(newH264Assembler(nil), []pkt{{time: 1, marker: true, payload: stapA(sps, pps, idr)}})
	if len(frames) != 1 || len(frames[0].params) != 2 || !bytes.Equal(frames[0].params[0], sps) || !bytes.Equal(frames[0].params[1], pps) {
		t.Fatalf("%+v", frames)
	}
}

func TestFrameSizeIsBounded(t *testing.T) {
	h, v := newH264Assembler([][]byte{sps, pps}), newVP8Assembler()
	piece := make([]byte, 60000)
	fua := append([]byte{0x7c, 0x85}, piece...)
	vp8 := append([]byte{0x10}, piece...)
	for range maxFrameBytes/len(piece) + 10 {
		feed(h, []pkt{{time: 1, payload: fua}})
		feed(v, []pkt{{time: 1, payload: vp8}})
		fua[1], vp8[0] = 0x05, 0
	}
	if len(h.fragment) != 0 || len(v.data) != 0 {
		t.Fatalf("%d and %d bytes are held for one frame", len(h.fragment), len(v.data))
	}
	for range maxFrameNALUs + 1 {
		feed(h, []pkt{{time: 2, payload: slice}})
	}
	if len(h.nalus) != 0 {
		t.Fatalf("%d NAL units are held for one frame", len(h.nalus))
	}
}

func TestVP8Assembler(t *testing.T) {
	keyFrame := []byte{0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, 7, 7}
	inter := []byte{0x31, 1, 2, 3}
	start := func(b []byte) []byte { return append([]byte{0x10}, b...) }
	more := func(b []byte) []byte { return append([]byte{0x00}, b...) }
	extended := func(b []byte) []byte { return append([]byte{0x90, 0xe0, 0x81, 0x02, 0x03, 0x20}, b...) }
	key := pkt{time: 1, marker: true, payload: start(keyFrame)}
	keyText := fmt.Sprintf("1K %x", keyFrame)
	for name, c := range map[string]struct {
		packets []pkt
		want    []string
		waiting bool
	}{
		"one packet":      {packets: []pkt{key}, want: []string{keyText}},
		"extended header": {packets: []pkt{{time: 1, marker: true, payload: extended(keyFrame)}}, want: []string{keyText}},
		"several packets": {
			packets: []pkt{{time: 1, payload: start(keyFrame[:4])}, {time: 1, payload: more(keyFrame[4:])}, {time: 2, payload: start(inter)}, {time: 3, payload: start(inter)}},
			want:    []string{keyText, fmt.Sprintf("2 %x", inter)},
		},
		"nothing before a key frame": {
			packets: []pkt{{time: 0, marker: true, payload: start(inter)}, key},
			want:    []string{keyText},
		},
		"loss at the end of a frame, then a key frame": {
			packets: []pkt{key, {time: 2, payload: start(inter)}, {time: 3, lost: true, marker: true, payload: start(keyFrame)}},
			want:    []string{keyText, fmt.Sprintf("3K %x", keyFrame)},
		},
		"loss at the start of a frame": {
			packets: []pkt{key, {time: 2, lost: true, marker: true, payload: more(inter)}, {time: 3, marker: true, payload: start(inter)}},
			want:    []string{keyText},
			waiting: true,
		},
		"frame without a start": {
			packets: []pkt{key, {time: 2, marker: true, payload: more(inter)}},
			want:    []string{keyText},
			waiting: true,
		},
		"descriptor cut short": {
			packets: []pkt{key, {time: 2, marker: true, payload: []byte{0x90}}},
			want:    []string{keyText},
			waiting: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newVP8Assembler()
			frames := feed(a, c.packets)
			if got := text(frames); !equal(got, c.want) || a.waiting() != c.waiting {
				t.Fatalf("got %q waiting %v, want %q waiting %v", got, a.waiting(), c.want, c.waiting)
			}
			if len(frames) > 0 && (frames[0].width != 320 || frames[0].height != 240) {
				t.Fatalf("size %dx%d", frames[0].width, frames[0].height)
			}
		})
	}
}

// A key frame on its way is known before it is complete.
func TestKeyFrameComing(t *testing.T) {
	fragments := fuA(idr, 3)
	for name, c := range map[string]struct {
		a       assembler
		packets []pkt
		want    bool
	}{
		"nothing":                {a: newH264Assembler(nil)},
		"parameter sets":         {a: newH264Assembler(nil), packets: []pkt{{time: 1, payload: stapA(sps, pps)}}, want: true},
		"IDR fragment":           {a: newH264Assembler(nil), packets: []pkt{{time: 1, payload: fragments[0]}}, want: true},
		"other picture":          {a: newH264Assembler(nil), packets: []pkt{{time: 1, payload: slice}}},
		"complete":               {a: newH264Assembler(nil), packets: []pkt{{time: 1, marker: true, payload: stapA(sps, pps, idr)}}},
		"broken":                 {a: newH264Assembler(nil), packets: []pkt{{time: 1, payload: stapA(sps, pps)}, {time: 1, lost: true, payload: fragments[1]}}},
		"VP8 nothing":            {a: newVP8Assembler()},
		"VP8 key frame":          {a: newVP8Assembler(), packets: []pkt{{time: 1, payload: []byte{0x10, 0x02, 0x00}}}, want: true},
		"VP8 other":              {a: newVP8Assembler(), packets: []pkt{{time: 1, payload: []byte{0x10, 0x01, 0x00}}}},
		"VP8 broken":             {a: newVP8Assembler(), packets: []pkt{{time: 1, payload: []byte{0x10, 0x02}}, {time: 1, lost: true, payload: []byte{0, 0}}}},
		"VP8 descriptor is junk": {a: newVP8Assembler(), packets: []pkt{{time: 1, payload: []byte{0x90}}}},
	} {
		feed(c.a, c.packets)
		if got := c.a.coming(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// fuzzAssembler cuts b into packets (length, flags, payload) for a.
func fuzzAssembler(t *testing.T, a assembler, b []byte) {
	var frames []frame
	for len(b) >= 2 {
		n, flags := int(b[0]), b[1]
		b = b[2:]
		n = min(n, len(b))
		if flags&2 != 0 {
			a.lost()
		}
		p := &rtp.Packet{Header: rtp.Header{Timestamp: uint32(flags >> 2), Marker: flags&1 != 0}, Payload: b[:n:n]}
		b = b[n:]
		frames = a.push(p, frames)
	}
	for i, f := range frames {
		if len(f.nalus) == 0 && len(f.data) == 0 {
			t.Fatalf("frame %d is empty", i)
		}
		for _, n := range f.nalus {
			if len(n) == 0 {
				t.Fatalf("frame %d has an empty NAL unit", i)
			}
		}
		if f.key && f.nalus != nil && len(f.params) != 2 {
			t.Fatalf("key frame %d without parameter sets", i)
		}
	}
	if len(frames) > 0 && !frames[0].key {
		t.Fatal("the first frame is no key frame")
	}
}

func FuzzH264Assembler(f *testing.F) {
	seed := func(packets ...pkt) (b []byte) {
		for _, p := range packets {
			flags := byte(p.time << 2)
			if p.marker {
				flags |= 1
			}
			b = append(append(b, byte(len(p.payload)), flags), p.payload...)
		}
		return b
	}
	fragments := fuA(idr, 2)
	f.Add(seed(pkt{time: 1, marker: true, payload: stapA(sps, pps, idr)}, pkt{time: 2, marker: true, payload: slice}))
	f.Add(seed(pkt{time: 1, payload: stapA(sps, pps)}, pkt{time: 1, payload: fragments[0]}, pkt{time: 1, marker: true, payload: fragments[1]}))
	f.Fuzz(func(t *testing.T, b []byte) { fuzzAssembler(t, newH264Assembler(nil), b) })
}

func FuzzVP8Assembler(f *testing.F) {
	f.Add([]byte{12, 5, 0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, 7, 3, 9, 0x10, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) { fuzzAssembler(t, newVP8Assembler(), b) })
}
