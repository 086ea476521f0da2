package bridge

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/loc"
	"moqedge/moq/wire"
)

// epoch is the start of the virtual clock in microseconds.
const epoch = 946684800 * second

// vp8Frame returns a VP8 frame of size bytes.
func vp8Frame(key bool, width, height, size int) []byte {
	b := make([]byte, size)
	b[0] = 0x11
	if key {
		copy(b, []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, byte(width), byte(width >> 8), byte(height), byte(height >> 8)})
	}
	return b
}

// startVideo publishes one H.264 track.
func startVideo(t *testing.T, c Config) (p *fakePublisher, h *Hub, b *Broadcast, v *VideoTrack) {
	t.Helper()
	p = newFakePublisher()
	h = NewHub(p, c)
	t.Cleanup(h.Close)
	b, err := h.Publish("cam1", Ingest{})
	if err != nil {
		t.Fatal(err)
	}
	if v, err = b.AddVideo(VideoConfig{Codec: H264}); err != nil {
		t.Fatal(err)
	}
	b.Ready()
	return p, h, b, v
}

func write(t *testing.T, v *VideoTrack, units ...VideoUnit) {
	t.Helper()
	for i, u := range units {
		if err := v.Write(u); err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
	}
}

func TestVideoObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, h, _, v := startVideo(t, Config{})
		at := func(ms int64) int64 { return epoch + ms*1000 }
		b := [][]byte{{0x01, 9}}
		write(t, v,
			VideoUnit{PTS: at(0), DTS: at(0), NALUs: delta()},                              // before the first key frame
			VideoUnit{PTS: at(40), DTS: at(40), Key: true, NALUs: [][]byte{{0x65, 1}}},     // no parameter sets
			VideoUnit{PTS: at(120), DTS: at(80), Key: true, NALUs: idr(sets360(t))},        // group 1
			VideoUnit{PTS: at(240), DTS: at(120), NALUs: delta()},                          // P
			VideoUnit{PTS: at(160), DTS: at(160), NALUs: b},                                // B
			VideoUnit{PTS: at(200), DTS: at(200), Key: true, NALUs: [][]byte{{0x41, 4}}},   // claims to be a key frame
			VideoUnit{PTS: at(280), DTS: at(240), Key: true, NALUs: idr(nil)},              // group 2, sets are cached
			VideoUnit{PTS: at(290), DTS: at(250), NALUs: append(sets360(t), []byte{6, 1})}, // no picture at all
			VideoUnit{PTS: at(320), DTS: at(280), NALUs: delta()},
		)
		if s := h.Names()[0]; s.Dropped != 2 {
			t.Errorf("%d dropped", s.Dropped)
		}
		first := uint64(epoch / 1000 / 100)
		want := []struct {
			at          wire.Location
			pts, dts    int64
			duration    uint32
			key         bool
			discardable bool
		}{
			{wire.Location{Group: first, Object: 0}, 120, 80, frameGuess, true, false},
			{wire.Location{Group: first, Object: 1}, 240, 120, 40000, false, false},
			{wire.Location{Group: first, Object: 2}, 160, 160, 40000, false, true},
			{wire.Location{Group: first, Object: 3}, 200, 200, 40000, false, false},
			{wire.Location{Group: first + 1, Object: 0}, 280, 240, 40000, true, false},
			{wire.Location{Group: first + 1, Object: 1}, 320, 280, 40000, false, false},
		}
		inLOC, inCMAF := p.take(t, "cam1.loc/video_360_avc"), p.take(t, "cam1.msf/video_360_avc")
		if len(inLOC) != len(want) || len(inCMAF) != len(want) {
			t.Fatalf("objects %v and %v", locations(inLOC), locations(inCMAF))
		}
		for i, w := range want {
			o, h := inLOC[i], header(t, inLOC[i])
			if o.Location() != w.at || o.Subgroup != 0 || o.Priority != priorityVideo || inCMAF[i].Location() != w.at {
				t.Errorf("object %d at %v and %v, want %v", i, o.Location(), inCMAF[i].Location(), w.at)
			}
			if old, _ := o.Properties.Uint(loc.PropTimestampOld); h.Timestamp != uint64(at(w.pts)) || old != h.Timestamp || h.Timescale != 0 {
				t.Errorf("object %d: %+v, old timestamp %d", i, h, old)
			}
			if h.Marking != loc.MarkFrame(w.key, w.discardable) || (h.VideoConfig != nil) != w.key {
				t.Errorf("object %d: %+v", i, h)
			}
			s := fragment(t, inCMAF[i])
			if s.DecodeTime != uint64(at(w.dts)) || int64(s.CompositionTimeOffset) != (w.pts-w.dts)*1000 || s.Dur != w.duration || s.IsSync() != w.key {
				t.Errorf("sample %d: %+v", i, s.Sample)
			}
			nalus, err := loc.SplitNALUs(o.Payload())
			if err != nil {
				t.Fatal(err)
			}
			if w.key {
				if len(nalus) != 3 || !bytes.Equal(nalus[0], unhex(t, sps360)) || !bytes.Equal(nalus[1], unhex(t, pps360)) || nalus[2][0] != 0x65 {
					t.Errorf("key frame %d: %x", i, nalus)
				}
				nalus = nalus[2:]
			}
			if !bytes.Equal(s.Data, loc.AppendNALUs(nil, nalus...)) {
				t.Errorf("sample %d is %x, LOC has %x", i, s.Data, nalus)
			}
		}
	})
}

func TestChangedPictureSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, _, v := startVideo(t, Config{})
		write(t, v, VideoUnit{PTS: epoch, DTS: epoch, Key: true, NALUs: idr(sets360(t))})
		old, group := p.lastCatalog(t, "cam1.msf")
		oldInit, err := old.Init(old.Tracks[0])
		if err != nil {
			t.Fatal(err)
		}
		write(t, v,
			VideoUnit{PTS: epoch + 40000, DTS: epoch + 40000, Key: true, NALUs: idr(sets360(t))},
			VideoUnit{PTS: epoch + 80000, DTS: epoch + 80000, Key: true, NALUs: idr(sets1080(t))},
		)
		c, newGroup := p.lastCatalog(t, "cam1.msf")
		init, err := c.Init(c.Tracks[0])
		if err != nil {
			t.Fatal(err)
		}
		if newGroup != group+1 || bytes.Equal(init, oldInit) || c.Tracks[0].InitRef == old.Tracks[0].InitRef {
			t.Errorf("catalog %d after %d, init %q after %q", newGroup, group, c.Tracks[0].InitRef, old.Tracks[0].InitRef)
		}
		if tr := c.Tracks[0]; tr.Name != "video_360_avc" || tr.Width != 1920 || tr.Height != 1080 || tr.Codec != "avc1.640028" || tr.Framerate != 25 {
			t.Errorf("track %+v", tr)
		}
		objects := p.take(t, "cam1.loc/video_360_avc")
		nalus, err := loc.SplitNALUs(objects[2].Payload())
		if err != nil || !bytes.Equal(nalus[0], unhex(t, sps1080)) {
			t.Errorf("%x, %v", nalus, err)
		}
		if h := header(t, objects[2]); h.VideoConfig[3] != 0x28 {
			t.Errorf("avcC %x", h.VideoConfig)
		}
	})
}

func TestVP8Objects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newFakePublisher()
		h := NewHub(p, Config{})
		defer h.Close()
		b, err := h.Publish("cam1", Ingest{})
		if err != nil {
			t.Fatal(err)
		}
		v, err := b.AddVideo(VideoConfig{Codec: VP8})
		if err != nil {
			t.Fatal(err)
		}
		b.Ready()
		write(t, v,
			VideoUnit{PTS: epoch, DTS: epoch, Frame: vp8Frame(false, 0, 0, 20)},
			VideoUnit{PTS: epoch, DTS: epoch, Key: true, Frame: vp8Frame(true, 640, 480, 30)},
			VideoUnit{PTS: epoch + 33000, DTS: epoch + 33000, Frame: vp8Frame(false, 0, 0, 20)},
			VideoUnit{PTS: epoch + 34000, DTS: epoch + 34000},
			VideoUnit{PTS: epoch + 66000, DTS: epoch + 66000, Key: true, Frame: vp8Frame(true, 320, 240, 30)},
		)
		inLOC, inCMAF := p.take(t, "cam1.loc/video_480_vp8"), p.take(t, "cam1.msf/video_480_vp8")
		if len(inLOC) != 3 || len(inCMAF) != 3 || inLOC[2].Group != inLOC[0].Group+1 {
			t.Fatalf("objects %v", locations(inLOC))
		}
		for i := range inLOC {
			if s := fragment(t, inCMAF[i]); !bytes.Equal(s.Data, inLOC[i].Payload()) || header(t, inLOC[i]).VideoConfig != nil {
				t.Errorf("object %d differs between packagings", i)
			}
		}
		if c, _ := p.lastCatalog(t, "cam1.msf"); c.Tracks[0].Width != 320 || c.Tracks[0].Name != "video_480_vp8" {
			t.Errorf("track %+v", c.Tracks[0])
		}
	})
}

func TestAudioObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newFakePublisher()
		h := NewHub(p, Config{})
		defer h.Close()
		b, err := h.Publish("cam1", Ingest{})
		if err != nil {
			t.Fatal(err)
		}
		a, err := b.AddAudio(AudioConfig{Codec: AAC, ASC: []byte{0x11, 0x90}})
		if err != nil {
			t.Fatal(err)
		}
		b.Ready()
		// Timestamps as an MPEG transport stream gives them: rounded to 1/90000 s.
		for i := range int64(120) {
			if err := a.Write(AudioUnit{PTS: epoch + i*1920*100/9, Frame: []byte{0x21, byte(i)}}); err != nil {
				t.Fatal(err)
			}
			if i%40 == 39 {
				p.track(t, "cam1.loc/audio_aac")
				p.track(t, "cam1.msf/audio_aac")
			}
		}
		inLOC, inCMAF := p.take(t, "cam1.loc/audio_aac"), p.take(t, "cam1.msf/audio_aac")
		if len(inLOC) != 120 || len(inCMAF) != 120 {
			t.Fatalf("%d and %d objects", len(inLOC), len(inCMAF))
		}
		var next uint64
		var perGroup []int
		for i, o := range inLOC {
			if o.ID == 0 {
				perGroup = append(perGroup, 0)
			}
			perGroup[len(perGroup)-1]++
			h := header(t, o)
			if (o.ID == 0) != bytes.Equal(h.AudioConfig, []byte{0x11, 0x90}) || h.Marking != 0 || o.Priority != priorityAudio {
				t.Errorf("object %v: %+v", o.Location(), h)
			}
			if want := uint64(epoch + int64(i)*1920*100/9); h.Timestamp != want {
				t.Errorf("object %v at %d, want %d", o.Location(), h.Timestamp, want)
			}
			s := fragment(t, inCMAF[i])
			if i > 0 && s.DecodeTime != next {
				t.Errorf("sample %d at %d, the one before ends at %d", i, s.DecodeTime, next)
			}
			next = s.DecodeTime + uint64(s.Dur)
			if s.Dur != 1024 || !bytes.Equal(s.Data, o.Payload()) || inCMAF[i].Location() != o.Location() {
				t.Errorf("sample %d: %+v", i, s.Sample)
			}
		}
		if len(perGroup) != 3 || perGroup[0] != 47 || perGroup[1] != 47 {
			t.Errorf("objects per group %v", perGroup)
		}
		if s := fragment(t, inCMAF[0]); s.DecodeTime != epoch/second*48000 {
			t.Errorf("first sample at %d", s.DecodeTime)
		}
	})
}

