package whip

import (
	"encoding/binary"

	"github.com/pion/rtp"
)

// NAL unit types of H.264 (ITU-T H.264 table 7-1) and of its RTP payload format
// (RFC 6184 §5.2).
const (
	naluSlice  = 1
	naluIDR    = 5
	naluSPS    = 7
	naluPPS    = 8
	naluAUD    = 9
	naluSTAPA  = 24
	naluFUA    = 28
	naluMask   = 0x1f
	fuaStart   = 0x80
	fuaEnd     = 0x40
	naluHeader = 0xe0 // F and NRI bits, kept from the fragment indicator
)

const (
	// maxFrameBytes bounds a frame while it is put together, so that a sender
	// without markers cannot make us hold an endless one.
	maxFrameBytes = 16 << 20
	// maxFrameNALUs bounds the parts of a frame for the same reason.
	maxFrameNALUs = 4096
)

// frame is one complete access unit as it came from the network.
type frame struct {
	rtpTime uint32
	key     bool
	// nalus is set for H.264 (no start codes), data for VP8.
	nalus [][]byte
	data  []byte
	// params are the H.264 parameter sets in force: SPS, then PPS.
	params [][]byte
	// width and height in pixels of a VP8 key frame.
	width, height int
}

// h264Assembler turns packets in sequence order into access units: single NAL
// units, STAP-A and FU-A (packetization modes 0 and 1 of RFC 6184). A frame
// ends with the marker bit, or where the timestamp changes if the sender sets no
// marker. After loss everything up to the next IDR picture is dropped.
// Not safe for concurrent use.
type h264Assembler struct {
	needKey bool
	// broken says that the frame being put together misses a part.
	broken  bool
	active  bool
	rtpTime uint32
	nalus   [][]byte
	size    int
	// fragment is the NAL unit that FU-A packets add to; nil outside of one.
	fragment []byte
	sps, pps []byte
}

// newH264Assembler starts with parameter sets from the SDP, if it named any.
func newH264Assembler(params [][]byte) *h264Assembler {
	a := &h264Assembler{needKey: true}
	for _, nalu := range params {
		a.remember(nalu)
	}
	return a
}

// lost says that packets are missing before the next one pushed.
func (a *h264Assembler) lost() {
	a.reset()
	a.broken = true
	a.needKey = true
}

// waiting says that nothing can be shown until a key frame comes.
func (a *h264Assembler) waiting() bool { return a.needKey }

// coming says that the frame being put together looks like a key frame.
func (a *h264Assembler) coming() bool {
	if a.broken {
		return false
	}
	if len(a.fragment) > 0 && a.fragment[0]&naluMask == naluIDR {
		return true
	}
	for _, nalu := range a.nalus {
		if kind := nalu[0] & naluMask; kind == naluIDR || kind == naluSPS {
			return true
		}
	}
	return false
}

// push takes the next packet and appends the frames it completes to out. The
// packet's payload becomes part of the frame.
func (a *h264Assembler) push(p *rtp.Packet, out []frame) []frame {
	if len(p.Payload) == 0 {
		return out // padding for bandwidth probes
	}
	if a.active && p.Timestamp != a.rtpTime {
		out = a.finish(out)
		a.broken = false
	}
	if a.broken && startsH264Frame(p.Payload) {
		a.reset()
		a.broken = false
	}
	if !a.active {
		a.active = true
		a.rtpTime = p.Timestamp
	}
	if !a.broken && !a.add(p.Payload) {
		a.reset()
		a.active = true
		a.broken = true
		a.needKey = true
	}
	if p.Marker && !a.onlyParameters() {
		out = a.finish(out)
		a.broken = false
	}
	return out
}

// startsH264Frame recognises packets that can only be the first of an access
// unit, so that a key frame right after a loss is not dropped with it.
func startsH264Frame(b []byte) bool {
	if b[0]&naluMask == naluSTAPA && len(b) > 3 {
		b = b[3:]
	}
	kind := b[0] & naluMask
	return kind == naluSPS || kind == naluAUD
}

