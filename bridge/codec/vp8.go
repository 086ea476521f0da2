package codec

import "github.com/Eyevinn/mp4ff/vp8"

// VP8KeyFrame reports whether a frame is a key frame and its picture size in
// pixels (RFC 6386 §9.1). A frame whose header cannot be read is none.
func VP8KeyFrame(frame []byte) (width, height int, key bool) {
	h, err := vp8.ParseFrameHeader(frame)
	if err != nil || !h.KeyFrame || h.Width == 0 || h.Height == 0 {
		return 0, 0, false
	}
	return int(h.Width), int(h.Height), true
}
