package ts

import "fmt"

// Codec names what an elementary stream carries.
type Codec string

// The codecs a consumer may want to tell apart; every other one is a name for people.
const (
	H264 Codec = "H.264 video"
	AAC  Codec = "AAC audio"
	Opus Codec = "Opus audio"
)

// Stream is one elementary stream of a programme.
type Stream struct {
	PID  uint16
	Type uint8 // stream_type of ISO/IEC 13818-1 table 2-34
	// Codec is H264, AAC (in ADTS), Opus, or a name for people.
	Codec Codec
	// Setup is the codec's own descriptor, without tag and length: for Opus
	// the opus_audio_descriptor. It may be nil.
	Setup []byte
}

// Program is one programme of the stream.
type Program struct {
	Number  uint16
	Streams []Stream
}

// Descriptor tags (ISO/IEC 13818-1 table 2-45, ETSI EN 300 468 table 12).
const (
	tagRegistration = 0x05
	tagTeletext     = 0x56
	tagSubtitles    = 0x59
	tagAC3          = 0x6a
	tagEAC3         = 0x7a
	tagExtension    = 0x7f
	// extension of the draft ETSI specification of Opus in transport streams
	extensionOpus = 0x80
)

const typePrivate = 0x06

// describe sets Codec and Setup from the stream type and the descriptors.
func (s *Stream) describe(descriptors []byte) {
	if s.Type != typePrivate {
		s.Codec = typeName(s.Type)
		return
	}
	s.Codec = "private data"
	for d := descriptors; len(d) >= 2; {
		size := int(d[1])
		if size > len(d)-2 {
			return
		}
		body := d[2 : 2+size]
		switch d[0] {
		case tagRegistration:
			if size >= 4 {
				s.register(string(body[:4]))
			}
		case tagTeletext:
			s.Codec = "teletext"
		case tagSubtitles:
			s.Codec = "DVB subtitles"
		case tagAC3:
			s.Codec = "AC-3 audio"
		case tagEAC3:
			s.Codec = "E-AC-3 audio"
		case tagExtension:
			if size >= 1 && body[0] == extensionOpus {
				s.Setup = append([]byte(nil), body[1:]...)
			}
		}
		d = d[2+size:]
	}
}

func (s *Stream) register(id string) {
	switch id {
	case "Opus":
		s.Codec = Opus
	case "HEVC":
		s.Codec = "H.265 video"
	case "AV01":
		s.Codec = "AV1 video"
	case "KLVA":
		s.Codec = "KLV metadata"
	case "AC-3":
		s.Codec = "AC-3 audio"
	case "BSSD":
		s.Codec = "SMPTE 302M audio"
	default:
		s.Codec = Codec(fmt.Sprintf("private data %q", id))
	}
}

func typeName(t uint8) Codec {
	switch t {
	case 0x01:
		return "MPEG-1 video"
	case 0x02:
		return "MPEG-2 video"
	case 0x03, 0x04:
		return "MPEG audio"
	case 0x0f:
		return AAC
	case 0x10:
		return "MPEG-4 video"
	case 0x11:
		return "AAC audio in LATM"
	case 0x15:
		return "metadata"
	case 0x1b:
		return H264
	case 0x24:
		return "H.265 video"
	case 0x33:
		return "H.266 video"
	case 0x81:
		return "AC-3 audio"
	case 0x86:
		return "SCTE-35 cues"
	case 0x87:
		return "E-AC-3 audio"
	}
	return Codec(fmt.Sprintf("stream type 0x%02x", t))
}
