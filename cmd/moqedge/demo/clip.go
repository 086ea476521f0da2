package demo

import (
	"bytes"
	_ "embed"
	"io"
)

//go:embed clip.mp4
var clip []byte // read only

// Clip returns the test clip: 10 s of H.264 and AAC with frame numbers, an MP4
// file that make-clip.sh writes.
func Clip() io.ReadSeeker { return namedClip{bytes.NewReader(clip)} }

// namedClip has a name for the log.
type namedClip struct{ *bytes.Reader }

func (namedClip) Name() string { return "clip.mp4" }
