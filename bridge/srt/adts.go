package srt

import "bytes"

// aacConfig is what every ADTS header repeats (ISO/IEC 14496-3 §1.A.2.2).
type aacConfig struct {
	objectType uint8 // audio object type: 2 is AAC LC
	rate       int   // Hz
	rateIndex  uint8
	channels   uint8 // channel configuration; 0: described in the stream
}

// asc returns the AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1).
func (c aacConfig) asc() []byte {
	return []byte{c.objectType<<3 | c.rateIndex>>1, c.rateIndex<<7 | c.channels<<3}
}

// channelCount is the number of speakers of a channel configuration.
func (c aacConfig) channelCount() int {
	if c.channels == 7 {
		return 8
	}
	return int(c.channels)
}

// samplesPerFrame of AAC in ADTS.
const samplesPerFrame = 1024

// aacFrame is one access unit. data aliases what was parsed.
type aacFrame struct {
	config aacConfig
	data   []byte
	// carried says that the frame began in the PES packet before the one that
	// completed it, so that packet's timestamp is not its own.
	carried bool
}

// adts takes ADTS frames out of PES packets; a frame may span two of them.
type adts struct {
	carry   []byte
	skipped int // bytes outside of frames since the owner looked
}

// rates by sampling frequency index (ISO/IEC 14496-3 table 1.18).
func rateOf(index uint8) (int, bool) {
	rates := [...]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
	if int(index) >= len(rates) {
		return 0, false
	}
	return rates[index], true
}

// frames returns the frames that data completes. They are valid until the next call.
func (a *adts) frames(data []byte) (found []aacFrame) {
	old := len(a.carry)
	b := append(a.carry, data...)
	pos := 0
	for pos+7 <= len(b) {
		h := b[pos:]
		size, config, ok := parseADTS(h)
		if !ok {
			next := bytes.IndexByte(h[1:], 0xff)
			if next < 0 {
				next = len(h) - 1
			}
			a.skipped += 1 + next
			pos += 1 + next
			continue
		}
		if len(h) < size.frame {
			break
		}
		if size.frame > size.header {
			found = append(found, aacFrame{config, h[size.header:size.frame], pos < old})
		}
		pos += size.frame
	}
	// The rest moves to an array of its own: the frames found alias this one.
	a.carry = append(make([]byte, 0, len(b)-pos), b[pos:]...)
	return found
}

type adtsSize struct{ header, frame int }

// parseADTS reads a header of at least 7 bytes. Frames of several raw data
// blocks are refused: no encoder makes them and they cannot be split unparsed.
func parseADTS(b []byte) (size adtsSize, c aacConfig, ok bool) {
	if b[0] != 0xff || b[1]&0xf6 != 0xf0 || b[6]&0x03 != 0 {
		return size, c, false
	}
	size.header = 7
	if b[1]&0x01 == 0 { // a checksum follows
		size.header = 9
	}
	c.objectType = b[2]>>6 + 1
	c.rateIndex = b[2] >> 2 & 0x0f
	c.channels = b[2]&0x01<<2 | b[3]>>6
	size.frame = int(b[3]&0x03)<<11 | int(b[4])<<3 | int(b[5])>>5
	c.rate, ok = rateOf(c.rateIndex)
	return size, c, ok && size.frame >= size.header
}
