package codec

import "fmt"

// ID names a coding format. The zero value is no codec.
type ID uint8

const (
	H264 ID = iota + 1
	VP8
	AAC
	Opus
)

// String returns the short name used in track names: "avc", "vp8", "aac", "opus".
func (id ID) String() string {
	switch id {
	case H264:
		return "avc"
	case VP8:
		return "vp8"
	case AAC:
		return "aac"
	case Opus:
		return "opus"
	}
	return fmt.Sprintf("codec-%d", uint8(id))
}

// IsVideo reports whether the codec codes pictures.
func (id ID) IsVideo() bool { return id == H264 || id == VP8 }

// IsAudio reports whether the codec codes sound.
func (id ID) IsAudio() bool { return id == AAC || id == Opus }
