package media

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"

	"moqedge/bridge/codec"
	"moqedge/moq/loc"
)

func mustProfile(t testing.TB, name string, o Options) Source {
	t.Helper()
	s, err := Profile(name, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestProfiles holds each profile against what the load profiles say.
func TestProfiles(t *testing.T) {
	video360 := 8 * (21_333 + 149*2_666) / 5.0
	const sound = 8 * 120 * 50.0
	for _, c := range []struct {
		name      string
		options   Options
		tracks    int
		track     int
		kind      Kind
		rate      float64
		group     int
		key, size int
		bitrate   float64
	}{
		{"audio", Options{}, 1, 0, Audio, 50, 50, 120, 120, sound},
		{"360p", Options{}, 2, 0, Video, 30, 150, 21_333, 2_666, video360 + sound},
		{"360p", Options{Sound: true}, 2, 1, Audio, 50, 50, 120, 120, video360 + sound},
		{"1080p", Options{}, 1, 0, Video, 30, 60, 64_000, 8_000, 8 * (64_000 + 59*8_000) / 2.0},
		{"1080p", Options{Sound: true}, 2, 1, Audio, 50, 50, 120, 120, 8*(64_000+59*8_000)/2.0 + sound},
		{"3mbps", Options{}, 1, 0, Video, 30, 30, 12_500, 12_500, 3e6},
		{"meeting", Options{}, 8, 6, Video, 30, 150, 21_333, 2_666, 4 * (video360 + sound)},
		{"meeting", Options{Clients: 10}, 20, 3, Audio, 50, 50, 120, 120, 10 * (video360 + sound)},
		{"chat", Options{}, 1000, 999, Data, 1, 1, 200, 200, 8 * 200 * 1000},
		{"chat", Options{Clients: 3}, 3, 0, Data, 1, 1, 200, 200, 8 * 200 * 3},
	} {
		s := mustProfile(t, c.name, c.options)
		if n := len(s.Tracks()); n != c.tracks {
			t.Errorf("%s: %d tracks", c.name, n)
			continue
		}
		track := s.Tracks()[c.track]
		if track.Kind != c.kind || track.Rate != c.rate || track.Group != c.group {
			t.Errorf("%s: %+v", c.name, track)
		}
		if math.Abs(s.Bitrate()-c.bitrate) > 1 {
			t.Errorf("%s: %.0f bit/s, want %.0f", c.name, s.Bitrate(), c.bitrate)
		}
		names := make(map[string]bool)
		for _, other := range s.Tracks() {
			names[other.Name] = true
		}
		if len(names) != c.tracks {
			t.Errorf("%s: %d different names", c.name, len(names))
		}
		for n := range uint64(320) {
			f := s.Frame(c.track, n)
			want := c.size
			if f.Key {
				want = c.key
			}
			if len(f.Payload) != want || f.Size != want {
				t.Fatalf("%s: frame %d has %d bytes, says %d, want %d", c.name, n, len(f.Payload), f.Size, want)
			}
			if got, ok := Number(track.Kind, f.Payload); !ok || got != n {
				t.Fatalf("%s: frame %d says %d, %v", c.name, n, got, ok)
			}
		}
	}
}

// TestSchedule: times ascend at the track's rate, groups follow each other, and a
// slot says the same as its frame.
func TestSchedule(t *testing.T) {
	for _, name := range Names() {
		s := mustProfile(t, name, Options{Seed: 3})
		for i, track := range s.Tracks()[:min(len(s.Tracks()), 8)] {
			checkSchedule(t, name, s, i, track, 1000)
		}
	}
}

// checkSchedule looks at the first frames of a track.
func checkSchedule(t *testing.T, name string, s Source, i int, track Track, count uint64) {
	t.Helper()
	var before Frame
	inGroup := 0
	for n := range count {
		f, slot := s.Frame(i, n), s.Slot(i, n)
		if slot.Payload != nil || slot.N != n || slot.Due != f.Due || slot.Group != f.Group || slot.Key != f.Key || slot.Last != f.Last || slot.Size != len(f.Payload) {
			t.Fatalf("%s %s: slot %+v of frame %d", name, track.Name, slot, n)
		}
		switch {
		case n == 0:
			if !f.Key || f.Group != 0 || f.Due < 0 {
				t.Fatalf("%s %s: begins with %+v", name, track.Name, slot)
			}
		case f.Due <= before.Due || f.Key != before.Last || f.Key != (f.Group == before.Group+1) || !f.Key && f.Group != before.Group:
			t.Fatalf("%s %s: %+v after %+v", name, track.Name, slot, before)
		}
		if f.Key {
			inGroup = 0
		}
		if inGroup++; track.Group > 0 && inGroup > track.Group || f.Last && f.Group > 0 && track.Group > 0 && inGroup != track.Group {
			t.Fatalf("%s %s: frame %d is number %d of its group", name, track.Name, n, inGroup)
		}
		before = slot
	}
	mean := before.Due.Seconds() / float64(count-1)
	if math.Abs(mean*track.Rate-1) > 0.01 {
		t.Errorf("%s %s: a frame every %.5f s, not %.2f per second", name, track.Name, mean, track.Rate)
	}
}

// TestAVC: pictures are H.264 for other implementations, of the size promised,
// and free of start codes.
func TestAVC(t *testing.T) {
	for _, c := range []struct {
		name          string
		width, height int
	}{{"360p", 640, 360}, {"3mbps", 1280, 720}, {"1080p", 1920, 1080}} {
		s := mustProfile(t, c.name, Options{Seed: 1})
		track := s.Tracks()[0]
		var sps h264.SPS
		for n := range uint64(200) {
			f := s.Frame(0, n)
			nalus, err := loc.SplitNALUs(f.Payload)
			if err != nil {
				t.Fatal(err)
			}
			types := []byte{1}
			if f.Key {
				types = []byte{7, 8, 5}
			}
			if len(nalus) != len(types) {
				t.Fatalf("%s: frame %d has %d NAL units", c.name, n, len(nalus))
			}
			for i, nalu := range nalus {
				if nalu[0]&0x9f != types[i] {
					t.Fatalf("%s: frame %d: NAL unit %d is of type %d", c.name, n, i, nalu[0]&0x1f)
				}
				for _, code := range [][]byte{{0, 0, 0}, {0, 0, 1}, {0, 0, 2}, {0, 0, 3}} {
					if bytes.Contains(nalu, code) {
						t.Fatalf("%s: frame %d has %v in it", c.name, n, code)
					}
				}
				if nalu[len(nalu)-1] == 0 {
					t.Fatalf("%s: frame %d ends with zero", c.name, n)
				}
			}
			checkSlice(t, nalus[len(nalus)-1], f, n%uint64(track.Group))
			if f.Key {
				if err := sps.Unmarshal(nalus[0]); err != nil {
					t.Fatal(err)
				}
			}
			// as RTP takes it: a byte stream
			var annexB h264.AnnexB
			stream, err := h264.AnnexB(nalus).Marshal()
			if err != nil || annexB.Unmarshal(stream) != nil || len(annexB) != len(nalus) {
				t.Fatalf("%s: frame %d as byte stream: %v", c.name, n, err)
			}
			for i := range nalus {
				if !bytes.Equal(annexB[i], nalus[i]) {
					t.Fatalf("%s: frame %d: NAL unit %d is another one in a byte stream", c.name, n, i)
				}
			}
		}
		if sps.Width() != c.width || sps.Height() != c.height || track.Width != c.width || track.Height != c.height {
			t.Errorf("%s: %d x %d", c.name, sps.Width(), sps.Height())
		}
		var sets codec.ParameterSets
		nalus, _ := loc.SplitNALUs(s.Frame(0, 0).Payload)
		if _, err := sets.Update(nalus[:2]); err != nil || !bytes.Equal(sets.AVCC(), track.Config) || sets.CodecString("avc1") != track.Codec {
			t.Errorf("%s: %v, %s", c.name, err, track.Codec)
		}
	}
}

// checkSlice reads a slice header (ITU-T H.264 §7.3.3) bit by bit.
func checkSlice(t *testing.T, nalu []byte, f Frame, place uint64) {
	t.Helper()
	at := 8
	bits := func(n int) (v uint64) {
		for range n {
			v = v<<1 | uint64(nalu[at/8]>>(7-at%8))&1
			at++
		}
		return v
	}
	ue := func() uint64 {
		zeros := 0
		for bits(1) == 0 {
			zeros++
		}
		return 1<<zeros - 1 + bits(zeros)
	}
	kind, frameNum := uint64(5), place%16
	if f.Key {
		kind, frameNum = 7, 0
	}
	if first, slice, pps, num := ue(), ue(), ue(), bits(4); first != 0 || slice != kind || pps != 0 || num != frameNum {
		t.Fatalf("frame %d: first macroblock %d, slice type %d, PPS %d, frame_num %d", f.N, first, slice, pps, num)
	}
	if f.Key && ue() != 0 {
		t.Fatalf("frame %d: idr_pic_id", f.N)
	}
	flags := 3
	if f.Key {
		flags = 2
	}
	if bits(flags) != 0 || ue() != 0 {
		t.Fatalf("frame %d: flags or slice_qp_delta", f.N)
	}
	if size := (at + 7) / 8; f.Key && size != idrHeader || !f.Key && size != sliceHeader {
		t.Fatalf("frame %d: header of %d bytes", f.N, size)
	}
}

func TestOpus(t *testing.T) {
	s := mustProfile(t, "audio", Options{})
	if d := opus.PacketDuration2(s.Frame(0, 5).Payload); d != 960 {
		t.Errorf("%d samples in a packet", d)
	}
}

// TestDeterministic: the same options give the same bytes, another seed, track or
// number others.
func TestDeterministic(t *testing.T) {
	for _, name := range Names() {
		a, b, other := mustProfile(t, name, Options{Seed: 7}), mustProfile(t, name, Options{Seed: 7}), mustProfile(t, name, Options{Seed: 8})
		for i := range min(len(a.Tracks()), 4) {
			for n := range uint64(100) {
				f := a.Frame(i, n)
				if !bytes.Equal(f.Payload, b.Frame(i, n).Payload) || f.Due != b.Slot(i, n).Due {
					t.Fatalf("%s: frame %d differs", name, n)
				}
				if bytes.Equal(f.Payload, other.Frame(i, n).Payload) {
					t.Fatalf("%s: frame %d is the same with another seed", name, n)
				}
			}
		}
		if n := len(a.Tracks()); n > 2 && bytes.Equal(a.Frame(0, 9).Payload, a.Frame(n-2, 9).Payload) {
			t.Errorf("%s: two tracks are the same", name)
		}
	}
}

// TestNumber: what is no frame has no number, and nothing panics.
func TestNumber(t *testing.T) {
	s := mustProfile(t, "360p", Options{})
	for _, n := range []uint64{0, 1, 127, 128, 1 << 20, maxN, math.MaxUint64} {
		for i, kind := range []Kind{Video, Audio} {
			payload := s.Frame(i, n).Payload
			if got, ok := Number(kind, payload); !ok || got != n {
				t.Errorf("%s %d says %d, %v", kind, n, got, ok)
			}
			for end := range min(len(payload), 60) {
				if _, ok := Number(kind, payload[:end]); ok && end < numberSize+1 {
					t.Errorf("%s %d: a number in %d bytes", kind, n, end)
				}
			}
		}
	}
	two := append(bytes.Clone(s.Frame(0, 1).Payload), s.Frame(0, 2).Payload...)
	if n, _ := Number(Video, two); n != 2 {
		t.Errorf("the last NAL unit says %d", n)
	}
	binary.BigEndian.PutUint32(two, 1<<31)
	if _, ok := Number(Video, two); ok {
		t.Error("a NAL unit longer than the payload")
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
	}{{"4k", Options{}}, {"", Options{}}, {"3mbps", Options{Clients: 2}}, {"chat", Options{Clients: -1}}, {"meeting", Options{Clients: maxClients + 1}}} {
		if s, err := Profile(c.name, c.o); err == nil {
			t.Errorf("%s %+v: %T", c.name, c.o, s)
		}
	}
	s := mustProfile(t, "360p", Options{Datagrams: true})
	if s.Tracks()[0].Datagrams || !s.Tracks()[1].Datagrams {
		t.Error("sound alone is sent as datagrams")
	}
}

func TestWanted(t *testing.T) {
	meeting := mustProfile(t, "meeting", Options{Clients: 3}).Tracks()
	for v := range 6 {
		wanted := Wanted(meeting, v, 6)
		if len(wanted) != 4 {
			t.Errorf("viewer %d watches %v", v, wanted)
		}
		for _, i := range wanted {
			if meeting[i].Client == v%3 {
				t.Errorf("viewer %d watches itself", v)
			}
		}
	}
	chat := mustProfile(t, "chat", Options{}).Tracks()
	for _, c := range []struct{ viewers, each int }{{1, 1}, {2, 2}, {7, 2}, {100, 2}} {
		seen := make([]int, len(chat))
		for v := range c.viewers {
			wanted := Wanted(chat, v, c.viewers)
			if want := c.each * len(chat) / c.viewers; len(wanted) < want-2 || len(wanted) > want+2 {
				t.Errorf("viewer %d of %d watches %d tracks", v, c.viewers, len(wanted))
			}
			for _, i := range wanted {
				seen[i]++
			}
		}
		for i, n := range seen {
			if n != c.each {
				t.Fatalf("%d viewers: %d watch track %d", c.viewers, n, i)
			}
		}
	}
	if got := Wanted(mustProfile(t, "360p", Options{}).Tracks(), 3, 9); len(got) != 2 {
		t.Errorf("a viewer of one publisher watches %v", got)
	}
}

// TestChatTimes: messages come at random times within their seconds, and tracks
// differ.
func TestChatTimes(t *testing.T) {
	s := mustProfile(t, "chat", Options{})
	var sum time.Duration
	const count = 5000
	for n := range uint64(count) {
		d := s.Slot(int(n%1000), n).Due - time.Duration(n)*time.Second
		if d < 0 || d >= time.Second {
			t.Fatalf("message %d is %v away from its second", n, d)
		}
		sum += d
	}
	if mean := sum / count; mean < 480*time.Millisecond || mean > 520*time.Millisecond {
		t.Errorf("messages come %v after the second on average", mean)
	}
}
