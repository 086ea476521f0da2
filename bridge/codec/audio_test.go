package codec

import (
	"bytes"
	"testing"
)

func TestParseAAC(t *testing.T) {
	cases := []struct {
		name string
		asc  []byte
		want AACConfig
		str  string
	}{
		{"LC 48 kHz stereo", []byte{0x11, 0x90}, AACConfig{ObjectType: 2, CoreRate: 48000, SampleRate: 48000, Channels: 2, FrameLength: 1024}, "mp4a.40.2"},
		{"LC 44.1 kHz mono", []byte{0x12, 0x08}, AACConfig{ObjectType: 2, CoreRate: 44100, SampleRate: 44100, Channels: 1, FrameLength: 1024}, "mp4a.40.2"},
		{"LC of 960 samples", []byte{0x11, 0x94}, AACConfig{ObjectType: 2, CoreRate: 48000, SampleRate: 48000, Channels: 2, FrameLength: 960}, "mp4a.40.2"},
		{"HE-AAC 24 to 48 kHz", []byte{0x2b, 0x11, 0x88, 0x00}, AACConfig{ObjectType: 5, CoreRate: 24000, SampleRate: 48000, Channels: 2, FrameLength: 1024}, "mp4a.40.5"},
	}
	for _, c := range cases {
		got, err := ParseAAC(c.asc)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !bytes.Equal(got.ASC, c.asc) || got.CodecString() != c.str {
			t.Errorf("%s: ASC %x, codec %q", c.name, got.ASC, got.CodecString())
		}
		got.ASC = nil
		c.want.ASC = nil
		if got.ObjectType != c.want.ObjectType || got.CoreRate != c.want.CoreRate || got.SampleRate != c.want.SampleRate || got.Channels != c.want.Channels || got.FrameLength != c.want.FrameLength {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	for _, bad := range [][]byte{nil, {0x11}, {0xff, 0xff}, {0x17, 0x80, 0x00, 0x00, 0x80}} {
		if got, err := ParseAAC(bad); err == nil {
			t.Errorf("%x parsed as %+v", bad, got)
		}
	}
}

func FuzzParseAAC(f *testing.F) {
	f.Add([]byte{0x11, 0x90})
	f.Add([]byte{0x2b, 0x11, 0x88, 0x00})
	f.Fuzz(func(t *testing.T, asc []byte) {
		if a, err := ParseAAC(asc); err == nil && (a.CoreRate <= 0 || a.FrameLength <= 0) {
			t.Fatalf("%x parsed as %+v", asc, a)
		}
	})
}

func TestOpusDuration(t *testing.T) {
	for _, c := range []struct {
		packet []byte
		want   int
	}{
		{[]byte{0xfc, 0xff, 0xfe}, 960}, // CELT fullband 20 ms, one frame
		{[]byte{0xfd, 0, 0}, 1920},
		{[]byte{0x03, 3, 0}, 1440}, // three SILK frames of 10 ms
		{nil, 0}, {[]byte{0xff}, 0}, {[]byte{0x1b, 63}, 0},
	} {
		if got := OpusDuration(c.packet); got != c.want {
			t.Errorf("%x: %d samples, want %d", c.packet, got, c.want)
		}
	}
}

func TestVP8KeyFrame(t *testing.T) {
	key := []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01}
	if w, h, ok := VP8KeyFrame(key); !ok || w != 640 || h != 480 {
		t.Errorf("key frame: %d %d %v", w, h, ok)
	}
	for i := range key {
		if _, _, ok := VP8KeyFrame(key[:i]); ok {
			t.Errorf("key frame cut after %d bytes is accepted", i)
		}
	}
	if _, _, ok := VP8KeyFrame([]byte{0x11, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01}); ok {
		t.Error("an interframe is a key frame")
	}
}
