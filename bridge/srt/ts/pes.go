package ts

import "encoding/binary"

// Unit is what one PES packet carries.
type Unit struct {
	PID uint16
	// PTS and DTS in 90 kHz units, 33 bits. Without a DTS in the stream both
	// are the PTS. Meaningless unless HasTime.
	PTS, DTS int64
	HasTime  bool
	// AfterLoss says that bytes of the stream before this unit are missing.
	AfterLoss bool
	// Data is valid until the sink returns.
	Data []byte
}

// confirmations is how many units a stream must have ended with a stuffed
// packet before such a packet is taken for the end of a unit. It costs the
// first units of a stream a frame of delay and spares streams of multiplexers
// that stuff elsewhere every damage but one.
const confirmations = 2

// never is far enough below zero for no run of confirmations to reach
// confirmations again.
const never = -1 << 30

// stream assembles the PES packets of one PID.
type stream struct {
	pid  uint16
	buf  []byte
	open bool

	haveCounter bool
	counter     uint8
	repeated    bool // the last packet came twice already

	lost    bool // bytes are missing since the last unit given away
	stuffed bool // the last packet of the open unit was stuffed
	early   bool // the last unit was given away on its stuffed packet
	trust   int  // stuffed packets that were followed by a new unit
}

// add takes a packet with payload and gives complete units away.
func (s *stream) add(p packet, d *Demuxer) error {
	switch s.follows(p) {
	case packetRepeated:
		return nil
	case packetAfterLoss:
		d.Damage.LostPackets++
		s.stuffed, s.early, s.lost = false, false, true
		if s.open {
			s.drop(d)
		}
	}
	if p.start {
		if s.open {
			if s.stuffed {
				s.trust++
			}
			if err := s.emit(d); err != nil {
				return err
			}
		}
		s.buf, s.open, s.stuffed, s.early = s.buf[:0], true, false, false
	} else if s.early {
		// The unit goes on behind its stuffed packet: this multiplexer stuffs
		// anywhere, and the unit given away was a part of one.
		s.early, s.trust = false, never
		s.drop(d)
	}
	if !s.open {
		return nil
	}
	if s.stuffed {
		s.stuffed, s.trust = false, never
	}
	if len(s.buf)+len(p.payload) > d.MaxUnit {
		s.drop(d)
		return nil
	}
	s.buf = append(s.buf, p.payload...)
	if size := s.size(); size > 0 {
		if len(s.buf) >= size {
			s.buf = s.buf[:size]
			return s.emit(d)
		}
		return nil
	}
	if s.stuffed = p.stuffed; s.stuffed && s.trust >= confirmations {
		s.early = true
		return s.emit(d)
	}
	return nil
}

type continuity int

const (
	packetExpected continuity = iota
	packetRepeated
	packetAfterLoss
)

// follows checks the continuity counter (ISO/IEC 13818-1 §2.4.3.3).
func (s *stream) follows(p packet) continuity {
	had, last := s.haveCounter, s.counter
	s.haveCounter, s.counter = true, p.counter
	switch {
	case !had || p.discontinuity || p.counter == (last+1)&0x0f:
		s.repeated = false
		return packetExpected
	case p.counter == last && !s.repeated: // a packet may be sent twice
		s.repeated = true
		return packetRepeated
	}
	s.repeated = false
	return packetAfterLoss
}

// size returns the whole size of the open PES packet, or 0 while it is unknown
// or unbounded.
func (s *stream) size() int {
	if len(s.buf) < 6 {
		return 0
	}
	length := int(binary.BigEndian.Uint16(s.buf[4:]))
	if length == 0 {
		return 0
	}
	return 6 + length
}

// emit gives the open unit away (ISO/IEC 13818-1 §2.4.3.6).
func (s *stream) emit(d *Demuxer) error {
	s.open = false
	u, ok := parsePES(s.buf)
	if !ok {
		s.drop(d)
		return nil
	}
	u.PID, u.AfterLoss = s.pid, s.lost
	s.lost = false
	return d.sink.Unit(u)
}

// flush gives away what the end of the stream left open, if it can be whole.
func (s *stream) flush(d *Demuxer) error {
	if !s.open {
		return nil
	}
	// A unit that knows its length would have been given away; one that does
	// not is whole only if its last packet was stuffed. A sender that leaves in
	// the middle of a unit is no damage.
	if s.size() > 0 || !s.stuffed {
		s.open, s.lost = false, true
		return nil
	}
	return s.emit(d)
}

// drop gives up the open unit.
func (s *stream) drop(d *Demuxer) {
	s.open, s.lost = false, true
	d.Damage.BrokenUnits++
}

func parsePES(b []byte) (Unit, bool) {
	if len(b) < 9 || b[0] != 0 || b[1] != 0 || b[2] != 1 || b[6]&0xc0 != 0x80 {
		return Unit{}, false
	}
	header := 9 + int(b[8])
	if header > len(b) {
		return Unit{}, false
	}
	u := Unit{Data: b[header:]}
	flags, fields := b[7]>>6, b[9:header]
	switch {
	case flags == 2 && len(fields) >= 5:
		u.PTS, u.HasTime = timestamp(fields), true
		u.DTS = u.PTS
	case flags == 3 && len(fields) >= 10:
		u.PTS, u.DTS, u.HasTime = timestamp(fields), timestamp(fields[5:]), true
	}
	return u, true
}

// timestamp reads 33 bits spread over five bytes; the marker bits between them
// are not checked because some multiplexers leave them out.
func timestamp(b []byte) int64 {
	return int64(b[0]>>1&0x07)<<30 | int64(b[1])<<22 | int64(b[2]>>1)<<15 | int64(b[3])<<7 | int64(b[4]>>1)
}
