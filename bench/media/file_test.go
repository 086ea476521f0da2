package media

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/substructs"

	"moqedge/moq/loc"
)

// tinyTS is 2 s of 64x48 at 25 frames per second with B-frames and a key frame
// every 25, and AAC of 44.1 kHz, made by
//
//	ffmpeg -f lavfi -i testsrc=size=64x48:rate=25:duration=2 -f lavfi -i sine=440:duration=2 \
//	  -c:v libx264 -profile:v high -bf 2 -g 25 -keyint_min 25 -sc_threshold 0 -preset veryslow -crf 40 \
//	  -pix_fmt yuv420p -c:a aac -b:a 16k -ac 1 -mpegts_copyts 1 \
//	  -map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact tiny.ts
const tinyTS = "testdata/tiny.ts"

func open(t testing.TB, path string) Source {
	t.Helper()
	f, err := os.Open(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := File(path, f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFiles: recordings are endless and in order, whatever they are in.
func TestFiles(t *testing.T) {
	for _, c := range []struct {
		path          string
		pictures      int // in a loop
		group         uint64
		codec         string
		width, height int
		sound         string
		rate          float64
		duration      time.Duration
	}{
		{"../../bridge/file/testdata/tiny.mp4", 10, 5, "avc1.4d400a", 64, 64, "mp4a.40.2", 47, 400 * time.Millisecond},
		{"../../bridge/file/testdata/opus.mp4", 50, 25, "avc1.64000a", 64, 48, "opus", 50, 2 * time.Second},
		{"../../cmd/moqedge/demo/clip.mp4", 300, 30, "avc1.4d401e", 640, 360, "mp4a.40.2", 46.9, 10 * time.Second},
		{tinyTS, 50, 25, "avc1.64000a", 64, 48, "mp4a.40.2", 43, 2 * time.Second},
	} {
		s := open(t, c.path)
		if len(s.Tracks()) != 2 {
			t.Errorf("%s: %d tracks", c.path, len(s.Tracks()))
			continue
		}
		video, sound := s.Tracks()[0], s.Tracks()[1]
		if video.Kind != Video || video.Codec != c.codec || video.Width != c.width || video.Height != c.height || len(video.Config) < 20 || video.Group != 0 {
			t.Errorf("%s: %+v", c.path, video)
		}
		if sound.Kind != Audio || sound.Codec != c.sound || sound.Rate < c.rate-1 || sound.Rate > c.rate+1 || sound.SampleRate < 44100 || (c.sound == "opus") != (sound.Config == nil) {
			t.Errorf("%s: %+v", c.path, sound)
		}
		checkSchedule(t, c.path, s, 0, video, 1000)
		checkSchedule(t, c.path, s, 1, sound, 1000)
		for n := range uint64(c.pictures) {
			f, later := s.Frame(0, n), s.Frame(0, n+3*uint64(c.pictures))
			if later.Due != f.Due+3*c.duration || !bytes.Equal(later.Payload, f.Payload) || f.Key != (n%c.group == 0) || f.Group != n/c.group {
				t.Fatalf("%s: picture %d in the fourth loop: due %v, %v; key %v, group %d", c.path, n, f.Due, later.Due, f.Key, f.Group)
			}
			checkPicture(t, c.path, f)
		}
		for n := range uint64(500) {
			if a := s.Frame(1, n); len(a.Payload) == 0 || a.Due < 0 {
				t.Fatalf("%s: sound %d: %d bytes due %v", c.path, n, len(a.Payload), a.Due)
			}
		}
		again := open(t, c.path)
		if again.Bitrate() != s.Bitrate() || s.Bitrate() < 1000 {
			t.Errorf("%s: %f bit/s, then %f", c.path, s.Bitrate(), again.Bitrate())
		}
	}
}

// checkPicture: parameter sets come before every key frame and nowhere else, and
// what RTP drops is not there.
func checkPicture(t *testing.T, path string, f Frame) {
	t.Helper()
	nalus, err := loc.SplitNALUs(f.Payload)
	if err != nil {
		t.Fatal(err)
	}
	sets := 0
	for _, n := range nalus {
		switch n[0] & 0x1f {
		case 7, 8:
			sets++
		case 9, 12:
			t.Fatalf("%s: picture %d has a NAL unit of type %d", path, f.N, n[0]&0x1f)
		}
	}
	if f.Key != (sets == 2 && nalus[0][0]&0x1f == 7) {
		t.Fatalf("%s: picture %d has %d parameter sets", path, f.N, sets)
	}
}

// writeTS makes a transport stream of synthetic pictures, every second of them
// shown a frame later, and Opus or AAC, with times that wrap.
func writeTS(t testing.TB, sound mpegts.Track, skip int) []byte {
	t.Helper()
	s := mustProfile(t, "360p", Options{})
	video := &mpegts.Track{PID: 256, Codec: &codecs.H264{}}
	audio := &sound
	audio.PID = 257
	var out bytes.Buffer
	w := &mpegts.Writer{W: &out, Tracks: []*mpegts.Track{video, audio}}
	if err := w.Initialize(); err != nil {
		t.Fatal(err)
	}
	const wrap = 1 << 33
	for n := range uint64(200) {
		f := s.Frame(0, n+uint64(skip))
		nalus, err := loc.SplitNALUs(f.Payload)
		if err != nil {
			t.Fatal(err)
		}
		dts := int64(wrap - 100*3000 + n*3000)
		if err := w.WriteH264(video, (dts+3000+int64(n%2)*3000)%wrap, dts%wrap, nalus); err != nil {
			t.Fatal(err)
		}
		packet := s.Frame(1, n).Payload
		if _, isOpus := audio.Codec.(*codecs.Opus); isOpus {
			err = w.WriteOpus(audio, dts%wrap, [][]byte{packet})
		} else {
			err = w.WriteMPEG4Audio(audio, dts%wrap, [][]byte{packet})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func opusTrack() mpegts.Track {
	return mpegts.Track{Codec: &codecs.Opus{Desc: &substructs.OpusAudioDescriptor{ChannelConfigCode: 2}}}
}

func aacTrack() mpegts.Track {
	return mpegts.Track{Codec: &codecs.MPEG4Audio{Config: mpeg4audio.AudioSpecificConfig{
		Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 48000, ChannelConfig: 2, ChannelCount: 2,
	}}}
}

// TestTS: frames come out as they went in, from the first key frame on, over the
// wrap of the times.
func TestTS(t *testing.T) {
	made := mustProfile(t, "360p", Options{})
	for _, c := range []struct {
		name  string
		sound mpegts.Track
		codec string
		skip  int // pictures that are cut off before the beginning
	}{{"opus", opusTrack(), "opus", 0}, {"aac", aacTrack(), "mp4a.40.2", 0}, {"begins in a group", aacTrack(), "mp4a.40.2", 100}} {
		s, err := File("a.TS", bytes.NewReader(writeTS(t, c.sound, c.skip)))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if codec := s.Tracks()[1].Codec; codec != c.codec || s.Tracks()[1].Channels != 2 {
			t.Errorf("%s: %+v", c.name, s.Tracks()[1])
		}
		from := uint64(0)
		if c.skip > 0 {
			from = 150
		}
		for n := range uint64(140) {
			f := s.Frame(0, n)
			want := made.Frame(0, n+from)
			if !bytes.Equal(f.Payload, want.Payload) {
				t.Fatalf("%s: picture %d is another one", c.name, n)
			}
			// The first picture is shown one frame after it is decoded, others two.
			if d := f.Due - time.Duration(n+1)*time.Second/30; d < -20*time.Microsecond || d > 20*time.Microsecond {
				t.Fatalf("%s: picture %d is due at %v", c.name, n, f.Due)
			}
		}
		number, ok := Number(Audio, s.Frame(1, 0).Payload)
		if want := max(from, uint64(c.skip)) - uint64(c.skip) + 1; !ok || number != want || s.Slot(1, 0).Due != 0 {
			t.Errorf("%s: sound begins with %d, want %d", c.name, number, want)
		}
	}
}

func TestFileRefuses(t *testing.T) {
	ts := writeTS(t, opusTrack(), 0)
	for _, c := range []struct {
		name, path string
		b          []byte
	}{
		{"another kind of file", "a.mkv", nil},
		{"no name", "", nil},
		{"no MP4", "a.mp4", ts},
		{"nothing", "a.ts", nil},
		{"no transport stream", "a.ts", bytes.Repeat([]byte("text "), 1000)},
		{"too short", "a.ts", ts[:20*188]},
		{"without a key frame", "a.ts", writeTS(t, aacTrack(), 151)[:50*188*16]},
	} {
		if s, err := File(c.path, bytes.NewReader(c.b)); !errors.Is(err, ErrFile) {
			t.Errorf("%s: %T, %v", c.name, s, err)
		}
	}
}

// FuzzFile: whatever is in a file, it is refused or is a schedule like any other.
func FuzzFile(f *testing.F) {
	for _, path := range []string{"../../bridge/file/testdata/tiny.mp4", "../../bridge/file/testdata/opus.mp4", tinyTS} {
		b, err := os.ReadFile(filepath.FromSlash(path))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, filepath.Ext(path) == ".ts")
	}
	f.Fuzz(func(t *testing.T, b []byte, ts bool) {
		path := "a.mp4"
		if ts {
			path = "a.ts"
		}
		s, err := File(path, bytes.NewReader(b))
		if err != nil {
			return
		}
		for i, track := range s.Tracks() {
			var before Frame
			for n := range uint64(300) {
				f := s.Frame(i, n)
				if f.N != n || f.Due < 0 || n > 0 && f.Due <= before.Due || f.Size != len(f.Payload) || f.Size == 0 {
					t.Fatalf("frame %d: %v after %v, %d bytes", n, f.Due, before.Due, f.Size)
				}
				if n == 0 && !f.Key || n > 0 && f.Key != before.Last || n > 0 && f.Group-before.Group > 1 {
					t.Fatalf("frame %d: key %v, group %d after %d", n, f.Key, f.Group, before.Group)
				}
				if track.Kind == Video {
					if _, err := loc.SplitNALUs(f.Payload); err != nil {
						t.Fatal(err)
					}
				}
				before = f
			}
		}
	})
}
