package codec

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// NAL unit types of H.264 that packaging tells apart (ITU-T H.264 table 7-1).
const (
	naluIDR    = 5
	naluSPS    = 7
	naluPPS    = 8
	naluAUD    = 9
	naluFiller = 12
)

// maxParameterSet bounds a stored parameter set: avcC gives it a 16-bit length.
const maxParameterSet = 65535

// maxSPSID is the largest seq_parameter_set_id (ITU-T H.264 §7.4.2.1.1).
const maxSPSID = 31

// maxPixels bounds a picture's width and height: level 6.2 of H.264 allows 16880,
// and a sample entry has 16 bits for it.
const maxPixels = 16880

// ErrParameterSet reports a parameter set that cannot be read.
var ErrParameterSet = errors.New("invalid H.264 parameter set")

// Picture is an H.264 access unit sorted by what packaging does with its NAL units.
type Picture struct {
	ParameterSets [][]byte // SPS and PPS
	Slices        [][]byte // everything else worth keeping, in order
	IDR           bool     // decoding can start here
	Discardable   bool     // no other picture refers to it
	Size          int      // bytes of Slices with 4-byte length prefixes
}

// ParsePicture sorts the NAL units of an access unit. Access unit delimiters,
// filler and empty units are left out: they mean nothing outside a byte stream.
// The result aliases nalus.
func ParsePicture(nalus [][]byte) Picture {
	p := Picture{Discardable: true}
	slices := 0
	for _, n := range nalus {
		if len(n) == 0 {
			continue
		}
		t := n[0] & 0x1f
		switch t {
		case naluSPS, naluPPS:
			p.ParameterSets = append(p.ParameterSets, n)
			continue
		case naluAUD, naluFiller:
			continue
		}
		if t >= 1 && t <= naluIDR {
			slices++
			p.IDR = p.IDR || t == naluIDR
			p.Discardable = p.Discardable && n[0]&0x60 == 0 // nal_ref_idc
		}
		p.Slices = append(p.Slices, n)
		p.Size += 4 + len(n)
	}
	if slices == 0 {
		p.Discardable = false
		p.Slices, p.Size = nil, 0
	}
	return p
}

// parameterSet is one SPS or PPS with its id.
type parameterSet struct {
	id   uint32
	nalu []byte
}

// ParameterSets collects the SPS and PPS of a stream. The zero value is empty.
// It is not safe for concurrent use.
type ParameterSets struct {
	sps, pps []parameterSet // ascending by id
	main     h264.SPS       // the SPS that changed last, which describes the stream
	mainNALU []byte
}

// Update stores copies of the parameter sets among nalus, each in place of the
// one with its id. It reports whether anything changed; sets that cannot be
// read are left out and reported as an error.
func (s *ParameterSets) Update(nalus [][]byte) (changed bool, err error) {
	for _, n := range nalus {
		if len(n) == 0 {
			continue
		}
		switch n[0] & 0x1f {
		case naluSPS:
			var parsed h264.SPS
			if e := parsed.Unmarshal(n); e != nil || len(n) > maxParameterSet || parsed.ID > maxSPSID || !plausible(parsed.Width()) || !plausible(parsed.Height()) {
				err = ErrParameterSet
				continue
			}
			if store(&s.sps, parsed.ID, n) {
				s.main, s.mainNALU = parsed, bytes.Clone(n)
				changed = true
			}
		case naluPPS:
			id, e := ppsID(n)
			if e != nil {
				err = e
				continue
			}
			changed = store(&s.pps, id, n) || changed
		}
	}
	return changed, err
}

func plausible(pixels int) bool { return pixels > 0 && pixels <= maxPixels }

