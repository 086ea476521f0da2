package rtc

import (
	"encoding/binary"

	"github.com/pion/rtp"
)

// slots is how many packets of a track are remembered, a power of two: twice of what
// is asked for again.
const slots = 2 * nackSlots

// assembled is a frame that is complete. The payload is valid until the next push.
type assembled struct {
	timestamp uint32
	payload   []byte
	key       bool
}

// format tells how packets of a kind make a frame.
type format interface {
	// begins reports whether a payload can only be the first of a frame.
	begins(payload []byte) bool
	// add appends what a packet has of a frame, which begins with the first call
	// after reset; false if it does not fit what came before.
	add(b, payload []byte) ([]byte, bool)
	// done ends a frame: false if it is not complete.
	done() (key, ok bool)
	reset()
}

// assembler makes frames of the packets of a track, which may come in any order. A
// frame is complete when every packet from the one after the frame before it up to
// the one with its marker is there. Not safe for concurrent use.
type assembler struct {
	format  format
	ring    [slots]slot
	started bool
	highest uint64 // extended sequence number
	next    uint64 // the first that is missing; what is before it came, or was given up
	spare   [][]byte
	frame   []byte
	out     []assembled

	lost   uint64 // packets that were given up
	broken uint64 // frames whose packets make no sense
}

// slot has one packet.
type slot struct {
	sequence  uint64 // extended; 0: none yet
	timestamp uint32
	marker    bool
	used      bool // its frame was complete
	payload   []byte
}

func newAssembler(f format) *assembler { return &assembler{format: f} }

// push takes a packet and returns the frames it completes. It keeps a copy.
func (a *assembler) push(p *rtp.Packet) []assembled {
	a.out = a.out[:0]
	seq := a.extend(p.SequenceNumber)
	if seq+slots <= a.highest || a.at(seq) != nil {
		return nil // too late, or twice
	}
	s := &a.ring[seq%slots]
	a.recycle(s)
	*s = slot{sequence: seq, timestamp: p.Timestamp, marker: p.Marker, payload: a.buffer(p.Payload)}
	a.highest = max(a.highest, seq)
	a.frame = a.frame[:0]
	a.complete(seq)
	if after := a.at(seq + 1); after != nil && !after.used && (s.marker || after.timestamp != s.timestamp) {
		a.complete(seq + 1) // it waited to know where it begins
	}
	a.advance()
	return a.out
}

// extend unwraps a sequence number.
func (a *assembler) extend(n uint16) uint64 {
	if !a.started {
		a.started = true
		a.highest = 1<<16 + uint64(n)
		a.next = a.highest
		return a.highest
	}
	return uint64(int64(a.highest) + int64(int16(n-uint16(a.highest))))
}

func (a *assembler) at(seq uint64) *slot {
	if s := &a.ring[seq%slots]; s.sequence == seq {
		return s
	}
	return nil
}

// complete looks whether the frame that a packet belongs to is all there.
func (a *assembler) complete(seq uint64) {
	s := a.at(seq)
	last := seq
	for !a.at(last).marker {
		after := a.at(last + 1)
		if after == nil {
			return
		}
		if after.timestamp != s.timestamp {
			break // a sender without markers
		}
		last++
	}
	first := seq
	for {
		before := a.at(first - 1)
		if before == nil {
			if a.format.begins(a.at(first).payload) {
				break
			}
			return
		}
		if before.timestamp != s.timestamp || before.marker {
			break
		}
		first--
	}
	if !s.used {
		a.emit(first, last)
	}
}

// emit puts a frame together.
func (a *assembler) emit(first, last uint64) {
	a.format.reset()
	begin, good := len(a.frame), true
	for seq := first; seq <= last; seq++ {
		s := a.at(seq)
		if good {
			a.frame, good = a.format.add(a.frame, s.payload)
		}
		s.used = true
		a.recycle(s)
	}
	key, ok := a.format.done()
	if !good || !ok {
		a.broken++
		a.frame = a.frame[:begin]
		return
	}
	payload := a.frame[begin:len(a.frame):len(a.frame)]
	a.out = append(a.out, assembled{timestamp: a.at(first).timestamp, payload: payload, key: key})
}

// advance moves on over what is there, and over what is too old to come.
func (a *assembler) advance() {
	for {
		switch {
		case a.at(a.next) != nil:
			a.next++
		case a.next+nackSlots < a.highest:
			a.lost++
			a.next++
		default:
			return
		}
	}
}