func TestUnreadableOpusIsDropped(t *testing.T) {
	h := NewHub(newFakePublisher(), Config{})
	defer h.Close()
	b, err := h.Publish("cam1", Ingest{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := b.AddAudio(AudioConfig{Codec: Opus, Channels: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, frame := range [][]byte{nil, {0xff}, {0x1b, 63}} {
		if err := a.Write(AudioUnit{PTS: epoch, Frame: frame}); err != nil {
			t.Error(err)
		}
	}
	if n := h.Names()[0].Dropped; n != 3 {
		t.Errorf("%d dropped", n)
	}
}

func TestTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, h, b, v := startVideo(t, Config{MaxObjectSize: 100})
		write(t, v, VideoUnit{PTS: epoch, DTS: epoch, Key: true, NALUs: idr(sets360(t))})
		err := v.Write(VideoUnit{PTS: epoch + 1, DTS: epoch + 1, NALUs: [][]byte{append([]byte{0x41}, make([]byte, 100)...)}})
		if !errors.Is(err, ErrTooLarge) {
			t.Fatalf("error %v", err)
		}
		<-b.Done()
		if !errors.Is(b.Err(), ErrTooLarge) {
			t.Errorf("reason %v", b.Err())
		}
		if err := v.Write(VideoUnit{NALUs: delta()}); !errors.Is(err, ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
		if n := len(p.take(t, "cam1.loc/video_360_avc")); n != 1 || h.Names()[0].Live {
			t.Errorf("%d objects, status %+v", n, h.Names())
		}
	})
}

// TestStreams: what a subscriber sees of a group is one stream of subgroup 0
// from the first object on, whose end is the end of the group.
func TestStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, b, v := startVideo(t, Config{})
		write(t, v,
			VideoUnit{PTS: epoch, DTS: epoch, Key: true, NALUs: idr(sets360(t))},
			VideoUnit{PTS: epoch + 40000, DTS: epoch + 40000, NALUs: delta()},
			VideoUnit{PTS: epoch + 80000, DTS: epoch + 80000, Key: true, NALUs: idr(nil)},
		)
		b.Close(nil)
		for _, c := range []struct {
			track      string
			properties bool
			groups     int
		}{{"cam1.loc/video_360_avc", true, 2}, {"cam1.msf/video_360_avc", false, 2}, {"cam1.msf/catalog", false, 1}} {
			feed := p.track(t, c.track).track.NewFeed(wire.Location{})
			n := 0
			for s, ok := feed.Subgroup(); ok; s, ok = feed.Subgroup() {
				n++
				first, _, _ := s.Next(0)
				_, state, _ := s.Next(100)
				if s.ID != 0 || s.HasProperties() != c.properties || !s.EndsGroup() || !s.StartsWith(first) || state != live.Finished {
					t.Errorf("%s: subgroup %+v, state %v", c.track, s, state)
				}
			}
			if n != c.groups {
				t.Errorf("%s: %d subgroups", c.track, n)
			}
		}
	})
}

// TestCallerKeepsItsSlices: what Write was given may be overwritten afterwards.
func TestCallerKeepsItsSlices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, _, v := startVideo(t, Config{})
		nalus := idr(sets360(t))
		write(t, v, VideoUnit{PTS: epoch, DTS: epoch, Key: true, NALUs: nalus})
		before := bytes.Clone(p.track(t, "cam1.loc/video_360_avc").objects[0].Payload())
		for _, n := range nalus {
			clear(n)
		}
		write(t, v, VideoUnit{PTS: epoch + 1000, DTS: epoch + 1000, Key: true, NALUs: [][]byte{{0x65, 1, 2, 3}}})
		objects := p.take(t, "cam1.loc/video_360_avc")
		if !bytes.Equal(objects[0].Payload(), before) || !bytes.Equal(objects[1].Payload(), before) {
			t.Error("objects changed with the caller's slices")
		}
	})
}

func TestMissingKeyFrameIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, h, b, v := startVideo(t, Config{})
		a, err := b.AddAudio(AudioConfig{Codec: Opus, Channels: 2})
		if err != nil {
			t.Fatal(err)
		}
		for range 60 { // 12 s without a key frame: the sound plays
			now := time.Now().UnixMicro()
			write(t, v, VideoUnit{PTS: now, DTS: now, NALUs: delta()})
			if err := a.Write(AudioUnit{PTS: now, Frame: []byte{0xfc, 1}}); err != nil {
				t.Fatal(err)
			}
			p.mu.Lock()
			if c := p.tracks["cam1.loc/audio_opus"]; c != nil {
				c.drain()
			}
			p.mu.Unlock()
			time.Sleep(200 * time.Millisecond)
		}
		if n := h.Names()[0].Dropped; n != 60 {
			t.Errorf("%d dropped", n)
		}
		if n := len(p.take(t, "cam1.loc/audio_opus")); n < 55 {
			t.Errorf("%d audio objects", n)
		}
	})
}
