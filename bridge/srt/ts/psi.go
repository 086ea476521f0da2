package ts

import "encoding/binary"

const (
	tablePAT = 0x00
	tablePMT = 0x02
	// maxPrograms bounds what a stream can make the demuxer keep.
	maxPrograms = 64
	maxStreams  = 64
	maxSection  = 3 + 1021 // ISO/IEC 13818-1 §2.4.4: section_length of PAT and PMT
)

// sections assembles the table sections of one PID.
type sections struct {
	buf  []byte
	open bool
}

// add takes one packet's payload and calls found for every complete section
// with a valid checksum. It returns how many sections were broken.
func (s *sections) add(p packet, found func([]byte)) (broken int) {
	b := p.payload
	if p.start {
		if len(b) == 0 || int(b[0]) >= len(b) {
			s.open = false
			return 1
		}
		pointer := int(b[0])
		if s.open {
			s.buf = append(s.buf, b[1:1+pointer]...)
			broken += s.drain(found)
		}
		b = b[1+pointer:]
		s.buf, s.open = s.buf[:0], true
	}
	if !s.open {
		return broken
	}
	s.buf = append(s.buf, b...)
	return broken + s.drain(found)
}

func (s *sections) drain(found func([]byte)) (broken int) {
	rest := s.buf
	for len(rest) >= 3 {
		if rest[0] == 0xff { // stuffing up to the end of the packet
			rest, s.open = nil, false
			break
		}
		size := 3 + int(binary.BigEndian.Uint16(rest[1:])&0x0fff)
		if size > maxSection {
			rest, s.open = nil, false
			broken++
			break
		}
		if len(rest) < size {
			break
		}
		if crc(rest[:size]) == 0 {
			found(rest[:size])
		} else {
			broken++
		}
		rest = rest[size:]
	}
	s.buf = s.buf[:copy(s.buf, rest)]
	return broken
}

// crc is the CRC-32 of ISO/IEC 13818-1 annex A; over a section with its own
// checksum it is 0.
func crc(b []byte) uint32 {
	c := ^uint32(0)
	for _, v := range b {
		c ^= uint32(v) << 24
		for range 8 {
			if c&0x80000000 != 0 {
				c = c<<1 ^ 0x04c11db7
			} else {
				c <<= 1
			}
		}
	}
	return c
}

// table checks what all long sections have in common and returns the bytes
// between the header and the checksum.
func table(section []byte, id byte) (extension uint16, body []byte, ok bool) {
	const header, checksum = 8, 4
	if len(section) < header+checksum || section[0] != id || section[1]&0x80 == 0 {
		return 0, nil, false
	}
	if section[5]&0x01 == 0 { // current_next_indicator: valid only later
		return 0, nil, false
	}
	return binary.BigEndian.Uint16(section[3:]), section[header : len(section)-checksum], true
}

// patEntry maps a programme to the PID of its map.
type patEntry struct{ program, pid uint16 }

// parsePAT returns the programmes of an association section
// (ISO/IEC 13818-1 §2.4.4.3), without the network information.
func parsePAT(section []byte) (entries []patEntry) {
	_, body, ok := table(section, tablePAT)
	if !ok {
		return nil
	}
	for ; len(body) >= 4 && len(entries) < maxPrograms; body = body[4:] {
		e := patEntry{binary.BigEndian.Uint16(body), binary.BigEndian.Uint16(body[2:]) & 0x1fff}
		if e.program != 0 && e.pid != pidPAT && e.pid != pidNull {
			entries = append(entries, e)
		}
	}
	return entries
}

// parsePMT returns the programme of a map section (ISO/IEC 13818-1 §2.4.4.8).
func parsePMT(section []byte) (Program, bool) {
	number, body, ok := table(section, tablePMT)
	if !ok || len(body) < 4 {
		return Program{}, false
	}
	p := Program{Number: number}
	info := int(binary.BigEndian.Uint16(body[2:]) & 0x0fff)
	if info > len(body)-4 {
		return Program{}, false
	}
	for body = body[4+info:]; len(body) >= 5 && len(p.Streams) < maxStreams; {
		size := int(binary.BigEndian.Uint16(body[3:]) & 0x0fff)
		if size > len(body)-5 {
			return Program{}, false
		}
		s := Stream{PID: binary.BigEndian.Uint16(body[1:]) & 0x1fff, Type: body[0]}
		s.describe(body[5 : 5+size])
		p.Streams = append(p.Streams, s)
		body = body[5+size:]
	}
	return p, true
}
