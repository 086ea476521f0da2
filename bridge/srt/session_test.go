package srt

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"

	"moqedge/bridge"
	"moqedge/bridge/srt/ts"
)

const testEpoch = int64(1_800_000_000_000_000)

// pace plays a transport stream in virtual time: the bytes of every unit arrive
// when its decoding time has come, delay after capture.
type pace struct {
	d       *ts.Demuxer
	times   mpegts.TimeDecoder
	offset  int64 // arrival = stream time + offset
	set     bool
	arrival int64
	video   int64 // arrival of the first picture
}

func (p *pace) Program(pr ts.Program) error {
	var pids []uint16
	for _, s := range pr.Streams {
		pids = append(pids, s.PID)
	}
	p.d.Select(pids...)
	return nil
}

func (p *pace) Unit(u ts.Unit) error {
	at := p.times.Decode(u.DTS) * 100 / 9
	if !p.set || at+p.offset < p.arrival-backwards { // a second stream behind the first
		p.set, p.offset = true, p.arrival-at
	}
	p.arrival = max(p.arrival, at+p.offset)
	if u.PID == 256 && p.video == 0 {
		p.video = p.arrival
	}
	return nil
}

// play pushes a stream into a new session at the pace of its timestamps.
func play(t *testing.T, stream []byte, r *recording, l *lines) (*session, error) {
	t.Helper()
	s := newSession(r, l.logger(), func() {})
	p := &pace{arrival: testEpoch}
	p.d = ts.NewDemuxer(p)
	for len(stream) > 0 {
		n := min(1316, len(stream))
		if err := p.d.Push(stream[:n]); err != nil {
			t.Fatal(err)
		}
		r.arrived = p.video
		if err := s.push(stream[:n], p.arrival+120_000, 120_000); err != nil {
			return s, err
		}
		stream = stream[n:]
	}
	return s, s.finish()
}

// ascending fails unless the times of all tracks ascend and PTS is not below DTS.
func ascending(t *testing.T, r *recording) {
	t.Helper()
	for _, v := range r.video {
		for i, u := range v.units {
			if i > 0 && u.DTS <= v.units[i-1].DTS || u.PTS < u.DTS {
				t.Fatalf("picture %d: dts %d pts %d, before it dts %d", i, u.DTS, u.PTS, v.units[max(i-1, 0)].DTS)
			}
		}
	}
	for _, a := range r.audio {
		for i, u := range a.units {
			if i > 0 && u.PTS <= a.units[i-1].PTS {
				t.Fatalf("audio frame %d: pts %d after %d", i, u.PTS, a.units[i-1].PTS)
			}
		}
	}
}

func near(got, want, tolerance int64) bool { return got-want <= tolerance && want-got <= tolerance }

func TestPlays(t *testing.T) {
	opus := []string{"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30", "-c:a", "libopus"}
	bframes := []string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-g", "30", "-c:a", "aac", "-ac", "1"}
	wrap := []string{"-output_ts_offset", "95440"} // 2^33 / 90000 = 95443.7
	cases := []struct {
		name    string
		args    []string
		video   int // pictures
		audio   bridge.Codec
		chans   int
		reorder bool
	}{
		{"H.264 and AAC", join(sources, []string{"-t", "6"}, encodings), 180, bridge.AAC, 1, false},
		{"H.264 and Opus", join(sources, []string{"-t", "6"}, opus, []string{"-ac", "2"}), 180, bridge.Opus, 2, false},
		{"B-frames", join(sources, []string{"-t", "6"}, bframes), 180, bridge.AAC, 1, true},
		{"timestamps wrap", join(sources, []string{"-t", "8"}, encodings, wrap), 240, bridge.AAC, 1, false},
		{"audio alone", []string{"-f", "lavfi", "-i", testTone, "-t", "6", "-c:a", "aac"}, 0, bridge.AAC, 1, false},
		{"video alone", join([]string{"-f", "lavfi", "-i", testVideo, "-t", "6"}, encodings), 180, 0, 0, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, l := &recording{}, &lines{}
			s, err := play(t, makeTS(t, c.args...), r, l)
			if err != nil {
				t.Fatal(err)
			}
			ascending(t, r)
			l.want(t, 1, "programme plays")
			l.want(t, 0, "WARN")
			if r.readies != 1 || s.resyncs != 0 {
				t.Errorf("ready %d times, %d resyncs", r.readies, s.resyncs)
			}
			if c.video > 0 {
				if len(r.video) != 1 || !near(int64(len(r.video[0].units)), int64(c.video), 1) || len(r.video[0].config.ParameterSets) < 2 {
					t.Fatalf("video %+v", r.video)
				}
				units := r.video[0].units
				reordered := false
				for i, u := range units {
					if u.Key != (i%30 == 0) {
						t.Errorf("picture %d: key %v", i, u.Key)
					}
					if i > 0 && !near(u.DTS-units[i-1].DTS, 33333, 400) {
						t.Errorf("picture %d is %d us after the one before", i, u.DTS-units[i-1].DTS)
					}
					reordered = reordered || u.PTS != u.DTS
				}
				if reordered != c.reorder {
					t.Errorf("PTS differs from DTS: %v", reordered)
				}
			}
			if c.audio != 0 {
				if len(r.audio) != 1 || r.audio[0].config.Codec != c.audio || r.audio[0].config.Channels != c.chans || r.audio[0].config.SampleRate != 48000 {
					t.Fatalf("audio %+v", r.audio)
				}
				step := int64(21333)
				if c.audio == bridge.Opus {
					step = 20000
				}
				units := r.audio[0].units
				for i, u := range units[1:] {
					if !near(u.PTS-units[i].PTS, step, 400) {
						t.Errorf("audio frame %d is %d us after the one before", i+1, u.PTS-units[i].PTS)
					}
				}
			}
			if c.video > 0 && c.audio != 0 {
				// Both start at stream time 0 up to encoder priming; the
				// multiplexer sends audio up to 0.7 s behind.
				if v, a := r.video[0].units[0].PTS, r.audio[0].units[0].PTS; !near(v, a, 70_000) {
					t.Errorf("audio starts %d us after video", a-v)
				}
			}
		})
	}
}

