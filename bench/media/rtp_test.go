package media

import (
	"bytes"
	"testing"

	"github.com/pion/rtp/codecs"

	"moqedge/moq/loc"
)

// TestRTP: what packs and unpacks H.264 for WebRTC gives back every byte of a
// picture, so that viewers of both systems can compare what they get.
func TestRTP(t *testing.T) {
	for _, c := range []struct {
		name   string
		source Source
	}{
		{"360p", mustProfile(t, "360p", Options{})},
		{"1080p", mustProfile(t, "1080p", Options{})},
		{"demo", open(t, "../../cmd/moqedge/demo/clip.mp4")},
		{"tiny", open(t, tinyTS)},
	} {
		var pack codecs.H264Payloader
		for n := range uint64(100) {
			payload := c.source.Frame(0, n).Payload
			nalus, err := loc.SplitNALUs(payload)
			if err != nil {
				t.Fatal(err)
			}
			var stream []byte
			for _, nalu := range nalus {
				stream = append(append(stream, 0, 0, 0, 1), nalu...)
			}
			unpack := codecs.H264Packet{IsAVC: true}
			var back []byte
			packets := pack.Payload(1188, stream)
			for _, p := range packets {
				part, err := unpack.Unmarshal(p)
				if err != nil {
					t.Fatal(err)
				}
				back = append(back, part...)
			}
			if !bytes.Equal(back, payload) {
				t.Fatalf("%s: picture %d of %d bytes has %d after %d packets", c.name, n, len(payload), len(back), len(packets))
			}
		}
	}
}
