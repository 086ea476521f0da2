package bridge

import (
	"bytes"
	"testing"
	"testing/synctest"
)

// FuzzWrite feeds pictures and sound of an untrusted publisher: nothing may
// panic, and what is published can be read back. Input bytes are split at
// zeros into NAL units or frames; the first tells what to do with them.
func FuzzWrite(f *testing.F) {
	join := func(nalus [][]byte) []byte { return bytes.Join(nalus, []byte{0}) }
	f.Add([]byte{1}, join(idr(sets360(f))), int64(40_000))
	f.Add([]byte{1, 0, 1}, join(idr(sets1080(f))), int64(-40_000))
	f.Add([]byte{2, 3}, vp8Frame(true, 640, 480, 12), int64(1)<<62)
	f.Fuzz(func(t *testing.T, ops, data []byte, step int64) {
		if len(ops) > 50 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			p := newFakePublisher()
			h := NewHub(p, Config{MaxObjectSize: 4096})
			defer h.Close()
			b, err := h.Publish("cam1", Ingest{})
			if err != nil {
				t.Fatal(err)
			}
			avc, err := b.AddVideo(VideoConfig{Codec: H264})
			if err != nil {
				t.Fatal(err)
			}
			vp8, err := b.AddVideo(VideoConfig{Codec: VP8})
			if err != nil {
				t.Fatal(err)
			}
			opus, err := b.AddAudio(AudioConfig{Codec: Opus, Channels: 2})
			if err != nil {
				t.Fatal(err)
			}
			if len(data)%2 == 0 {
				b.Ready()
			}
			nalus := bytes.Split(data, []byte{0})
			for i, op := range ops {
				at := int64(epoch) + int64(i)*step
				switch op % 4 {
				case 0, 1:
					err = avc.Write(VideoUnit{PTS: at, DTS: at - step, Key: op%4 == 1, NALUs: nalus})
				case 2:
					err = vp8.Write(VideoUnit{PTS: at, DTS: at, Key: op >= 128, Frame: data})
				case 3:
					err = opus.Write(AudioUnit{PTS: at, Frame: data})
				}
				if err != nil && b.Err() == nil {
					t.Fatalf("error without end: %v", err)
				}
			}
			for name := range p.tracks {
				switch c := p.track(t, name); {
				case c.track.Name().Name == "catalog":
					p.lastCatalog(t, c.track.Name().Namespace[0])
				case c.track.Name().Namespace[0] == "cam1.loc":
					for _, o := range c.objects {
						header(t, o)
					}
				default:
					for _, o := range c.objects {
						fragment(t, o)
					}
				}
			}
		})
	})
}
