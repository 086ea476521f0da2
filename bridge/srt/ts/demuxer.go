package ts

import "bytes"

// Sink receives what a Demuxer finds. An error ends Push with that error.
type Sink interface {
	// Program is called for every programme when its map is first seen and
	// again whenever it changes. Call Demuxer.Select from it.
	Program(Program) error
	// Unit is called for every complete PES packet of a selected stream.
	Unit(Unit) error
}

// Damage counts what was wrong with a stream.
type Damage struct {
	SkippedBytes   uint64 // not in any packet
	LostPackets    uint64 // gaps of the continuity counter and packets marked as damaged
	Scrambled      uint64 // packets of selected streams that are encrypted
	BrokenSections uint64 // tables with a wrong length or checksum
	BrokenUnits    uint64 // PES packets that were dropped or cut
}

// Total is above zero after any damage.
func (d Damage) Total() uint64 {
	return d.SkippedBytes + d.LostPackets + d.Scrambled + d.BrokenSections + d.BrokenUnits
}

// Demuxer takes one transport stream apart. One goroutine uses it.
type Demuxer struct {
	// MaxUnit bounds a PES packet in bytes; a longer one is dropped.
	MaxUnit int
	// Damage counts; the owner may read it between calls.
	Damage Damage

	sink   Sink
	carry  []byte // an incomplete packet, or bytes that may hold the next sync
	inSync bool

	pat      sections
	maps     map[uint16]*sections // by the PID of the programme map
	known    map[uint16][]byte    // by programme: its current map section
	selected map[uint16]*stream
}

// NewDemuxer returns a demuxer that accepts PES packets of up to 16 MiB.
func NewDemuxer(s Sink) *Demuxer {
	return &Demuxer{
		MaxUnit:  16 << 20,
		sink:     s,
		maps:     make(map[uint16]*sections),
		known:    make(map[uint16][]byte),
		selected: make(map[uint16]*stream),
	}
}

// Select says which streams' units are wanted. Streams that stay selected
// keep their state.
func (d *Demuxer) Select(pids ...uint16) {
	next := make(map[uint16]*stream, len(pids))
	for _, pid := range pids {
		if s, ok := d.selected[pid]; ok {
			next[pid] = s
		} else {
			next[pid] = &stream{pid: pid}
		}
	}
	d.selected = next
}

// Push takes the next bytes of the stream in pieces of any size. The error is
// the sink's; damage in the stream is counted and skipped.
func (d *Demuxer) Push(p []byte) error {
	b := p
	if len(d.carry) > 0 {
		d.carry = append(d.carry, p...)
		b = d.carry
	}
	for {
		n := d.skip(b)
		b = b[n:]
		if !d.inSync || len(b) < packetSize {
			break
		}
		if err := d.packet(parsePacket(b)); err != nil {
			return err
		}
		b = b[packetSize:]
	}
	// b may alias carry: append copies forward, which is safe within one array.
	d.carry = append(d.carry[:0], b...)
	return nil
}

// skip returns how many bytes to leave out to stand on a packet; afterwards
// inSync says whether one is there. Out of sync, one sync byte is not enough:
// 0x47 is frequent in media, so the one of the packet behind it must be there too.
func (d *Demuxer) skip(b []byte) int {
	if d.inSync && (len(b) == 0 || b[0] == syncByte) {
		return 0
	}
	d.inSync = false
	skipped := 0
	for {
		i := bytes.IndexByte(b[skipped:], syncByte)
		if i < 0 {
			i = len(b) - skipped
		}
		skipped += i
		d.Damage.SkippedBytes += uint64(i)
		if len(b)-skipped <= packetSize {
			return skipped // too little to tell: wait for more
		}
		if b[skipped+packetSize] == syncByte {
			d.inSync = true
			return skipped
		}
		skipped++
		d.Damage.SkippedBytes++
	}
}

// Flush gives away the units that the end of the stream has completed and
// drops the rest. The demuxer must not be used afterwards.
func (d *Demuxer) Flush() error {
	if !d.inSync && len(d.carry) == packetSize && d.carry[0] == syncByte {
		if err := d.packet(parsePacket(d.carry)); err != nil {
			return err
		}
		d.carry = nil
	}
	d.Damage.SkippedBytes += uint64(len(d.carry))
	for _, s := range d.selected {
		if err := s.flush(d); err != nil {
			return err
		}
	}
	return nil
}

func (d *Demuxer) packet(p packet) error {
	if p.pid == pidNull {
		return nil
	}
	if p.damaged {
		d.Damage.LostPackets++
		return nil
	}
	if len(p.payload) == 0 {
		return nil
	}
	if p.pid == pidPAT {
		d.Damage.BrokenSections += uint64(d.pat.add(p, d.association))
		return nil
	}
	if m, ok := d.maps[p.pid]; ok {
		var err error
		d.Damage.BrokenSections += uint64(m.add(p, func(section []byte) {
			if err == nil {
				err = d.programMap(section)
			}
		}))
		return err
	}
	s, ok := d.selected[p.pid]
	if !ok {
		return nil
	}
	if p.scrambled {
		d.Damage.Scrambled++
		return nil
	}
	return s.add(p, d)
}

// association takes a PAT section. Maps it no longer lists stay: a table in
// several sections lists each programme in one of them only.
func (d *Demuxer) association(section []byte) {
	for _, e := range parsePAT(section) {
		if _, ok := d.maps[e.pid]; !ok && len(d.maps) < maxPrograms {
			d.maps[e.pid] = &sections{}
		}
	}
}

func (d *Demuxer) programMap(section []byte) error {
	p, ok := parsePMT(section)
	if !ok {
		return nil // another table on the same PID, or one that is not valid yet
	}
	known, seen := d.known[p.Number]
	if bytes.Equal(known, section) || !seen && len(d.known) >= maxPrograms {
		return nil
	}
	d.known[p.Number] = append(known[:0], section...)
	return d.sink.Program(p)
}