// buffer copies a payload into memory that was used before, if there is any.
func (a *assembler) buffer(payload []byte) []byte {
	var b []byte
	if n := len(a.spare); n > 0 {
		b, a.spare = a.spare[n-1][:0], a.spare[:n-1]
	} else {
		b = make([]byte, 0, receiveMTU)
	}
	return append(b, payload...)
}

func (a *assembler) recycle(s *slot) {
	if s.payload != nil {
		a.spare = append(a.spare, s.payload)
		s.payload = nil
	}
}

// NAL unit types (ITU-T H.264 table 7-1, RFC 6184 §5.2).
const (
	naluSlice  = 1
	naluIDR    = 5
	naluSPS    = 7
	naluAUD    = 9
	naluSTAPA  = 24
	naluFUA    = 28
	naluMask   = 0x1f
	naluHeader = 0xe0
	fuaStart   = 0x80
	fuaEnd     = 0x40
)

// maxFrame bounds a frame.
const maxFrame = 16 << 20

// avc makes NAL units with 4-byte lengths of packets (RFC 6184).
type avc struct {
	fragment int // where the length of the unit that is being put together is, -1: none
	key      bool
	picture  bool
}

func (f *avc) reset() { *f = avc{fragment: -1} }

func (f *avc) begins(p []byte) bool {
	if len(p) > 3 && p[0]&naluMask == naluSTAPA {
		p = p[3:]
	}
	return len(p) > 0 && (p[0]&naluMask == naluSPS || p[0]&naluMask == naluAUD)
}

func (f *avc) done() (key, ok bool) { return f.key, f.picture && f.fragment < 0 }

func (f *avc) add(b, p []byte) ([]byte, bool) {
	if len(p) == 0 {
		return b, true // padding
	}
	if len(b)+len(p) > maxFrame {
		return b, false
	}
	kind := p[0] & naluMask
	if kind != naluFUA && f.fragment >= 0 {
		return b, false
	}
	switch {
	case kind >= naluSlice && kind < naluSTAPA:
		return f.unit(b, p), true
	case kind == naluSTAPA:
		for p = p[1:]; len(p) > 0; {
			if len(p) < 2 {
				return b, false
			}
			n := int(binary.BigEndian.Uint16(p))
			if p = p[2:]; n == 0 || n > len(p) {
				return b, false
			}
			b, p = f.unit(b, p[:n]), p[n:]
		}
		return b, true
	case kind == naluFUA && len(p) > 2:
		return f.part(b, p)
	}
	return b, false
}

// unit appends a whole NAL unit.
func (f *avc) unit(b, unit []byte) []byte {
	f.note(unit[0])
	b = binary.BigEndian.AppendUint32(b, uint32(len(unit)))
	return append(b, unit...)
}

// part appends a fragment (RFC 6184 §5.8).
func (f *avc) part(b, p []byte) ([]byte, bool) {
	switch start := p[1]&fuaStart != 0; {
	case start == (f.fragment >= 0):
		return b, false
	case start:
		f.fragment = len(b)
		header := p[0]&naluHeader | p[1]&naluMask
		f.note(header)
		b = append(b, 0, 0, 0, 0, header)
	}
	b = append(b, p[2:]...)
	if p[1]&fuaEnd != 0 {
		binary.BigEndian.PutUint32(b[f.fragment:], uint32(len(b)-f.fragment-4))
		f.fragment = -1
	}
	return b, true
}

func (f *avc) note(header byte) {
	kind := header & naluMask
	f.key = f.key || kind == naluIDR
	f.picture = f.picture || kind >= naluSlice && kind <= naluIDR
}

// opaque is what packetizer.opaque makes.
type opaque struct{ begun bool }

func (f *opaque) reset()               { f.begun = false }
func (f *opaque) begins(p []byte) bool { return len(p) > 0 && p[0] == opaqueFirst }
func (f *opaque) done() (key, ok bool) { return true, f.begun }
func (f *opaque) add(b, p []byte) ([]byte, bool) {
	if len(p) == 0 || f.begins(p) == f.begun || len(b)+len(p) > maxFrame {
		return b, false
	}
	f.begun = true
	return append(b, p[1:]...), true
}