// add takes one payload apart; false means that the frame is not usable.
func (a *h264Assembler) add(payload []byte) bool {
	kind := payload[0] & naluMask
	if a.fragment != nil && kind != naluFUA {
		return false // a fragmented NAL unit without its end
	}
	switch {
	case kind >= naluSlice && kind < naluSTAPA:
		return a.addNALU(payload)
	case kind == naluSTAPA:
		return a.addAggregate(payload[1:])
	case kind == naluFUA:
		return a.addFragment(payload)
	}
	return false // types of packetization mode 2, which is never negotiated
}

// addAggregate takes the NAL units out of a STAP-A (RFC 6184 §5.7.1).
func (a *h264Assembler) addAggregate(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 2 {
			return false
		}
		n := int(binary.BigEndian.Uint16(b))
		b = b[2:]
		if n == 0 || n > len(b) || !a.addNALU(b[:n:n]) {
			return false
		}
		b = b[n:]
	}
	return true
}

// addFragment appends an FU-A to its NAL unit (RFC 6184 §5.8).
func (a *h264Assembler) addFragment(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	start, end := b[1]&fuaStart != 0, b[1]&fuaEnd != 0
	switch {
	case start && a.fragment != nil, !start && a.fragment == nil:
		return false
	case start:
		a.fragment = append(make([]byte, 0, 4*len(b)), b[0]&naluHeader|b[1]&naluMask)
	}
	if a.size+len(a.fragment)+len(b) > maxFrameBytes {
		return false
	}
	a.fragment = append(a.fragment, b[2:]...)
	if !end {
		return true
	}
	nalu := a.fragment
	a.fragment = nil
	return a.addNALU(nalu)
}

func (a *h264Assembler) addNALU(nalu []byte) bool {
	if len(a.nalus) >= maxFrameNALUs || a.size+len(nalu) > maxFrameBytes {
		return false
	}
	a.remember(nalu)
	a.nalus = append(a.nalus, nalu)
	a.size += len(nalu)
	return true
}

// remember keeps the parameter sets: a sender may send them once, in packets or
// in the SDP, and never again with later key frames.
func (a *h264Assembler) remember(nalu []byte) {
	if len(nalu) == 0 {
		return
	}
	switch nalu[0] & naluMask {
	case naluSPS:
		a.sps = nalu
	case naluPPS:
		a.pps = nalu
	}
}

// onlyParameters says that no picture came yet: some senders set the marker
// on parameter sets that go before a picture of the same time.
func (a *h264Assembler) onlyParameters() bool {
	return !a.broken && a.fragment == nil && !a.hasPicture()
}

func (a *h264Assembler) hasPicture() bool {
	for _, nalu := range a.nalus {
		if kind := nalu[0] & naluMask; kind >= naluSlice && kind <= naluIDR {
			return true
		}
	}
	return false
}

// finish ends the frame in work and appends it to out if it can be decoded.
func (a *h264Assembler) finish(out []frame) []frame {
	f := frame{rtpTime: a.rtpTime, nalus: a.nalus}
	usable := !a.broken && a.fragment == nil && a.hasPicture()
	if !a.broken && a.fragment != nil {
		a.needKey = true
	}
	a.reset()
	if !usable {
		return out
	}
	var sps, pps bool
	for _, nalu := range f.nalus {
		switch nalu[0] & naluMask {
		case naluIDR:
			f.key = true
		case naluSPS:
			sps = true
		case naluPPS:
			pps = true
		}
	}
	if f.key {
		if a.sps == nil || a.pps == nil {
			return out // no decoder could start here
		}
		f.params = [][]byte{a.sps, a.pps}
		if !sps || !pps {
			f.nalus = withParameters(f.nalus, f.params)
		}
		a.needKey = false
	}
	if a.needKey {
		return out
	}
	return append(out, f)
}

// withParameters puts the remembered parameter sets before a key frame that
// came without them.
func withParameters(nalus, params [][]byte) [][]byte {
	all := make([][]byte, 0, len(nalus)+len(params))
	all = append(all, params...)
	for _, nalu := range nalus {
		if kind := nalu[0] & naluMask; kind != naluSPS && kind != naluPPS {
			all = append(all, nalu)
		}
	}
	return all
}

func (a *h264Assembler) reset() {
	a.active = false
	a.nalus = nil
	a.size = 0
	a.fragment = nil
}