// How the multiplexer offsets its timestamps, bundles audio and reorders
// pictures must not move the mapping away from capture.
func TestCaptureTime(t *testing.T) {
	cases := []struct {
		name string
		args []string
		off  int64 // of the first picture's PTS to its arrival less hold, at most
	}{
		{"defaults", nil, 1000},
		{"no mux delay", []string{"-muxdelay", "0", "-muxpreload", "0"}, 1000},
		{"one audio frame per packet", []string{"-pes_payload_size", "0"}, 1000},
		{"large offset", []string{"-output_ts_offset", "5000"}, 1000},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, l := &recording{}, &lines{}
			if _, err := play(t, makeTS(t, join(sources, []string{"-t", "4"}, encodings, c.args)...), r, l); err != nil {
				t.Fatal(err)
			}
			if first := r.video[0].units[0].PTS; !near(first, r.arrived, c.off) {
				t.Errorf("the first picture is mapped to %d us after its capture", first-r.arrived)
			}
		})
	}
}

func TestLeftOut(t *testing.T) {
	second := []string{"-f", "lavfi", "-i", testVideo, "-f", "lavfi", "-i", testTone}
	cases := []struct {
		name         string
		args         []string
		video, audio int // tracks
		warnings     []string
	}{
		{"MPEG-2 video", join(sources, []string{"-t", "2", "-c:v", "mpeg2video", "-c:a", "aac"}), 0, 1, []string{"MPEG-2 video"}},
		{"MP2 audio", join(sources, []string{"-t", "2", "-c:a", "mp2"}, encodings[:len(encodings)-2]), 1, 0, []string{"MPEG audio"}},
		{"H.265 and AC-3", join(sources, []string{"-t", "1", "-c:v", "libx265", "-x265-params", "log-level=error", "-c:a", "ac3"}), 0, 0, []string{"H.265 video", "AC-3 audio"}},
		{"5.1 Opus", join(sources, []string{"-t", "2"}, encodings[:len(encodings)-2], []string{"-c:a", "libopus", "-ac", "6"}), 1, 0, []string{"mono and stereo Opus"}},
		{"two programmes", join(sources, second, []string{"-t", "2", "-map", "0", "-map", "1", "-map", "2", "-map", "3"}, encodings,
			[]string{"-program", "program_num=7:st=0:st=1", "-program", "program_num=9:st=2:st=3"}), 1, 1, []string{"programme 9 (H.264 video, AAC audio)"}},
		{"two audio tracks", join(sources, second, []string{"-t", "2", "-map", "0", "-map", "1", "-map", "3"}, encodings), 1, 2, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, l := &recording{}, &lines{}
			s, err := play(t, makeTS(t, c.args...), r, l)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.video) != c.video || len(r.audio) != c.audio {
				t.Errorf("%d video and %d audio tracks, want %d and %d", len(r.video), len(r.audio), c.video, c.audio)
			}
			video, audio := r.counts()
			if c.video > 0 && video < 58 || c.audio > 0 && audio < 80 {
				t.Errorf("%d pictures, %d audio frames", video, audio)
			}
			l.want(t, len(c.warnings), "WARN")
			for _, w := range c.warnings {
				l.want(t, 1, "left out of the publication", w)
			}
			if s.playing != (c.video+c.audio > 0) {
				t.Errorf("playing %v", s.playing)
			}
		})
	}
}

