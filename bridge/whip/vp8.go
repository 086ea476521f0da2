package whip

import (
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

// vp8Assembler turns packets in sequence order into VP8 frames (RFC 7741). A
// frame starts at the first packet of partition 0 and ends like in
// h264Assembler; after loss everything up to the next key frame is dropped.
// Not safe for concurrent use.
type vp8Assembler struct {
	needKey bool
	broken  bool
	active  bool
	rtpTime uint32
	data    []byte
}

func newVP8Assembler() *vp8Assembler { return &vp8Assembler{needKey: true} }

func (a *vp8Assembler) lost() {
	a.reset()
	a.broken = true
	a.needKey = true
}

func (a *vp8Assembler) waiting() bool { return a.needKey }

func (a *vp8Assembler) coming() bool { return !a.broken && len(a.data) > 0 && a.data[0]&1 == 0 }

func (a *vp8Assembler) push(p *rtp.Packet, out []frame) []frame {
	if len(p.Payload) == 0 {
		return out // padding for bandwidth probes
	}
	if a.active && p.Timestamp != a.rtpTime {
		out = a.finish(out)
		a.broken = false
	}
	if !a.active {
		a.active = true
		a.rtpTime = p.Timestamp
	}
	if !a.add(p.Payload) {
		a.data = nil
		a.broken = true
		a.needKey = true
	}
	if p.Marker {
		out = a.finish(out)
		a.broken = false
	}
	return out
}

// add appends one payload; false means that the frame is not usable. A packet
// that starts a frame is good even right after a loss.
func (a *vp8Assembler) add(payload []byte) bool {
	var descriptor codecs.VP8Packet
	b, err := descriptor.Unmarshal(payload)
	if err != nil || len(a.data)+len(b) > maxFrameBytes {
		return false
	}
	start := descriptor.S == 1 && descriptor.PID == 0
	if start && len(a.data) == 0 {
		a.broken = false
	} else if start || a.broken || len(a.data) == 0 {
		return false
	}
	a.data = append(a.data, b...)
	return true
}

func (a *vp8Assembler) finish(out []frame) []frame {
	f := frame{rtpTime: a.rtpTime, data: a.data}
	usable := !a.broken && len(a.data) > 0
	a.reset()
	if !usable {
		return out
	}
	f.width, f.height, f.key = vp8KeyFrame(f.data)
	if f.key {
		a.needKey = false
	}
	if a.needKey {
		return out
	}
	return append(out, f)
}

func (a *vp8Assembler) reset() {
	a.active = false
	a.data = nil
}

// vp8KeyFrame reads the frame header (RFC 6386 §9.1): whether the frame is a key
// frame and, if so, its size in pixels.
func vp8KeyFrame(b []byte) (width, height int, key bool) {
	if len(b) < 10 || b[0]&1 != 0 || b[3] != 0x9d || b[4] != 0x01 || b[5] != 0x2a {
		return 0, 0, false
	}
	width = int(b[6]) | int(b[7]&0x3f)<<8
	height = int(b[8]) | int(b[9]&0x3f)<<8
	return width, height, width > 0 && height > 0
}
