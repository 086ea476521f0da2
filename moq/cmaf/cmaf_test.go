package cmaf

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
)

// avcC of 1920x1080 high profile with one SPS and one PPS.
const avcCHigh = "01640028ffe1001b67640028acd940780227e5c044000003000400000300c83c60c658" + "01000468ef8fcb" + "fdf8f800"

// avcC of 640x360 main profile.
const avcCMain = "014d401effe10018674d401eeca05017fcb80880000003008000001e078b16cb" + "01000468ef8fc8"

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// decode parses boxes and demands that nothing is left over.
func decode(t *testing.T, b []byte) *mp4.File {
	t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	if f.Size() != uint64(len(b)) {
		t.Fatalf("boxes of %d bytes in %d", f.Size(), len(b))
	}
	return f
}

func TestFragment(t *testing.T) {
	cases := []struct {
		name   string
		sample Sample
		flags  uint32
	}{
		{"key frame", Sample{Sequence: 1, DecodeTime: 1_790_000_000_123_456, Duration: 33333, Sync: true}, flagsSync},
		{"B-frame", Sample{Sequence: 1<<32 - 1, DecodeTime: 5, Duration: 1, CompositionOffset: -3003}, flagsNonSync},
		{"P-frame", Sample{Sequence: 7, DecodeTime: 1 << 60, Duration: 1 << 31, CompositionOffset: 66666}, flagsNonSync},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			payload := []byte("sample data")
			b := AppendFragmentHeader([]byte{}, c.sample, len(payload))
			if len(b) != FragmentHeaderLen {
				t.Fatalf("header of %d bytes, FragmentHeaderLen %d", len(b), FragmentHeaderLen)
			}
			b = append(b, payload...)
			f := decode(t, b)
			if len(f.Segments) != 1 || len(f.Segments[0].Fragments) != 1 {
				t.Fatalf("%d segments", len(f.Segments))
			}
			frag := f.Segments[0].Fragments[0]
			samples, err := frag.GetFullSamples(nil)
			if err != nil || len(samples) != 1 {
				t.Fatalf("%d samples, %v", len(samples), err)
			}
			s := samples[0]
			if s.DecodeTime != c.sample.DecodeTime || s.Dur != c.sample.Duration || s.CompositionTimeOffset != c.sample.CompositionOffset ||
				s.Flags != c.flags || !bytes.Equal(s.Data, payload) || frag.Moof.Mfhd.SequenceNumber != c.sample.Sequence {
				t.Errorf("decoded %+v, sequence %d", s, frag.Moof.Mfhd.SequenceNumber)
			}
			if frag.Moof.Traf.Tfhd.TrackID != 1 || !frag.Moof.Traf.Tfhd.DefaultBaseIfMoof() {
				t.Errorf("tfhd %+v", frag.Moof.Traf.Tfhd)
			}
		})
	}
}

func TestVideoInit(t *testing.T) {
	for _, c := range []struct {
		avcC          string
		width, height int
	}{{avcCHigh, 1920, 1080}, {avcCMain, 640, 360}} {
		record := unhex(t, c.avcC)
		b, err := AVCInit(c.width, c.height, record)
		if err != nil {
			t.Fatal(err)
		}
		trak := decode(t, b).Init.Moov.Trak
		entry := trak.Mdia.Minf.Stbl.Stsd.AvcX
		if entry == nil || entry.Type() != "avc1" || int(entry.Width) != c.width || int(entry.Height) != c.height {
			t.Fatalf("sample entry %+v", entry)
		}
		if trak.Mdia.Mdhd.Timescale != VideoTimescale || trak.Tkhd.TrackID != 1 {
			t.Errorf("timescale %d, track %d", trak.Mdia.Mdhd.Timescale, trak.Tkhd.TrackID)
		}
		if !bytes.Contains(b, append([]byte("avcC"), record...)) {
			t.Errorf("the record was changed: %x", b)
		}
	}
	b, err := VP8Init(640, 480)
	if err != nil {
		t.Fatal(err)
	}
	entry := decode(t, b).Init.Moov.Trak.Mdia.Minf.Stbl.Stsd.VpXX
	if entry == nil || entry.Type() != "vp08" || entry.VppC == nil || entry.VppC.BitDepth != 8 || entry.Width != 640 || entry.Height != 480 {
		t.Fatalf("sample entry %+v", entry)
	}
}

func TestAudioInit(t *testing.T) {
	b, err := AACInit(48000, 2, []byte{0x11, 0x90})
	if err != nil {
		t.Fatal(err)
	}
	trak := decode(t, b).Init.Moov.Trak
	mp4a := trak.Mdia.Minf.Stbl.Stsd.Mp4a
	if mp4a == nil || mp4a.SampleRate != 48000 || mp4a.ChannelCount != 2 || trak.Mdia.Mdhd.Timescale != 48000 {
		t.Fatalf("sample entry %+v", mp4a)
	}
	if got := mp4a.Esds.DecConfigDescriptor.DecSpecificInfo.DecConfig; !bytes.Equal(got, []byte{0x11, 0x90}) {
		t.Errorf("configuration %x", got)
	}
	b, err = AACInit(96000, 1, []byte{0x10, 0x08})
	if err != nil {
		t.Fatal(err)
	}
	if trak = decode(t, b).Init.Moov.Trak; trak.Mdia.Mdhd.Timescale != 96000 || trak.Mdia.Minf.Stbl.Stsd.Mp4a.SampleRate != 0 {
		t.Errorf("96 kHz: timescale %d, entry %d", trak.Mdia.Mdhd.Timescale, trak.Mdia.Minf.Stbl.Stsd.Mp4a.SampleRate)
	}
	b, err = OpusInit(2)
	if err != nil {
		t.Fatal(err)
	}
	opus := decode(t, b).Init.Moov.Trak.Mdia.Minf.Stbl.Stsd.Opus
	if opus == nil || opus.Dops == nil || opus.Dops.OutputChannelCount != 2 || opus.Dops.InputSampleRate != 48000 || opus.SampleRate != 48000 {
		t.Fatalf("sample entry %+v", opus)
	}
}

func TestInitRefuses(t *testing.T) {
	record := unhex(t, avcCHigh)
	for name, f := range map[string]func() ([]byte, error){
		"empty avcC":       func() ([]byte, error) { return AVCInit(640, 360, nil) },
		"cut avcC":         func() ([]byte, error) { return AVCInit(640, 360, record[:20]) },
		"no picture":       func() ([]byte, error) { return AVCInit(0, 360, record) },
		"huge picture":     func() ([]byte, error) { return VP8Init(65536, 1) },
		"no AAC config":    func() ([]byte, error) { return AACInit(48000, 2, nil) },
		"no channels":      func() ([]byte, error) { return AACInit(48000, 0, []byte{0x11, 0x90}) },
		"six Opus channel": func() ([]byte, error) { return OpusInit(6) },
	} {
		if b, err := f(); err == nil {
			t.Errorf("%s: %d bytes", name, len(b))
		}
	}
}

func BenchmarkFragment(b *testing.B) {
	buf := make([]byte, 0, FragmentHeaderLen)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendFragmentHeader(buf[:0], Sample{Sequence: 1, DecodeTime: 1, Duration: 1}, 1000)
	}
}