// What breaks in the stream does not break the publication.
func TestBroken(t *testing.T) {
	small := makeTS(t, join(sources, []string{"-t", "3"}, encodings)...)
	large := makeTS(t, join([]string{"-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30", "-f", "lavfi", "-i", testTone, "-t", "3"}, encodings)...)
	rng := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 5000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	half := len(small) / 2 / 188 * 188
	holes := bytes.Clone(small)
	for i := 188 * 150; i+188 < len(holes); i += 188 * 97 { // one packet in 97, behind the first key frame
		copy(holes[i:i+188], noise)
	}
	cases := []struct {
		name    string
		stream  []byte
		video   int // at least
		resyncs int
		line    []string
	}{
		{"resolution changes", join3(small, large), 175, 1, []string{"WARN", "timestamps of the stream jumped"}},
		{"the end in mid-packet", small[:half+77], 30, 0, []string{"WARN", "transport stream is damaged", "skippedBytes=77"}},
		{"noise in the middle", join3(small[:half], noise, small[half:]), 80, 0, []string{"WARN", "transport stream is damaged"}},
		{"noise before", join3(noise, small), 88, 0, []string{"WARN", "transport stream is damaged"}},
		{"holes everywhere", holes, 20, 0, []string{"WARN", "transport stream is damaged"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, l := &recording{}, &lines{}
			s, err := play(t, c.stream, r, l)
			if err != nil {
				t.Fatal(err)
			}
			ascending(t, r)
			if video, _ := r.counts(); video < c.video || len(r.video) != 1 || len(r.audio) != 1 {
				t.Errorf("%d pictures, %d video and %d audio tracks", video, len(r.video), len(r.audio))
			}
			if s.resyncs != c.resyncs {
				t.Errorf("%d resyncs", s.resyncs)
			}
			if l.count(c.line...) == 0 {
				t.Errorf("no line with %q in:\n%s", c.line, l)
			}
			if c.name == "resolution changes" && len(r.video[0].sets) != 2 {
				t.Errorf("%d different SPS", len(r.video[0].sets))
			}
		})
	}
}

func join3(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestAudioFormatChange(t *testing.T) {
	one := makeTS(t, "-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", "2", "-c:a", "aac")
	two := makeTS(t, "-f", "lavfi", "-i", "sine=sample_rate=44100", "-t", "2", "-c:a", "aac", "-ac", "2")
	if _, err := play(t, join3(one, two), &recording{}, &lines{}); !errors.Is(err, errAudioChanged) {
		t.Fatalf("error %v", err)
	}
}

func TestBridgeErrors(t *testing.T) {
	stream := makeTS(t, join(sources, []string{"-t", "2"}, encodings)...)
	l := &lines{}
	if _, err := play(t, stream, &recording{refuseAll: bridge.ErrUnsupported}, l); err != nil {
		t.Errorf("unsupported tracks end the publication: %v", err)
	}
	l.want(t, 1, "left out", "H.264 video", "not supported")
	l.want(t, 1, "left out", "AAC audio", "not supported")
	if _, err := play(t, stream, &recording{refuseAll: bridge.ErrClosed}, &lines{}); !errors.Is(err, bridge.ErrClosed) {
		t.Errorf("a closed broadcast gives %v", err)
	}
	if _, err := play(t, stream, &recording{failWrite: bridge.ErrTooLarge}, &lines{}); !errors.Is(err, bridge.ErrTooLarge) {
		t.Errorf("a refused write gives %v", err)
	}
}

func TestNoKeyFrames(t *testing.T) {
	r, l := &recording{}, &lines{}
	stream := makeTS(t, "-f", "lavfi", "-i", testVideo, "-t", "14", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "100000")
	if _, err := play(t, stream, r, l); err != nil {
		t.Fatal(err)
	}
	l.want(t, 1, "no H.264 key frame")
}

func FuzzSession(f *testing.F) {
	stream := makeTS(f, "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=5", "-f", "lavfi", "-i", "sine=sample_rate=8000", "-t", "0.5",
		"-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")
	f.Add(stream)
	f.Add(stream[:len(stream)/2+3])
	f.Fuzz(func(t *testing.T, stream []byte) {
		r, l := &recording{}, &lines{}
		s := newSession(r, l.logger(), func() {})
		for at := testEpoch; len(stream) > 0; at += 30_000 {
			n := min(1316, len(stream))
			if s.push(stream[:n], at, 1000) != nil {
				return
			}
			stream = stream[n:]
		}
		if s.finish() == nil {
			ascending(t, r)
		}
		if n := l.count("WARN"); n > 40 {
			t.Fatalf("%d warnings", n)
		}
	})
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte{0xff, 0xf1, 0x4c, 0x80, 0x01, 0x3f, 0xfc, 1, 2, 0xff, 0xf1}, 3)
	f.Add([]byte{0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x65, 3, 0, 0}, 1)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		if p, ok := parsePicture(b); ok {
			for _, n := range p.nalus {
				if len(n) == 0 || bytes.Contains(n, []byte{0, 0, 1}) {
					t.Fatalf("NAL unit %x", n)
				}
			}
		}
		cut = min(max(cut, 0), len(b))
		var whole, parts adts
		want := whole.frames(bytes.Clone(b))
		var got [][]byte
		for _, piece := range [][]byte{b[:cut], b[cut:]} {
			for _, frame := range parts.frames(piece) {
				got = append(got, bytes.Clone(frame.data))
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d frames in pieces, %d in one", len(got), len(want))
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i].data) {
				t.Fatalf("frame %d differs", i)
			}
		}
	})
}
