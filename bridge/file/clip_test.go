package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"moqedge/bridge/codec"
)

// demoClip is the clip that the binary carries.
const demoClip = "../../cmd/moqedge/demo/clip.mp4"

// tinyClip is 0.4 s of 64x64 at 25 frames per second with B-frames and a key
// frame every 5, and AAC of 48 kHz, made by
//
//	ffmpeg -f lavfi -i testsrc2=s=64x64:r=25:d=0.4 -f lavfi -i sine=440:r=48000:d=0.4 \
//	  -c:v libx264 -profile:v main -bf 2 -g 5 -preset veryfast -crf 35 -c:a aac -b:a 32k \
//	  -map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact tiny.mp4
const tinyClip = "testdata/tiny.mp4"

// opusClip is 2 s of 64x48 at 25 frames per second with B-frames and a key frame
// every 25, and Opus, made by
//
//	ffmpeg -f lavfi -i testsrc=size=64x48:rate=25:duration=2 -f lavfi -i sine=440:duration=2 \
//	  -c:v libx264 -bf 2 -g 25 -keyint_min 25 -sc_threshold 0 -preset veryslow -crf 40 -pix_fmt yuv420p \
//	  -c:a libopus -b:a 8k -ac 1 \
//	  -map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact opus.mp4
const opusClip = "testdata/opus.mp4"

func load(t testing.TB, path string) *Clip {
	t.Helper()
	f, err := os.Open(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := Load(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLoadDemo(t *testing.T) {
	c := load(t, demoClip)
	if c.Duration != 10*second || len(c.video) != 300 || c.delay != 0 || c.longest != second || len(c.Skipped) != 0 || c.Title != "clip.mp4" {
		t.Errorf("duration %d, %d pictures, delay %d, longest %d, skipped %v, title %q", c.Duration, len(c.video), c.delay, c.longest, c.Skipped, c.Title)
	}
	for i, p := range c.video {
		if p.Key != (i%30 == 0) || p.PTS != int64(i)*second/30 || p.DTS != p.PTS || len(p.NALUs) == 0 {
			t.Errorf("picture %d: key %v, shown at %d, decoded at %d", i, p.Key, p.PTS, p.DTS)
		}
	}
	if len(c.audio.Frames) != 469 || c.audio.From != 0 || c.audio.Rate != 48000 || c.audio.Channels != 2 || len(c.sets) != 2 {
		t.Errorf("%d audio frames from %d at %d Hz, %d channels, %d parameter sets", len(c.audio.Frames), c.audio.From, c.audio.Rate, c.audio.Channels, len(c.sets))
	}
	if info, err := os.Stat(demoClip); err != nil || info.Size() > 1_200_000 {
		t.Errorf("size: %v, %v", info, err)
	}
}

func TestLoadBFrames(t *testing.T) {
	c := load(t, tinyClip)
	if c.Duration != 400_000 || len(c.video) != 10 || c.delay != 160_000 || c.video[0].PTS != 0 || c.video[0].DTS != -80_000 {
		t.Errorf("duration %d, %d pictures, delay %d, first %d/%d", c.Duration, len(c.video), c.delay, c.video[0].PTS, c.video[0].DTS)
	}
	if !c.video[0].Key || c.video[1].Key || !c.video[5].Key {
		t.Error("key frames are not where they belong")
	}
	shown := make(map[int64]bool)
	for _, p := range c.video {
		shown[p.PTS] = true
	}
	for i := range int64(10) {
		if !shown[i*40_000] {
			t.Errorf("no picture is shown at %d", i*40_000)
		}
	}
}

func TestLoadOpus(t *testing.T) {
	c := load(t, opusClip)
	a := c.Audio()
	if a.Codec != codec.Opus || a.Rate != 48000 || a.FrameLength != 960 || a.Channels != 1 || a.From != -6500 || len(a.Frames) != 101 {
		t.Errorf("%v at %d Hz, %d samples, %d channels from %d, %d frames", a.Codec, a.Rate, a.FrameLength, a.Channels, a.From, len(a.Frames))
	}
	if pictures, sets := c.Video(); len(pictures) != 50 || len(sets) != 2 {
		t.Errorf("%d pictures, %d sets", len(pictures), len(sets))
	}
}

func TestLoadRefuses(t *testing.T) {
	tiny, err := os.ReadFile(filepath.FromSlash(tinyClip))
	if err != nil {
		t.Fatal(err)
	}
	broken := func(find string, at int, with ...byte) []byte {
		b := bytes.Clone(tiny)
		i := bytes.Index(b, []byte(find))
		if i < 0 {
			t.Fatalf("no %s box", find)
		}
		copy(b[i+at:], with)
		return b
	}
	far := binary.BigEndian.AppendUint32(nil, 1<<31)
	for name, b := range map[string][]byte{
		"nothing":               nil,
		"no MP4":                []byte("#!/bin/sh\necho this is no film at all\n"),
		"cut in the middle":     tiny[:len(tiny)/2],
		"chunks beyond the end": broken("stco", 12, far...),
		"wrong sample size":     broken("stsz", 16, far...),
		"too few times":         broken("stts", 12, 0, 0, 0, 1),
		"no timescale":          broken("mdhd", 16, 0, 0, 0, 0),
		"other codecs":          bytes.ReplaceAll(bytes.ReplaceAll(bytes.Clone(tiny), []byte("avc1"), []byte("xxxx")), []byte("mp4a"), []byte("yyyy")),
	} {
		if c, err := Load(bytes.NewReader(b)); !errors.Is(err, ErrClip) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, path := range []string{tinyClip, opusClip} {
		b, err := os.ReadFile(filepath.FromSlash(path))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Load(bytes.NewReader(b))
		if err != nil {
			return
		}
		s := newSchedule(c, 1_790_000_000*second)
		for range 100 {
			if _, ok := s.videoDue(); ok {
				s.nextVideo()
			}
			if at, ok := s.audioDue(); ok {
				_ = c.frameAt(at)
				s.slot++
			}
		}
	})
}
