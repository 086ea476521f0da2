package ts

const (
	packetSize = 188
	syncByte   = 0x47
	pidPAT     = 0x0000
	pidNull    = 0x1fff
)

// packet is one transport packet (ISO/IEC 13818-1 §2.4.3.2). Its payload
// aliases the input.
type packet struct {
	pid           uint16
	start         bool // payload_unit_start_indicator
	damaged       bool // transport_error_indicator, or fields that contradict each other
	scrambled     bool
	discontinuity bool // discontinuity_indicator: the counter may jump
	stuffed       bool // the adaptation field holds stuffing: the payload was too short for the packet
	counter       uint8
	payload       []byte // nil: none
}

// parsePacket reads one packet; b has packetSize bytes and starts with syncByte.
func parsePacket(b []byte) packet {
	p := packet{
		pid:       uint16(b[1]&0x1f)<<8 | uint16(b[2]),
		start:     b[1]&0x40 != 0,
		damaged:   b[1]&0x80 != 0,
		scrambled: b[3]&0xc0 != 0,
		counter:   b[3] & 0x0f,
	}
	rest := b[4:packetSize]
	if b[3]&0x20 != 0 {
		length := int(rest[0])
		if length > len(rest)-1 {
			p.damaged = true
			return p
		}
		field := rest[1 : 1+length]
		p.discontinuity = length > 0 && field[0]&0x80 != 0
		p.stuffed = length > adaptationNeeds(field) || length == 0
		rest = rest[1+length:]
	}
	if b[3]&0x10 != 0 {
		p.payload = rest
	}
	return p
}

// adaptationNeeds returns how many bytes of an adaptation field its flags
// account for; the rest is stuffing.
func adaptationNeeds(field []byte) int {
	if len(field) == 0 {
		return 0
	}
	flags, n := field[0], 1
	if flags == 0 {
		// A field with no flag is there for its length alone.
		return 0
	}
	if flags&0x10 != 0 { // PCR
		n += 6
	}
	if flags&0x08 != 0 { // OPCR
		n += 6
	}
	if flags&0x04 != 0 { // splice_countdown
		n++
	}
	if flags&0x02 != 0 { // transport_private_data
		n = skipCounted(field, n)
	}
	if flags&0x01 != 0 { // adaptation_field_extension
		n = skipCounted(field, n)
	}
	return n
}

// skipCounted steps over a length byte at n and what it counts.
func skipCounted(field []byte, n int) int {
	if n >= len(field) {
		return len(field)
	}
	return n + 1 + int(field[n])
}
