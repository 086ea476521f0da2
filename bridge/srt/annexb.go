package srt

import "bytes"

// H.264 NAL unit types (ITU-T H.264 table 7-1).
const (
	naluIDR    = 5
	naluSPS    = 7
	naluPPS    = 8
	naluAUD    = 9
	naluFiller = 12
)

// maxNALUs bounds the slices of one picture: more than the 8160 macroblocks of
// a 1080p picture cannot be.
const maxNALUs = 8192

// picture is one H.264 access unit without start codes.
type picture struct {
	nalus    [][]byte
	sets     [][]byte // the SPS and PPS among them
	key      bool     // has an IDR slice
	complete bool     // has both an SPS and a PPS
}

// parsePicture splits a byte stream (ITU-T H.264 annex B) into its NAL units.
// Delimiters and filler data are left out: packaging has no use for them. The
// result aliases b; ok is false if b does not start with a start code or has
// nothing in it.
func parsePicture(b []byte) (p picture, ok bool) {
	start := bytes.Index(b, []byte{0, 0, 1})
	if start < 0 || len(bytes.TrimLeft(b[:start], "\x00")) > 0 {
		return picture{}, false
	}
	var sps, pps bool
	for rest := b[start+3:]; len(rest) > 0; {
		nalu := rest
		if end := bytes.Index(rest, []byte{0, 0, 1}); end >= 0 {
			nalu, rest = rest[:end], rest[end+3:]
		} else {
			rest = nil
		}
		// A NAL unit never ends in a zero: these belong to the next start code.
		nalu = bytes.TrimRight(nalu, "\x00")
		if len(nalu) == 0 {
			continue
		}
		switch nalu[0] & 0x1f {
		case naluAUD, naluFiller:
			continue
		case naluSPS:
			sps = true
			p.sets = append(p.sets, nalu)
		case naluPPS:
			pps = true
			p.sets = append(p.sets, nalu)
		case naluIDR:
			p.key = true
		}
		if len(p.nalus) == maxNALUs {
			return picture{}, false
		}
		p.nalus = append(p.nalus, nalu)
	}
	p.complete = sps && pps
	return p, len(p.nalus) > 0
}
