package glass

import (
	"bytes"
	_ "embed"
	"io"
)

//go:embed look.js
var lookScript string

//go:embed whep.html
var whepPage []byte // read only

//go:embed clip.mp4
var clip []byte // read only

// Clip returns what is played: 10 s of H.264 and Opus, an MP4 file that make-clip.sh
// writes. Each picture shows its number.
func Clip() io.ReadSeeker { return bytes.NewReader(clip) }
