package bridge

import "moqedge/bridge/codec"

// Codec names a coding format.
type Codec = codec.ID

// The codecs a broadcast can carry.
const (
	H264 = codec.H264
	VP8  = codec.VP8
	AAC  = codec.AAC
	Opus = codec.Opus
)

// VideoConfig says what a video track carries.
type VideoConfig struct {
	// Codec is H264 or VP8.
	Codec Codec
	// ParameterSets are the SPS and PPS NAL units (H264, no start codes) when
	// they are known out of band; sets found in key frames replace them.
	ParameterSets [][]byte
	// Width and Height in pixels are a hint for VP8; key frames decide.
	Width, Height int
}

// AudioConfig says what an audio track carries.
type AudioConfig struct {
	// Codec is AAC or Opus.
	Codec Codec
	// SampleRate in Hz and Channels (1 or 2 for Opus). For AAC both are taken
	// from ASC.
	SampleRate, Channels int
	// ASC is the AudioSpecificConfig, required for AAC.
	ASC []byte
}

// VideoUnit is one coded picture (an access unit). Write only reads it: the
// caller may reuse the slices afterwards.
type VideoUnit struct {
	// PTS and DTS are microseconds since the Unix epoch; DTS ascends.
	PTS, DTS int64
	// Key says that decoding can start here. A group starts at a unit with Key
	// whose bitstream agrees (H264: an IDR picture; VP8: a key frame).
	Key bool
	// NALUs is the H264 picture: NAL units without start codes.
	NALUs [][]byte
	// Frame is the VP8 picture.
	Frame []byte
}

// AudioUnit is one coded audio frame: a raw AAC access unit (no ADTS) or one
// Opus packet. Write only reads it.
type AudioUnit struct {
	// PTS is microseconds since the Unix epoch of the first sample.
	PTS   int64
	Frame []byte
}
