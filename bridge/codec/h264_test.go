package codec

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/Eyevinn/mp4ff/avc"
)

// Parameter sets made by x264: 640x360 main 30 fps, 1920x1080 high 25 fps and
// 320x240 constrained baseline 30 fps.
const (
	sps360  = "674d401eeca05017fcb80880000003008000001e078b16cb"
	pps360  = "68ef8fc8"
	sps1080 = "67640028acd940780227e5c044000003000400000300c83c60c658"
	pps1080 = "68ef8fcb"
	spsBase = "6742c00dda0507ec0440000003004000000f03c50aa8"
	ppsBase = "68ce0fc8"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParameterSets(t *testing.T) {
	cases := []struct {
		name, sps, pps string
		width, height  int
		fps            float64
		codec          string
	}{
		{"main 640x360", sps360, pps360, 640, 360, 30, "avc1.4d401e"},
		{"high 1920x1080", sps1080, pps1080, 1920, 1080, 25, "avc1.640028"},
		{"baseline 320x240", spsBase, ppsBase, 320, 240, 30, "avc1.42c00d"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			sps, pps := unhex(t, c.sps), unhex(t, c.pps)
			var s ParameterSets
			if s.AVCC() != nil || s.Complete() {
				t.Fatal("empty sets claim to be complete")
			}
			changed, err := s.Update([][]byte{sps, pps})
			if err != nil || !changed {
				t.Fatalf("changed %v, err %v", changed, err)
			}
			if changed, _ = s.Update([][]byte{pps, sps, nil}); changed {
				t.Error("the same sets count as a change")
			}
			if w, h := s.Size(); w != c.width || h != c.height {
				t.Errorf("size %dx%d", w, h)
			}
			if fps := s.FrameRate(); fps != c.fps {
				t.Errorf("frame rate %v", fps)
			}
			if got := s.CodecString("avc1"); got != c.codec {
				t.Errorf("codec string %q", got)
			}
			rec, err := avc.DecodeAVCDecConfRec(s.AVCC())
			if err != nil {
				t.Fatal(err)
			}
			if len(rec.SPSnalus) != 1 || !bytes.Equal(rec.SPSnalus[0], sps) || len(rec.PPSnalus) != 1 || !bytes.Equal(rec.PPSnalus[0], pps) {
				t.Errorf("avcC holds %x %x", rec.SPSnalus, rec.PPSnalus)
			}
			if got := s.NALUs(); len(got) != 2 || !bytes.Equal(got[0], sps) {
				t.Errorf("NALUs %x", got)
			}
		})
	}
}

func TestParameterSetsChange(t *testing.T) {
	var s ParameterSets
	if _, err := s.Update([][]byte{unhex(t, sps360), unhex(t, pps360)}); err != nil {
		t.Fatal(err)
	}
	before := s.NALUs()
	changed, err := s.Update([][]byte{unhex(t, sps1080), unhex(t, pps1080)})
	if err != nil || !changed {
		t.Fatalf("changed %v, err %v", changed, err)
	}
	if w, h := s.Size(); w != 1920 || h != 1080 {
		t.Errorf("size %dx%d", w, h)
	}
	if len(s.NALUs()) != 2 {
		t.Errorf("a set with the same id was not replaced: %x", s.NALUs())
	}
	if !bytes.Equal(before[0], unhex(t, sps360)) {
		t.Error("NALUs returned before the change were written to")
	}
}

// TestParameterSetsSecondID: the SPS that came last describes the stream, also
// when one with another id is still there.
func TestParameterSetsSecondID(t *testing.T) {
	// x264: high profile, 1280x720, 50 frames per second, sps-id=1
	second := unhex(t, "676400204b365014016ec044000003000400000301903c60c658")
	var s ParameterSets
	if _, err := s.Update([][]byte{unhex(t, sps360), unhex(t, pps360), second}); err != nil {
		t.Fatal(err)
	}
	if w, h := s.Size(); w != 1280 || h != 720 || s.CodecString("avc3") != "avc3.640020" || len(s.NALUs()) != 3 {
		t.Errorf("%dx%d %s, %d sets", w, h, s.CodecString("avc3"), len(s.NALUs()))
	}
}

func TestParameterSetsRejected(t *testing.T) {
	for name, nalu := range map[string]string{
		"truncated SPS": "6764", "zero SPS": "67000000000000", "PPS without id": "6800", "PPS of one byte": "68",
		"PPS id too large": "6800c00000",
	} {
		var s ParameterSets
		if changed, err := s.Update([][]byte{unhex(t, nalu)}); err == nil || changed {
			t.Errorf("%s: changed %v, err %v", name, changed, err)
		}
	}
}

func TestParsePicture(t *testing.T) {
	sps, pps := unhex(t, sps360), unhex(t, pps360)
	cases := []struct {
		name             string
		nalus            [][]byte
		slices, sets     int
		idr, discardable bool
		size             int
	}{
		{"IDR with sets, delimiter and filler", [][]byte{{9, 0xf0}, sps, pps, {6, 5, 1, 0x80}, {0x65, 1, 2}, {12, 0xff}}, 2, 2, true, false, 4 + 4 + 4 + 3},
		{"reference picture", [][]byte{{0x41, 1}}, 1, 0, false, false, 6},
		{"B picture", [][]byte{{0x01, 1}, {0x01, 2}}, 2, 0, false, true, 12},
		{"sets alone", [][]byte{sps, pps, {6, 1}}, 0, 2, false, false, 0},
		{"nothing", [][]byte{nil, {}}, 0, 0, false, false, 0},
	}
	for _, c := range cases {
		p := ParsePicture(c.nalus)
		if len(p.Slices) != c.slices || len(p.ParameterSets) != c.sets || p.IDR != c.idr || p.Discardable != c.discardable || p.Size != c.size {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
}

func FuzzParameterSets(f *testing.F) {
	for _, s := range []string{sps360, pps360, sps1080, pps1080, spsBase, ppsBase} {
		f.Add(unhex(f, s), unhex(f, pps360))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var s ParameterSets
		_, _ = s.Update([][]byte{a, b})
		if s.Complete() != (s.AVCC() != nil) {
			t.Fatal("Complete and AVCC disagree")
		}
		if avcC := s.AVCC(); avcC != nil {
			if _, err := avc.DecodeAVCDecConfRec(avcC); err != nil {
				t.Fatalf("avcC %x: %v", avcC, err)
			}
			if w, h := s.Size(); w < 1 || h < 1 || w > maxPixels || h > maxPixels {
				t.Fatalf("size %dx%d", w, h)
			}
		}
		_ = s.CodecString("avc3")
		_ = ParsePicture([][]byte{a, b})
	})
}