func store(sets *[]parameterSet, id uint32, nalu []byte) (changed bool) {
	for i := range *sets {
		switch set := &(*sets)[i]; {
		case set.id == id:
			if bytes.Equal(set.nalu, nalu) {
				return false
			}
			set.nalu = bytes.Clone(nalu)
			return true
		case set.id > id:
			*sets = append(*sets, parameterSet{})
			copy((*sets)[i+1:], (*sets)[i:])
			(*sets)[i] = parameterSet{id, bytes.Clone(nalu)}
			return true
		}
	}
	*sets = append(*sets, parameterSet{id, bytes.Clone(nalu)})
	return true
}

// ppsID reads pic_parameter_set_id, an Exp-Golomb code of at most 255.
func ppsID(nalu []byte) (uint32, error) {
	if len(nalu) < 2 || len(nalu) > maxParameterSet {
		return 0, ErrParameterSet
	}
	bit := func(i int) uint32 {
		if 1+i/8 >= len(nalu) {
			return 0
		}
		return uint32(nalu[1+i/8]>>(7-i%8)) & 1
	}
	zeros := 0
	for bit(zeros) == 0 {
		if zeros++; zeros > 8 {
			return 0, ErrParameterSet
		}
	}
	v := uint32(0)
	for i := zeros; i <= 2*zeros; i++ {
		v = v<<1 | bit(i)
	}
	if v-1 > 255 {
		return 0, ErrParameterSet
	}
	return v - 1, nil
}

// Complete reports whether there are at least one SPS and one PPS.
func (s *ParameterSets) Complete() bool { return len(s.sps) > 0 && len(s.pps) > 0 }

// NALUs returns all sets, SPS first. The slices are shared; they are never
// written to again, but replaced.
func (s *ParameterSets) NALUs() [][]byte {
	all := make([][]byte, 0, len(s.sps)+len(s.pps))
	for _, set := range s.sps {
		all = append(all, set.nalu)
	}
	for _, set := range s.pps {
		all = append(all, set.nalu)
	}
	return all
}

// Size returns the picture size in pixels, after cropping.
func (s *ParameterSets) Size() (width, height int) {
	if len(s.sps) == 0 {
		return 0, 0
	}
	return s.main.Width(), s.main.Height()
}

// FrameRate returns the frame rate that the stream declares, 0 when it
// declares none or an absurd one.
func (s *ParameterSets) FrameRate() float64 {
	if len(s.sps) == 0 {
		return 0
	}
	if fps := s.main.FPS(); fps >= 1 && fps <= 300 {
		return fps
	}
	return 0
}

// CodecString returns the RFC 6381 string, e.g. "avc1.64001f". entry is the
// sample entry: "avc1" when parameter sets are out of band, "avc3" when in band.
func (s *ParameterSets) CodecString(entry string) string {
	if len(s.sps) == 0 {
		return entry
	}
	sps := s.mainNALU
	return fmt.Sprintf("%s.%02x%02x%02x", entry, sps[1], sps[2], sps[3])
}

// AVCC returns the AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1)
// with 4-byte lengths, nil when the sets are not Complete. It has room for 31 SPS
// and 255 PPS; more are left out.
func (s *ParameterSets) AVCC() []byte {
	if !s.Complete() {
		return nil
	}
	sps := s.mainNALU
	b := []byte{1, sps[1], sps[2], sps[3], 0xff, 0xe0 | byte(min(len(s.sps), 31))}
	b = appendSets(b, s.sps[:min(len(s.sps), 31)])
	b = append(b, byte(min(len(s.pps), 255)))
	b = appendSets(b, s.pps[:min(len(s.pps), 255)])
	switch sps[1] {
	case 66, 77, 88:
	default: // the profiles that say their chroma format and bit depth
		b = append(b, 0xfc|byte(s.main.ChromaFormatIdc&3), 0xf8|byte(s.main.BitDepthLumaMinus8&7), 0xf8|byte(s.main.BitDepthChromaMinus8&7), 0)
	}
	return b
}

func appendSets(b []byte, sets []parameterSet) []byte {
	for _, set := range sets {
		b = append(b, byte(len(set.nalu)>>8), byte(len(set.nalu)))
		b = append(b, set.nalu...)
	}
	return b
}
